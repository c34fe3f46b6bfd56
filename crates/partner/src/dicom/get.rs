//! C-GET (PS3.4 §C.4.3): the instances come over the association that we opened.

use std::collections::BTreeSet;
use std::sync::Arc;

use dicom_node::config::NodeConfig;
use dicom_node::presentation_context::{MAX_CONTEXTS, ProposedContext, Roles};
use dicom_node::sop_class::STUDY_GET;
use dicom_node::transfer_syntax::{EXPLICIT_LITTLE, IMPLICIT_LITTLE};
use dicom_stream::{Tag, VR};
use tokio::sync::mpsc::Sender;
use tokio_util::sync::CancellationToken;

use super::find::{LEVEL, SERIES, STUDY, identifier};
use super::{Dicom, PLAIN, failed};
use crate::config::ResultLimits;
use crate::error::{Cause, PartnerError};
use crate::incoming::{
    FetchAnswer, FetchReport, FetchRequest, FromAssociation, Intake, ResultReceiver, WantedInstance,
};

/// Transfer syntaxes that results are taken in, each in a context of its own, so that the partner sends without conversion.
const SYNTAXES: [&str; 9] = [
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    "1.2.840.10008.1.2.5",    // RLE
    "1.2.840.10008.1.2.4.80", // JPEG-LS Lossless
    "1.2.840.10008.1.2.4.90", // JPEG 2000 Lossless
    "1.2.840.10008.1.2.4.70", // JPEG Lossless
    "1.2.840.10008.1.2.4.91", // JPEG 2000
    "1.2.840.10008.1.2.4.50", // JPEG Baseline
    "1.2.840.10008.1.2.1.99", // Deflated
];
/// SOP classes of one association.
const CLASSES: usize = (MAX_CONTEXTS - 1) / SYNTAXES.len();
/// UIDs of one request: a list of them is one value of an identifier (PS3.4 §C.2.2.2.2).
const UIDS: usize = 500;

const SOP_INSTANCE: Tag = Tag(0x0008, 0x0018);

pub(super) async fn fetch<R: ResultReceiver>(
    dicom: &Dicom,
    request: &FetchRequest,
    limits: &ResultLimits,
    receiver: Arc<R>,
    answers: Sender<FetchAnswer>,
) -> Result<FetchReport, PartnerError> {
    let intake = Intake::new(request, limits, receiver, answers)?;
    let classes: Vec<&str> = classes(request, limits).into_iter().collect();
    for group in classes.chunks(CLASSES) {
        let of_group =
            |wanted: &&WantedInstance| wanted.sop_class.as_deref().is_none_or(|class| group.contains(&class));
        let wanted: Vec<&WantedInstance> = request.instances.iter().filter(of_group).collect();
        let whole = request.whole && wanted.len() == request.instances.len();
        get(dicom, request, &wanted, whole, group, &intake).await?;
    }
    Ok(intake.finish().await)
}

/// The classes to propose: those listed; all that are allowed when one was listed without its class.
fn classes<'a>(request: &'a FetchRequest, limits: &'a ResultLimits) -> BTreeSet<&'a str> {
    let known: Option<BTreeSet<&str>> =
        request.instances.iter().map(|wanted| wanted.sop_class.as_deref()).collect();
    known.unwrap_or_else(|| limits.sop_classes.iter().map(String::as_str).collect())
}

async fn get<R: ResultReceiver>(
    dicom: &Dicom,
    request: &FetchRequest,
    wanted: &[&WantedInstance],
    whole: bool,
    classes: &[&str],
    intake: &Arc<Intake<R>>,
) -> Result<(), PartnerError> {
    let mut contexts = vec![ProposedContext::new(STUDY_GET, &PLAIN)];
    for class in classes {
        contexts
            .extend(SYNTAXES.iter().map(|uid| ProposedContext::new(*class, &[uid]).with_roles(Roles::SCP)));
    }
    // the intake counts the bytes and answers for them
    let limits = NodeConfig { max_instance_bytes: u64::MAX, ..dicom.limits.clone() };
    let kill = CancellationToken::new();
    let mut association = dicom.node.associate(&contexts, &limits, kill.clone()).await?;
    let receiver = FromAssociation { intake: Arc::clone(intake), kill };
    for some in wanted.chunks(if whole { wanted.len().max(1) } else { UIDS }) {
        let uids: Vec<&str> = some.iter().map(|wanted| wanted.sop_instance.as_str()).collect();
        let uids = uids.join("\\");
        let mut keys = vec![
            (SOP_INSTANCE, VR::UI, uids.as_str()),
            (LEVEL, VR::CS, "IMAGE"),
            (STUDY, VR::UI, request.study.as_str()),
            (SERIES, VR::UI, request.series.as_str()),
        ];
        if whole {
            keys.remove(0);
            if let Some(level) = keys.first_mut() {
                level.2 = "SERIES";
            }
        }
        let (_, identifier) = identifier(&association, STUDY_GET, &keys)?;
        let ended = association.get(STUDY_GET, &identifier, &receiver, |_| {}).await;
        if receiver.kill.is_cancelled() {
            return Err(PartnerError::Permanent { cause: Cause::Answer("it gives what was not asked for") });
        }
        let ended = ended?;
        // 0xB000: some sub-operations failed; they are answered one by one
        if !ended.status.is_done() && ended.operations.completed == 0 && ended.operations.failed == 0 {
            return Err(failed(ended.status.0));
        }
    }
    let _ = association.release().await; // all answers are there
    Ok(())
}
