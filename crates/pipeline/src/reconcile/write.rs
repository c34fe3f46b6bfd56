//! The objects of a set: each with its identity to Z5, and as it came, but for Encrypted Attributes, to Z3. Nothing counts unless all of it worked.

use std::sync::Arc;

use archive::blob::{Blob, BlobKey, BlobWriter};
use archive::buffer::{self, ResultInstance};
use archive::index;
use archive::result_set::ResultSet;
use archive::zone::Zone;
use dicom_stream::{FileMeta, SourceError, TransferSyntax};
use reconciliation::{
    EncryptedAttributes, Given, Identities, NotInspected, Object, OwnRecord, Policy, Pseudonyms,
    ReconciliationError, Survey, Verdict, reconcile, reverse_scan, without_encrypted_attributes,
};
use uuid::Uuid;

use super::End;
use crate::deidentify::blocking;
use crate::indexing::Tee;
use crate::line::{Line, StageError};
use crate::stored_object::open_data_set;
use crate::transform::Pseudonymised;

/// Everything that the pure transform needs.
pub(super) struct Transform {
    pub(super) identities: Identities,
    pub(super) given: Given,
    pub(super) own: OwnRecord,
    pub(super) policy: Policy,
    pub(super) pseudonyms: Pseudonyms,
}

/// What was written for a set.
pub(super) struct Written {
    pub(super) returned: Vec<ResultInstance>,
    pub(super) archived: Vec<(Pseudonymised, Blob)>,
    /// Parts that a person has to accept, with the instance (AC8.10).
    pub(super) not_inspected: Vec<(Uuid, NotInspected)>,
}

/// Writes each object with its identity to Z5 and as it came to Z3; nothing counts unless all of it worked.
pub(super) async fn transform_all(
    line: &Arc<Line>,
    set: &ResultSet,
    instances: Vec<ResultInstance>,
    surveys: Vec<Survey>,
    verdicts: Vec<Verdict>,
    transform: Transform,
) -> Result<Result<Written, End>, StageError> {
    let (line, set) = (Arc::clone(line), set.id);
    blocking(move || {
        let written = write_all(&line, set, &instances, &surveys, &verdicts, &transform);
        if !matches!(written, Ok(Ok(_))) {
            remove_identified(&line, &instances)?;
        }
        written
    })
    .await?
}

/// Removes what Z5 holds of these objects of Z4, whether it has rows or not.
fn remove_identified(line: &Line, received: &[ResultInstance]) -> Result<(), StageError> {
    for instance in received {
        line.blobs.remove(BlobKey::new(Zone::ReturnBuffer, instance.id)?)?;
    }
    Ok(())
}

/// Removes what an earlier try made of a set that now ends otherwise: identified objects, and copies for Z3 that were never indexed.
pub(super) async fn discard(line: &Arc<Line>, set: &ResultSet) -> Result<(), StageError> {
    let instances = buffer::inbound_of(line.buffer.reader(), set.id).await?;
    let is_indexed = index::count_of_source(line.main.reader(), set.id).await? > 0;
    let line = Arc::clone(line);
    blocking(move || {
        remove_identified(&line, &instances)?;
        if !is_indexed {
            for instance in &instances {
                line.blobs.remove(BlobKey::new(Zone::Archive, instance.id)?)?;
            }
        }
        Ok(())
    })
    .await?
}

fn write_all(
    line: &Line,
    set: Uuid,
    instances: &[ResultInstance],
    surveys: &[Survey],
    verdicts: &[Verdict],
    transform: &Transform,
) -> Result<Result<Written, End>, StageError> {
    let mut identified = Vec::new();
    let mut archived = Vec::new();
    let mut not_inspected = Vec::new();
    for ((instance, survey), verdict) in instances.iter().zip(surveys).zip(verdicts) {
        if verdict.drop {
            tracing::info!(instance = %instance.id, "an original came back unchanged; it is dropped");
            continue;
        }
        let (of, writer) = match identify(line, set, instance, survey, transform)? {
            Ok(done) => done,
            Err(end) => return Ok(Err(end)),
        };
        not_inspected.extend(of.not_inspected.into_iter().map(|part| (instance.id, part)));
        identified.push((of.instance, writer));
        match archive(line, instance, survey)? {
            Ok(done) => archived.push(done),
            Err(end) => return Ok(Err(end)),
        }
    }
    let (returned, writers): (Vec<ResultInstance>, Vec<BlobWriter>) = identified.into_iter().unzip();
    let blobs = line.blobs.finish_batch(writers)?;
    let returned: Vec<ResultInstance> =
        returned.into_iter().zip(&blobs).map(|(instance, blob)| with_blob(instance, blob)).collect();
    if let Some(place) = left_over(line, &returned, &transform.pseudonyms)? {
        return Ok(Err(End::manual(format!("pseudonym-left {place}"), None)));
    }
    let (objects, writers): (Vec<Pseudonymised>, Vec<BlobWriter>) = archived.into_iter().unzip();
    let archived = objects.into_iter().zip(line.blobs.finish_batch(writers)?).collect();
    Ok(Ok(Written { returned, archived, not_inspected }))
}

struct Identified {
    instance: ResultInstance,
    not_inspected: Vec<NotInspected>,
}

