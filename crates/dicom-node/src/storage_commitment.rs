//! Storage commitment service class, push model, SCU and SCP: PS3.4 Annex J; N-ACTION and N-EVENT-REPORT of PS3.7
//! §10.1.4 and §10.1.1. The report may come on the association of the request or on a new one.

pub use crate::commitment_data::{CommitmentReport, CommitmentRequest, Reference};

use crate::access::PeerInfo;
use crate::association::Association;
use crate::dimse::{Command, element, field};
use crate::error::AssociationError;
use crate::message::Message;
use crate::sop_class::{STORAGE_COMMITMENT, STORAGE_COMMITMENT_INSTANCE};
use crate::status::{CommitmentFailure, Status, of_commitment};
use crate::stream::Stream;
use std::future::Future;
use std::time::Duration;

/// Action Type ID of a request (PS3.4 §J.3.2.1).
const REQUEST: u16 = 1;
/// Event Type IDs: all committed; some not (PS3.4 §J.3.3.1).
const ALL_COMMITTED: u16 = 1;
const FAILURES_EXIST: u16 = 2;

/// Takes storage commitment messages of peers. Whether a peer may send them at all is decided by its
/// [`Policy`](crate::access::Policy).
pub trait CommitmentHandler: Send + Sync + 'static {
    /// A peer asks us to commit. After `Ok`, the report is owed: send it with [`Association::report_commitment`] on an
    /// association of our own.
    ///
    /// # Errors
    /// The kind of failure to answer.
    fn requested(
        &self,
        peer: &PeerInfo,
        request: CommitmentRequest,
    ) -> impl Future<Output = Result<(), CommitmentFailure>> + Send;

    /// A peer reports on a request of ours. It may be a report that nobody waits for.
    ///
    /// # Errors
    /// The kind of failure to answer; the peer then sends the report again.
    fn reported(
        &self,
        peer: &PeerInfo,
        report: CommitmentReport,
    ) -> impl Future<Output = Result<(), CommitmentFailure>> + Send;
}

/// A node without storage commitment.
#[derive(Debug, Clone, Copy)]
pub struct NoCommitment;

impl CommitmentHandler for NoCommitment {
    async fn requested(&self, _: &PeerInfo, _: CommitmentRequest) -> Result<(), CommitmentFailure> {
        Err(CommitmentFailure::NotAuthorised)
    }

    async fn reported(&self, _: &PeerInfo, _: CommitmentReport) -> Result<(), CommitmentFailure> {
        Err(CommitmentFailure::NotAuthorised)
    }
}

impl<S: Stream> Association<S> {
    /// Asks the peer to commit (N-ACTION-RQ). Success means that a report will come.
    ///
    /// # Errors
    /// [`AssociationError::NoContext`]; what ended the association.
    pub async fn request_commitment(
        &mut self,
        request: &CommitmentRequest,
    ) -> Result<Status, AssociationError> {
        let command = Command::new(field::N_ACTION_RQ)
            .uid(element::REQUESTED_SOP_CLASS, STORAGE_COMMITMENT)
            .uid(element::REQUESTED_SOP_INSTANCE, STORAGE_COMMITMENT_INSTANCE)
            .number(element::ACTION_TYPE, REQUEST);
        self.commitment_message(command, &request.encode()).await
    }

    /// Waits up to `wait` for a report on this association, hands it to `handler` and answers it. `false` if none came:
    /// the association is over then, and the report will come on another one.
    ///
    /// # Errors
    /// What ended the association, other than silence or a release.
    pub async fn await_report<C: CommitmentHandler>(
        &mut self,
        handler: &C,
        wait: Duration,
    ) -> Result<bool, AssociationError> {
        match self.next_message(wait).await {
            Ok(Some(message)) if message.command.command_field() == field::N_EVENT_REPORT_RQ => {
                serve(self, &message, handler).await?;
                Ok(true)
            }
            Ok(Some(_)) => Err(self.violation("not the storage commitment report that was due").await),
            Ok(None) | Err(AssociationError::TimedOut) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Reports on a request of the peer (N-EVENT-REPORT-RQ). On an association of our own, the context has to be
    /// proposed with [`Roles::SCP`](crate::presentation_context::Roles::SCP).
    ///
    /// # Errors
    /// [`AssociationError::NoContext`]; what ended the association.
    pub async fn report_commitment(&mut self, report: &CommitmentReport) -> Result<Status, AssociationError> {
        let event = if report.failed.is_empty() { ALL_COMMITTED } else { FAILURES_EXIST };
        let command = Command::new(field::N_EVENT_REPORT_RQ)
            .uid(element::AFFECTED_SOP_CLASS, STORAGE_COMMITMENT)
            .uid(element::AFFECTED_SOP_INSTANCE, STORAGE_COMMITMENT_INSTANCE)
            .number(element::EVENT_TYPE, event);
        self.commitment_message(command, &report.encode()).await
    }

    async fn commitment_message(
        &mut self,
        command: Command,
        data: &[u8],
    ) -> Result<Status, AssociationError> {
        let context = self.context_for(STORAGE_COMMITMENT, None).ok_or(AssociationError::NoContext)?.id;
        let message_id = self.next_message_id();
        let command = command.number(element::MESSAGE_ID, message_id).with_data();
        self.send(context, &command, Some(data)).await?;
        let response = self.response(command.command_field(), message_id).await?;
        self.collect_data().await?;
        Ok(response.command.status())
    }
}

/// Serves an N-ACTION-RQ or N-EVENT-REPORT-RQ.
pub(crate) async fn serve<S: Stream, C: CommitmentHandler>(
    association: &mut Association<S>,
    message: &Message,
    handler: &C,
) -> Result<(), AssociationError> {
    let command = &message.command;
    let data = association.collect_data().await?;
    let ours = association.accepted(message.context).is_some_and(|c| c.abstract_syntax == STORAGE_COMMITMENT);
    let outcome = match command.command_field() {
        _ if !ours => Err(CommitmentFailure::Invalid),
        field::N_ACTION_RQ => match CommitmentRequest::decode(&data) {
            Some(request) if command.get_number(element::ACTION_TYPE) == Some(REQUEST) => {
                handler.requested(association.peer(), request).await
            }
            _ => Err(CommitmentFailure::Invalid),
        },
        _ => match CommitmentReport::decode(&data) {
            Some(report) => handler.reported(association.peer(), report).await,
            None => Err(CommitmentFailure::Invalid),
        },
    };
    let status = outcome.map_or_else(of_commitment, |()| Status::SUCCESS);
    let mut response = Command::response(command, status.0);
    for type_id in [element::ACTION_TYPE, element::EVENT_TYPE] {
        if let Some(value) = command.get_number(type_id) {
            response = response.number(type_id, value);
        }
    }
    association.send(message.context, &response, None).await
}
