//! Objects without identity at the source (AC1.9, DEC-P): they go to Z3 as they are, after the search for what only a person would write.

use std::io::{self, Read, Seek};

use archive::blob::{BlobKey, BlobWriter};
use archive::buffer::{BufferedInstance, QuarantineReason};
use archive::zone::Zone;
use dicom_stream::{FileMeta, Limits, Tag, Token, TokenSource, TransferSyntax};

use crate::deidentify::{Held, Pseudonymised};
use crate::identify::damaged;
use crate::indexing::Tee;
use crate::line::{Line, Project, StageError};

/// (0012,0062)
const PATIENT_IDENTITY_REMOVED: Tag = Tag(0x0012, 0x0062);

/// On what ground an instance of a source of this class is kept as it is; `None`: it is de-identified like any other. An object that cannot be read is left to that
/// way, which holds it.
///
/// # Errors
/// [`StageError::Spool`].
pub(crate) fn ground(
    line: &Line,
    project: &Project,
    instance: &BufferedInstance,
) -> Result<Option<&'static str>, StageError> {
    let received = &instance.received;
    if project.config.sources_free_of_identity.contains(&received.calling) {
        return Ok(Some("already-deidentified: declared"));
    }
    let Some(syntax) = TransferSyntax::from_uid(&received.transfer_syntax_uid) else { return Ok(None) };
    let original = match line.spool.read(&received.location) {
        Ok(original) => original,
        Err(error) => return damaged(error).map(|_| None),
    };
    Ok(is_marked(original, syntax).then_some("already-deidentified: marker"))
}

/// Whether the main data set says once, and once only, that the identity was removed.
fn is_marked(input: impl Read + Seek, syntax: &TransferSyntax) -> bool {
    let Ok(mut tokens) = TokenSource::skimming(input, syntax, Limits::INSTANCE) else { return false };
    let (mut markers, mut yes) = (0, false);
    loop {
        let depth = tokens.depth();
        match tokens.next_token() {
            Ok(Some(Token::Value { header, value })) if depth == 0 => {
                if header.tag > PATIENT_IDENTITY_REMOVED {
                    break;
                }
                if header.tag == PATIENT_IDENTITY_REMOVED {
                    markers += 1;
                    yes = value.trim_ascii() == b"YES";
                }
            }
            Ok(Some(Token::SequenceStart { header }))
                if depth == 0 && header.tag > PATIENT_IDENTITY_REMOVED =>
            {
                break;
            }
            Ok(Some(_)) => {}
            Ok(None) => break,
            Err(_) => return false,
        }
    }
    markers == 1 && yes
}

/// One instance, byte for byte, into an object of Z3 that has no name yet; the file meta information is written anew.
pub(crate) fn copy(
    line: &Line,
    original: &BufferedInstance,
) -> Result<Result<(Pseudonymised, BlobWriter), Held>, StageError> {
    let received = &original.received;
    let held = |detail: String| Ok(Err(Held { reason: QuarantineReason::Irregular, detail }));
    let Some(syntax) = TransferSyntax::from_uid(&received.transfer_syntax_uid) else {
        return held("transfer syntax".to_owned());
    };
    let mut input = match line.spool.read(&received.location) {
        Ok(input) => input,
        Err(error) => return damaged(error).map(Err),
    };
    let mut writer = line.blobs.create(BlobKey::new(Zone::Archive, received.id)?)?;
    let meta = FileMeta {
        media_storage_sop_class_uid: received.sop_class_uid.clone(),
        media_storage_sop_instance_uid: received.sop_instance_uid.clone(),
        transfer_syntax_uid: syntax.uid.to_owned(),
    };
    meta.write(&mut writer)?;
    let data_set = writer.length();
    let mut tee = Tee::new(writer, syntax);
    io::copy(&mut input, &mut tee)?;
    match tee.finish() {
        Ok((writer, identification)) => {
            Ok(Ok((Pseudonymised { identification, transfer_syntax: syntax, data_set }, writer)))
        }
        Err(error) => held(format!("output: {error}")),
    }
}
