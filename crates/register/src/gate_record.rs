//! The stored proof that the gate was asked (INV-3).

use database::DatabaseError;
use serde_json::json;
use sqlx::AnyConnection;
use uuid::Uuid;

use crate::canonical::canonical_json;
use crate::gate::Decision;

/// One row per evaluation that a transition rests on.
pub(crate) const SCHEMA: &str = "
CREATE TABLE gate_evaluation (
    id TEXT PRIMARY KEY NOT NULL,
    at BIGINT NOT NULL,
    subject TEXT NOT NULL,
    dossier_version BIGINT NOT NULL,
    inputs TEXT NOT NULL,
    reasons TEXT NOT NULL,
    hash TEXT NOT NULL
);
CREATE INDEX gate_evaluation_subject ON gate_evaluation (subject, at);
";

const INSERT: &str = "INSERT INTO gate_evaluation (id, at, subject, dossier_version, inputs, reasons, hash)
VALUES ($1, $2, $3, $4, $5, $6, $7)";

/// Stores a decision, open or closed, in the caller's transaction and returns the id of its row.
///
/// `subject` is our own id of the job, batch or result set; `now` in epoch milliseconds.
///
/// # Errors
/// [`DatabaseError`]: nothing may leave, repeat the transaction.
pub async fn record_decision(
    connection: &mut AnyConnection,
    now: i64,
    subject: Uuid,
    decision: &Decision,
) -> Result<Uuid, DatabaseError> {
    let id = Uuid::now_v7();
    sqlx::query(INSERT)
        .bind(id.to_string())
        .bind(now)
        .bind(subject.to_string())
        .bind(i64::from(decision.dossier_version))
        .bind(decision.inputs.as_str())
        .bind(canonical_json(&json!(decision.reasons())))
        .bind(decision.hash.as_str())
        .execute(connection)
        .await?;
    Ok(id)
}
