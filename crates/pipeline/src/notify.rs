//! Stage *notify*: puts events into the outbox, in the transaction that changes a state (INV-1). Delivery is the dispatcher's (INV-8).

use notification::{Counts, Event, EventType, ProjectName};
use sqlx::AnyConnection;
use uuid::Uuid;

use crate::line::{Line, StageError};

/// An event about a job; it can hold nothing but this (DEC-F).
pub(crate) fn event(
    kind: EventType,
    project: &str,
    job: Uuid,
    instances: u64,
    failed: u64,
    now: i64,
) -> Event {
    Event {
        job: Some(job),
        project: ProjectName::try_from(project.to_owned()).ok(),
        counts: Counts { instances, failed },
        ..Event::new(kind, now)
    }
}

/// One message for each recipient that the configuration names for the event.
pub(crate) async fn enqueue(
    line: &Line,
    transaction: &mut AnyConnection,
    event: &Event,
) -> Result<(), StageError> {
    let project = event.project.as_ref();
    let recipients = line.notification.recipients_of(event.kind, project);
    Ok(notification::enqueue(transaction, event, recipients, event.at).await?)
}
