//! What a partner allows: concurrency, pause, not before. Checked in the claim, so that pause really pauses.

use sqlx::{AnyConnection, AnyExecutor, Row};

use crate::ArchiveError;

/// Limits of one partner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lane {
    /// Partner.
    pub partner: String,
    /// Jobs at the same time.
    pub concurrency: i32,
    /// Paused by a person.
    pub paused: bool,
    /// Nothing starts before this time: opening hours, `Retry-After`, rate, a broken partner. Epoch milliseconds.
    pub not_before: i64,
}

/// Declares a partner and its concurrency; pause and hold stay as they are.
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn set_lane(
    connection: &mut AnyConnection,
    partner: &str,
    concurrency: i32,
) -> Result<(), ArchiveError> {
    sqlx::query(
        "INSERT INTO partner_lane (partner, concurrency, paused, not_before, claimed_at) VALUES ($1, $2, 0, 0, 0) \
         ON CONFLICT (partner) DO UPDATE SET concurrency = excluded.concurrency",
    )
    .bind(partner)
    .bind(concurrency)
    .execute(connection)
    .await?;
    Ok(())
}

/// Pauses a declared partner or lets it go on.
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn pause_lane(
    connection: &mut AnyConnection,
    partner: &str,
    paused: bool,
) -> Result<(), ArchiveError> {
    sqlx::query("UPDATE partner_lane SET paused = $2 WHERE partner = $1")
        .bind(partner)
        .bind(i16::from(paused))
        .execute(connection)
        .await?;
    Ok(())
}

/// Lets nothing of a declared partner start before `not_before` (epoch milliseconds).
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn hold_lane(
    connection: &mut AnyConnection,
    partner: &str,
    not_before: i64,
) -> Result<(), ArchiveError> {
    sqlx::query("UPDATE partner_lane SET not_before = $2 WHERE partner = $1")
        .bind(partner)
        .bind(not_before)
        .execute(connection)
        .await?;
    Ok(())
}

/// All declared partners.
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn lanes(executor: impl AnyExecutor<'_>) -> Result<Vec<Lane>, ArchiveError> {
    let rows =
        sqlx::query("SELECT partner, concurrency, paused, not_before FROM partner_lane ORDER BY partner")
            .fetch_all(executor)
            .await?;
    rows.iter()
        .map(|row| {
            Ok(Lane {
                partner: row.try_get("partner")?,
                concurrency: row.try_get("concurrency")?,
                paused: row.try_get::<i16, _>("paused")? != 0,
                not_before: row.try_get("not_before")?,
            })
        })
        .collect()
}
