//! Wire tests: the node against a scripted peer, over streams in memory with a paused clock, and over loopback.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    missing_docs
)]

mod abuse;
mod acceptor;
mod bytes;
mod commitment;
mod fake;
mod listener;
mod query;
mod requestor;
mod script;
mod storage;
mod timers;
mod tls;
