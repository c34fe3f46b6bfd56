//! Behaviour of the stream seen from outside. Byte sequences are written out by hand from PS3.5.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod data_set;
mod file_start;
mod hostile;
mod irregular;
mod pydicom_files;
mod round_trip;
mod structure;
mod translated;
