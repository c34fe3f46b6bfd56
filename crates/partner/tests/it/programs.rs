//! Real peers: found on the path, started on free ports in a scratch folder, ended with the test.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The program, or `None` with a message: `make test` installs it.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    // system folders first: other things of the same name may stand before them on the path
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders =
        ["/usr/bin", "/usr/sbin"].into_iter().map(PathBuf::from).chain(std::env::split_paths(&path));
    let found = folders.map(|folder| folder.join(name)).find(|program| program.is_file());
    if found.is_none() {
        eprintln!("skipped: {name} is not installed; `make test` installs it");
    }
    found
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

pub(crate) struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a program and waits until it listens on all `ports`.
pub(crate) fn start(program: &Path, arguments: &[&str], folder: &Path, ports: &[u16]) -> Running {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null());
    let mut running = Running(command.spawn().unwrap());
    let until = Instant::now() + Duration::from_secs(30);
    for port in ports {
        while TcpStream::connect(("127.0.0.1", *port)).is_err() {
            assert!(running.0.try_wait().unwrap().is_none(), "{} ended", program.display());
            assert!(Instant::now() < until, "{} does not listen", program.display());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    running
}
