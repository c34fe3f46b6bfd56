//! Verification service class, SCU and SCP: PS3.4 Annex A, C-ECHO of PS3.7 §9.1.5.

use crate::association::Association;
use crate::dimse::{Command, element, field};
use crate::error::AssociationError;
use crate::message::Message;
use crate::sop_class::VERIFICATION;
use crate::status::Status;
use crate::stream::Stream;

impl<S: Stream> Association<S> {
    /// Sends C-ECHO and awaits the answer.
    ///
    /// # Errors
    /// [`AssociationError::NoContext`] if Verification was not accepted; what ended the association.
    pub async fn echo(&mut self) -> Result<Status, AssociationError> {
        let context = self.context_for(VERIFICATION, None).ok_or(AssociationError::NoContext)?.id;
        let message_id = self.next_message_id();
        let request = Command::new(field::C_ECHO_RQ)
            .uid(element::AFFECTED_SOP_CLASS, VERIFICATION)
            .number(element::MESSAGE_ID, message_id);
        self.send(context, &request, None).await?;
        let response = self.response(field::C_ECHO_RQ, message_id).await?;
        self.skip_data(0).await?;
        Ok(response.command.status())
    }
}

/// Answers a C-ECHO-RQ.
pub(crate) async fn answer<S: Stream>(
    association: &mut Association<S>,
    request: &Message,
) -> Result<(), AssociationError> {
    association.skip_data(0).await?;
    let response = Command::response(&request.command, Status::SUCCESS.0);
    association.send(request.context, &response, None).await
}
