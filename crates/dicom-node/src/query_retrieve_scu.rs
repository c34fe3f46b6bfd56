//! Query/retrieve service class, SCU: C-FIND, C-GET and C-MOVE of PS3.4 Annex C, PS3.7 §9.1.2 to §9.1.4.
//!
//! Identifiers are bytes in the transfer syntax of the accepted context ([`Association::context_for`]).

use crate::ae_title::AeTitle;
use crate::association::Association;
use crate::dimse::{Command, element, field};
use crate::error::AssociationError;
use crate::message::{Message, answers};
use crate::receiver::InstanceReceiver;
use crate::status::{Category, Status};
use crate::storage_scp;
use crate::stream::Stream;

/// Rows that a peer may still send after our C-CANCEL.
const ROWS_AFTER_CANCEL: usize = 10_000;

/// The rows of a C-FIND, one by one. Read it until [`next`](Self::next) returns `None`, else the association is not
/// usable for anything else.
pub struct Find<'a, S> {
    association: &'a mut Association<S>,
    context: u8,
    message_id: u16,
    left: usize,
    dropped: usize,
    status: Option<Status>,
}

/// How a C-GET or C-MOVE ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retrieval {
    /// Final status of the peer.
    pub status: Status,
    /// Final counts of the peer.
    pub operations: SubOperations,
    /// C-GET: instances that our receiver committed.
    pub stored: u64,
    /// Identifier of the final response: Failed SOP Instance UID List (0008,0058); empty if there was none.
    pub failed_identifier: Vec<u8>,
}

/// Numbers of sub-operations (PS3.7 §9.1.3.1.6); what the peer does not state is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SubOperations {
    /// Not yet done.
    pub remaining: u16,
    /// Done.
    pub completed: u16,
    /// Not successful.
    pub failed: u16,
    /// Done with a warning.
    pub warning: u16,
}

