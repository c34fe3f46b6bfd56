//! Hostile and broken peers: each is aborted or closed, at once, without harm.

use crate::bytes::*;
use crate::script::*;

fn rq_with(at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut rq = ASSOCIATE_RQ.to_vec();
    rq[at..at + bytes.len()].copy_from_slice(bytes);
    rq
}

#[tokio::test(start_paused = true)]
async fn before_the_association() {
    let noise: Vec<u8> =
        (0..65_536_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8 | 0x40).collect();
    let tls = [b"\x16\x03\x01\0\xC8\x01\0\0\xC4\x03\x03".as_slice(), &[0; 190]].concat();
    let cases: [(&str, &[u8]); 11] = [
        ("random bytes", &noise),
        ("HTTP", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
        ("TLS hello", &tls),
        ("4 GiB PDU", b"\x01\0\xFF\xFF\xFF\xFF0000"),
        ("PDU of length 0", b"\x01\0\0\0\0\0"),
        ("data", ECHO_RQ),
        ("A-ASSOCIATE-AC", ASSOCIATE_AC),
        ("A-RELEASE-RQ", RELEASE_RQ),
        ("A-ASSOCIATE-RJ", b"\x03\0\0\0\0\x04\0\x01\x01\x01"),
        ("item that overruns", &rq_with(76, b"\xFF\xFF")),
        ("sub-item that overruns", &rq_with(76 + 2 + 21 + 4 + 4 + 2, b"\x7F\xFF")),
    ];
    for (name, bytes) in cases {
        let mut bench = bench();
        bench.peer.play(&[Say(bytes), Expect(ABORT_USER)]).await;
        drop(bench.peer);
        bench.task.await.unwrap();
        assert_eq!(*bench.access.refused.lock().unwrap(), ["garbage"], "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn inside_the_association() {
    let garbage: Vec<u8> = (0..200_u8).map(|n| n.wrapping_mul(91) | 1).collect();
    let long_command = vec![0; 70_000];
    let cases: [(&str, Vec<u8>, &[u8]); 18] = [
        ("4 GiB P-DATA-TF", b"\x04\0\xFF\xFF\xFF\xFF0000".to_vec(), ABORT_INVALID),
        ("PDU one byte over our maximum", b"\x04\0\0\x04\0\x01".to_vec(), ABORT_INVALID),
        ("PDV longer than its PDU", b"\x04\0\0\0\0\x0A\x7F\xFF\xFF\xFF\x01\x030000".to_vec(), ABORT_INVALID),
        ("PDV of length 0", b"\x04\0\0\0\0\x06\0\0\0\0\x01\x03".to_vec(), ABORT_INVALID),
        ("PDU that ends inside a PDV header", b"\x04\0\0\0\0\x04\0\0\0\0".to_vec(), ABORT_INVALID),
        ("empty P-DATA-TF", b"\x04\0\0\0\0\0".to_vec(), ABORT_INVALID),
        ("unknown PDU type", b"\x42\0\0\0\0\x040000".to_vec(), ABORT_UNRECOGNIZED),
        ("second A-ASSOCIATE-RQ", ASSOCIATE_RQ.to_vec(), ABORT_UNEXPECTED),
        ("A-ASSOCIATE-AC", ASSOCIATE_AC.to_vec(), ABORT_UNEXPECTED),
        ("A-RELEASE-RP", RELEASE_RP.to_vec(), ABORT_UNEXPECTED),
        ("release with a wrong length", b"\x05\0\0\0\0\x05\0\0\0\0\0".to_vec(), ABORT_INVALID),
        ("context that was not accepted", pdata(99, COMMAND | LAST, &ECHO_RQ[12..]), ABORT_USER),
        ("context that was rejected", pdata(5, COMMAND | LAST, &ECHO_RQ[12..]), ABORT_USER),
        ("garbage as command", pdata(1, COMMAND | LAST, &garbage), ABORT_USER),
        ("command over 64 KiB", pdata(1, COMMAND, &long_command), ABORT_USER),
        ("data set without command", pdata(1, LAST, b"data"), ABORT_USER),
        ("response without request", ECHO_RSP.to_vec(), ABORT_USER),
        (
            "data set in another context",
            [pdata(3, COMMAND | LAST, STORE_COMMAND), pdata(1, LAST, b"data")].concat(),
            ABORT_USER,
        ),
    ];
    for (name, bytes, abort) in cases {
        let mut bench = bench();
        bench.peer.play(&[Say(ASSOCIATE_RQ), Expect(ASSOCIATE_AC), Say(&bytes)]).await;
        let (kind, body) = bench.peer.pdu().await;
        assert_eq!((kind, &body[..]), (7, &abort[6..]), "{name}");
        drop(bench.peer);
        bench.task.await.unwrap();
        let (stored, _, ended) = bench.receiver.counts();
        assert_eq!((stored, ended), (0, 1), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_release_or_a_command_inside_a_message() {
    for inside in [RELEASE_RQ, ECHO_RQ] {
        let mut bench = bench();
        let begun = [&pdata(3, COMMAND | LAST, STORE_COMMAND)[..], &pdata(3, 0, b"data"), inside].concat();
        bench.peer.play(&[Say(ASSOCIATE_RQ), Expect(ASSOCIATE_AC), Say(&begun), Expect(ABORT_USER)]).await;
        drop(bench.peer);
        bench.task.await.unwrap();
        assert_eq!(bench.receiver.counts(), (0, 1, 1));
    }
}

/// PS3.8 Table 9-10, Sta13: what comes after an abort is ignored, an A-ASSOCIATE-RQ is answered by A-ABORT, an A-ABORT
/// ends the connection.
#[tokio::test(start_paused = true)]
async fn after_our_abort() {
    let mut bench = bench();
    bench
        .peer
        .play(&[
            Say(ASSOCIATE_RQ),
            Expect(ASSOCIATE_AC),
            Say(RELEASE_RP),
            Expect(ABORT_UNEXPECTED),
            Say(ECHO_RQ),
            Say(RELEASE_RQ),
            Say(ABORT_USER),
            ExpectEnd,
        ])
        .await;
    bench.task.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_idle_association_is_small() {
    let bench = bench();
    let (stream, _other) = tokio::io::duplex(64);
    let future = bench.node.converse(stream, address(), None, dicom_node::Stop::default());
    let size = size_of_val(&future);
    assert!(size <= 8 * 1024, "{size} bytes of state for each connection");
}
