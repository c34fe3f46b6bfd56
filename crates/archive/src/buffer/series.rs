//! Instances that wait until their study is complete, because something is done to whole series of it.
//!
//! They stay admitted and belong to no batch: the study is not de-identified while there are any, and a start finds them.

use std::collections::BTreeMap;

use database::Statement;
use sqlx::{AnyConnection, AnyExecutor, Row};
use uuid::Uuid;

use super::instance::{Batch, BufferedInstance, from_row, routed};
use crate::ArchiveError;

/// Takes admitted instances out of their batch; answers how many.
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn set_aside(connection: &mut AnyConnection, ids: &[Uuid]) -> Result<u64, ArchiveError> {
    let mut moved = 0;
    for chunk in ids.chunks(Statement::IDS) {
        let mut update = Statement::new(
            "UPDATE received_instance SET batch = NULL WHERE state = 'admitted' AND batch IS NOT NULL AND id IN (",
        );
        update.list(chunk.iter().map(Uuid::to_string)).push(")");
        moved += update.query().execute(&mut *connection).await?.rows_affected();
    }
    Ok(moved)
}

/// What is set aside of an increment that is closed and has nothing else on its way.
const COMPLETE: &str = "FROM received_instance AS instance \
     JOIN receiving_study AS study ON study.id = instance.receiving_study \
     WHERE instance.state = 'admitted' AND instance.batch IS NULL AND study.closed_at IS NOT NULL AND NOT EXISTS \
     (SELECT 1 FROM received_instance AS other WHERE other.receiving_study = instance.receiving_study \
     AND (other.state = 'received' OR (other.state = 'admitted' AND other.batch IS NOT NULL)))";

/// Whether [`gather_series`] would find something: asked by a reader, so that an idle program writes nothing.
///
/// # Errors
/// [`ArchiveError::Database`].
pub async fn is_series_complete(executor: impl AnyExecutor<'_>) -> Result<bool, ArchiveError> {
    let mut find = Statement::new("SELECT 1 AS complete ");
    find.push(COMPLETE).push(" LIMIT 1");
    Ok(find.query().fetch_optional(executor).await?.is_some())
}

/// Gathers what was set aside of the studies that are complete by now, one series per batch. The jobs of the batches are enqueued
/// afterwards in the main database; after a crash in between they are found by [`super::unfinished_batches`].
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn gather_series(connection: &mut AnyConnection) -> Result<Vec<Batch>, ArchiveError> {
    let mut find = Statement::new(
        "SELECT DISTINCT instance.project, instance.receiving_study, instance.study_instance_uid, \
         instance.series_instance_uid ",
    );
    find.push(COMPLETE);
    let rows = find.query().fetch_all(&mut *connection).await?;
    let mut series: BTreeMap<[String; 4], Uuid> = BTreeMap::new();
    for row in &rows {
        let key = ["project", "receiving_study", "study_instance_uid", "series_instance_uid"]
            .map(|column| row.try_get::<String, _>(column));
        let [project, study, study_uid, series_uid] = key;
        series.insert([project?, study?, study_uid?, series_uid?], Uuid::now_v7());
    }
    let mut batches = Vec::with_capacity(series.len());
    for ([project, study, study_uid, series_uid], id) in series {
        let taken = sqlx::query(
            "UPDATE received_instance SET batch = $1 WHERE state = 'admitted' AND batch IS NULL AND project = $2 \
             AND receiving_study = $3 AND study_instance_uid = $4 AND series_instance_uid = $5",
        )
        .bind(id.to_string())
        .bind(&project)
        .bind(&study)
        .bind(study_uid)
        .bind(series_uid)
        .execute(&mut *connection)
        .await?;
        let receiving_study = Uuid::parse_str(&study).ok();
        batches.push(Batch {
            id,
            project: routed(project),
            receiving_study,
            instances: taken.rows_affected(),
        });
    }
    Ok(batches)
}

/// A series as received.
#[derive(Debug, Clone, Copy)]
pub struct SeriesKey<'a> {
    /// Project.
    pub project: &'a str,
    /// (0020,000D)
    pub study_instance_uid: &'a str,
    /// (0020,000E)
    pub series_instance_uid: &'a str,
}

/// What the receive buffer knows of a series, at most `limit` instances of it: those of `batch` first, then in the order of arrival. An
/// instance that was sent twice is there twice.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn whole_series(
    executor: impl AnyExecutor<'_>,
    batch: Uuid,
    series: SeriesKey<'_>,
    limit: u32,
) -> Result<Vec<BufferedInstance>, ArchiveError> {
    let rows = sqlx::query(
        "SELECT instance.* FROM receiving_study AS study \
         JOIN received_instance AS instance ON instance.receiving_study = study.id \
         WHERE study.project = $1 AND study.study_instance_uid = $2 AND instance.series_instance_uid = $3 \
         ORDER BY CASE WHEN instance.batch = $4 THEN 0 ELSE 1 END, instance.id LIMIT $5",
    )
    .bind(series.project)
    .bind(series.study_instance_uid)
    .bind(series.series_instance_uid)
    .bind(batch.to_string())
    .bind(i64::from(limit))
    .fetch_all(executor)
    .await?;
    rows.iter().map(from_row).collect()
}
