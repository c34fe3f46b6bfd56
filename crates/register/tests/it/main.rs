//! The tables of the register on every engine.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod audit;
mod gate_record;
mod rejections;

use database::testing::{TestDatabase, engines};
use register::AuditTrail;

async fn databases() -> Vec<TestDatabase> {
    let databases = engines().await;
    for database in &databases {
        database.migrate(register::MIGRATIONS).await.unwrap();
    }
    databases
}

fn trail() -> AuditTrail {
    AuditTrail::new("Hôpital d'essai", "research-pacs 0.1.0")
}
