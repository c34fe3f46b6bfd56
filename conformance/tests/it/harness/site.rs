//! A site in a temporary folder: one `site.toml`, one data folder, kept over restarts.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use super::{Launcher, Listing, Server, json_lines, python, run};

/// One node `MODALITY` on 127.0.0.1, one receive-only project `rx` behind the called title `RX`.
pub(crate) struct Site {
    folder: TempDir,
    data: PathBuf,
    /// Log of all runs of the program.
    log: PathBuf,
    private_sop_classes: Vec<&'static str>,
    sections: String,
}

impl Site {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (data, log) = (folder.path().join("data"), folder.path().join("server.log"));
        Self { folder, data, log, private_sop_classes: Vec::new(), sections: String::new() }
    }

    /// Lets `MODALITY` send a SOP class that PS3.4 does not list.
    pub(crate) fn private_sop_class(mut self, uid: &'static str) -> Self {
        self.private_sop_classes.push(uid);
        self
    }

    /// Adds whole sections.
    pub(crate) fn section(mut self, text: &str) -> Self {
        self.sections.push_str(text);
        self
    }

    /// Changes the sections: what the next start of the program reads.
    pub(crate) fn change(&mut self, from: &str, to: &str) {
        assert!(self.sections.contains(from), "{from}");
        self.sections = self.sections.replace(from, to);
    }

    /// Keeps the data elsewhere than in the temporary folder.
    pub(crate) fn data(mut self, folder: &Path) -> Self {
        folder.clone_into(&mut self.data);
        self
    }

    /// Where the program keeps everything.
    pub(crate) fn data_folder(&self) -> &Path {
        &self.data
    }

    /// What all its runs wrote to standard error.
    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    /// A folder of the test's own that lives as long as the site.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        let folder = self.folder.path().join(name);
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    /// Starts the program and waits until it listens.
    pub(crate) fn serve(&self) -> Server<'_> {
        self.serve_under(&Launcher::default())
    }

    /// The same, started by another program.
    pub(crate) fn serve_under(&self, launcher: &Launcher) -> Server<'_> {
        let mut command = launcher.command(&program());
        command.arg("serve").arg("--config").arg(self.write_config()).arg("--json");
        Server::start(command, &self.log)
    }

    /// The program with a clock that is so many minutes ahead, so that leases and pauses have passed.
    pub(crate) fn serve_later(&self, minutes: u64) -> Server<'_> {
        let ahead = format!("+{minutes}m");
        self.serve_under(&Launcher::new(["faketime", "--exclude-monotonic", "-f", &ahead]))
    }

    /// `research-pacs WORDS --config …`, to its end.
    pub(crate) fn command(&self, words: &[&str]) -> Output {
        Command::new(program()).args(words).arg("--config").arg(self.write_config()).output().unwrap()
    }

    /// The same; fails the test unless it exits with `code`. Answers standard output.
    pub(crate) fn answer(&self, words: &[&str], code: i32) -> String {
        let output = self.command(words);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{words:?}: {text}\n{errors}");
        text
    }

    /// Rows of the database `name`, read beside the program.
    pub(crate) fn rows(&self, name: &str, sql: &str) -> Vec<Value> {
        let file = self.data.join(format!("{name}.sqlite"));
        json_lines(&run(python("rows.py").arg(file).arg(sql)))
    }

    /// Number of rows of the database `name`; `from` is what follows FROM.
    pub(crate) fn count(&self, name: &str, from: &str) -> u64 {
        self.rows(name, &format!("SELECT COUNT(*) AS n FROM {from}"))[0]["n"].as_u64().unwrap()
    }

    /// What the receive buffer holds; the program must not be running.
    pub(crate) fn listing(&self) -> Listing {
        self.listing_under(&Launcher::default())
    }

    /// The same, started by another program.
    pub(crate) fn listing_under(&self, launcher: &Launcher) -> Listing {
        let mut command = launcher.command(&program());
        command.args(["check", "receive", "--config"]).arg(self.write_config()).arg("--json");
        Listing::read(command)
    }

    /// Writes `site.toml` and answers where it is.
    pub(crate) fn write_config(&self) -> PathBuf {
        let path = self.folder.path().join("site.toml");
        let Self { data, private_sop_classes, sections, .. } = self;
        let text = format!(
            r#"[site]
name = "conformance"
data = "{}"
[dicom]
listen = "127.0.0.1:0"
[http]
listen = "127.0.0.1:0"
[[node]]
name = "modality"
ae_title = "MODALITY"
addresses = ["127.0.0.1/32"]
private_sop_classes = {private_sop_classes:?}
[[project]]
id = "rx"
called_ae_titles = ["RX"]
mode = "receive-only"
{sections}"#,
            data.display()
        );
        fs::write(&path, text).unwrap();
        path
    }
}

/// `RESEARCH_PACS_BIN`, else the build beside this test's own.
pub(crate) fn program() -> PathBuf {
    let path = std::env::var_os("RESEARCH_PACS_BIN").map_or_else(
        || {
            let own = std::env::current_exe().unwrap();
            own.parent().and_then(Path::parent).unwrap().join("research-pacs")
        },
        PathBuf::from,
    );
    assert!(path.is_file(), "{} is not there: cargo build -p research-pacs", path.display());
    path
}

/// A command of the system, by name.
pub(crate) fn system_command(name: &str) -> Command {
    // First where the distribution installs: names like `storescu` are pynetdicom's elsewhere.
    let installed = ["/usr/bin", "/usr/sbin"].map(|folder| Path::new(folder).join(name));
    Command::new(installed.iter().find(|path| path.is_file()).cloned().unwrap_or_else(|| PathBuf::from(name)))
}
