//! C-STORE, both sides: PS3.7 §9.1.1, PS3.4 Annex B; flow AC1.3.

use crate::bytes::*;
use crate::fake::{Access, Receiver};
use crate::script::*;
use dicom_node::AssociationError;
use dicom_node::config::NodeConfig;
use dicom_node::presentation_context::ProposedContext;
use dicom_node::status::{Status, StoreFailure};
use dicom_node::storage_scu::{OutgoingInstance, storage_contexts};
use dicom_node::transfer_syntax::{EXPLICIT_LITTLE, IMPLICIT_LITTLE};
use std::sync::Arc;
use tokio::sync::Semaphore;

const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
const DATA: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";

async fn associated(config: NodeConfig, receiver: Receiver) -> Bench {
    let mut bench = bench_with(config, receiver, Access::default());
    bench.peer.play(&[Say(ASSOCIATE_RQ), Expect(ASSOCIATE_AC)]).await;
    bench
}

fn store(data: &[u8]) -> Vec<u8> {
    [pdata(3, COMMAND | LAST, STORE_COMMAND), pdata(3, LAST, data)].concat()
}

#[tokio::test(start_paused = true)]
async fn every_way_to_cut_a_message_gives_the_same_instance() {
    let one_pdu = {
        let body = [pdv(3, COMMAND | LAST, STORE_COMMAND), pdv(3, LAST, DATA)].concat();
        [&[4, 0][..], &(body.len() as u32).to_be_bytes(), &body].concat()
    };
    let many_pdvs = {
        let mut body: Vec<u8> = DATA.chunks(5).flat_map(|part| pdv(3, 0, part)).collect();
        body.extend(pdv(3, LAST, b"")); // an empty last fragment
        [&pdata(3, COMMAND | LAST, STORE_COMMAND)[..], &[4, 0], &(body.len() as u32).to_be_bytes(), &body]
            .concat()
    };
    let many_pdus = {
        let mut bytes = pdata(3, COMMAND, &STORE_COMMAND[..31]);
        bytes.extend(pdata(3, COMMAND | LAST, &STORE_COMMAND[31..]));
        bytes.extend(DATA[..30].chunks(7).flat_map(|part| pdata(3, 0, part)));
        bytes.extend(pdata(3, LAST, &DATA[30..]));
        bytes
    };
    for message in [store(DATA), one_pdu, many_pdvs, many_pdus] {
        let mut bench = associated(NodeConfig::default(), Receiver::default()).await;
        bench.peer.play(&[Say(&message), Expect(STORE_RSP), Trickle(&message), Expect(STORE_RSP)]).await;
        assert_eq!(bench.receiver.bytes(), [DATA, DATA]);
        let stored = bench.receiver.stored.lock().unwrap();
        let request = &stored[0].0;
        assert_eq!((request.sop_class.as_str(), request.sop_instance.as_str()), (CT, "2.25.77"));
        assert_eq!((request.transfer_syntax.as_str(), request.message_id), (EXPLICIT_LITTLE, 7));
        assert_eq!(titles(&request.peer), ("MODALITY".to_owned(), "ARCHIVE".to_owned()));
    }
}

