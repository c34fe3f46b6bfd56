//! Programs of the operating system that look at pixels: `tesseract` for text, `pdftoppm` for documents, as bounded processes.
//!
//! No identified pixel is written to a file: images go by standard input. Each process has a time limit, an output limit, an empty
//! environment and its own process group, which is killed as a whole. Calls block: make them off the runtime's threads.

mod pdf;
mod pgm;
mod process;
mod tesseract;

pub use pdf::{Pdf, PdfError};
pub use process::{ProcessError, ProcessLimits};
pub use tesseract::Tesseract;
