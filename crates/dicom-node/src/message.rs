//! DIMSE messages over an association: a command set, and a data set that is lent as it arrives (PS3.7 §6.3, PS3.8
//! Annex E). Command sets are bounded, data sets are never collected here.

use crate::association::{Association, Indication};
use crate::dimse::{Command, MAX_COMMAND, field};
use crate::error::AssociationError;
use crate::pdu;
use crate::presentation_context::AcceptedContext;
use crate::state::Event;
use crate::stream::Stream;
use crate::wire::Pdv;
use std::time::Duration;

/// Longest identifier or event that is collected, in bytes.
pub(crate) const MAX_IDENTIFIER: usize = 1 << 20;

/// A message whose data set, if any, is still to be read.
pub(crate) struct Message {
    pub(crate) context: u8,
    pub(crate) command: Command,
}

impl<S: Stream> Association<S> {
    /// The next message; `None` when the peer asked for release, which is then answered.
    pub(crate) async fn next_message(&mut self, wait: Duration) -> Result<Option<Message>, AssociationError> {
        if self.incoming.is_some() {
            return Err(AssociationError::NotOpen);
        }
        let mut bytes = Vec::new();
        let mut context = None;
        loop {
            let Some(pdv) = self.next_pdv(wait).await? else {
                if context.is_some() {
                    return Err(self.violation("A-RELEASE-RQ inside a message").await);
                }
                self.answer_release().await?;
                return Ok(None);
            };
            if !pdv.command || context.is_some_and(|context| context != pdv.context) {
                return Err(self.violation("PDV out of order: a command set was due").await);
            }
            if self.accepted(pdv.context).is_none() {
                return Err(self.violation("presentation context that was not accepted").await);
            }
            context = Some(pdv.context);
            if bytes.len() + pdv.left > MAX_COMMAND {
                return Err(self.violation("command set longer than 64 KiB").await);
            }
            while let Some(count) = self.fill_fragment().await? {
                bytes.extend_from_slice(self.wire.fragment(count));
                self.wire.consume(count);
            }
            if pdv.last {
                break;
            }
        }
        let command = match Command::decode(&bytes) {
            Ok(command) => command,
            Err(why) => return Err(self.violation(why).await),
        };
        if command.has_data() {
            self.incoming = context;
        }
        Ok(context.map(|context| Message { context, command }))
    }

    /// The next bytes of the data set of the last message, lent until the next call; `None` at its end.
    pub(crate) async fn data(&mut self) -> Result<Option<&[u8]>, AssociationError> {
        self.wire.consume(std::mem::take(&mut self.lent));
        while let Some(context) = self.incoming {
            let Some(pdv) = self.wire.pdv() else {
                match self.next_pdv(self.timers.stall).await? {
                    Some(pdv) if !pdv.command && pdv.context == context => continue,
                    Some(_) => return Err(self.violation("PDV out of order: a data set was due").await),
                    None => return Err(self.violation("A-RELEASE-RQ inside a message").await),
                }
            };
            if let Some(count) = self.fill_fragment().await? {
                self.lent = count;
                return Ok(Some(self.wire.fragment(count)));
            }
            if pdv.last {
                self.incoming = None;
            }
        }
        Ok(None)
    }

    /// Drops the rest of the data set. More than `limit` bytes end the association.
    pub(crate) async fn skip_data(&mut self, limit: u64) -> Result<(), AssociationError> {
        let mut skipped = 0;
        while let Some(bytes) = self.data().await? {
            skipped += bytes.len() as u64;
            if skipped > limit {
                return Err(self.violation("more data than is skipped after a refusal").await);
            }
        }
        Ok(())
    }

    /// The whole data set, at most [`MAX_IDENTIFIER`] bytes.
    pub(crate) async fn collect_data(&mut self) -> Result<Vec<u8>, AssociationError> {
        let mut collected = Vec::new();
        while let Some(bytes) = self.data().await? {
            collected.extend_from_slice(bytes);
            if collected.len() > MAX_IDENTIFIER {
                return Err(self.violation("identifier longer than 1 MiB").await);
            }
        }
        Ok(collected)
    }

    /// Sends a message, command and data set in one write.
    pub(crate) async fn send(
        &mut self,
        context: u8,
        command: &Command,
        data: Option<&[u8]>,
    ) -> Result<(), AssociationError> {
        let fragment = self.fragment_size();
        let mut out = Vec::with_capacity(512 + data.map_or(0, <[u8]>::len));
        pdu::push_fragments(&mut out, context, true, &command.encode(), fragment);
        if let Some(data) = data {
            pdu::push_fragments(&mut out, context, false, data, fragment);
        }
        self.step(Event::DataRequest, &out).await
    }

    /// The next message, which has to be a response to `message_id`; its data set is still to be read.
    pub(crate) async fn response(
        &mut self,
        request: u16,
        message_id: u16,
    ) -> Result<Message, AssociationError> {
        let message = self.next_message(self.timers.response).await?.ok_or(AssociationError::Released)?;
        if !answers(&message.command, request, message_id) {
            return Err(self.violation("not the response that was due").await);
        }
        Ok(message)
    }

    /// Whether a byte of another message is here, without waiting for one.
    pub(crate) async fn has_arrived(&mut self) -> Result<bool, AssociationError> {
        let until = self.deadline(self.timers.stall);
        let arrived = tokio::select! {
            biased;
            arrived = self.wire.rest(until) => arrived,
            () = std::future::ready(()) => return Ok(false),
        };
        match arrived {
            Ok(()) => Ok(true),
            Err(error) => Err(self.fault(error).await),
        }
    }

    pub(crate) fn accepted(&self, id: u8) -> Option<&AcceptedContext> {
        self.contexts.iter().find(|context| context.id == id)
    }

    /// The header of the next PDV; `None` when the peer asks for release instead.
    async fn next_pdv(&mut self, wait: Duration) -> Result<Option<Pdv>, AssociationError> {
        loop {
            if self.wire.in_pdu() {
                let until = self.deadline(self.timers.stall);
                return match self.wire.next_pdv(until).await {
                    Ok(pdv) => Ok(Some(pdv)),
                    Err(error) => Err(self.fault(error).await),
                };
            }
            match self.next_pdu(wait).await? {
                Indication::Data if !self.wire.in_pdu() => {
                    return Err(self.violation("P-DATA-TF without PDV").await);
                }
                Indication::Data => {}
                Indication::Release => return Ok(None),
                _ => return Err(AssociationError::NotOpen),
            }
        }
    }

    /// Waits for bytes of the PDV under way; `None` at its end.
    async fn fill_fragment(&mut self) -> Result<Option<usize>, AssociationError> {
        let until = self.deadline(self.timers.stall);
        match self.wire.fill_fragment(until).await {
            Ok(0) => {
                self.wire.end_pdv();
                Ok(None)
            }
            Ok(count) => Ok(Some(count)),
            Err(error) => Err(self.fault(error).await),
        }
    }
}

/// Whether `command` is the response to `request` with this message id.
pub(crate) fn answers(command: &Command, request: u16, message_id: u16) -> bool {
    command.command_field() == request | field::RESPONSE
        && command.get_number(crate::dimse::element::RESPONDED_TO) == Some(message_id)
}
