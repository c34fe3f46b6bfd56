//! The promises of the vault, on every engine that is at hand (`database::testing`). All identities are invented.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod erase;
mod import;
mod issued;
mod lists;
mod locked;
mod originals;
mod participants;
mod reidentify;
mod rotation;
mod support;
mod tampering;
