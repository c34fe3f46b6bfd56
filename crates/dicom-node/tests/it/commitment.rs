//! Storage commitment, both sides and both ways of the report: PS3.4 Annex J.

use crate::script::*;
use dicom_node::presentation_context::{ProposedContext, Roles};
use dicom_node::sop_class::STORAGE_COMMITMENT;
use dicom_node::status::Status;
use dicom_node::storage_commitment::{CommitmentReport, CommitmentRequest, Reference};
use dicom_node::transfer_syntax::IMPLICIT_LITTLE;

fn reference(instance: &str) -> Reference {
    Reference { sop_class: "1.2.840.10008.5.1.4.1.1.2".to_owned(), sop_instance: instance.to_owned() }
}

fn report() -> CommitmentReport {
    CommitmentReport {
        transaction: "2.25.1".to_owned(),
        committed: vec![reference("2.25.2")],
        failed: vec![(reference("2.25.3"), 0x0112)],
    }
}

fn context() -> ProposedContext {
    ProposedContext::new(STORAGE_COMMITMENT, &[IMPLICIT_LITTLE])
}

#[tokio::test(start_paused = true)]
async fn a_request_reaches_the_handler() {
    let (mut association, bench) = associate(bench(), &[context()]).await;
    let request = CommitmentRequest {
        transaction: "2.25.1".to_owned(),
        instances: vec![reference("2.25.2"), reference("2.25.3")],
    };
    assert_eq!(association.request_commitment(&request).await.unwrap(), Status::SUCCESS);
    assert_eq!(*bench.commitment.requests.lock().unwrap(), [request]);
    association.release().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_report_on_a_new_association_reaches_the_handler() {
    let (mut association, bench) = associate(bench(), &[context().with_roles(Roles::SCP)]).await;
    assert_eq!(association.contexts()[0].roles, Roles::SCP);
    assert_eq!(association.report_commitment(&report()).await.unwrap(), Status::SUCCESS);
    assert_eq!(*bench.commitment.reports.lock().unwrap(), [report()]);
    association.release().await.unwrap();
}

/// N-EVENT-REPORT-RQ, message 5, event type 1, with a data set that names transaction 2.25.1 and nothing else.
fn event_report() -> Vec<u8> {
    let command = b"\0\0\0\0\x04\0\0\0\x6C\0\0\0\
        \0\0\x02\0\x14\0\0\x001.2.840.10008.1.20.1\
        \0\0\0\x01\x02\0\0\0\0\x01\
        \0\0\x10\x01\x02\0\0\0\x05\0\
        \0\0\0\x08\x02\0\0\0\x01\0\
        \0\0\0\x10\x16\0\0\x001.2.840.10008.1.20.1.1\
        \0\0\x02\x10\x02\0\0\0\x01\0";
    let data = b"\x08\0\x95\x11\x06\0\0\x002.25.1\x08\0\x99\x11\0\0\0\0";
    [pdata(1, COMMAND | LAST, command), pdata(1, LAST, data)].concat()
}

#[tokio::test(start_paused = true)]
async fn a_report_on_the_association_of_the_request() {
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    let mut peer = Peer(theirs);
    let handler = crate::fake::Commitment::default();
    let task = tokio::spawn({
        let handler = handler.clone();
        async move {
            let mut association = request(ours, &[context()]).await.unwrap();
            let wait = std::time::Duration::from_secs(5);
            let first = association.await_report(&handler, wait).await;
            (first, association.await_report(&handler, wait).await)
        }
    });
    peer.pdu().await;
    peer.play(&[Say(crate::bytes::PEER_AC), Say(&event_report())]).await;
    assert_eq!(peer.status().await, 0x0000);
    let (first, second) = task.await.unwrap();
    assert!(first.unwrap());
    assert!(!second.unwrap(), "silence is no report");
    assert_eq!(handler.reports.lock().unwrap()[0].transaction, "2.25.1");
}
