//! Programs of the operating system as bounded processes: `tesseract` for text in pixels, `pdftoppm` for documents, a
//! defacing program of the operator's choice, `openssl` for enveloped data.
//!
//! Nothing identified is written to a file: it goes by standard input and output; a defacing program alone gets a private folder (ADR 0013). Each process has a time limit, an output limit, an empty
//! environment and its own process group, which is killed as a whole; those that read what strangers wrote run under limits of `prlimit`. Calls block: make them off the runtime's threads.

mod decryption;
mod defacer;
mod pdf;
mod pgm;
mod process;
mod tesseract;

pub use decryption::{DecryptionKey, DecryptionKeyError};
pub use defacer::ExternalDefacer;
pub use pdf::{Pdf, PdfError};
pub use process::{ProcessError, ProcessLimits, Resources};
pub use tesseract::Tesseract;
