//! C-STORE over several associations. Each instance is sent as it is stored; while it is on its way the next one is read
//! from the disk.

use std::sync::Arc;

use dicom_node::presentation_context::ProposedContext;
use dicom_node::status::Status;
use dicom_node::storage_scu::{self, storage_contexts};
use dicom_node::stream::NetStream;
use dicom_node::{Association, AssociationError};
use tokio::sync::mpsc::Sender;

use super::Dicom;
use crate::error::PartnerError;
use crate::feed;
use crate::lanes::{self, BREAKS, Work};
use crate::outgoing::{Answer, InstanceSource, Outcome, OutgoingInstance, Reason};

/// Sends the instances in rounds: one association has room for so many pairs of SOP class and transfer syntax.
pub(super) async fn send<S: InstanceSource>(
    dicom: &Arc<Dicom>,
    mut instances: Vec<OutgoingInstance>,
    source: Arc<S>,
    answers: Sender<Answer>,
) -> Result<(), PartnerError> {
    while !instances.is_empty() {
        let pairs = instances.iter().map(|i| (i.sop_class.as_str(), i.transfer_syntax.as_str()));
        let contexts = Arc::new(storage_contexts(pairs));
        let now: Vec<_> = instances.extract_if(.., |instance| is_proposed(instance, &contexts)).collect();
        let work = Work::new(now, Arc::clone(&source), answers.clone());
        lanes::run(dicom.associations, &work, || {
            lane(Arc::clone(dicom), Arc::clone(&contexts), Arc::clone(&work))
        })
        .await?;
    }
    Ok(())
}

fn is_proposed(instance: &OutgoingInstance, contexts: &[ProposedContext]) -> bool {
    contexts.iter().any(|context| {
        context.abstract_syntax == instance.sop_class
            && context.transfer_syntaxes.contains(&instance.transfer_syntax)
    })
}

/// One association after another, until the work is done or [`BREAKS`] of them broke in a row.
async fn lane<S: InstanceSource>(
    dicom: Arc<Dicom>,
    contexts: Arc<Vec<ProposedContext>>,
    work: Arc<Work<S>>,
) -> Result<(), PartnerError> {
    let mut breaks = 0;
    while !work.is_done() {
        let mut association = dicom.associate(&contexts).await?;
        match drain(&mut association, &work, &mut breaks).await {
            Ok(()) => {
                let _ = association.release().await; // every answer is there
            }
            Err(error) if breaks >= BREAKS => return Err(error.into()),
            Err(_) => {}
        }
    }
    Ok(())
}

/// Sends over one association until there is nothing more, or until it ends.
async fn drain<S: InstanceSource>(
    association: &mut Association<NetStream>,
    work: &Work<S>,
    breaks: &mut u32,
) -> Result<(), AssociationError> {
    let take = || work.take().map(|instance| (feed::start(&work.source, &instance), instance));
    let mut next = take();
    while let Some((data, instance)) = next {
        next = take();
        let request = storage_scu::OutgoingInstance {
            sop_class: &instance.sop_class,
            sop_instance: &instance.sop_instance,
            transfer_syntax: &instance.transfer_syntax,
            move_originator: None,
        };
        let (outcome, ended) = judge(association.store(&request, data).await);
        *breaks = match &ended {
            None => 0,
            Some(AssociationError::Source(_)) => *breaks, // our own fault
            Some(_) => *breaks + 1,
        };
        let heard = work.answer(&instance, outcome).await;
        if ended.is_some() || !heard {
            work.put_back(next.map(|(_, instance)| instance));
            return ended.map_or(Ok(()), Err);
        }
    }
    Ok(())
}

/// The outcome of a C-STORE, and what ended the association.
fn judge(stored: Result<Status, AssociationError>) -> (Outcome, Option<AssociationError>) {
    match stored {
        Ok(status) if status.is_done() => (Outcome::Acknowledged { status: status.0 }, None),
        Ok(status) => (Outcome::of_failure(status.0), None),
        Err(AssociationError::NoContext) => (Outcome::Refused(Reason::NoContext), None),
        Err(error @ AssociationError::Source(_)) => (Outcome::Unreadable, Some(error)),
        Err(error) => (Outcome::Deferred(Reason::Broken), Some(error)),
    }
}
