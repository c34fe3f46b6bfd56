//! Integration tests of the reconciliation: behaviour from outside, expected values from PS3 and the rules RR- and RC-.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod character_sets;
mod classes;
mod dates;
mod encodings;
mod encrypted_attributes;
mod keys;
mod marking;
mod mentions;
mod properties;
mod references;
mod round_trip;
mod scan;
mod support;
mod text_rules;
mod traces;
mod tree;
