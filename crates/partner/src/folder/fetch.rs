//! Takes dropped files in: what was asked for, as the manifest names it, hashed while it is read.

use std::path::Path;
use std::sync::Arc;

use dicom_node::receiver::InstanceSink;
use dicom_stream::TransferSyntax;
use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc::Sender;

use super::drop::{Dropped, Kind, StudyDrop};
use super::export::folder;
use super::on_a_thread;
use crate::config::ResultLimits;
use crate::error::PartnerError;
use crate::incoming::{FetchAnswer, FetchReport, FetchRequest, Intake, Refusal, ResultReceiver};

/// Bytes read at once.
const PIECE: usize = 256 << 10;

pub(super) async fn fetch<R: ResultReceiver>(
    results: &Path,
    request: &FetchRequest,
    limits: &ResultLimits,
    receiver: Arc<R>,
    answers: Sender<FetchAnswer>,
) -> Result<FetchReport, PartnerError> {
    let intake = Intake::declared(request, limits, receiver, answers)?;
    let (path, study, of) = (results.to_owned(), request.study.clone(), limits.clone());
    let Some(drop) = on_a_thread(move || StudyDrop::read(&path, &study, &of)).await? else {
        return Ok(intake.finish().await);
    };
    let drop = Arc::new(drop);
    for (number, object) in drop.objects.iter().enumerate() {
        let uid = &object.row().sop_instance;
        let wanted = request.instances.iter().find(|wanted| wanted.sop_instance == *uid);
        let is_other =
            |content: Option<[u8; 32]>| content.is_some_and(|content| content != drop.content(uid));
        match wanted.filter(|_| object.row().series == request.series) {
            None => {}
            // the manifest was written anew since the listing: what it says now is listed first
            Some(wanted) if is_other(wanted.content) => {}
            Some(_) if drop.is_ambiguous(uid) => intake.refuse(uid, Refusal::SeveralContents).await,
            Some(_) => take(&drop, number, object, &intake).await?,
        }
    }
    Ok(intake.finish().await)
}

/// One file: into the sink piece by piece, and committed only when it is the one of the manifest.
async fn take<R: ResultReceiver>(
    drop: &Arc<StudyDrop>,
    number: usize,
    object: &Dropped,
    intake: &Arc<Intake<R>>,
) -> Result<(), PartnerError> {
    let row = object.row();
    if object.file.bytes > intake.longest() {
        intake.refuse(&row.sop_instance, Refusal::TooLarge).await;
        return Ok(());
    }
    let (mut skip, syntax, before, after): (usize, _, &[u8], &[u8]) = match &object.kind {
        Kind::Dicom { data_set, transfer_syntax, .. } => (*data_set, *transfer_syntax, &[], &[]),
        Kind::Pdf(wrapped) => (0, TransferSyntax::EXPLICIT_LITTLE.uid, &wrapped.before, &wrapped.after),
    };
    let of = Arc::clone(drop);
    let Some(file) = on_a_thread(move || Ok(of.again(number)?)).await? else {
        intake.refuse(&row.sop_instance, Refusal::Unreadable).await;
        return Ok(());
    };
    let mut file = tokio::fs::File::from_std(file);
    let Ok(mut sink) = intake.begin(&row.sop_class, &row.sop_instance, syntax).await else { return Ok(()) };
    let (mut hash, mut piece) = (Sha256::new(), vec![0; PIECE]);
    let mut taken = before.is_empty() || sink.chunk(before).await.is_ok();
    while taken {
        let read = match file.read(&mut piece).await {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) => {
                sink.abort().await;
                return Err(folder("read a result")(error));
            }
        };
        let bytes = piece.get(..read).unwrap_or_default();
        hash.update(bytes);
        let data = bytes.get(skip.min(read)..).unwrap_or_default();
        skip = skip.saturating_sub(read);
        taken = data.is_empty() || sink.chunk(data).await.is_ok();
    }
    let found: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    let is_named = found == object.file.sha256;
    if taken && is_named && (after.is_empty() || sink.chunk(after).await.is_ok()) {
        let _ = sink.commit().await; // the intake has answered for it
        return Ok(());
    }
    sink.abort().await;
    if taken && !is_named {
        intake.settle_unreadable(&row.sop_instance).await;
    }
    Ok(())
}
