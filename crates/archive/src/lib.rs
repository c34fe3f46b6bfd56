//! Zones, spool, blobs, index, jobs and ledger.
//!
//! Two databases: [`buffer`] holds the rows that identify people, everything else is the main database, which knows our own
//! ids and pseudonymised UIDs only.

pub mod blob;
pub mod buffer;
pub mod defined_uid;
mod error;
pub mod index;
mod index_writer;
mod intake;
pub mod job;
pub mod job_queue;
pub mod ledger;
pub mod question;
pub mod regenerated_uid;
pub mod report;
pub mod result_set;
mod row;
pub mod scan;
pub mod side_result;
mod space;
pub mod spool;
pub mod state;
mod words;
pub mod zone;

pub use buffer::ReceivedInstance;
pub use error::ArchiveError;
pub use index_writer::{IndexWriter, QUEUE, RecoverError, Written, recover};
pub use intake::{Complete, Incoming, Intake, IntakeError, IntakeReceipt, Origin};

use database::Migration;

/// The schema of the main database.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        name: "archive/main_0001_job_queue",
        sql: include_str!("../migrations/main_0001_job_queue.sql"),
    },
    Migration { name: "archive/main_0002_job", sql: include_str!("../migrations/main_0002_job.sql") },
    Migration { name: "archive/main_0003_ledger", sql: include_str!("../migrations/main_0003_ledger.sql") },
    Migration { name: "archive/main_0004_index", sql: include_str!("../migrations/main_0004_index.sql") },
    Migration { name: "archive/main_0005_report", sql: include_str!("../migrations/main_0005_report.sql") },
    Migration {
        name: "archive/main_0006_defined_uid",
        sql: include_str!("../migrations/main_0006_defined_uid.sql"),
    },
    Migration {
        name: "archive/main_0007_side_result",
        sql: include_str!("../migrations/main_0007_side_result.sql"),
    },
    Migration {
        name: "archive/main_0008_interrupted",
        sql: include_str!("../migrations/main_0008_interrupted.sql"),
    },
    Migration {
        name: "archive/main_0009_side_result_withdrawn",
        sql: include_str!("../migrations/main_0009_side_result_withdrawn.sql"),
    },
];
