//! WADO-RS against a scripted server: PS3.18 §10.4, AC7.1, AC7.2, AC7.4.

use std::sync::Arc;

use dicom_node::status::StoreFailure;
use partner::{Fetched, PartnerError, Refusal};

use crate::http_peer::{HttpPeer, Reply};
use crate::objects::{EXPLICIT, Kept, SC, SERIES, STUDY, data_set, fetch, file, partner, uid, wanted, web};

const TYPE: &str = "content-type: multipart/related; type=\"application/dicom\"; boundary=\"xX\"\r\n";

fn message(files: &[Vec<u8>]) -> Vec<u8> {
    let mut message = Vec::new();
    for file in files {
        message
            .extend_from_slice(b"\r\n--xX\r\nContent-Type: application/dicom\r\nContent-Length: 1\r\n\r\n");
        message.extend_from_slice(file);
    }
    message.extend_from_slice(b"\r\n--xX--");
    message
}

fn files(numbers: impl IntoIterator<Item = usize>) -> Reply {
    Reply::new("200 OK", TYPE, message(&numbers.into_iter().map(file).collect::<Vec<_>>()))
}

#[tokio::test]
async fn instances_are_fetched_one_by_one_or_as_a_series() {
    for whole in [false, true] {
        let peer = HttpPeer::start(|request| {
            let number =
                request.line.split_once("/instances/").map(|(_, uid)| uid[5..].parse::<usize>().unwrap());
            match number {
                Some(3002) => Reply::new("404 Not Found", "", ""),
                Some(number) => files([number - 3000]),
                None => files([0, 1]),
            }
        })
        .await;
        let kept = Arc::new(Kept::default());
        let (fetched, answers) = fetch(&web(peer.port, ""), &wanted(0..3, whole), &kept).await;
        let report = fetched.unwrap();
        assert_eq!((report.stored, report.unasked), (2, 0));
        assert_eq!(
            answers,
            [(uid(0), Fetched::Stored), (uid(1), Fetched::Stored), (uid(2), Fetched::Missing)]
        );
        let (announced, bytes) = kept.stored.lock().unwrap()[&uid(1)].clone();
        assert_eq!(bytes, data_set(1));
        assert_eq!(
            [announced.study.as_str(), &announced.series, &announced.sop_class, &announced.transfer_syntax],
            [STUDY, SERIES, SC, EXPLICIT]
        );
        let requests = peer.requests();
        assert_eq!(
            requests[0].header("accept"),
            "multipart/related; type=\"application/dicom\"; transfer-syntax=*"
        );
        assert_eq!(requests.len(), if whole { 1 } else { 3 });
    }
}

/// AC6.4, AC7.2: what was not asked for, of another class, too long, or no DICOM file.
#[tokio::test]
async fn only_what_was_asked_for_and_allowed_reaches_the_receiver() {
    let peer = HttpPeer::start(|request| match request.line.rsplit_once('.').unwrap().1 {
        "3000" => files([7]),
        "3001" => {
            let ct = String::from_utf8_lossy(&file(1)[..400]).contains(SC);
            assert!(ct);
            let mut other = file(1);
            let at = other.windows(SC.len()).position(|window| window == SC.as_bytes()).unwrap();
            other[at + SC.len() - 1] = b'9'; // hanging protocol and the like
            Reply::new("200 OK", TYPE, message(&[other]))
        }
        "3002" => Reply::new("200 OK", TYPE, message(&[b"MZ this is a program".to_vec()])),
        "3003" => Reply::new("200 OK", TYPE, message(&[data_set(3)])),
        "3004" => {
            Reply::new("200 OK", TYPE, b"--xX\r\nContent-Type: text/html\r\n\r\n<html>\r\n--xX--".as_slice())
        }
        number => files([number.parse::<usize>().unwrap() - 3000]),
    })
    .await;
    let kept = Arc::new(Kept::default());
    let (fetched, answers) = fetch(&web(peer.port, ""), &wanted(0..6, false), &kept).await;
    assert_eq!(fetched.unwrap().unasked, 2);
    assert_eq!(
        answers,
        [
            (uid(0), Fetched::Missing),
            (uid(1), Fetched::Refused(Refusal::ClassNotAllowed)),
            (uid(2), Fetched::Refused(Refusal::Unreadable)),
            (uid(3), Fetched::Refused(Refusal::Unreadable)),
            (uid(4), Fetched::Missing),
            (uid(5), Fetched::Stored),
        ]
    );
    assert_eq!(kept.stored.lock().unwrap().keys().collect::<Vec<_>>(), [&uid(5)]);
}

