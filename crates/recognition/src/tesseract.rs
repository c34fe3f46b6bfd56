//! Text recognition by `tesseract` (Debian package `tesseract-ocr`, with `tesseract-ocr-fra` for French).

mod permits;
mod table;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use pixel::contrast::Page;
use pixel::{GreyImage, RecogniserError, TextBox, TextRecogniser};

use crate::pgm;
use crate::process::{self, ProcessError, ProcessLimits, Resources};
use permits::Permits;

/// What to do when it is missing.
const INSTALL: &str =
    "text recognition is not installed: install the packages tesseract-ocr and tesseract-ocr-fra";
/// Bytes of a table: far more than a page full of words makes.
const OUTPUT: u64 = 8 << 20;
/// A page of 64 million pixels takes less than half of it.
const MEMORY: u64 = 4 << 30;

/// The `tesseract` of this machine.
#[derive(Debug)]
pub struct Tesseract {
    program: PathBuf,
    name: String,
    languages: String,
    limits: ProcessLimits,
    permits: Permits,
}

impl Tesseract {
    /// The program's usual name, looked for in `/usr/local/bin`, `/usr/bin` and `/bin`.
    pub const PROGRAM: &str = "tesseract";

    /// Asks the program for its version and languages. `time` limits each call, `at_once` the processes that run at the same time.
    ///
    /// # Errors
    /// [`RecogniserError::NotInstalled`] when the program or the language `eng` is missing; others when it cannot be run.
    pub fn detect(program: &Path, time: Duration, at_once: usize) -> Result<Self, RecogniserError> {
        let resources = Some(Resources { memory: MEMORY });
        let limits = ProcessLimits { time, output: OUTPUT, resources };
        let ask = |option: &str| {
            let mut command = Command::new(program);
            command.arg(option);
            process::run(command, &[], limits).map_err(recogniser_error)
        };
        let version =
            String::from_utf8_lossy(&ask("--version")?).lines().next().unwrap_or_default().trim().to_owned();
        let listed = ask("--list-langs")?;
        let listed = String::from_utf8_lossy(&listed);
        let installed = |language: &&str| listed.lines().any(|line| line.trim() == *language);
        if !installed(&"eng") {
            return Err(RecogniserError::NotInstalled(INSTALL.into()));
        }
        let languages = ["eng", "fra"].into_iter().filter(installed).collect::<Vec<_>>().join("+");
        let permits = Permits::new(at_once.max(1));
        let name = format!("{version} ({languages})");
        Ok(Self { program: program.to_owned(), name, languages, limits, permits })
    }

    /// Sparse text in no order (mode 11) found every region of the test fonts; modes 6 and 12 lost lines.
    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(["-", "-", "-l", &self.languages, "--psm", "11", "--dpi", "300", "tsv"]);
        command
    }
}

impl TextRecogniser for Tesseract {
    fn name(&self) -> &str {
        &self.name
    }

    fn recognise(&self, image: &GreyImage, left: &mut Duration) -> Result<Vec<TextBox>, RecogniserError> {
        let start = Instant::now();
        let page = Page::of(image)?;
        *left = left.saturating_sub(start.elapsed());
        let Some(page) = page else { return Ok(Vec::new()) };
        let permit = self.permits.take();
        let start = Instant::now();
        let limits = ProcessLimits { time: self.limits.time.min(*left), ..self.limits };
        let output = process::run(self.command(), &pgm::write(&page.image), limits);
        *left = left.saturating_sub(start.elapsed());
        drop(permit);
        let output = output.map_err(recogniser_error)?;
        let words = table::words(&output).ok_or(RecogniserError::Failed("its table cannot be read"))?;
        Ok(words.into_iter().filter_map(|word| page.in_image(word)).collect())
    }
}

fn recogniser_error(error: ProcessError) -> RecogniserError {
    match error {
        ProcessError::NotInstalled => RecogniserError::NotInstalled(INSTALL.into()),
        error @ ProcessError::NotLimited => RecogniserError::NotInstalled(error.to_string()),
        ProcessError::TimedOut(time) => RecogniserError::TimedOut(time.as_secs()),
        ProcessError::TooMuchOutput(_) => RecogniserError::TooMuchOutput,
        ProcessError::Failed(_) => RecogniserError::Failed("it ended with an error"),
        ProcessError::Io(error) => RecogniserError::Io(error),
    }
}
