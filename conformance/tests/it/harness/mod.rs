//! What the tests stand on: a site in a temporary folder, the program as a process, the peers.

mod archive;
mod association;
mod command;
mod http;
mod instance;
mod launcher;
mod listing;
mod peer;
mod process;
mod project;
mod server;
mod site;
mod volume;

pub(crate) use archive::{Archive, store};
pub(crate) use association::Association;
pub(crate) use command::{json_lines, run};
pub(crate) use http::{get, post};
pub(crate) use instance::{CT, EXPLICIT, Instance};
pub(crate) use launcher::Launcher;
pub(crate) use listing::Listing;
pub(crate) use peer::{SentFile, associate, dcmtk, free_port, negotiate, objects, python, send};
pub(crate) use process::Peer;
pub(crate) use project::{Project, dicom_partner, web_partner};
pub(crate) use server::Server;
pub(crate) use site::{Site, program, system_command};
pub(crate) use volume::Volume;

use std::time::{Duration, Instant};

/// Polls until `done`; fails the test after 60 s.
pub(crate) fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let started = Instant::now();
    while !done() {
        assert!(started.elapsed() < Duration::from_secs(60), "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
