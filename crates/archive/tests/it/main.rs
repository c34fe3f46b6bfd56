//! The archive from outside.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod buffer;
mod index;
mod invariants;
mod job_queue;
mod ledger;
mod machines;
mod question;
mod side_result;

use database::testing::{TestDatabase, engines};

/// Databases with the schema of the main database.
async fn main_databases() -> Vec<TestDatabase> {
    let engines = engines().await;
    for database in &engines {
        database.migrate(archive::MIGRATIONS).await.unwrap();
    }
    engines
}
