//! The simulated world: small honest peers for demonstration and tests.
//!
//! | Part | Files |
//! |---|---|
//! | What is exchanged | [`generate`] (studies of invented persons), [`results`] (what a partner makes of them), [`data_set`], [`object`] |
//! | Peers | [`clinical_pacs`], [`partner`], [`sinks`] (mail, webhooks) |
//! | Below | `store` (bounded memory), `query` and `matching` (C-FIND), `node` (a DICOM node in process), `seed` |
//!
//! Everything is bounded, identities are invented, and nothing is random that a seed does not decide.

pub mod clinical_pacs;
pub mod data_set;
mod error;
pub mod generate;
mod matching;
mod node;
pub mod object;
pub mod partner;
mod query;
pub mod results;
mod seed;
pub mod sinks;
mod store;

pub use error::SimulationError;
pub use node::Peer;
pub use seed::Seed;
pub use store::StoreLimits;
