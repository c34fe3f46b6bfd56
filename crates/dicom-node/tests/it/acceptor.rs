//! Negotiation as acceptor: PS3.8 §7.1 and §9.3, PS3.7 Annex D; flow AC1.1 and AC1.2.

use crate::bytes::*;
use crate::fake::{Access, Receiver};
use crate::script::*;
use dicom_node::access::Policy;
use dicom_node::config::NodeConfig;
use dicom_node::sop_class::is_storage;

#[tokio::test(start_paused = true)]
async fn associate_echo_release_byte_for_byte() {
    let mut bench = bench();
    bench
        .peer
        .play(&[
            Say(ASSOCIATE_RQ),
            Expect(ASSOCIATE_AC),
            Say(ECHO_RQ),
            Expect(ECHO_RSP),
            Say(RELEASE_RQ),
            Expect(RELEASE_RP),
        ])
        .await;
    drop(bench.peer);
    bench.task.await.unwrap();
    assert_eq!(bench.receiver.counts(), (0, 0, 1));
    assert_eq!(bench.node.associations(), 0);
}

#[tokio::test(start_paused = true)]
async fn one_byte_at_a_time() {
    let mut bench = bench();
    bench
        .peer
        .play(&[
            Trickle(ASSOCIATE_RQ),
            Expect(ASSOCIATE_AC),
            Trickle(ECHO_RQ),
            Expect(ECHO_RSP),
            Trickle(RELEASE_RQ),
        ])
        .await;
    bench.peer.play(&[Expect(RELEASE_RP)]).await;
}

#[tokio::test(start_paused = true)]
async fn a_command_in_fragments_of_ten_bytes() {
    let mut bench = bench();
    bench.peer.play(&[Say(ASSOCIATE_RQ), Expect(ASSOCIATE_AC)]).await;
    let command = &ECHO_RQ[12..];
    let last = command.len().div_ceil(10) - 1;
    for (number, part) in command.chunks(10).enumerate() {
        let control = if number == last { COMMAND | LAST } else { COMMAND };
        bench.peer.play(&[Say(&pdata(1, control, part))]).await;
    }
    bench.peer.play(&[Expect(ECHO_RSP)]).await;
}

#[tokio::test(start_paused = true)]
async fn several_requests_in_one_write_are_answered_in_order() {
    let mut bench = bench();
    let burst = [ASSOCIATE_RQ, ECHO_RQ, ECHO_RQ, UNKNOWN_COMMAND, ECHO_RQ].concat();
    bench.peer.play(&[Say(&burst), Expect(ASSOCIATE_AC), Expect(ECHO_RSP), Expect(ECHO_RSP)]).await;
    assert_eq!(bench.peer.status().await, 0x0211, "unrecognized operation");
    bench.peer.play(&[Expect(ECHO_RSP)]).await;
}

#[tokio::test(start_paused = true)]
async fn every_user_item_is_answered_or_skipped() {
    let mut bench = bench();
    bench.peer.play(&[Say(ASSOCIATE_RQ_FULL)]).await;
    let (kind, body) = bench.peer.pdu().await;
    assert_eq!(kind, 2);
    assert!(body.ends_with(USER_ITEMS_FULL), "{}", body.escape_ascii());
    let seen = bench.access.seen.lock().unwrap();
    let identity = seen[0].user_identity.as_ref().unwrap();
    assert_eq!(
        (identity.kind, identity.primary.as_slice(), identity.secondary.as_slice()),
        (2, &b"user"[..], &b"secret"[..])
    );
    assert_eq!(seen[0].address, address());
    assert!(!format!("{:?}", seen[0]).contains("secret"));
}

#[tokio::test(start_paused = true)]
async fn req_ac1_1_rejections_of_ps3_8_table_9_21_are_sent_and_told() {
    let edited = |from: &[u8], to: &[u8]| {
        let at = ASSOCIATE_RQ.windows(from.len()).position(|w| w == from).unwrap();
        let mut bytes = ASSOCIATE_RQ.to_vec();
        bytes[at..at + to.len()].copy_from_slice(to);
        bytes
    };
    let mut version = ASSOCIATE_RQ.to_vec();
    version[6..8].copy_from_slice(&[0, 2]);
    let cases = [
        (version, [1, 2, 2], "MODALITY ARCHIVE 122"),
        (edited(b"1.2.840.10008.3.1.1.1", b"1.2.840.10008.3.1.1.9"), [1, 1, 2], "MODALITY ARCHIVE 112"),
        (edited(b"MODALITY", b"STRANGER"), [1, 1, 3], "STRANGER ARCHIVE 113"),
        (edited(b"ARCHIVE", b"NOTMINE"), [1, 1, 7], "MODALITY NOTMINE 117"),
    ];
    for (request, [result, source, reason], told) in cases {
        let mut bench = bench();
        let rejection = [3, 0, 0, 0, 0, 4, 0, result, source, reason];
        bench.peer.play(&[Say(&request), Expect(&rejection)]).await;
        drop(bench.peer);
        bench.task.await.unwrap();
        assert_eq!(*bench.access.refused.lock().unwrap(), [format!("192.0.2.7:40000 {told}")]);
        assert_eq!(bench.receiver.counts(), (0, 0, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn limits_in_total_and_per_peer_are_transient_rejections() {
    for (config, policy) in [
        (NodeConfig { associations: 0, ..NodeConfig::default() }, Policy::new("modality", 10)),
        (NodeConfig::default(), Policy::new("modality", 0)),
    ] {
        let access = Access { policy, ..Access::default() };
        let mut bench = bench_with(config, Receiver::default(), access);
        bench.peer.play(&[Say(ASSOCIATE_RQ), Expect(b"\x03\0\0\0\0\x04\0\x02\x03\x02")]).await;
    }
}

#[test]
fn req_ac1_2_every_storage_class_that_another_implementation_knows() {
    let known = include_str!("storage_sop_classes.txt");
    let refused: Vec<_> = known.lines().filter(|l| !l.starts_with('#') && !is_storage(l)).collect();
    assert_eq!(refused, Vec::<&str>::new());
    assert!(known.lines().count() > 150);
}
