//! One bounded process: input given, output collected, killed when it takes too long or writes too much.

use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// Where programs of the system lie; the environment of this process is not passed on.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// What a process may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessLimits {
    /// From its start to its end.
    pub time: Duration,
    /// Bytes of its standard output.
    pub output: u64,
    /// What the system refuses it beyond that; `None` leaves it as it is.
    pub resources: Option<Resources>,
}

/// Resource limits of `prlimit` (package `util-linux`, part of every Debian): for programs that read what strangers wrote. No file is written under
/// them, and none of what was read is left in a core dump.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resources {
    /// Bytes of address space.
    pub memory: u64,
}

/// What sets the limits.
const PRLIMIT: &str = "prlimit";
/// How `prlimit` ends when the program is not there.
const NO_PROGRAM: i32 = 127;

impl Resources {
    /// The command under these limits, with so much time of a processor as it has on the clock: a process that leaves its group is not killed.
    fn around(self, command: &Command, time: Duration) -> Command {
        let mut limited = Command::new(PRLIMIT);
        limited
            .arg(format!("--as={}", self.memory))
            .arg(format!("--cpu={}", time.as_secs().saturating_add(1)));
        limited.args(["--fsize=0", "--core=0", "--"]).arg(command.get_program()).args(command.get_args());
        limited
    }
}

/// Why a process gave no result.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// There is no such program: install it.
    #[error("the program is not installed")]
    NotInstalled,
    /// What limits the program is missing: install it.
    #[error("programs cannot be limited without {PRLIMIT}: install the package util-linux")]
    NotLimited,
    /// It was killed at its time limit.
    #[error("the program took longer than {} s", .0.as_secs())]
    TimedOut(Duration),
    /// It was killed at its output limit.
    #[error("the program wrote more than {0} bytes")]
    TooMuchOutput(u64),
    /// It ended with a code other than 0, or by a signal.
    #[error("the program failed: {0}")]
    Failed(ExitStatus),
    /// The system refused.
    #[error("the program could not be run: {0}")]
    Io(#[from] io::Error),
}

/// Runs the command in a group of its own, with no more of an environment than it was given and [`PATH`].
pub(crate) fn run(command: Command, input: &[u8], limits: ProcessLimits) -> Result<Vec<u8>, ProcessError> {
    let deadline = Instant::now() + limits.time;
    let own: Vec<_> =
        command.get_envs().map(|(name, value)| (name.to_owned(), value.map(ToOwned::to_owned))).collect();
    let limited = limits.resources.is_some();
    let mut command = match limits.resources {
        Some(resources) => resources.around(&command, limits.time),
        None => command,
    };
    let child = command
        .env_clear()
        .envs(own.into_iter().filter_map(|(name, value)| Some((name, value?))))
        .envs([("PATH", PATH), ("LC_ALL", "C.UTF-8"), ("OMP_THREAD_LIMIT", "1")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        // Messages may repeat what was read.
        .stderr(Stdio::null())
        .process_group(0)
        .spawn();
    let child = child.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound if limited => ProcessError::NotLimited,
        io::ErrorKind::NotFound => ProcessError::NotInstalled,
        _ => ProcessError::Io(error),
    })?;
    let mut child = Group { child, is_killed: false };
    let (stdin, stdout) = (child.child.stdin.take(), child.child.stdout.take());
    let (sender, receiver) = channel();
    let input = input.to_vec();
    // Nobody waits for these two: a child of the program that left the group may hold the pipes for as long as it lives.
    std::thread::spawn(move || {
        // A program that stops reading early says so by its exit code.
        if let Some(mut stdin) = stdin {
            let _ = stdin.write_all(&input);
        }
    });
    std::thread::spawn(move || {
        let mut output = Vec::new();
        let read = stdout.map_or(Ok(0), |stdout| stdout.take(limits.output + 1).read_to_end(&mut output));
        let _ = sender.send(read.map(|_| output));
    });
    let result = match receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        Ok(Ok(output)) if output.len() as u64 > limits.output => {
            Err(ProcessError::TooMuchOutput(limits.output))
        }
        Ok(Ok(output)) => child.end(deadline, limits.time).map(|()| output),
        Ok(Err(error)) => Err(error.into()),
        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
            Err(ProcessError::TimedOut(limits.time))
        }
    };
    child.kill();
    match result {
        Err(ProcessError::Failed(status)) if limited && status.code() == Some(NO_PROGRAM) => {
            Err(ProcessError::NotInstalled)
        }
        result => result,
    }
}

/// A child that does not outlive its owner.
struct Group {
    child: Child,
    is_killed: bool,
}

impl Group {
    /// Waits for the end after the output was closed.
    fn end(&mut self, deadline: Instant, time: Duration) -> Result<(), ProcessError> {
        loop {
            match self.child.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(ProcessError::Failed(status)),
                None if Instant::now() >= deadline => return Err(ProcessError::TimedOut(time)),
                None => std::thread::park_timeout(Duration::from_millis(2)),
            }
        }
    }

    /// Kills what is left of the group, when its first process has ended too; a second call does nothing.
    fn kill(&mut self) {
        if std::mem::replace(&mut self.is_killed, true) {
            return;
        }
        if let Some(group) = rustix::process::Pid::from_raw(self.child.id().cast_signed()) {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = self.child.wait();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}
