//! B-9, AC7.1: the memory of a transfer does not grow with the object. Each test runs in a process of its own (nextest).

use std::fs;
use std::io::{self, Read};
use std::sync::Arc;

use partner::{Fetched, InstanceSource, OutgoingInstance};
use tokio::sync::mpsc;

use crate::archive_peer::Archive;
use crate::http_peer::{HttpPeer, Reply};
use crate::objects::{Kept, batch, fetch, file, uid, wanted, web};

/// More than the limit by far.
const LARGE: u64 = 1 << 29;
const LIMIT_KIB: u64 = 64 << 10;

/// Peak resident set of this process, KiB; 0 where the system does not tell.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0");
    line.split_whitespace().next().unwrap().parse().unwrap()
}

fn within_limit() {
    let peak = peak();
    eprintln!("peak {peak} KiB");
    assert!(peak < LIMIT_KIB);
}

struct Zeros;

impl InstanceSource for Zeros {
    fn open(&self, _: &OutgoingInstance) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(io::repeat(0).take(LARGE)))
    }
}

async fn send_large(lab: &partner::Partner) {
    let (sender, mut receiver) = mpsc::channel(1);
    let mut large = batch([0]);
    large.instances[0].length = Some(LARGE);
    let (sent, answer) = tokio::join!(lab.send(large, Arc::new(Zeros), sender), receiver.recv());
    sent.unwrap();
    assert_eq!(answer.unwrap().outcome, crate::objects::ACK);
    within_limit();
}

#[tokio::test]
async fn a_large_instance_is_sent_by_stow_in_little_memory() {
    let peer = HttpPeer::counting(|_| Reply::new("200 OK", "", "")).await;
    send_large(&web(peer.port, "")).await;
    assert!(peer.requests()[0].length > LARGE);
}

#[tokio::test]
async fn a_large_instance_is_sent_by_cstore_in_little_memory() {
    let archive = Archive { count_only: true, ..Archive::default() };
    let peer = archive.start().await;
    send_large(&peer.partner("")).await;
    assert_eq!(*peer.archive.bytes.lock().unwrap(), LARGE);
}

#[tokio::test]
async fn a_large_instance_is_fetched_by_wado_in_little_memory() {
    let mut head =
        b"HTTP/1.1 200 OK\r\ncontent-type: multipart/related; boundary=xX\r\nconnection: close\r\n\r\n"
            .to_vec();
    head.extend_from_slice(b"--xX\r\nContent-Type: application/dicom\r\n\r\n");
    head.extend_from_slice(&file(0));
    let reply = Reply { bytes: head, zeros: LARGE, tail: b"\r\n--xX--\r\n".to_vec(), close: true };
    let peer = HttpPeer::start(move |_| reply.clone()).await;
    let kept = Arc::new(Kept { count_only: true, ..Kept::default() });
    let (fetched, answers) = fetch(&web(peer.port, ""), &wanted([0], false), &kept).await;
    fetched.unwrap();
    assert_eq!(answers, [(uid(0), Fetched::Stored)]);
    assert!(*kept.bytes.lock().unwrap() > LARGE);
    within_limit();
}
