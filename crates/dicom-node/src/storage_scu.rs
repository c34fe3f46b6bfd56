//! Storage service class, SCU: PS3.4 Annex B, C-STORE of PS3.7 §9.1.1. Memory is bounded whatever the instance's size.

use crate::ae_title::AeTitle;
use crate::association::Association;
use crate::dimse::{Command, element, field};
use crate::error::AssociationError;
use crate::pdu::{self, PDV_OVERHEAD};
use crate::presentation_context::{MAX_CONTEXTS, ProposedContext};
use crate::state::Event;
use crate::status::Status;
use crate::stream::Stream;
use tokio::io::{AsyncRead, AsyncReadExt};

/// PDUs are gathered until a write has this many bytes.
const BATCH: usize = 64 * 1024;

/// What a C-STORE-RQ says about the instance whose data set follows.
#[derive(Debug, Clone, Copy)]
pub struct OutgoingInstance<'a> {
    /// SOP Class UID of the data set.
    pub sop_class: &'a str,
    /// SOP Instance UID of the data set.
    pub sop_instance: &'a str,
    /// Transfer syntax in which the data set is encoded.
    pub transfer_syntax: &'a str,
    /// Title and message id of the C-MOVE that asked for it, if any.
    pub move_originator: Option<(&'a AeTitle, u16)>,
}

/// Contexts for instances of these (SOP class, transfer syntax): one transfer syntax each, so that what is sent needs no
/// conversion; each pair once, at most [`MAX_CONTEXTS`]. Instances of a pair that was left out or not accepted get
/// [`AssociationError::NoContext`].
pub fn storage_contexts<'a>(instances: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<ProposedContext> {
    let mut contexts: Vec<ProposedContext> = Vec::new();
    for (sop_class, transfer_syntax) in instances {
        let context = ProposedContext::new(sop_class, &[transfer_syntax]);
        if contexts.len() < MAX_CONTEXTS && !contexts.contains(&context) {
            contexts.push(context);
        }
    }
    contexts
}

impl<S: Stream> Association<S> {
    /// Sends one instance, reading its data set (without file meta information) from `data` until its end, and awaits
    /// the answer. The status says whether the peer has it: [`Status::is_done`].
    ///
    /// # Errors
    /// [`AssociationError::NoContext`], and the association goes on; [`AssociationError::Source`] when `data` cannot be
    /// read, and the association is aborted so that the peer keeps no half instance; what ended the association.
    pub async fn store<D: AsyncRead + Unpin + Send>(
        &mut self,
        instance: &OutgoingInstance<'_>,
        data: D,
    ) -> Result<Status, AssociationError> {
        let context = self
            .context_for(instance.sop_class, Some(instance.transfer_syntax))
            .ok_or(AssociationError::NoContext)?
            .id;
        let message_id = self.next_message_id();
        let mut request = Command::new(field::C_STORE_RQ)
            .uid(element::AFFECTED_SOP_CLASS, instance.sop_class)
            .number(element::MESSAGE_ID, message_id)
            .number(element::PRIORITY, 0)
            .uid(element::AFFECTED_SOP_INSTANCE, instance.sop_instance)
            .with_data();
        if let Some((title, id)) = instance.move_originator {
            request = request
                .text(element::ORIGINATOR_TITLE, title.as_str())
                .number(element::ORIGINATOR_MESSAGE_ID, id);
        }
        self.send_stream(context, &request, data).await?;
        let response = self.response(field::C_STORE_RQ, message_id).await?;
        self.skip_data(0).await?;
        Ok(response.command.status())
    }

    /// Sends a message whose data set is read from `data`. The last fragment is known only when `data` ends, so the
    /// newest batch of PDUs is held back until there is another byte.
    async fn send_stream<D: AsyncRead + Unpin + Send>(
        &mut self,
        context: u8,
        command: &Command,
        mut data: D,
    ) -> Result<(), AssociationError> {
        let fragment = self.fragment_size();
        let mut ready = Vec::new();
        let mut newest = Vec::with_capacity(BATCH + fragment);
        pdu::push_fragments(&mut newest, context, true, &command.encode(), fragment);
        let mut last_pdu = None;
        loop {
            let start = newest.len();
            newest.extend_from_slice(&[0; PDV_OVERHEAD]);
            let length = match read_fragment(&mut data, &mut newest, fragment).await {
                Ok(length) => length,
                Err(error) => {
                    let _ = self.step(Event::AbortRequest, &[]).await;
                    return Err(AssociationError::Source(error));
                }
            };
            if length == 0 && last_pdu.is_some() {
                newest.truncate(start); // the fragment before was the last one
                break;
            }
            if !ready.is_empty() {
                self.step(Event::DataRequest, &ready).await?;
                ready.clear();
            }
            put_header(&mut newest, start, context, length, false);
            last_pdu = Some((start, length));
            if length < fragment {
                break;
            }
            if newest.len() >= BATCH {
                std::mem::swap(&mut ready, &mut newest);
            }
        }
        let mut out = if newest.is_empty() { ready } else { newest };
        if let Some((start, length)) = last_pdu {
            put_header(&mut out, start, context, length, true);
        }
        self.step(Event::DataRequest, &out).await
    }
}

/// Reads up to `fragment` bytes, fewer only at the end of `data`.
async fn read_fragment<D: AsyncRead + Unpin>(
    data: &mut D,
    out: &mut Vec<u8>,
    fragment: usize,
) -> std::io::Result<usize> {
    let start = out.len();
    out.reserve(fragment);
    let mut limited = data.take(fragment as u64);
    while limited.limit() > 0 && limited.read_buf(out).await? > 0 {}
    Ok(out.len() - start)
}

fn put_header(out: &mut [u8], start: usize, context: u8, length: usize, last: bool) {
    if let Some(header) = out.get_mut(start..start + PDV_OVERHEAD) {
        header.copy_from_slice(&pdu::pdv_header(context, false, last, length));
    }
}
