//! The line from outside: real stores in a temporary folder, a partner that is a folder, and the time in the test's hand.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod accepted;
mod anonymised;
mod answered;
mod beside;
mod damaged;
mod defaced;
mod included;
mod increments;
mod kept;
mod left_behind;
mod linkage;
mod masked;
mod opposed;
mod repeated;
mod reports;
mod reviewed;
mod room;
mod second_patient;
mod world;
