//! C-GET (PS3.4 §C.4.3): the instances come over the association that we opened.

use std::collections::BTreeSet;
use std::sync::Arc;

use dicom_node::config::NodeConfig;
use dicom_node::presentation_context::{MAX_CONTEXTS, ProposedContext, Roles};
use dicom_node::query_retrieve_scu::{Retrieval, SubOperations};
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
const SYNTAXES: [&str; 32] = [
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    "1.2.840.10008.1.2.5",     // RLE
    "1.2.840.10008.1.2.4.80",  // JPEG-LS Lossless
    "1.2.840.10008.1.2.4.81",  // JPEG-LS Near-lossless
    "1.2.840.10008.1.2.4.90",  // JPEG 2000 Lossless
    "1.2.840.10008.1.2.4.91",  // JPEG 2000
    "1.2.840.10008.1.2.4.92",  // JPEG 2000 Part 2 Lossless
    "1.2.840.10008.1.2.4.93",  // JPEG 2000 Part 2
    "1.2.840.10008.1.2.4.57",  // JPEG Lossless, process 14
    "1.2.840.10008.1.2.4.70",  // JPEG Lossless, first-order prediction
    "1.2.840.10008.1.2.4.50",  // JPEG Baseline
    "1.2.840.10008.1.2.4.51",  // JPEG Extended
    "1.2.840.10008.1.2.1.99",  // Deflated
    "1.2.840.10008.1.2.4.100", // MPEG2 Main Level
    "1.2.840.10008.1.2.4.100.1",
    "1.2.840.10008.1.2.4.101", // MPEG2 High Level
    "1.2.840.10008.1.2.4.101.1",
    "1.2.840.10008.1.2.4.102", // MPEG-4 AVC/H.264
    "1.2.840.10008.1.2.4.102.1",
    "1.2.840.10008.1.2.4.103",
    "1.2.840.10008.1.2.4.103.1",
    "1.2.840.10008.1.2.4.104",
    "1.2.840.10008.1.2.4.104.1",
    "1.2.840.10008.1.2.4.105",
    "1.2.840.10008.1.2.4.105.1",
    "1.2.840.10008.1.2.4.106",
    "1.2.840.10008.1.2.4.106.1",
    "1.2.840.10008.1.2.4.107", // HEVC/H.265
    "1.2.840.10008.1.2.4.108",
    "1.2.840.10008.1.2.4.201", // HTJ2K Lossless
    "1.2.840.10008.1.2.4.203", // HTJ2K
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
    let uids: Vec<&str> = wanted.iter().map(|wanted| wanted.sop_instance.as_str()).collect();
    let mut groups: Vec<&[&str]> = if whole { vec![&[]] } else { uids.chunks(UIDS).collect() };
    while let Some(group) = groups.pop() {
        let (_, identifier) = identifier(&association, STUDY_GET, &keys(request, &group.join("\\")))?;
        let ended = association.get(STUDY_GET, &identifier, &receiver, |_| {}).await;
        if receiver.kill.is_cancelled() {
            return Err(PartnerError::Permanent { cause: Cause::Answer("it gives what was not asked for") });
        }
        let Retrieval { status, operations, .. } = ended?;
        match status.0 {
            // done, if with failures: those are missing, and answered so at the end
            _ if status.is_done() || operations != SubOperations::default() => {}
            // "unable to process": some servers answer so when they miss one of a list
            0xC000..=0xCFFF if group.len() > 1 => groups.extend(group.chunks(1)),
            0xC000..=0xCFFF => {}
            other => return Err(failed(other)),
        }
    }
    let _ = association.release().await; // all answers are there
    Ok(())
}

/// The keys of a request for a list of instances, or, if that is empty, for the series.
fn keys<'a>(request: &'a FetchRequest, uids: &'a str) -> Vec<(Tag, VR, &'a str)> {
    let series = [(STUDY, VR::UI, request.study.as_str()), (SERIES, VR::UI, request.series.as_str())];
    let mut keys = match uids {
        "" => vec![(LEVEL, VR::CS, "SERIES")],
        uids => vec![(SOP_INSTANCE, VR::UI, uids), (LEVEL, VR::CS, "IMAGE")],
    };
    keys.extend(series);
    keys
}
