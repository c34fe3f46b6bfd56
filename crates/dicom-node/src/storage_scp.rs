//! Storage service class, SCP: PS3.4 Annex B, C-STORE of PS3.7 §9.1.1. Bytes go from the receive buffer to the sink.

use crate::association::Association;
use crate::dimse::{Command, element};
use crate::error::AssociationError;
use crate::message::Message;
use crate::receiver::{InstanceReceiver, InstanceSink, StoreReceipt, StoreRequest};
use crate::sop_class::{is_other_service, is_uid};
use crate::status::{Status, StoreFailure, of_store};
use crate::stream::Stream;
use std::sync::Arc;

/// Serves one C-STORE-RQ: data set to the sink, commit, answer. Returns the status that was answered.
pub(crate) async fn serve<S: Stream, R: InstanceReceiver>(
    association: &mut Association<S>,
    message: &Message,
    receiver: &R,
) -> Result<Status, AssociationError> {
    let outcome = match request(association, message) {
        Ok(request) => transfer(association, &request, receiver).await?,
        Err(failure) => Err(failure),
    };
    association.skip_data(association.max_drain).await?;
    let (status, response) = match outcome {
        Ok(StoreReceipt) => (Status::SUCCESS, Command::response(&message.command, Status::SUCCESS.0)),
        Err(failure) => {
            let (status, comment) = of_store(failure);
            (status, Command::response(&message.command, status.0).text(element::ERROR_COMMENT, comment))
        }
    };
    association.send(message.context, &response, None).await?;
    Ok(status)
}

/// What the command announces, if it can be stored at all.
fn request<S: Stream>(association: &Association<S>, message: &Message) -> Result<StoreRequest, StoreFailure> {
    let command = &message.command;
    let sop_class = command.get_text(element::AFFECTED_SOP_CLASS);
    let sop_instance = command.get_text(element::AFFECTED_SOP_INSTANCE);
    if !command.has_data() || !is_uid(sop_class) || !is_uid(sop_instance) {
        return Err(StoreFailure::CannotUnderstand);
    }
    let context = association.accepted(message.context).ok_or(StoreFailure::SopClassNotSupported)?;
    if context.abstract_syntax != sop_class || is_other_service(sop_class) {
        return Err(StoreFailure::SopClassNotSupported);
    }
    Ok(StoreRequest {
        peer: Arc::clone(association.peer()),
        sop_class: sop_class.to_owned(),
        sop_instance: sop_instance.to_owned(),
        transfer_syntax: context.transfer_syntax.clone(),
        message_id: command.message_id(),
    })
}

/// Moves the data set into a sink and commits it. The outer error is the end of the association.
async fn transfer<S: Stream, R: InstanceReceiver>(
    association: &mut Association<S>,
    request: &StoreRequest,
    receiver: &R,
) -> Result<Result<StoreReceipt, StoreFailure>, AssociationError> {
    let mut sink = match receiver.begin(request).await {
        Ok(sink) => sink,
        Err(failure) => return Ok(Err(failure)),
    };
    let (mut size, limit) = (0, association.max_instance);
    loop {
        let failure = match association.data().await {
            Ok(Some(bytes)) => {
                size += bytes.len() as u64;
                if size > limit { Some(StoreFailure::TooLarge) } else { sink.chunk(bytes).await.err() }
            }
            Ok(None) => return Ok(sink.commit().await),
            Err(error) => {
                sink.abort().await;
                return Err(error);
            }
        };
        if let Some(failure) = failure {
            sink.abort().await;
            return Ok(Err(failure));
        }
    }
}