impl<S: Stream> Association<S> {
    /// Starts a C-FIND of the information model `sop_class` with `identifier`. After `limit` rows it is cancelled.
    ///
    /// # Errors
    /// [`AssociationError::NoContext`]; what ended the association.
    pub async fn find(
        &mut self,
        sop_class: &str,
        identifier: &[u8],
        limit: usize,
    ) -> Result<Find<'_, S>, AssociationError> {
        let (context, message_id) = self.query(field::C_FIND_RQ, sop_class, identifier, None).await?;
        Ok(Find { association: self, context, message_id, left: limit, dropped: 0, status: None })
    }

    /// C-GET: the instances come over this association into `receiver`. Their storage classes have to be proposed with
    /// [`Roles::SCP`](crate::presentation_context::Roles::SCP). `progress` hears of each pending response.
    ///
    /// # Errors
    /// [`AssociationError::NoContext`]; what ended the association.
    pub async fn get<R: InstanceReceiver>(
        &mut self,
        sop_class: &str,
        identifier: &[u8],
        receiver: &R,
        mut progress: impl FnMut(SubOperations) + Send,
    ) -> Result<Retrieval, AssociationError> {
        let (_, message_id) = self.query(field::C_GET_RQ, sop_class, identifier, None).await?;
        let mut stored = 0;
        loop {
            let message = self.next_message(self.timers.response).await?.ok_or(AssociationError::Released)?;
            if message.command.command_field() == field::C_STORE_RQ {
                let status = storage_scp::serve(self, &message, receiver).await?;
                stored += u64::from(status.is_done());
            } else if !answers(&message.command, field::C_GET_RQ, message_id) {
                return Err(self.violation("not the response that was due").await);
            } else if let Some(mut retrieval) = self.retrieval(&message, &mut progress).await? {
                retrieval.stored = stored;
                return Ok(retrieval);
            }
        }
    }

    /// C-MOVE: the peer sends the instances to `destination`, a title that it knows.
    ///
    /// # Errors
    /// [`AssociationError::NoContext`]; what ended the association.
    pub async fn move_to(
        &mut self,
        sop_class: &str,
        identifier: &[u8],
        destination: &AeTitle,
        mut progress: impl FnMut(SubOperations) + Send,
    ) -> Result<Retrieval, AssociationError> {
        let (_, message_id) = self.query(field::C_MOVE_RQ, sop_class, identifier, Some(destination)).await?;
        loop {
            let message = self.response(field::C_MOVE_RQ, message_id).await?;
            if let Some(retrieval) = self.retrieval(&message, &mut progress).await? {
                return Ok(retrieval);
            }
        }
    }

    async fn query(
        &mut self,
        command_field: u16,
        sop_class: &str,
        identifier: &[u8],
        destination: Option<&AeTitle>,
    ) -> Result<(u8, u16), AssociationError> {
        let context = self.context_for(sop_class, None).ok_or(AssociationError::NoContext)?.id;
        let message_id = self.next_message_id();
        let mut request = Command::new(command_field)
            .uid(element::AFFECTED_SOP_CLASS, sop_class)
            .number(element::MESSAGE_ID, message_id)
            .number(element::PRIORITY, 0)
            .with_data();
        if let Some(destination) = destination {
            request = request.text(element::MOVE_DESTINATION, destination.as_str());
        }
        self.send(context, &request, Some(identifier)).await?;
        Ok((context, message_id))
    }

    /// Takes one response of a C-GET or C-MOVE; the result if it is the final one.
    async fn retrieval(
        &mut self,
        message: &Message,
        progress: &mut (impl FnMut(SubOperations) + Send),
    ) -> Result<Option<Retrieval>, AssociationError> {
        let count = |element| message.command.get_number(element).unwrap_or(0);
        let operations = SubOperations {
            remaining: count(element::REMAINING),
            completed: count(element::COMPLETED),
            failed: count(element::FAILED),
            warning: count(element::WARNING),
        };
        let failed_identifier = self.collect_data().await?;
        let status = message.command.status();
        if status.category() == Category::Pending {
            progress(operations);
            return Ok(None);
        }
        Ok(Some(Retrieval { status, operations, stored: 0, failed_identifier }))
    }

    /// Asks the peer to stop the operation `message_id` (C-CANCEL, PS3.7 §9.3.2.3).
    async fn cancel(&mut self, context: u8, message_id: u16) -> Result<(), AssociationError> {
        let request = Command::new(field::C_CANCEL_RQ).number(element::RESPONDED_TO, message_id);
        self.send(context, &request, None).await
    }
}

impl<S: Stream> Find<'_, S> {
    /// The identifier of the next match; `None` after the final response.
    ///
    /// # Errors
    /// What ended the association.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, AssociationError> {
        while self.status.is_none() {
            let message = self.association.response(field::C_FIND_RQ, self.message_id).await?;
            let row = self.association.collect_data().await?;
            let status = message.command.status();
            if status.category() != Category::Pending {
                self.status = Some(status);
            } else if self.left > 0 {
                self.left -= 1;
                return Ok(Some(row));
            } else {
                self.drop_row().await?;
            }
        }
        Ok(None)
    }

    /// Asks the peer to stop; rows that are under way are dropped by [`next`](Self::next).
    ///
    /// # Errors
    /// What ended the association.
    pub async fn cancel(&mut self) -> Result<(), AssociationError> {
        self.left = 0;
        self.drop_row().await
    }

    /// The final status, once [`next`](Self::next) returned `None`.
    pub fn status(&self) -> Option<Status> {
        self.status
    }

    /// Whether there were more matches than were given out.
    pub fn is_cut(&self) -> bool {
        self.dropped > 0
    }

    async fn drop_row(&mut self) -> Result<(), AssociationError> {
        self.dropped += 1;
        if self.dropped > ROWS_AFTER_CANCEL {
            return Err(self.association.violation("the peer ignores C-CANCEL").await);
        }
        if self.dropped == 1 && self.status.is_none() {
            self.association.cancel(self.context, self.message_id).await?;
        }
        Ok(())
    }
}
