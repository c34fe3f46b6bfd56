//! The buffer database: rows about the receive buffer (Z1), the quarantine (Z6), and results on their way back (Z4, Z5).
//!
//! They hold original ids and UIDs (DEC-R). An instance goes through them like this:
//!
//! ```text
//! insert_batch ─► received ─► gather ─► admitted ─► deidentified ─► released ─► (purged)
//!                     │  ▲                 │             │
//!                     ▼  └ release, redo ──┴─────────────┤
//!                quarantined ◄───────────────────────────┘
//!                     └ discard ─► (purged)
//! ```
//!
//! What waits for the rest of its series is admitted and in no batch (`series`).
//!
//! The spool record is written and synced first; these rows follow in batches, and after a crash they are made again from
//! the records past the checkpoint.

mod arrival;
mod commitment;
mod instance;
mod missing_project;
mod quarantine;
mod result;
mod retention;
mod series;
mod study;
mod subject;

pub use arrival::{Arrival, checkpoint, insert_batch, reroute};
pub use commitment::{
    Commitment, close_commitment, commitment, commitments_of, forget_commitments, open_commitment,
};
pub use instance::{
    Batch, BufferState, BufferedInstance, Person, ReceivedInstance, admit_anew, advance, by_id,
    count_by_state, deidentified, gather, in_batch, is_waiting, of_participant, persons, unfinished_batches,
};
pub use missing_project::{miss_project, miss_project_no_more, missing_projects, projects};
pub use quarantine::{
    Decision, Hold, QuarantineReason, Quarantined, accepted_among, accepted_reasons, decide, expire, expired,
    hold, list_quarantined, note_recorded, show_quarantined, unrecorded,
};
pub use result::{
    Offered, ResultInstance, ReturnInstance, ReturnState, evidence_of, inbound_of, inbound_of_others,
    insert_inbound, insert_return, is_empty, keep_evidence, keep_known, known_objects, note_offered,
    note_return, offered, purge_result_set, push_again, result_sets_held, return_of, return_progress,
    series_of_others,
};
pub use retention::{in_state_since, live_locations, purge_released, relocate, remove};
pub use series::{SeriesKey, gather_series, is_series_complete, set_aside, whole_series};
pub use study::{
    ReceivingStudy, close_study, increments, increments_of, of_increment, progress, show_study,
    stable_studies,
};
pub use subject::{StudySubject, claim_study, forget_study, study_subjects, subject_of};

use database::Migration;

/// The schema of the buffer database.
pub const MIGRATIONS: &[Migration] = &[
    Migration { name: "archive/buffer_0001", sql: include_str!("../../migrations/buffer_0001.sql") },
    Migration {
        name: "archive/buffer_0002_result",
        sql: include_str!("../../migrations/buffer_0002_result.sql"),
    },
    Migration {
        name: "archive/buffer_0003_series",
        sql: include_str!("../../migrations/buffer_0003_series.sql"),
    },
    Migration {
        name: "archive/buffer_0004_inbound_series",
        sql: include_str!("../../migrations/buffer_0004_inbound_series.sql"),
    },
    Migration {
        name: "archive/buffer_0005_offered",
        sql: include_str!("../../migrations/buffer_0005_offered.sql"),
    },
];
