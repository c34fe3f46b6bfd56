//! ARTIM, idle and stall timers (PS3.8 §9.1.5), and the end on request. The clock is paused.

use crate::bytes::*;
use crate::fake::{Access, Receiver};
use crate::script::*;
use dicom_node::config::NodeConfig;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::time::Instant;

async fn seconds_until_end(bench: &mut Bench, steps: &[Step<'_>]) -> u64 {
    let start = Instant::now();
    bench.peer.play(steps).await;
    start.elapsed().as_secs()
}

#[tokio::test(start_paused = true)]
async fn artim_ends_silent_and_half_sent_connections() {
    for (name, sent) in [("silence", 0), ("half a header", 3), ("half a request", 40)] {
        let mut bench = bench();
        let end = seconds_until_end(&mut bench, &[Say(&ASSOCIATE_RQ[..sent]), ExpectEnd]).await;
        assert_eq!(end, 30, "{name}");
        bench.task.await.unwrap();
        assert_eq!(*bench.access.refused.lock().unwrap(), ["garbage"]);
    }
}

#[tokio::test(start_paused = true)]
async fn bytes_do_not_prolong_artim() {
    let mut bench = bench();
    let steps = [Say(&ASSOCIATE_RQ[..10]), Wait(20), Say(&ASSOCIATE_RQ[10..20]), ExpectEnd];
    assert_eq!(seconds_until_end(&mut bench, &steps).await, 30);
}

#[tokio::test(start_paused = true)]
async fn a_resting_association_ends_by_the_idle_timer() {
    let mut bench = bench();
    bench
        .peer
        .play(&[Say(ASSOCIATE_RQ), Expect(ASSOCIATE_AC), Wait(800), Say(ECHO_RQ), Expect(ECHO_RSP)])
        .await;
    assert_eq!(seconds_until_end(&mut bench, &[Expect(ABORT_USER)]).await, 900);
    assert_eq!(seconds_until_end(&mut bench, &[ExpectEnd]).await, 30, "ARTIM after the abort");
}

#[tokio::test(start_paused = true)]
async fn a_message_that_stalls_ends_sooner() {
    let mut bench = bench();
    let begun = [&pdata(3, COMMAND | LAST, STORE_COMMAND)[..], &pdata(3, 0, b"data")].concat();
    bench
        .peer
        .play(&[Say(ASSOCIATE_RQ), Expect(ASSOCIATE_AC), Say(&begun), Wait(50), Say(&pdata(3, 0, b"x"))])
        .await;
    assert_eq!(seconds_until_end(&mut bench, &[Expect(ABORT_USER)]).await, 60);
    drop(bench.peer);
    bench.task.await.unwrap();
    assert_eq!(bench.receiver.counts(), (0, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_close_after_release_or_rejection_is_closed_by_artim() {
    let mut bench = bench();
    bench.peer.play(&[Say(ASSOCIATE_RQ), Expect(ASSOCIATE_AC), Say(RELEASE_RQ), Expect(RELEASE_RP)]).await;
    tokio::task::yield_now().await;
    assert_eq!(bench.node.associations(), 0, "its place is free at once");
    assert_eq!(seconds_until_end(&mut bench, &[ExpectEnd]).await, 30);
}

#[tokio::test(start_paused = true)]
async fn drain_ends_a_resting_association_at_once() {
    let mut bench = bench();
    bench.peer.play(&[Say(ASSOCIATE_RQ), Expect(ASSOCIATE_AC)]).await;
    bench.stop.drain.cancel();
    assert_eq!(seconds_until_end(&mut bench, &[Expect(ABORT_USER)]).await, 0);
    assert!(seconds_until_end(&mut bench, &[ExpectEnd]).await <= 1);
}

#[tokio::test(start_paused = true)]
async fn drain_lets_a_running_store_finish() {
    let receiver = Receiver { commits: Arc::new(Semaphore::new(0)), ..Receiver::default() };
    let mut bench = bench_with(NodeConfig::default(), receiver.clone(), Access::default());
    bench.peer.play(&[Say(ASSOCIATE_RQ), Expect(ASSOCIATE_AC)]).await;
    bench
        .peer
        .play(&[Say(&pdata(3, COMMAND | LAST, STORE_COMMAND)), Say(&pdata(3, 0, b"da")), Wait(1)])
        .await;
    bench.stop.drain.cancel();
    bench.peer.play(&[Wait(1), Say(&pdata(3, LAST, b"ta")), Wait(1)]).await;
    receiver.commits.add_permits(1);
    bench.peer.play(&[Expect(STORE_RSP), Expect(ABORT_USER)]).await;
    assert_eq!(receiver.bytes(), [b"data"]);
}

#[tokio::test(start_paused = true)]
async fn kill_aborts_in_the_middle_of_a_message() {
    let mut bench = bench();
    let begun = [&pdata(3, COMMAND | LAST, STORE_COMMAND)[..], &pdata(3, 0, b"data")].concat();
    bench.peer.play(&[Say(ASSOCIATE_RQ), Expect(ASSOCIATE_AC), Say(&begun), Wait(1)]).await;
    bench.stop.kill.cancel();
    assert_eq!(seconds_until_end(&mut bench, &[Expect(ABORT_USER), ExpectEnd]).await, 0);
    bench.task.await.unwrap();
    assert_eq!(bench.receiver.counts(), (0, 1, 1));
}
