//! The way out of the pipeline with real peers: admit, de-identify, verify, export, acknowledge, notify.

mod before_after;
mod canaries;
mod circle;
mod documents;
mod faces;
mod gate;
mod incremental;
mod kills;
mod message;
mod offline;
mod refusals;
mod world;
