//! The program seen from outside, and the shape of the workspace.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod architecture;
mod cli;
mod peers;
mod profile;
