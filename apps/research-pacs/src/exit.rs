//! Exit codes: 0 done, 1 a negative result (check failed, something refused), 2 usage or failure.

use std::process::ExitCode;

/// What a command found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Done, and the answer is yes.
    Good,
    /// Done, and the answer is no.
    Bad,
}

/// The code of a command's end; a failure is said on standard error.
#[allow(clippy::print_stderr, reason = "the one place where the program says why it fails")]
pub(crate) fn code(result: anyhow::Result<Outcome>) -> ExitCode {
    match result {
        Ok(Outcome::Good) => ExitCode::SUCCESS,
        Ok(Outcome::Bad) => ExitCode::from(1),
        Err(error) => {
            eprintln!("research-pacs: {error:#}");
            ExitCode::from(2)
        }
    }
}
