//! The promises of a `Database`, on every engine that is at hand.

#![allow(clippy::unwrap_used)]

mod errors;
mod migrations;
mod statements;
mod transactions;
