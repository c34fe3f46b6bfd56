//! C-FIND (PS3.4 §C.4.1): the series of a study of ours, then the instances of each. Study Root, hierarchical, so that
//! every archive understands it.

use dicom_node::Association;
use dicom_node::presentation_context::ProposedContext;
use dicom_node::sop_class::{STUDY_FIND, is_uid};
use dicom_node::stream::NetStream;
use dicom_stream::text::trim_uid;
use dicom_stream::{Lengths, Limits, Tag, Token, TokenSource, TransferSyntax, VR, Writer};
use tokio::sync::mpsc::Sender;

use super::{Dicom, PLAIN, failed};
use crate::config::ResultLimits;
use crate::error::{Cause, PartnerError};
use crate::listing::{Collector, Listing, Row};

const SOP_CLASS: Tag = Tag(0x0008, 0x0016);
const SOP_INSTANCE: Tag = Tag(0x0008, 0x0018);
pub(super) const LEVEL: Tag = Tag(0x0008, 0x0052);
pub(super) const STUDY: Tag = Tag(0x0020, 0x000D);
pub(super) const SERIES: Tag = Tag(0x0020, 0x000E);

pub(super) async fn list(
    dicom: &Dicom,
    studies: &[String],
    limits: &ResultLimits,
    listings: Sender<Listing>,
) -> Result<(), PartnerError> {
    let mut association = dicom.associate(&[ProposedContext::new(STUDY_FIND, &PLAIN)]).await?;
    for study in studies {
        let listing = list_study(&mut association, study, limits.study_instances).await?;
        if listings.send(listing).await.is_err() {
            break;
        }
    }
    let _ = association.release().await; // all answers are there
    Ok(())
}

async fn list_study(
    association: &mut Association<NetStream>,
    study: &str,
    limit: usize,
) -> Result<Listing, PartnerError> {
    let mut found = Collector::new(study, limit);
    let keys = [(LEVEL, VR::CS, "SERIES"), (STUDY, VR::UI, study), (SERIES, VR::UI, "")];
    let mut series: Vec<String> = Vec::new();
    let cut = find(association, &keys, limit, |row| {
        if is_uid(&row.series) && !series.contains(&row.series) {
            series.push(row.series);
        }
    })
    .await?;
    if cut {
        found.cut();
    }
    for uid in &series {
        let keys = [
            (SOP_CLASS, VR::UI, ""),
            (SOP_INSTANCE, VR::UI, ""),
            (LEVEL, VR::CS, "IMAGE"),
            (STUDY, VR::UI, study),
            (SERIES, VR::UI, uid),
        ];
        let room = found.room() + 1; // one more shows that there is more
        let cut = find(association, &keys, room, |row| {
            found.add(Row { series: uid.clone(), ..row });
        })
        .await?;
        if cut {
            found.cut();
        }
        if found.room() == 0 {
            break;
        }
    }
    Ok(found.finish())
}

/// One C-FIND. Returns whether there was more than `limit`.
async fn find(
    association: &mut Association<NetStream>,
    keys: &[(Tag, VR, &str)],
    limit: usize,
    mut take: impl FnMut(Row),
) -> Result<bool, PartnerError> {
    let (syntax, identifier) = identifier(association, STUDY_FIND, keys)?;
    let mut rows = association.find(STUDY_FIND, &identifier, limit).await?;
    while let Some(row) = rows.next().await? {
        take(read(&row, syntax));
    }
    let status = rows.status().map_or(0, |status| status.0);
    match (status, rows.is_cut()) {
        (_, true) => Ok(true),
        (0, false) => Ok(false),
        (status, false) => Err(failed(status)),
    }
}

/// An identifier in the transfer syntax of the accepted context.
pub(super) fn identifier(
    association: &Association<NetStream>,
    sop_class: &str,
    keys: &[(Tag, VR, &str)],
) -> Result<(&'static TransferSyntax, Vec<u8>), PartnerError> {
    let unusable = |what| PartnerError::Configuration { cause: Cause::Answer(what) };
    let syntax = association
        .context_for(sop_class, None)
        .and_then(|context| TransferSyntax::from_uid(&context.transfer_syntax))
        .ok_or_else(|| unusable("it does not offer this query or retrieve service"))?;
    let mut writer = Writer::new(Vec::new(), syntax.encoding, Lengths::AsReceived);
    let written = keys.iter().try_for_each(|(tag, vr, value)| writer.value(*tag, *vr, value.as_bytes()));
    let bytes =
        written.and_then(|()| writer.finish()).map_err(|_| unusable("the query cannot be written"))?;
    Ok((syntax, bytes))
}

/// The UIDs of a row; what cannot be read stays empty, and the row is ignored for it.
fn read(bytes: &[u8], syntax: &TransferSyntax) -> Row {
    let mut row = Row::default();
    let mut source = TokenSource::new(bytes, syntax, Limits::IDENTIFIER, Some(bytes.len() as u64));
    while let Ok(Some(token)) = source.next_token() {
        let Token::Value { header, value } = token else { continue };
        let text = || String::from_utf8_lossy(trim_uid(value)).into_owned();
        let (tag, text) = (header.tag, text());
        if source.depth() > 0 {
            continue;
        }
        match tag {
            STUDY => row.study = text,
            SERIES => row.series = text,
            SOP_CLASS => row.sop_class = text,
            SOP_INSTANCE => row.sop_instance = text,
            _ => {}
        }
    }
    row
}
