//! Our requestor against a scripted acceptor: PS3.8 §7, PS3.4 Annex C.

use crate::bytes::*;
use crate::fake::Receiver;
use crate::script::*;
use dicom_node::access::Rejection;
use dicom_node::presentation_context::{ProposedContext, Roles};
use dicom_node::query_retrieve_scu::{Retrieval, SubOperations};
use dicom_node::sop_class::{STUDY_FIND, STUDY_GET, VERIFICATION};
use dicom_node::status::{Category, Status};
use dicom_node::transfer_syntax::{EXPLICIT_LITTLE, IMPLICIT_LITTLE};
use dicom_node::{Association, AssociationError};
use std::future::Future;
use tokio::io::DuplexStream;

const CT: &str = "1.2.840.10008.5.1.4.1.1.2";

/// Contexts that `PEER_AC` answers: 1 and 3 accepted, 5 rejected.
fn contexts(first: &str) -> [ProposedContext; 3] {
    [
        ProposedContext::new(first, &[IMPLICIT_LITTLE]),
        ProposedContext::new(CT, &[EXPLICIT_LITTLE]).with_roles(Roles::SCP),
        ProposedContext::new("1.2.3", &[EXPLICIT_LITTLE]),
    ]
}

/// Runs our side in a task; the peer has read the A-ASSOCIATE-RQ.
async fn against<F, T>(
    first: &'static str,
    ours: impl FnOnce(Association<DuplexStream>) -> F + Send + 'static,
) -> (Peer, tokio::task::JoinHandle<T>)
where
    F: Future<Output = T> + Send,
    T: Send + 'static,
{
    let (stream, theirs) = tokio::io::duplex(1 << 20);
    let mut peer = Peer(theirs);
    let task = tokio::spawn(async move { ours(request(stream, &contexts(first)).await.unwrap()).await });
    assert_eq!(peer.pdu().await.0, 1);
    peer.play(&[Say(PEER_AC)]).await;
    (peer, task)
}

