//! STOW-RS against a scripted server: PS3.18 §10.5, AC3.3, AC3.4.

use std::sync::Arc;
use std::time::Duration;

use partner::{Outcome, PartnerError, Reason};

use crate::http_peer::{HttpPeer, Reply, Request};
use crate::objects::{ACK, Receiver, Source, all_acknowledged, batch, file, send, uid, wanted, web};

/// The UIDs in the file meta information of the parts of a request.
fn uids(request: &Request) -> Vec<String> {
    let uid = |(_, file): (String, Vec<u8>)| {
        dicom_stream::FileStart::read(&file).unwrap().meta.unwrap().media_storage_sop_instance_uid
    };
    request.parts().into_iter().map(uid).collect()
}

fn item(uid: &str, more: &str) -> String {
    format!(r#"{{"00081155":{{"vr":"UI","Value":["{uid}"]}}{more}}}"#)
}

/// An answer module with what is stored and what failed.
fn module(stored: &[String], failed: &[(String, u16)]) -> String {
    let stored: Vec<String> = stored.iter().map(|uid| item(uid, "")).collect();
    let failure = |reason: &u16| format!(r#","00081197":{{"vr":"US","Value":[{reason}]}}"#);
    let failed: Vec<String> = failed.iter().map(|(uid, reason)| item(uid, &failure(reason))).collect();
    format!(
        r#"{{"00081199":{{"vr":"SQ","Value":[{}]}},"00081198":{{"vr":"SQ","Value":[{}]}}}}"#,
        stored.join(","),
        failed.join(",")
    )
}

#[tokio::test]
async fn instances_go_as_dicom_files_in_multipart_requests() {
    let peer = HttpPeer::start(|request| Reply::json("200 OK", &module(&uids(request), &[]))).await;
    let lab = web(peer.port, "token = { env = 'T' }\nconnections = 1\nrequest_instances = 2");
    let (sent, answers) = send(&lab, batch(0..5), Source::default()).await;
    sent.unwrap();
    assert!(all_acknowledged(&answers, 5));
    let requests = peer.requests();
    assert_eq!(requests.iter().map(|request| request.parts().len()).collect::<Vec<_>>(), [2, 2, 1]);
    for request in &requests {
        assert_eq!(request.line, "POST /dicom-web/studies");
        assert_eq!(request.header("authorization"), "Bearer token-of-the-test");
        assert_eq!(request.header("accept"), "application/dicom+json");
        assert!(
            request
                .header("content-type")
                .starts_with("multipart/related; type=\"application/dicom\"; boundary=")
        );
    }
    let (head, content) = &requests[0].parts()[0];
    assert_eq!((head.as_str(), content), ("Content-Type: application/dicom", &file(0)));
}

/// AC3.4: a partner that refuses every third instance.
#[tokio::test]
async fn each_instance_of_a_202_gets_its_own_outcome() {
    let peer = HttpPeer::start(|request| {
        let refused =
            |uid: &String| (uid.ends_with('0') || uid.ends_with('3')).then(|| (uid.clone(), 0x0122));
        let all = uids(request);
        let failed: Vec<_> = all.iter().filter_map(refused).collect();
        let stored: Vec<_> =
            all.into_iter().filter(|uid| !failed.iter().any(|(bad, _)| bad == uid)).collect();
        Reply::json("202 Accepted", &module(&stored, &failed))
    })
    .await;
    let (sent, answers) = send(&web(peer.port, ""), batch(0..6), Source::default()).await;
    sent.unwrap();
    let refused = Outcome::Refused(Reason::Status(0x0122));
    assert_eq!(answers, [(0, refused), (1, ACK), (2, ACK), (3, refused), (4, ACK), (5, ACK)]);
}

#[tokio::test]
async fn a_duplicate_is_success_and_out_of_resources_passes() {
    let peer = HttpPeer::start(|_| {
        let failed = [(uid(0), 0x0111), (uid(1), 0xB00E), (uid(2), 0xA700), (uid(3), 0xC000)];
        Reply::json("409 Conflict", &module(&[], &failed))
    })
    .await;
    let (sent, answers) = send(&web(peer.port, ""), batch(0..4), Source::default()).await;
    sent.unwrap();
    assert_eq!(
        answers,
        [
            (0, Outcome::Acknowledged { status: 0x0111 }),
            (1, Outcome::Acknowledged { status: 0xB00E }),
            (2, Outcome::Deferred(Reason::Status(0xA700))),
            (3, Outcome::Refused(Reason::Status(0xC000))),
        ]
    );
}

#[tokio::test]
async fn a_409_that_names_nobody_is_tried_one_by_one() {
    let peer = HttpPeer::start(|request| match uids(request) {
        all if all.contains(&uid(2)) => Reply::new("409 Conflict", "", "no"),
        all => Reply::json("200 OK", &module(&all, &[])),
    })
    .await;
    let (sent, answers) = send(&web(peer.port, "connections = 1"), batch(0..4), Source::default()).await;
    sent.unwrap();
    assert_eq!(answers, [(0, ACK), (1, ACK), (2, Outcome::Refused(Reason::Http(409))), (3, ACK)]);
    assert_eq!(peer.requests().len(), 5);
}

#[tokio::test]
async fn busy_ends_the_batch_and_says_when_to_come_back() {
    for status in ["429 Too Many Requests", "503 Service Unavailable"] {
        let peer = HttpPeer::start(move |_| Reply::new(status, "retry-after: 17\r\n", "")).await;
        let more = "connections = 1\nrequest_instances = 1";
        let (sent, answers) = send(&web(peer.port, more), batch(0..9), Source::default()).await;
        let Err(PartnerError::Transient { retry_after, .. }) = sent else { panic!("{sent:?}") };
        assert_eq!(retry_after, Some(Duration::from_secs(17)));
        assert!(answers.is_empty());
        assert_eq!(peer.requests().len(), 1, "no further request after {status}");
    }
}

#[tokio::test]
async fn settings_that_do_not_fit_are_told_at_once() {
    for status in ["401 Unauthorized", "403 Forbidden", "404 Not Found", "307 Temporary Redirect"] {
        let headers = "location: http://127.0.0.1:1/secret\r\n";
        let peer = HttpPeer::start(move |_| Reply::new(status, headers, "")).await;
        let (sent, answers) = send(&web(peer.port, ""), batch(0..2), Source::default()).await;
        let error = sent.unwrap_err();
        assert!(matches!(error, PartnerError::Configuration { .. }), "{error}");
        assert!(!error.to_string().contains("127.0.0.1"), "{error}");
        assert!(answers.is_empty());
    }
}

#[tokio::test]
async fn one_instance_that_breaks_connections_does_not_stop_the_others() {
    let peer = HttpPeer::start(|request| match uids(request) {
        all if all.contains(&uid(1)) => Reply::hang_up(),
        all => Reply::json("200 OK", &module(&all, &[])),
    })
    .await;
    let (sent, answers) = send(&web(peer.port, "connections = 1"), batch(0..4), Source::default()).await;
    sent.unwrap();
    assert_eq!(answers, [(0, ACK), (1, Outcome::Deferred(Reason::Broken)), (2, ACK), (3, ACK)]);
}

#[tokio::test]
async fn a_partner_that_always_breaks_is_given_up() {
    let cut = Reply {
        bytes: b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{".to_vec(),
        close: true,
        ..Reply::default()
    };
    for reply in [Reply::hang_up(), cut, Reply::new("500 Internal Server Error", "", "")] {
        let peer = HttpPeer::start(move |_| reply.clone()).await;
        let (sent, answers) = send(&web(peer.port, "connections = 1"), batch(0..50), Source::default()).await;
        assert!(matches!(sent, Err(PartnerError::Transient { .. })));
        assert!(answers.iter().all(|(_, outcome)| matches!(outcome, Outcome::Deferred(_))));
        assert_eq!(peer.requests().len(), 3);
    }
}

#[tokio::test]
async fn an_unreadable_data_set_is_answered_and_the_others_go() {
    let peer = HttpPeer::start(|request| Reply::json("200 OK", &module(&uids(request), &[]))).await;
    let source = Source { bad: vec![1], ..Source::default() };
    let (sent, answers) = send(&web(peer.port, "connections = 1"), batch(0..3), source).await;
    sent.unwrap();
    assert_eq!(answers, [(0, ACK), (1, Outcome::Unreadable), (2, ACK)]);
    assert_eq!(peer.requests().len(), 1, "the cut request is no request");
}

#[tokio::test]
async fn nobody_there_and_silence_are_transient() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (sent, answers) = send(&web(free, ""), batch(0..3), Source::default()).await;
    assert!(matches!(sent, Err(PartnerError::Transient { .. })), "{sent:?}");
    assert!(answers.is_empty(), "that is no try of an instance");
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let lab = web(silent.local_addr().unwrap().port(), "response_seconds = 1");
    assert!(matches!(lab.test().await, Err(PartnerError::Transient { .. })));
}

/// The pipeline runs them as tasks.
#[tokio::test(flavor = "multi_thread")]
async fn transfers_can_be_spawned_and_aborted() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let lab = Arc::new(web(silent.local_addr().unwrap().port(), ""));
    let (answers, _heard) = tokio::sync::mpsc::channel(1);
    let (listings, _listed) = tokio::sync::mpsc::channel(1);
    let (fetched, _got) = tokio::sync::mpsc::channel(1);
    let one = Arc::clone(&lab);
    let send = tokio::spawn(async move { one.send(batch(0..3), Arc::new(Source::default()), answers).await });
    let one = Arc::clone(&lab);
    let list = tokio::spawn(async move { one.list(&["1.2".to_owned()], listings).await });
    let receiver = Arc::new(Receiver(Arc::default()));
    let fetch =
        tokio::spawn(async move { lab.fetch(&wanted(0..1, true), receiver, fetched).await.map(|_| ()) });
    let mut connections = Vec::new();
    for task in [send, list, fetch] {
        connections.push(silent.accept().await.unwrap());
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
    }
}

#[tokio::test]
async fn a_caller_that_stops_listening_ends_the_exchange() {
    let peer = HttpPeer::start(|request| Reply::json("200 OK", &module(&uids(request), &[]))).await;
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    drop(receiver);
    web(peer.port, "").send(batch(0..3), Arc::new(Source::default()), sender).await.unwrap();
    assert!(peer.requests().is_empty());
}
