//! The regulatory side of a project: its dossier, the gate that lets data leave, and the audit trail.
//!
//! | File | Idea |
//! |---|---|
//! | `config`, `dossier` | the minimal dossier of a project, from configuration, with version and hash |
//! | `gate`, `gate_record` | may this leave? A pure decision, and the row that proves it was taken (R01, INV-3) |
//! | `audit_event`, `audit_trail`, `audit_chain` | what is audited, the append-only chained table, its verification and export |
//! | `rejections`, `rejection_writer` | refused associations: what a hostile peer can make us write is bounded |
//!
//! All rows live in the main database and hold own ids only, never an original id or UID.

mod audit_chain;
mod audit_event;
mod audit_trail;
mod canonical;
mod config;
mod dossier;
mod gate;
mod gate_record;
mod rejection_writer;
mod rejections;
mod text;

pub use audit_chain::{AuditError, ChainReport, export_json_lines, verify_chain};
pub use audit_event::{Actor, AuditEvent, DecisionKind, RejectionReason};
pub use audit_trail::{AuditRecord, AuditTrail, Head, head};
pub use config::DossierConfig;
pub use dossier::{Dossier, DossierError, DossierState, Mode};
pub use gate::{Decision, Outflow, Reason, Standing, Verdict, day_of, gate};
pub use gate_record::record_decision;
pub use rejection_writer::{RejectionSink, RejectionWriter};
pub use rejections::Rejection;
pub use text::Text;

use database::Migration;

/// The tables of this crate, for `Database::migrate` on the main database.
pub const MIGRATIONS: &[Migration] = &[
    Migration { name: "register/0001_gate_evaluation", sql: gate_record::SCHEMA },
    Migration { name: "register/0002_audit_trail", sql: audit_trail::SCHEMA },
];
