//! The real program against real peers (`ps3_*`, one file per section of the standard; doors; drain), and under faults (`faults`).
//!
//! `make test` brings the peers and builds the program. A single test: `cargo build -p research-pacs`, then
//! `cargo nextest run -p conformance NAME`; `RESEARCH_PACS_BIN` names another build.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stderr
)]

mod circle;
mod drain;
mod faults;
mod folder_import;
mod harness;
mod identity;
mod outbound;
mod ps3_15_annex_b_tls;
mod ps3_15_annex_e;
mod ps3_4_annex_b_duplicates;
mod ps3_4_annex_b_storage;
mod ps3_7_echo;
mod ps3_8_association;