#[tokio::test(start_paused = true)]
async fn req_ac1_3_success_is_answered_only_after_the_commit() {
    let receiver = Receiver { commits: Arc::new(Semaphore::new(0)), ..Receiver::default() };
    let mut bench = associated(NodeConfig::default(), receiver.clone()).await;
    bench.peer.play(&[Say(&store(DATA)), Wait(50)]).await;
    let early = tokio::time::timeout(std::time::Duration::from_secs(5), bench.peer.pdu()).await;
    assert!(early.is_err(), "an answer before the commit");
    assert_eq!(receiver.counts(), (0, 0, 0));
    receiver.commits.add_permits(1);
    bench.peer.play(&[Expect(STORE_RSP)]).await;
    assert_eq!(receiver.counts(), (1, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn req_ac1_3_each_failure_has_its_status_and_the_association_goes_on() {
    let full = StoreFailure::OutOfResources;
    let cases = [
        (Receiver { fail_begin: Some(full), ..Receiver::default() }, 0xA700, 0),
        (Receiver { fail_chunk: Some((10, full)), ..Receiver::default() }, 0xA700, 1),
        (
            Receiver { fail_commit: Some(StoreFailure::DataSetDoesNotMatchSopClass), ..Receiver::default() },
            0xA900,
            0,
        ),
        (Receiver { fail_commit: Some(StoreFailure::CannotUnderstand), ..Receiver::default() }, 0xC000, 0),
        (
            Receiver {
                fail_commit: Some(StoreFailure::ProcessingFailure { code: 3 }),
                ..Receiver::default()
            },
            0xC203,
            0,
        ),
    ];
    for (receiver, status, aborted) in cases {
        let mut bench = associated(NodeConfig::default(), receiver).await;
        let mut message = pdata(3, COMMAND | LAST, STORE_COMMAND);
        message.extend(DATA.chunks(6).flat_map(|part| pdata(3, 0, part)));
        message.extend(pdata(3, LAST, b"end"));
        bench.peer.play(&[Say(&message)]).await;
        assert_eq!(bench.peer.status().await, status);
        assert_eq!(bench.receiver.counts(), (0, aborted, 0));
        bench.peer.play(&[Say(ECHO_RQ), Expect(ECHO_RSP)]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn requests_that_cannot_be_stored_never_reach_the_receiver() {
    for (command, status) in [(STORE_COMMAND_BAD_UID, 0xC000), (STORE_COMMAND_MR, 0x0122)] {
        let mut bench = associated(NodeConfig::default(), Receiver::default()).await;
        bench.peer.play(&[Say(&pdata(3, COMMAND | LAST, command)), Say(&pdata(3, LAST, DATA))]).await;
        assert_eq!(bench.peer.status().await, status);
        bench.peer.play(&[Say(ECHO_RQ), Expect(ECHO_RSP)]).await;
        assert_eq!(bench.receiver.counts(), (0, 0, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn sizes_are_bounded() {
    let config = NodeConfig { max_instance_bytes: 20, max_drain_bytes: 100, ..NodeConfig::default() };
    let mut bench = associated(config, Receiver::default()).await;
    bench.peer.play(&[Say(&store(DATA))]).await;
    assert_eq!(bench.peer.status().await, 0xA700);
    assert_eq!(bench.receiver.counts(), (0, 1, 0));
    bench.peer.play(&[Say(&store(&DATA[..20])), Expect(STORE_RSP)]).await;
    let mut long = pdata(3, COMMAND | LAST, STORE_COMMAND);
    long.extend([7; 200].chunks(30).flat_map(|part| pdata(3, 0, part)));
    bench.peer.play(&[Say(&long), Expect(ABORT_USER)]).await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_connection_leaves_nothing() {
    let half = &store(DATA)[..STORE_COMMAND.len() + 12 + 20];
    for farewell in [b"".as_slice(), b"\x07\0\0\0\0\x04\0\0\0\0".as_slice()] {
        let mut bench = associated(NodeConfig::default(), Receiver::default()).await;
        // whole PDVs before the abort, half a PDV before the close
        let begun = [&pdata(3, COMMAND | LAST, STORE_COMMAND)[..], &pdata(3, 0, DATA)].concat();
        bench.peer.play(&[Say(if farewell.is_empty() { half } else { &begun }), Say(farewell)]).await;
        drop(bench.peer);
        bench.task.await.unwrap();
        assert_eq!(bench.receiver.counts(), (0, 1, 1));
    }
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|n| (n * 7 + n / 256) as u8).collect()
}

#[tokio::test]
async fn what_our_scu_sends_our_scp_stores_at_every_boundary() {
    let (mut association, bench) = associate(bench(), &storage_contexts([(CT, EXPLICIT_LITTLE)])).await;
    let instance = OutgoingInstance {
        sop_class: CT,
        sop_instance: "2.25.5",
        transfer_syntax: EXPLICIT_LITTLE,
        move_originator: None,
    };
    let fragment = 128 * 1024; // our longest
    let sizes = [0, 1, 2, fragment - 1, fragment, fragment + 1, 2 * fragment, 5 * fragment, 1_000_001];
    for size in sizes {
        let data = pattern(size);
        assert_eq!(association.store(&instance, data.as_slice()).await.unwrap(), Status::SUCCESS);
        assert_eq!(bench.receiver.bytes().last(), Some(&data), "{size}");
    }
    let other = OutgoingInstance { transfer_syntax: IMPLICIT_LITTLE, ..instance };
    assert!(matches!(association.store(&other, DATA).await, Err(AssociationError::NoContext)));
    association.release().await.unwrap();
    bench.task.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_peers_maximum_bounds_what_is_sent() {
    for size in [0, 63, 64, 65, 640] {
        let (ours, theirs) = tokio::io::duplex(1 << 20);
        let mut peer = Peer(theirs);
        let contexts =
            [ProposedContext::new(CT, &[IMPLICIT_LITTLE]), ProposedContext::new(CT, &[EXPLICIT_LITTLE])];
        let data = pattern(size);
        let sender = tokio::spawn({
            let data = data.clone();
            async move {
                let mut association = request(ours, &contexts).await.unwrap();
                let instance = OutgoingInstance {
                    sop_class: CT,
                    sop_instance: "2.25.5",
                    transfer_syntax: EXPLICIT_LITTLE,
                    move_originator: None,
                };
                association.store(&instance, data.as_slice()).await
            }
        });
        assert_eq!(peer.pdu().await.0, 1);
        peer.play(&[Say(PEER_AC_SMALL)]).await;
        let mut received = Vec::new();
        loop {
            let (kind, body) = peer.pdu().await;
            assert_eq!(kind, 4);
            assert!(body.len() <= 70, "{}", body.len());
            assert_eq!(body[4], 3, "the context of explicit little endian");
            if body[5] & COMMAND == 0 {
                received.extend_from_slice(&body[6..]);
                if body[5] & LAST != 0 {
                    break;
                }
            }
        }
        assert_eq!(received, data);
        sender.abort();
    }
}

struct Unreadable;

impl tokio::io::AsyncRead for Unreadable {
    fn poll_read(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        _: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(Err(std::io::Error::other("gone")))
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_that_fails_aborts_the_transfer() {
    let (mut association, bench) = associate(bench(), &storage_contexts([(CT, EXPLICIT_LITTLE)])).await;
    let instance = OutgoingInstance {
        sop_class: CT,
        sop_instance: "2.25.5",
        transfer_syntax: EXPLICIT_LITTLE,
        move_originator: None,
    };
    use tokio::io::AsyncReadExt;
    let broken = DATA.repeat(20_000);
    let result = association.store(&instance, broken.as_slice().chain(Unreadable)).await;
    assert!(matches!(result, Err(AssociationError::Source(_))));
    drop(association);
    bench.task.await.unwrap();
    assert!(bench.receiver.bytes().is_empty());
}