#[tokio::test]
async fn sizes_are_limited_per_instance_and_per_fetch() {
    let peer = HttpPeer::start(|request| match request.line.rsplit_once('.').unwrap().1 {
        "3000" => {
            let mut head = b"HTTP/1.1 200 OK\r\n".to_vec();
            head.extend_from_slice(TYPE.as_bytes());
            head.extend_from_slice(b"\r\n--xX\r\nContent-Type: application/dicom\r\n\r\n");
            head.extend_from_slice(&file(0));
            Reply { bytes: head, zeros: 1 << 40, ..Reply::default() }
        }
        "3001" => Reply {
            bytes: format!("HTTP/1.1 200 OK\r\n{TYPE}content-length: 99999999999\r\n\r\n").into(),
            close: true,
            ..Reply::default()
        },
        number => files([number.parse::<usize>().unwrap() - 3000]),
    })
    .await;
    let url = format!("http://127.0.0.1:{}/", peer.port);
    let limit = data_set(2).len();
    let lab = partner(&format!(
        "[transport.dicomweb]\nstow_url = '{url}'\n[results]\ninstance_bytes = {limit}\nfetch_bytes = {}",
        3 * limit + 500_000
    ));
    let kept = Arc::new(Kept::default());
    let (fetched, answers) = fetch(&lab, &wanted([0, 1, 2], false), &kept).await;
    fetched.unwrap();
    let too_large = Fetched::Refused(Refusal::TooLarge);
    assert_eq!(answers, [(uid(0), too_large), (uid(1), too_large), (uid(2), Fetched::Stored)]);
    assert_eq!(*kept.aborted.lock().unwrap(), 1);
    let lab =
        partner(&format!("[transport.dicomweb]\nstow_url = '{url}'\n[results]\nfetch_bytes = {}", 2 * limit));
    let (fetched, answers) = fetch(&lab, &wanted([2, 3, 4], false), &Arc::default()).await;
    fetched.unwrap();
    assert_eq!(answers, [(uid(2), Fetched::Stored), (uid(3), Fetched::Stored), (uid(4), too_large)]);
}

/// AC7.4: what was whole before the cut is there, the rest is asked for again.
#[tokio::test]
async fn a_cut_answer_keeps_what_was_whole_and_nothing_half() {
    let whole = message(&[file(0), file(1), file(2)]);
    for cut in [1, 40, 60, file(0).len(), whole.len() / 2, whole.len() - 9, whole.len() - 1] {
        let bytes = [format!("HTTP/1.1 200 OK\r\n{TYPE}\r\n").as_bytes(), &whole[..cut]].concat();
        let peer =
            HttpPeer::start(move |_| Reply { bytes: bytes.clone(), close: true, ..Reply::default() }).await;
        let kept = Arc::new(Kept::default());
        let (fetched, answers) = fetch(&web(peer.port, ""), &wanted(0..3, true), &kept).await;
        assert!(matches!(fetched, Err(PartnerError::Transient { .. })), "{cut}: {fetched:?}");
        for (stored, fetched) in &answers {
            assert_eq!(*fetched, Fetched::Stored);
            assert!(kept.stored.lock().unwrap().contains_key(stored));
        }
        assert_eq!(answers.len(), kept.stored.lock().unwrap().len());
        assert!(kept.stored.lock().unwrap().values().all(|(announced, bytes)| {
            (0..3).any(|number| announced.sop_instance == uid(number) && *bytes == data_set(number))
        }));
    }
}

#[tokio::test]
async fn hostile_answers_end_with_an_error() {
    let huge = format!("--xX\r\nA: {}\r\n\r\n", "a".repeat(1 << 20));
    let flood = "--xX\r\nContent-Type: text/plain\r\n\r\nspam\r\n".repeat(5000);
    for (head, body) in [
        ("content-type: text/html\r\n", "<html>".to_owned()),
        ("", String::new()),
        ("content-type: multipart/related; type=\"application/dicom\"\r\n", String::new()),
        (TYPE, huge),
        (TYPE, "no part at all".repeat(10_000)),
        (TYPE, flood),
    ] {
        let peer = HttpPeer::start(move |_| Reply::new("200 OK", head, &body)).await;
        let (fetched, _) = fetch(&web(peer.port, ""), &wanted(0..1, true), &Arc::default()).await;
        assert!(matches!(fetched, Err(PartnerError::Permanent { .. })), "{head}: {fetched:?}");
    }
}

#[tokio::test]
async fn what_our_receiver_does_not_take_is_said_of_each_instance() {
    let peer = HttpPeer::start(|_| files([0, 1])).await;
    let kept = Arc::new(Kept { fail: Some(StoreFailure::OutOfResources), ..Kept::default() });
    let (fetched, answers) = fetch(&web(peer.port, ""), &wanted(0..2, true), &kept).await;
    assert_eq!(fetched.unwrap().stored, 0);
    let refused = Fetched::Refused(Refusal::Local(StoreFailure::OutOfResources));
    assert_eq!(answers, [(uid(0), refused), (uid(1), refused)]);
}
