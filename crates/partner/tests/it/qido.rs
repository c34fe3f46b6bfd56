//! QIDO-RS against a scripted server: PS3.18 §10.6, AC6.2.

use std::time::Duration;

use partner::{FoundInstance, PartnerError};

use crate::http_peer::{HttpPeer, Reply, Request};
use crate::objects::{SC, SERIES, STUDY, list, partner, uid, web};

fn row(number: usize) -> String {
    format!(
        r#"{{"00080016":{{"vr":"UI","Value":["{SC}"]}},"00080018":{{"vr":"UI","Value":["{}"]}},
        "0020000D":{{"vr":"UI","Value":["{STUDY}"]}},"0020000E":{{"vr":"UI","Value":["{SERIES}"]}},
        "00080020":{{"vr":"DA"}},"00081115":{{"vr":"SQ","Value":[{{}}]}}}}"#,
        uid(number)
    )
}

fn rows(numbers: std::ops::Range<usize>) -> String {
    format!("[{}]", numbers.map(row).collect::<Vec<_>>().join(","))
}

fn parameter(request: &Request, name: &str) -> usize {
    let (_, query) = request.line.split_once('?').unwrap();
    query.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}="))).unwrap().parse().unwrap()
}

#[tokio::test]
async fn studies_are_listed_with_series_and_classes() {
    let peer = HttpPeer::start(|request| match request.line.split_once('?').unwrap().0 {
        "GET /dicom-web/studies/2.25.1000/instances" if parameter(request, "offset") == 0 => {
            Reply::json("200 OK", &rows(0..2))
        }
        "GET /dicom-web/studies/2.25.1000/instances" => Reply::json("200 OK", "[]"),
        _ => Reply::new("204 No Content", "", ""),
    })
    .await;
    let (listed, listings) = list(&web(peer.port, ""), &[STUDY, "2.25.7"]).await;
    listed.unwrap();
    let found = |number| FoundInstance {
        series: SERIES.to_owned(),
        sop_class: Some(SC.to_owned()),
        sop_instance: uid(number),
        content: None,
    };
    assert_eq!(listings[0].instances, [found(0), found(1)]);
    assert_eq!((listings[1].study.as_str(), listings[1].instances.len()), ("2.25.7", 0));
    assert!(peer.lines()[0].contains("includefield=00080016"));
}

/// Servers that give fewer rows than asked for, and servers that know no offset.
#[tokio::test]
async fn every_page_is_read_whatever_the_servers_habits() {
    for (cap, knows_offset) in [(500, true), (7, true), (500, false), (10_000, false)] {
        let peer = HttpPeer::start(move |request| {
            let from = if knows_offset { parameter(request, "offset") } else { 0 };
            let until = (from + cap.min(parameter(request, "limit"))).min(1100);
            let until = if knows_offset { until } else { 400 };
            Reply::json("200 OK", &rows(from.min(until)..until))
        })
        .await;
        let (listed, listings) = list(&web(peer.port, ""), &[STUDY]).await;
        listed.unwrap();
        assert_eq!(listings[0].instances.len(), if knows_offset { 1100 } else { 400 });
        assert!(!listings[0].cut);
    }
}

#[tokio::test]
async fn a_listing_is_bounded_and_says_so() {
    let peer = HttpPeer::start(|request| {
        let from = parameter(request, "offset");
        Reply::json("200 OK", &rows(from..from + parameter(request, "limit")))
    })
    .await;
    let url = format!("http://127.0.0.1:{}/dicom-web", peer.port);
    let lab =
        partner(&format!("[transport.dicomweb]\nstow_url = '{url}'\n[results]\nstudy_instances = 1200"));
    let (listed, listings) = list(&lab, &[STUDY]).await;
    listed.unwrap();
    assert!(listings[0].cut);
    assert_eq!(listings[0].instances.len(), 1200);
}

#[tokio::test]
async fn rows_that_are_not_ours_are_ignored() {
    let peer = HttpPeer::start(|_| {
        let foreign = row(1).replace(STUDY, "2.25.666");
        let path = row(2).replace(&uid(2), "../../etc/passwd");
        Reply::json("200 OK", &format!("[{foreign},{path},{{}},{}]", row(3)))
    })
    .await;
    let (listed, listings) = list(&web(peer.port, ""), &[STUDY]).await;
    listed.unwrap();
    assert_eq!(listings[0].instances.len(), 1);
    assert_eq!(listings[0].instances[0].sop_instance, uid(3));
    assert!(listings[0].ignored >= 3);
}

#[tokio::test]
async fn a_wrong_url_does_not_look_like_an_empty_study() {
    let peer = HttpPeer::start(|_| Reply::new("404 Not Found", "", "")).await;
    let (listed, listings) = list(&web(peer.port, ""), &[STUDY]).await;
    assert!(matches!(listed, Err(PartnerError::Configuration { .. })), "{listed:?}");
    assert!(listings.is_empty());
    // but a server may say 404 of a study that it does not have
    let peer = HttpPeer::start(|request| match request.line.contains("/instances?") {
        true => Reply::new("404 Not Found", "", ""),
        false => Reply::json("200 OK", "[]"),
    })
    .await;
    let (listed, listings) = list(&web(peer.port, ""), &[STUDY]).await;
    listed.unwrap();
    assert!(listings[0].instances.is_empty());
}

#[tokio::test]
async fn busy_and_nonsense_are_told_apart() {
    let date = "date: Fri, 31 Dec 1999 23:59:00 GMT\r\nretry-after: Fri, 31 Dec 1999 23:59:59 GMT\r\n";
    let peer = HttpPeer::start(move |_| Reply::new("503 Service Unavailable", date, "")).await;
    let (listed, _) = list(&web(peer.port, ""), &[STUDY]).await;
    let Err(PartnerError::Transient { retry_after, .. }) = listed else { panic!("{listed:?}") };
    assert_eq!(retry_after, Some(Duration::from_secs(59)));
    for body in ["<html>", "{}", "[1]", "[{\"00080018\":7}]"] {
        let peer = HttpPeer::start(move |_| Reply::json("200 OK", body)).await;
        let (listed, _) = list(&web(peer.port, ""), &[STUDY]).await;
        assert!(matches!(listed, Err(PartnerError::Permanent { .. })), "{body}");
    }
    // an endless page
    let peer = HttpPeer::start(|_| Reply {
        bytes: b"HTTP/1.1 200 OK\r\n\r\n".to_vec(),
        zeros: 1 << 40,
        ..Reply::default()
    })
    .await;
    let (listed, _) = list(&web(peer.port, ""), &[STUDY]).await;
    assert!(matches!(listed, Err(PartnerError::Permanent { .. })));
}

#[tokio::test]
async fn illegal_uids_never_become_urls() {
    let peer = HttpPeer::start(|_| Reply::json("200 OK", "[]")).await;
    let (listed, _) = list(&web(peer.port, ""), &["../instances"]).await;
    assert!(listed.is_err());
    assert!(peer.requests().is_empty());
}
