//! Programs that start ours under a condition: in a mount namespace, under `strace`, with another clock.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Words before the command line of the program, and variables for it.
#[derive(Default)]
pub(crate) struct Launcher {
    words: Vec<String>,
    variables: Vec<(String, String)>,
}

impl Launcher {
    pub(crate) fn new<Word: Into<String>>(words: impl IntoIterator<Item = Word>) -> Self {
        Self { words: words.into_iter().map(Into::into).collect(), variables: Vec::new() }
    }

    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// `strace` of every thread, with `options`, its output in `log`. `None` where tracing is not permitted.
    pub(crate) fn strace(log: &Path, options: &[&str]) -> Option<Self> {
        let tried = Command::new("strace").args(["-f", "-o", "/dev/null", "true"]).output();
        if !tried.is_ok_and(|output| output.status.success()) {
            eprintln!("skipped: strace is not there or not permitted");
            return None;
        }
        let mut words: Vec<String> = ["strace", "-f", "-o"].map(str::to_owned).to_vec();
        words.push(log.display().to_string());
        words.extend(options.iter().map(|&option| option.to_owned()));
        Some(Self::new(words))
    }

    pub(super) fn command(&self, program: &PathBuf) -> Command {
        let mut command = match self.words.split_first() {
            Some((first, rest)) => {
                let mut command = Command::new(first);
                command.args(rest).arg(program);
                command
            }
            None => Command::new(program),
        };
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }
}
