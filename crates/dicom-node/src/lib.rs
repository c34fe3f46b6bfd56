//! The DICOM network: associations of both roles, and the services above them.
//!
//! | Part | Files |
//! |---|---|
//! | PS3.8 | `state` (Table 9-10), `pdu`, `wire`, [`association`], `acceptor`, `requestor`, [`presentation_context`], [`transfer_syntax`], [`sop_class`] |
//! | PS3.7 | `dimse` (command sets), `message`, [`status`] |
//! | PS3.4 | `verification`, `storage_scp`, [`storage_scu`], [`query_retrieve_scp`] (C-FIND), [`query_retrieve_scu`], [`storage_commitment`] |
//! | Node | [`listener`], [`access`], [`receiver`], [`config`], [`tls`], [`stream`] |
//!
//! Data sets are opaque bytes here. They are lent to the [`receiver`] out of the receive buffer as they arrive. Nothing
//! is allocated from a length that a peer claims; every wait has a timer; the crate writes no audit and knows no patient.

mod acceptor;
pub mod access;
mod ae_title;
pub mod association;
mod certificate_subject;
mod commitment_data;
pub mod config;
mod dimse;
mod error;
pub mod listener;
mod message;
mod pdu;
pub mod presentation_context;
pub mod query_retrieve_scp;
pub mod query_retrieve_scu;
pub mod receiver;
mod requestor;
pub mod sop_class;
mod state;
pub mod status;
pub mod storage_commitment;
mod storage_scp;
pub mod storage_scu;
pub mod stream;
pub mod tls;
pub mod transfer_syntax;
mod verification;
mod wire;

pub use acceptor::Proposal;
pub use ae_title::{AeTitle, InvalidAeTitle};
pub use association::{Association, Stop};
pub use error::AssociationError;
pub use listener::Node;
pub use requestor::RemoteNode;
