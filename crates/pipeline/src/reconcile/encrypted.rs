//! Encrypted Attributes of a set: opened with the key of the project and held against the identity as received (RC-15, docs/adr/0012). A check, never a
//! source: nothing of the plain text leaves this file.

use std::sync::Arc;

use archive::buffer::ResultInstance;
use archive::zone::Zone;
use dicom_stream::SourceError;
use pseudonym::Reidentification;
use recognition::{DecryptionKey, ProcessError};
use reconciliation::{
    EncryptedAttributes, EncryptedAttributesError, EncryptedContent, ManualReason, ModifiedAttributes,
    Survey, Verdict, encrypted_contents,
};
use uuid::Uuid;

use super::{End, identity};
use crate::deidentify::blocking;
use crate::line::{Line, Project, StageError};
use crate::stored_object::open_data_set;

/// How the set ends, if any object that goes back has Encrypted Attributes that do not confirm the own record `received`.
pub(super) async fn doubt(
    line: &Arc<Line>,
    project: &Project,
    access: &Reidentification,
    partner: &str,
    received: &pseudonym::OwnRecord,
    objects: impl Iterator<Item = (&ResultInstance, (&Survey, &Verdict))>,
) -> Result<Option<End>, StageError> {
    let has_any = |survey: &Survey, verdict: &Verdict| {
        survey.encrypted_attributes != EncryptedAttributes::Absent && !verdict.drop
    };
    let objects = objects.filter(|(_, (survey, verdict))| has_any(survey, verdict));
    let ids: Vec<Uuid> = objects.map(|(instance, _)| instance.id).collect();
    let own = identity::of_vault(received);
    for id in ids {
        // without one, the judge holds the set
        let Some(key) = project.encrypted_attributes_key.clone() else { return Ok(Some(held("no key"))) };
        let line_of = Arc::clone(line);
        let opened = match blocking(move || open(&line_of, &key, id)).await?? {
            Ok(opened) => opened,
            Err(end) => return Ok(Some(end)),
        };
        for modified in opened {
            let uids = modified.uids();
            let mut originals = line.vault.originals_of(access, &uids).await?;
            // where UIDs are retained, one that was issued is its own original (RC-11)
            let issued = line.vault.originals(access, partner, &uids).await?;
            originals
                .extend(issued.into_iter().filter(|(uid, original)| uid == original).map(|(uid, _)| uid));
            if let Err(error) = modified.confirm(&own, &originals) {
                return Ok(Some(held(&error.to_string())));
            }
        }
    }
    Ok(None)
}

/// What one object of Z4 says that it held before.
fn open(
    line: &Line,
    key: &DecryptionKey,
    id: Uuid,
) -> Result<Result<Vec<ModifiedAttributes>, End>, StageError> {
    let (file, syntax) = open_data_set(&line.blobs, Zone::Inbound, id)?;
    let contents = match encrypted_contents(file, syntax) {
        Ok(contents) => contents,
        Err(EncryptedAttributesError::Source(SourceError::Io(error))) => return Err(error.into()),
        Err(error) => return Ok(Err(held(&error.to_string()))),
    };
    let mut opened = Vec::with_capacity(contents.len());
    for EncryptedContent { transfer_syntax, content } in contents {
        let plain = match key.decrypt(&content, EncryptedContent::BYTES_MAX as u64) {
            Ok(plain) => plain,
            // ours to mend: tried again
            Err(ProcessError::Io(error)) => return Err(error.into()),
            Err(error @ ProcessError::NotInstalled) => return Err(std::io::Error::other(error).into()),
            Err(error) => return Ok(Err(held(&format!("not opened by the key, {error}")))),
        };
        match ModifiedAttributes::read(&plain, &transfer_syntax) {
            Ok(modified) => opened.push(modified),
            Err(error) => return Ok(Err(held(&error.to_string()))),
        }
    }
    Ok(Ok(opened))
}

/// The word of the judge, and why; nobody can accept it.
fn held(why: &str) -> End {
    End::manual(format!("{}: {why}", ManualReason::EncryptedAttributes.word()), None)
}
