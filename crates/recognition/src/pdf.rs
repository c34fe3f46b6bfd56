//! Pages of encapsulated PDF documents as images, by `pdftoppm` (Debian package `poppler-utils`).

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use pixel::GreyImage;

use crate::pgm;
use crate::process::{self, ProcessError, ProcessLimits};

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
    /// The most pages of a document.
    pub pages: u32,
    /// The longer side of a page, pixels: about 1,800 make an A4 page of 150 dpi.
    pub longer_side: u32,
    /// For the whole document.
    pub time: Duration,
}

impl Pdf {
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
        let output = process::run(command, document, ProcessLimits { time: self.time, output });
        let output = output.map_err(|error| match error {
            ProcessError::NotInstalled => PdfError::NotInstalled,
            ProcessError::Failed(_) => PdfError::NotRendered,
            other => PdfError::Process(other),
        })?;
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