async fn answered(answer: &[u8]) -> Result<Association<DuplexStream>, AssociationError> {
    let (stream, theirs) = tokio::io::duplex(1 << 20);
    let mut peer = Peer(theirs);
    let task = tokio::spawn(async move { request(stream, &contexts(VERIFICATION)).await });
    assert_eq!(peer.pdu().await.0, 1);
    peer.play(&[Say(answer)]).await;
    task.await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn answers_to_our_request() {
    let association = answered(PEER_AC).await.unwrap();
    let accepted: Vec<_> =
        association.contexts().iter().map(|c| (c.id, c.transfer_syntax.as_str())).collect();
    assert_eq!(accepted, [(1, IMPLICIT_LITTLE), (3, EXPLICIT_LITTLE)]);
    assert!(answered(PEER_AC_NOT_PROPOSED).await.unwrap().contexts().is_empty());
    let rejected = answered(b"\x03\0\0\0\0\x04\0\x02\x03\x02").await;
    assert!(matches!(rejected, Err(AssociationError::Rejected(Rejection::LOCAL_LIMIT))));
    let aborted = answered(b"\x07\0\0\0\0\x04\0\0\x02\x06").await;
    assert!(matches!(aborted, Err(AssociationError::Aborted { origin: 2, reason: 6 })));
    assert!(matches!(answered(ECHO_RSP).await, Err(AssociationError::Violation(_))));
    assert!(matches!(answered(b"HTTP/1.1 400 Bad Request").await, Err(AssociationError::Violation(_))));
}

#[tokio::test(start_paused = true)]
async fn no_answer_is_aborted_in_time() {
    let (stream, theirs) = tokio::io::duplex(1 << 20);
    let mut peer = Peer(theirs);
    let task = tokio::spawn(async move { request(stream, &contexts(VERIFICATION)).await.err() });
    assert_eq!(peer.pdu().await.0, 1);
    peer.play(&[Expect(ABORT_USER)]).await;
    assert!(matches!(task.await.unwrap(), Some(AssociationError::TimedOut)));
}

#[tokio::test(start_paused = true)]
async fn echo_and_release() {
    let (mut peer, task) = against(VERIFICATION, |mut association| async move {
        let status = association.echo().await.unwrap();
        (status, association.release().await)
    })
    .await;
    peer.play(&[Expect(ECHO_RQ), Say(ECHO_RSP), Expect(RELEASE_RQ), Say(RELEASE_RP), ExpectEnd]).await;
    let (status, released) = task.await.unwrap();
    assert_eq!(status, Status::SUCCESS);
    released.unwrap();
}

/// PS3.8 §7.2.2.7: both ask for release; the requestor answers first and then awaits the answer.
#[tokio::test(start_paused = true)]
async fn release_collision() {
    let (mut peer, task) = against(VERIFICATION, Association::release).await;
    peer.play(&[
        Expect(RELEASE_RQ),
        Say(ECHO_RSP),
        Say(RELEASE_RQ),
        Expect(RELEASE_RP),
        Say(RELEASE_RP),
        ExpectEnd,
    ])
    .await;
    task.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_response_to_something_else_is_a_violation() {
    let (mut peer, task) =
        against(VERIFICATION, |mut association| async move { association.echo().await }).await;
    peer.play(&[Expect(ECHO_RQ), Say(STORE_RSP), Expect(ABORT_USER)]).await;
    assert!(matches!(task.await.unwrap(), Err(AssociationError::Violation(_))));
}

#[tokio::test(start_paused = true)]
async fn find_gives_row_after_row() {
    let (mut peer, task) = against(STUDY_FIND, |mut association| async move {
        let mut find = association.find(STUDY_FIND, b"identifier", 10).await.unwrap();
        let mut rows = Vec::new();
        while let Some(row) = find.next().await.unwrap() {
            rows.push(row);
        }
        (rows, find.status(), find.is_cut())
    })
    .await;
    let (_, command) = peer.pdu().await;
    assert_eq!(command[5], COMMAND | LAST);
    let (_, identifier) = peer.pdu().await;
    assert_eq!(&identifier[4..], b"\x01\x02identifier");
    peer.play(&[Say(FIND_ROW), Say(FIND_ROW), Say(FIND_DONE)]).await;
    let (rows, status, cut) = task.await.unwrap();
    assert_eq!(rows, [b"row bytes.", b"row bytes."]);
    assert_eq!((status, cut), (Some(Status::SUCCESS), false));
}

#[tokio::test(start_paused = true)]
async fn find_is_cancelled_at_the_limit() {
    let (mut peer, task) = against(STUDY_FIND, |mut association| async move {
        let mut find = association.find(STUDY_FIND, b"identifier", 1).await.unwrap();
        let mut rows = 0;
        while find.next().await.unwrap().is_some() {
            rows += 1;
        }
        (rows, find.status().unwrap().category(), find.is_cut())
    })
    .await;
    peer.pdu().await;
    peer.pdu().await;
    peer.play(&[Say(FIND_ROW), Say(FIND_ROW), Expect(CANCEL_RQ), Say(FIND_ROW), Say(FIND_CANCELLED)]).await;
    assert_eq!(task.await.unwrap(), (1, Category::Cancel, true));
}

#[tokio::test(start_paused = true)]
async fn get_stores_what_comes_over_the_same_association() {
    let receiver = Receiver::default();
    let (mut peer, task) = against(STUDY_GET, {
        let receiver = receiver.clone();
        |mut association| async move {
            let mut progress = 0;
            let done = association.get(STUDY_GET, b"identifier", &receiver, |_| progress += 1).await;
            (done, progress)
        }
    })
    .await;
    peer.pdu().await;
    peer.pdu().await;
    let store = [pdata(3, COMMAND | LAST, STORE_COMMAND), pdata(3, LAST, b"instance")].concat();
    peer.play(&[
        Say(&store),
        Expect(STORE_RSP),
        Say(GET_PENDING),
        Say(&store),
        Expect(STORE_RSP),
        Say(GET_WARNING),
    ])
    .await;
    let (done, progress) = task.await.unwrap();
    let operations = SubOperations { remaining: 0, completed: 2, failed: 1, warning: 0 };
    let expected = Retrieval {
        status: Status(0xB000),
        operations,
        stored: 2,
        failed_identifier: b"failed list".to_vec(),
    };
    assert_eq!((done.unwrap(), progress), (expected, 1));
    assert_eq!(receiver.bytes(), [b"instance", b"instance"]);
}
