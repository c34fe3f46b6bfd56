//! State machines as data: one table of arrows per machine, one function that follows them (AC5.1).

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AnyExecutor, Row};
use uuid::Uuid;

use crate::words::words;
use crate::{ArchiveError, row};

words! {
    /// What kind of actor causes a change (INV-2).
    ActorKind {
        /// A named person.
        Person = "person",
        /// A timer of this program.
        Timer = "timer",
        /// A peer: the clinical PACS or a partner.
        Peer = "peer",
        /// A stage of this program.
        Stage = "stage",
    }
}

/// Who changes a state, why, and under which dossier.
#[derive(Debug, Clone, Copy)]
pub struct Change<'a> {
    /// Kind of the actor.
    pub actor_kind: ActorKind,
    /// Login of the person, name of the timer, peer or stage.
    pub actor: &'a str,
    /// Reason code or text without identity.
    pub cause: &'a str,
    /// Version of the project's dossier.
    pub dossier_version: &'a str,
    /// Hash of the gate evaluation, demanded by the arrows that let data leave (INV-3).
    pub gate_hash: Option<&'a str>,
    /// Epoch milliseconds.
    pub at: i64,
}

/// One change of a state as it was written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateChange {
    /// Word of the event.
    pub event: String,
    /// Word of the state before; empty for the first.
    pub from: String,
    /// Word of the state after.
    pub to: String,
    /// Kind of the actor.
    pub actor_kind: ActorKind,
    /// The actor.
    pub actor: String,
    /// Reason code or text.
    pub cause: String,
    /// Version of the project's dossier.
    pub dossier_version: String,
    /// Hash of the gate evaluation.
    pub gate_hash: Option<String>,
    /// Epoch milliseconds.
    pub at: i64,
}

/// A machine: where each event leads.
pub(crate) struct Machine<State: 'static, Event: 'static> {
    /// `job` or `result set`.
    pub(crate) name: &'static str,
    /// From a state by an event to a state.
    pub(crate) arrows: &'static [(State, Event, State)],
    /// From every state that is not terminal.
    pub(crate) anywhere: &'static [(Event, State)],
    /// Back to the state that the row came from: one that is left in this way notes where it was entered from.
    pub(crate) back: &'static [(State, Event)],
    /// States that nothing leaves.
    pub(crate) terminal: &'static [State],
    /// States that are entered only with the hash of a gate evaluation, by an arrow of `arrows` (INV-3).
    pub(crate) gated: &'static [State],
}

impl<State: Copy + PartialEq, Event: Copy + PartialEq> Machine<State, Event> {
    /// The state after `event`, or `None` where the machine has no such arrow. `origin` is where `state` was entered from.
    pub(crate) fn next(&self, state: State, origin: Option<State>, event: Event) -> Option<State> {
        if let Some((_, _, to)) = self.arrows.iter().find(|(from, by, _)| *from == state && *by == event) {
            return Some(*to);
        }
        if self.back.contains(&(state, event)) {
            return origin;
        }
        let (_, to) = self.anywhere.iter().find(|(by, _)| *by == event)?;
        (!self.terminal.contains(&state) && *to != state).then_some(*to)
    }

    /// Whether entering `to` from `from` lets data leave.
    pub(crate) fn is_gated(&self, from: State, to: State) -> bool {
        self.gated.contains(&to) && self.arrows.iter().any(|(start, _, end)| *start == from && *end == to)
    }
}

/// Writes a change down, in the transaction that changes the state.
pub(crate) async fn record(
    connection: &mut AnyConnection,
    machine: &'static str,
    subject: Uuid,
    [event, from, to]: [&str; 3],
    change: &Change<'_>,
) -> Result<(), ArchiveError> {
    if [change.actor, change.cause, change.dossier_version].contains(&"") {
        return Err(ArchiveError::Unexplained { machine, id: subject, event: event.to_owned() });
    }
    sqlx::query(
        "INSERT INTO state_change (id, machine, subject, event, from_state, to_state, actor_kind, actor, cause, \
         dossier_version, gate_hash, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(Uuid::now_v7().to_string())
    .bind(machine)
    .bind(subject.to_string())
    .bind(event)
    .bind(from)
    .bind(to)
    .bind(change.actor_kind.as_str())
    .bind(change.actor)
    .bind(change.cause)
    .bind(change.dossier_version)
    .bind(change.gate_hash)
    .bind(change.at)
    .execute(connection)
    .await?;
    Ok(())
}

/// Every change of a job or result set, the oldest first.
///
/// # Errors
/// [`ArchiveError::Database`], [`ArchiveError::Unknown`].
pub async fn history(
    executor: impl AnyExecutor<'_>,
    subject: Uuid,
) -> Result<Vec<StateChange>, ArchiveError> {
    let rows = sqlx::query("SELECT * FROM state_change WHERE subject = $1 ORDER BY id")
        .bind(subject.to_string())
        .fetch_all(executor)
        .await?;
    rows.iter().map(from_row).collect()
}

fn from_row(row: &AnyRow) -> Result<StateChange, ArchiveError> {
    Ok(StateChange {
        event: row.try_get("event")?,
        from: row.try_get("from_state")?,
        to: row.try_get("to_state")?,
        actor_kind: row::word(row, "actor_kind", ActorKind::parse)?,
        actor: row.try_get("actor")?,
        cause: row.try_get("cause")?,
        dossier_version: row.try_get("dossier_version")?,
        gate_hash: row.try_get("gate_hash")?,
        at: row.try_get("at")?,
    })
}
