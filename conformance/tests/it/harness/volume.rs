//! A volume of a given size, seen only by the programs started in it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::Launcher;

/// A tmpfs in a mount namespace of its own; gone with this value.
pub(crate) struct Volume {
    /// Keeps the namespace.
    holder: Child,
    folder: TempDir,
    own_user_namespace: bool,
}

impl Volume {
    /// `None`, with the reason on standard error, where the system does not permit it.
    pub(crate) fn new(mebibytes: u32) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let own_user_namespace = !rustix::process::geteuid().is_root();
        let mount = format!(
            "mount -t tmpfs -o size={mebibytes}m tmpfs '{}' && echo mounted && exec sleep 600",
            folder.path().display()
        );
        let mut command = Command::new("unshare");
        if own_user_namespace {
            command.args(["--user", "--map-root-user"]);
        }
        command.args(["--mount", "--propagation", "private", "sh", "-c", &mount]);
        let mut holder =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        let read = BufReader::new(holder.stdout.take().unwrap()).read_line(&mut line);
        if read.is_err() || line.trim() != "mounted" {
            let _ = holder.kill();
            let _ = holder.wait();
            eprintln!("skipped: mounting a tmpfs in a mount namespace is not permitted");
            return None;
        }
        Some(Self { holder, folder, own_user_namespace })
    }

    /// Where the volume is mounted, for the programs that run in it.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The same place, for the test, which runs outside.
    pub(crate) fn path_from_outside(&self) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.holder.id()));
        root.join(self.folder.path().strip_prefix("/").unwrap())
    }

    /// Starts programs in the namespace.
    pub(crate) fn launcher(&self) -> Launcher {
        let mut words =
            vec!["nsenter".to_owned(), format!("--target={}", self.holder.id()), "--mount".to_owned()];
        if self.own_user_namespace {
            words.extend(["--user".to_owned(), "--preserve-credentials".to_owned()]);
        }
        words.push("--".to_owned());
        Launcher::new(words)
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}