fn identify(
    line: &Line,
    set: Uuid,
    received: &ResultInstance,
    survey: &Survey,
    transform: &Transform,
) -> Result<Result<(Identified, BlobWriter), End>, StageError> {
    let (input, syntax) = open_data_set(&line.blobs, Zone::Inbound, received.id)?;
    let object = Object { survey, transfer_syntax: syntax, length: None, limits: reconciliation::LIMITS };
    let output_syntax = inflated(syntax);
    let mut writer = line.blobs.create(BlobKey::new(Zone::ReturnBuffer, received.id)?)?;
    let sop_instance =
        transform.identities.fresh.get(&survey.sop_instance).unwrap_or(&survey.sop_instance).clone();
    let meta = FileMeta {
        media_storage_sop_class_uid: survey.sop_class.clone(),
        media_storage_sop_instance_uid: sop_instance,
        transfer_syntax_uid: output_syntax.uid.to_owned(),
    };
    meta.write(&mut writer)?;
    let Transform { identities, given, own, policy, .. } = transform;
    let report = match reconcile(&object, identities, own, given, policy, input, &mut writer) {
        Ok(report) => report,
        Err(error) => return Ok(Err(not_reconciled(error)?)),
    };
    // pixels of other images are not asked about here: the judge asks where text may stand in them
    let not_inspected =
        report.not_inspected.into_iter().filter(|part| *part != NotInspected::Pixels).collect();
    let instance = ResultInstance {
        id: received.id,
        result_set: set,
        study_instance_uid: own.study.clone(),
        series_instance_uid: report.series,
        sop_instance_uid: report.sop_instance,
        sop_class_uid: survey.sop_class.clone(),
        transfer_syntax_uid: output_syntax.uid.to_owned(),
        location: String::new(),
        bytes: 0,
        blake3: [0; 32],
    };
    Ok(Ok((Identified { instance, not_inspected }, writer)))
}

/// How a set ends that the transform refuses. What our disk refuses is tried again.
fn not_reconciled(error: ReconciliationError) -> Result<End, StageError> {
    match error {
        ReconciliationError::Output(error) | ReconciliationError::Input(SourceError::Io(error)) => {
            Err(error.into())
        }
        error => Ok(End::manual(format!("cannot-be-reconciled: {error}"), None)),
    }
}

/// The transfer syntax of a data set that is written anew.
fn inflated(syntax: &'static TransferSyntax) -> &'static TransferSyntax {
    if syntax.deflated { &TransferSyntax::EXPLICIT_LITTLE } else { syntax }
}

/// The object as the partner sent it, for Z3: the pseudonymised form of the result, and so without Encrypted Attributes (RC-15).
fn archive(
    line: &Line,
    received: &ResultInstance,
    survey: &Survey,
) -> Result<Result<(Pseudonymised, BlobWriter), End>, StageError> {
    let (mut input, received_syntax) = open_data_set(&line.blobs, Zone::Inbound, received.id)?;
    let is_copy = survey.encrypted_attributes == EncryptedAttributes::Absent;
    let syntax = if is_copy { received_syntax } else { inflated(received_syntax) };
    let mut writer = line.blobs.create(BlobKey::new(Zone::Archive, received.id)?)?;
    let meta = FileMeta {
        media_storage_sop_class_uid: received.sop_class_uid.clone(),
        media_storage_sop_instance_uid: received.sop_instance_uid.clone(),
        transfer_syntax_uid: syntax.uid.to_owned(),
    };
    meta.write(&mut writer)?;
    let data_set = writer.length();
    let mut tee = Tee::new(writer, syntax);
    if is_copy {
        std::io::copy(&mut input, &mut tee)?;
    } else if let Err(error) = without_encrypted_attributes(input, received_syntax, &mut tee) {
        return Ok(Err(not_reconciled(error)?));
    }
    let (writer, identification) = tee.finish().map_err(|_| StageError::Answer)?;
    Ok(Ok((Pseudonymised { identification, transfer_syntax: syntax, data_set }, writer)))
}

fn with_blob(instance: ResultInstance, blob: &Blob) -> ResultInstance {
    ResultInstance {
        location: blob.key.to_string(),
        bytes: blob.length,
        blake3: *blob.hash.as_bytes(),
        ..instance
    }
}

/// The place of the first pseudonym that is still in an object (RR-9).
fn left_over(
    line: &Line,
    returned: &[ResultInstance],
    pseudonyms: &Pseudonyms,
) -> Result<Option<String>, StageError> {
    for instance in returned {
        let (file, syntax) = open_data_set(&line.blobs, Zone::ReturnBuffer, instance.id)?;
        let scan = match reverse_scan(file, syntax, reconciliation::LIMITS, pseudonyms) {
            Ok(scan) => scan,
            Err(SourceError::Io(error)) => return Err(error.into()),
            Err(error) => return Ok(Some(error.to_string())),
        };
        if let Some(finding) = scan.findings.first() {
            return Ok(Some(finding.path.to_string()));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use dicom_stream::{ElementPath, Tag};

    use super::*;

    #[test]
    fn a_reason_shows_no_tag_that_may_be_letters_of_a_name() {
        // "DOE^", read as a tag
        let error = ReconciliationError::TooLong { path: ElementPath::root(Tag(0x4F44, 0x5E45)) };
        let Ok(End::Manual(doubt)) = not_reconciled(error) else { panic!("a person decides") };
        assert_eq!(doubt.reasons, ["cannot-be-reconciled: (unknown): value too long to be mapped"]);
    }

    #[test]
    fn what_our_disk_refuses_is_nobodys_decision() {
        let full = || std::io::Error::from(std::io::ErrorKind::StorageFull);
        for error in [ReconciliationError::Output(full()), ReconciliationError::Input(full().into())] {
            let Err(error) = not_reconciled(error) else { panic!("it is tried again") };
            assert!(error.waits_for_room() && !error.needs_person(), "{error}");
        }
    }
}
