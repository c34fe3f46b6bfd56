//! Query/retrieve service class, SCP: C-FIND of PS3.4 §C.4.1, PS3.7 §9.1.2. Rows are sent as they are made, and
//! C-CANCEL is watched between them.

use crate::access::PeerInfo;
use crate::association::Association;
use crate::dimse::{Command, field};
use crate::error::AssociationError;
use crate::message::Message;
use crate::status::{QueryFailure, Status, of_query};
use crate::stream::Stream;
use std::future::Future;
use std::sync::Arc;

/// One C-FIND-RQ.
#[derive(Debug, Clone)]
pub struct Query {
    /// Who asks.
    pub peer: Arc<PeerInfo>,
    /// The information model: SOP class of the context.
    pub sop_class: String,
    /// Encoding of the identifier, and of the rows to return.
    pub transfer_syntax: String,
    /// The identifier (PS3.4 §C.4.1.1.3), at most 1 MiB.
    pub identifier: Vec<u8>,
}

/// Answers queries.
pub trait QueryHandler: Send + Sync + 'static {
    /// The matches of one query.
    type Rows: Rows;

    /// Starts a query.
    ///
    /// # Errors
    /// The kind of failure to answer.
    fn find(&self, query: Query) -> impl Future<Output = Result<Self::Rows, QueryFailure>> + Send;
}

/// The matches of a query, one by one.
pub trait Rows: Send {
    /// The identifier of the next match, encoded in the transfer syntax of the query; `None` after the last one.
    ///
    /// # Errors
    /// The kind of failure to answer.
    fn next(&mut self) -> impl Future<Output = Result<Option<Vec<u8>>, QueryFailure>> + Send;
}

/// A node that answers no queries. [`Policy`](crate::access::Policy) does not offer them either, unless told to.
#[derive(Debug, Clone, Copy)]
pub struct NoQuery;

impl QueryHandler for NoQuery {
    type Rows = Self;

    async fn find(&self, _: Query) -> Result<Self, QueryFailure> {
        Err(QueryFailure::UnableToProcess)
    }
}

impl Rows for NoQuery {
    async fn next(&mut self) -> Result<Option<Vec<u8>>, QueryFailure> {
        Ok(None)
    }
}

/// Serves a C-FIND-RQ: pending responses with rows, then the final one.
pub(crate) async fn serve<S: Stream, Q: QueryHandler>(
    association: &mut Association<S>,
    message: &Message,
    handler: &Q,
) -> Result<(), AssociationError> {
    let identifier = association.collect_data().await?;
    let context = association.accepted(message.context);
    let query = context.filter(|context| context.is_query()).map(|context| Query {
        peer: Arc::clone(association.peer()),
        sop_class: context.abstract_syntax.clone(),
        transfer_syntax: context.transfer_syntax.clone(),
        identifier,
    });
    let status = match query {
        None => Status::SOP_CLASS_NOT_SUPPORTED,
        Some(query) => match handler.find(query).await {
            Ok(rows) => send_rows(association, message, rows).await?,
            Err(failure) => of_query(failure),
        },
    };
    association.send(message.context, &Command::response(&message.command, status.0), None).await
}

/// Sends every row, and returns the final status.
async fn send_rows<S: Stream>(
    association: &mut Association<S>,
    message: &Message,
    mut rows: impl Rows,
) -> Result<Status, AssociationError> {
    let pending = Command::response(&message.command, Status::PENDING.0).with_data();
    loop {
        match rows.next().await {
            Ok(Some(row)) => association.send(message.context, &pending, Some(&row)).await?,
            Ok(None) => return Ok(Status::SUCCESS),
            Err(failure) => return Ok(of_query(failure)),
        }
        if cancelled(association, message.command.message_id()).await? {
            return Ok(Status::CANCEL);
        }
    }
}

/// Whether a C-CANCEL-RQ for this message has arrived. Anything else is against the window of one operation.
async fn cancelled<S: Stream>(
    association: &mut Association<S>,
    message_id: u16,
) -> Result<bool, AssociationError> {
    if !association.has_arrived().await? {
        return Ok(false);
    }
    let message =
        association.next_message(association.timers.stall).await?.ok_or(AssociationError::Released)?;
    association.skip_data(0).await?;
    let responded_to = message.command.get_number(crate::dimse::element::RESPONDED_TO);
    if message.command.command_field() == field::C_CANCEL_RQ {
        return Ok(responded_to == Some(message_id));
    }
    Err(association.violation("a request while a query is answered").await)
}
