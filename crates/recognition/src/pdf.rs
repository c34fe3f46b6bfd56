//! Pages of encapsulated PDF documents as images, by `pdftoppm`, and their text, by `pdftotext` (Debian package `poppler-utils`).

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use pixel::{DocumentError, DocumentRenderer, GreyImage};

use crate::pgm;
use crate::process::{self, ProcessError, ProcessLimits, Resources};

/// Bytes of the text of a document.
const TEXT: u64 = 16 << 20;
/// Address space; the document itself has at most 256 MiB.
const MEMORY: u64 = 2 << 30;

/// Why a document has no images: hold the instance.
#[derive(Debug, thiserror::Error)]
pub enum PdfError {
    /// The program is missing: install it.
    #[error("documents cannot be rendered: install the package poppler-utils")]
    NotInstalled,
    /// More pages than allowed: hold the instance.
    #[error("the document has more than {0} pages: hold the instance, or raise the limit")]
    TooManyPages(u32),
    /// The document is damaged, encrypted or empty: hold the instance.
    #[error("the document cannot be rendered: hold the instance")]
    NotRendered,
    /// Time or output limit, or the system refused: hold the instance.
    #[error("the document cannot be rendered, {0}: hold the instance")]
    Process(ProcessError),
}

/// The renderer and its limits.
#[derive(Clone, Debug)]
pub struct Pdf {
    /// Path or name of `pdftoppm`.
    pub program: PathBuf,
    /// Path or name of `pdftotext`.
    pub text_program: PathBuf,
    /// The most pages of a document.
    pub pages: u32,
    /// The longer side of a page, pixels: about 1,800 make an A4 page of 150 dpi.
    pub longer_side: u32,
    /// For the whole document.
    pub time: Duration,
}

impl Default for Pdf {
    /// The programs where the system has them; 20 pages of 150 dpi within two minutes.
    fn default() -> Self {
        Self {
            program: PathBuf::from("pdftoppm"),
            text_program: PathBuf::from("pdftotext"),
            pages: 20,
            longer_side: 1800,
            time: Duration::from_secs(120),
        }
    }
}

impl DocumentRenderer for Pdf {
    fn pages(&self, document: &[u8]) -> Result<Vec<GreyImage>, DocumentError> {
        self.render(document).map_err(|error| DocumentError(error.to_string()))
    }

    fn text(&self, document: &[u8]) -> Result<String, DocumentError> {
        self.extract(document).map_err(|error| DocumentError(error.to_string()))
    }
}

fn error_of(error: ProcessError) -> PdfError {
    match error {
        ProcessError::NotInstalled => PdfError::NotInstalled,
        ProcessError::Failed(_) => PdfError::NotRendered,
        other => PdfError::Process(other),
    }
}

impl Pdf {
    fn limits(&self, output: u64) -> ProcessLimits {
        ProcessLimits { time: self.time, output, resources: Some(Resources { memory: MEMORY }) }
    }

    /// The text of all pages, also of what is not seen: white on white, behind images, outside of the page.
    ///
    /// # Errors
    /// [`PdfError`].
    pub fn extract(&self, document: &[u8]) -> Result<String, PdfError> {
        let mut command = Command::new(&self.text_program);
        command.args(["-q", "-enc", "UTF-8", "-", "-"]);
        let limits = self.limits(TEXT);
        let text = process::run(command, document, limits).map_err(error_of)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// All pages of the document, in order.
    ///
    /// # Errors
    /// [`PdfError`].
    pub fn render(&self, document: &[u8]) -> Result<Vec<GreyImage>, PdfError> {
        let side = u64::from(self.longer_side);
        // One page more than allowed is asked for, so that its presence is seen.
        let asked = self.pages.saturating_add(1);
        let output = (side * side + 64).saturating_mul(u64::from(asked));
        let mut command = Command::new(&self.program);
        command.args(["-gray", "-l", &asked.to_string(), "-scale-to", &self.longer_side.to_string(), "-"]);
        let output = process::run(command, document, self.limits(output));
        let output = output.map_err(error_of)?;
        let mut rest = output.as_slice();
        let mut pages = Vec::new();
        while !rest.is_empty() {
            let (page, after) = pgm::read(rest).ok_or(PdfError::NotRendered)?;
            pages.push(page);
            rest = after;
        }
        match pages.len() as u64 {
            0 => Err(PdfError::NotRendered),
            count if count > u64::from(self.pages) => Err(PdfError::TooManyPages(self.pages)),
            _ => Ok(pages),
        }
    }
}
