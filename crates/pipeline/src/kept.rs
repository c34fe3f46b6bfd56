//! Objects without identity at the source (AC1.9, DEC-P): they go to Z3 as they are, after the search for what only a person would write.

use std::io::{self, Read, Seek};

use archive::blob::{BlobKey, BlobWriter};
use archive::buffer::{BufferedInstance, QuarantineReason};
use archive::zone::Zone;
use dicom_stream::{FileMeta, Limits, Tag, Token, TokenSource, TransferSyntax};
use pixel::risk::{MODALITIES_AT_RISK, is_class_at_risk};

use crate::identify::damaged;
use crate::indexing::Tee;
use crate::line::{Line, Project, StageError};
use crate::own_record::Identified;
use crate::transform::{Held, Pseudonymised};

/// (0012,0062)
const PATIENT_IDENTITY_REMOVED: Tag = Tag(0x0012, 0x0062);
/// Encapsulated PDF, CDA, STL, OBJ and MTL Storage (PS3.4 B.5).
pub(crate) const ENCAPSULATED: &str = "1.2.840.10008.5.1.4.1.1.104.";
/// Why an object may be kept as it is (DEC-P).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ground {
    /// The project declares its source free of identity.
    Declared,
    /// The object says so itself.
    Marker,
}

impl Ground {
    /// As the ledger shows it (AC1.9).
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Declared => "already-deidentified: declared",
            Self::Marker => "already-deidentified: marker",
        }
    }
}

/// On what ground an instance of a source of this class is kept as it is; `None`: it is de-identified like any other. An object that cannot be read is left to that
/// way, which holds it.
///
/// # Errors
/// [`StageError::Spool`].
pub(crate) fn ground(
    line: &Line,
    project: &Project,
    instance: &BufferedInstance,
) -> Result<Option<Ground>, StageError> {
    let received = &instance.received;
    if project.config.sources_free_of_identity.contains(&received.calling) {
        return Ok(Some(Ground::Declared));
    }
    let Some(syntax) = TransferSyntax::from_uid(&received.transfer_syntax_uid) else { return Ok(None) };
    let original = match line.spool.read(&received.location) {
        Ok(original) => original,
        Err(error) => return damaged(error).map(|_| None),
    };
    Ok(is_marked(original, syntax).then_some(Ground::Marker))
}

/// What an object that only says itself that its identity was removed contradicts that with. The sender's word alone lets nothing out.
pub(crate) fn contradictions(instance: &BufferedInstance, identified: &Identified) -> Vec<Held> {
    let received = &instance.received;
    let mut held = Vec::new();
    if !is_no_name(&identified.name, &received.patient_id) || identified.has_birth_date() {
        held.push(Held {
            reason: QuarantineReason::IdentifierFound,
            detail: "marked (0012,0062) = YES, and has a name (0010,0010) or a birth date (0010,0030): declare its source in \
                     sources_free_of_identity, or have it sent without the marker"
                .to_owned(),
        });
    }
    let class = received.sop_class_uid.as_str();
    if class.starts_with(ENCAPSULATED) || received.modality == "DOC" {
        let detail = "marked (0012,0062) = YES, and an encapsulated document (AC2.8)".to_owned();
        held.push(Held { reason: QuarantineReason::Document, detail });
    }
    if is_class_at_risk(class) || MODALITIES_AT_RISK.contains(&received.modality.as_str()) {
        let detail =
            "marked (0012,0062) = YES, and of a class whose pixels often name the patient (AC2.7)".to_owned();
        held.push(Held { reason: QuarantineReason::PixelRisk, detail });
    }
    held
}

/// Whether Patient's Name names nobody: it is empty, the Patient ID, or one component alone, as codes are (PS3.5 6.2.1).
fn is_no_name(name: &str, patient_id: &str) -> bool {
    let name = name.trim().trim_end_matches(['^', '=', ' ']);
    name == patient_id || !name.contains(['^', '='])
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_names_nobody_is_empty_the_id_or_one_component() {
        for name in ["", "P-7", "ANON", "ANON^^^^", "PHANTOM 7", "ID^7"] {
            assert!(is_no_name(name, "ID^7"), "{name}");
        }
        for name in ["Doe^Jane", "^Jane", "Yamada=\u{5c71}\u{7530}"] {
            assert!(!is_no_name(name, "ID^7"), "{name}");
        }
    }
}
