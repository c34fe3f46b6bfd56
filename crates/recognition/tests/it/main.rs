//! The real programs: `tesseract` and `pdftoppm`; scripts that misbehave.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod decryption;
mod defacer;
mod limits;
mod pdf;
mod texts;
