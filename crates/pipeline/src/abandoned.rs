//! Originals of projects that the configuration has no more, by a mistake or because they ended. What is de-identified leaves the default time
//! after the project was first missed; what is not waits for the project to come back, whatever its time: it may be the only copy.

use archive::buffer::{self, BufferState};

use crate::admit;
use crate::config::default_retention_hours;
use crate::line::{Line, StageError};

const HOUR: i64 = 3_600_000;
/// Name of the figure.
const WARNING: &str = "originals of projects that are not configured";

/// One look at what they left.
///
/// # Errors
/// Those of the databases; the next look goes on.
pub(crate) async fn run(line: &Line) -> Result<(), StageError> {
    let now = line.clock.now();
    let mut left = buffer::projects(line.buffer.reader()).await?;
    left.retain(|project, _| !line.configured.contains(project));
    let missed = buffer::missing_projects(line.buffer.reader()).await?;
    let is_new = left.keys().any(|project| !missed.contains_key(project));
    if is_new || missed.keys().any(|project| !left.contains_key(project)) {
        let mut transaction = line.buffer.write().await?;
        for project in left.keys() {
            buffer::miss_project(&mut transaction, project, now).await?;
        }
        for project in missed.keys().filter(|project| !left.contains_key(*project)) {
            buffer::miss_project_no_more(&mut transaction, project).await?;
        }
        transaction.commit().await?;
    }
    let waiting: u64 = left.values().sum();
    if line.warnings.set(WARNING, waiting) {
        let projects = left.iter().filter(|(_, waiting)| **waiting > 0);
        let projects: Vec<&str> = projects.map(|(project, _)| project.as_str()).collect();
        tracing::warn!(
            ?projects,
            originals = waiting,
            "originals wait that are not de-identified, and their projects are not configured: configure them again"
        );
    }
    let hours = default_retention_hours();
    for (project, since) in missed {
        if left.contains_key(&project) && now - since >= i64::from(hours) * HOUR {
            admit::purge_in_state(line, &project, BufferState::Deidentified, hours).await?;
        }
    }
    Ok(())
}
