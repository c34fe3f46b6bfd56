//! The program as a process.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::wait_until;

/// A running `research-pacs serve`; killed when dropped, and gone before the folder of its site is.
pub(crate) struct Server<'site> {
    /// Address of the DICOM listener.
    pub(crate) dicom: SocketAddr,
    /// Address of the HTTP listener.
    pub(crate) http: SocketAddr,
    /// The program, or what started it.
    child: Child,
    log: &'site Path,
}

impl<'site> Server<'site> {
    pub(super) fn start(mut command: Command, log: &'site Path) -> Self {
        let stderr = File::options().create(true).append(true).open(log).unwrap();
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(stderr).spawn().unwrap();
        let (sender, events) = mpsc::channel();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // Reads on after `ready`, so that the program never waits for its reader.
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let Some((dicom, http)) = std::iter::from_fn(|| events.recv_timeout(Duration::from_secs(60)).ok())
            .find_map(|line| ready(&line))
        else {
            let _ = child.kill();
            panic!("{command:?} did not become ready: {:?}\n{}", child.wait(), tail(log));
        };
        Self { dicom, http, child, log }
    }

    /// `kill -9`, as sudden as a process can end.
    pub(crate) fn kill(mut self) {
        self.signal(Signal::KILL);
        self.child.wait().unwrap();
    }

    /// Asks for a graceful end, without waiting for it.
    pub(crate) fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Waits for the end of what [`Server::terminate`] asked for.
    pub(crate) fn wait(mut self) -> ExitStatus {
        let mut status = None;
        wait_until("the end of the program", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }

    /// Ends gracefully; fails the test if the program does not exit with 0.
    pub(crate) fn stop(self) {
        self.terminate();
        let log = self.log;
        let status = self.wait();
        assert!(status.success(), "ended with {status}\n{}", tail(log));
    }

    fn signal(&self, signal: Signal) {
        if let Some(pid) = program_of(self.child.id()) {
            let _ = kill_process(pid, signal);
        }
    }
}

impl Drop for Server<'_> {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.signal(Signal::KILL);
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        if std::thread::panicking() {
            eprintln!("end of the program's log:\n{}", tail(self.log));
        }
    }
}

fn ready(line: &str) -> Option<(SocketAddr, SocketAddr)> {
    let event: serde_json::Value = serde_json::from_str(line).ok()?;
    let address = |key: &str| event.get(key)?.as_str()?.parse().ok();
    if event.get("event")? == "ready" { Some((address("dicom")?, address("http")?)) } else { None }
}

/// The process itself, or the one it traces: `strace` has ours as its only child.
fn program_of(pid: u32) -> Option<Pid> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let traced = children.split_whitespace().next().and_then(|child| child.parse().ok());
    Pid::from_raw(traced.unwrap_or(i32::try_from(pid).ok()?))
}

fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}
