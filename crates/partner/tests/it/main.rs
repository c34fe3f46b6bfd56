//! Wire tests against scripted peers on loopback, and tests against real programs where they are installed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::string_slice,
    missing_docs
)]

mod archive_peer;
mod cstore;
mod dropped;
mod folder;
mod http_peer;
mod memory;
mod objects;
mod programs;
mod qido;
mod real_dcmtk;
mod real_orthanc;
mod stow;
mod tls;
mod wado;
