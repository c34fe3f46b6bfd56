//! The line from reception to return: one file per stage, in the order of an instance's way.
//!
//! ```text
//! OUT   access ─► receive ─► (archive intake: Z1) ─► admit …
//! ```
//!
//! `access` decides who may associate, `receive` takes instances from the DICOM listener, `import` takes them from folders; both use
//! the same intake. `admit` quarantines what has no project or no Patient ID and closes studies that have become stable. `route`
//! finds the project. The stages after it come with the next cut.

pub mod access;
pub mod admit;
pub mod clock;
pub mod config;
pub mod import;
pub mod receive;
pub mod route;
