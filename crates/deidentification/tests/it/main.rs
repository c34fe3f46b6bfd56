//! Integration tests of the de-identifier: behaviour from outside, expected values from PS3.15.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod actions;
mod changes;
mod clinical_documents;
mod compressed;
mod documents;
mod encodings;
mod faces;
mod labels;
mod leaks;
mod markers;
mod options;
mod partner_view;
mod pixels;
mod public_files;
mod references;
mod rule_places;
mod rule_values;
mod rules;
mod support;
mod tables;
mod text_clean;
mod verify;
mod verify_promise;
