//! The identity check (DEC-G, table 8.1): is the study at the clinical PACS still that of the identity as received, and is that identity
//! one person's? Everything but a plain yes asks a person, unless a person accepted the very same before.

use dicom_stream::charset::{CharacterSet, Fidelity};
use dicom_stream::{Tag, VR};
use pseudonym::{Attribute, OwnRecord, Value};
use reconciliation::re_encoded;

use archive::question::IdentityChoice;

use crate::accept::Accepted;
use crate::clinical_pacs::{Found, QUERY_LEVEL, Row, STUDY_INSTANCE_UID, find, normal};
use crate::config::NodeConfig;
use crate::line::StageError;
use crate::own_record::tag_of;

/// What the check found (table 8.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IdentityCheck {
    /// One study, everything equal, and nobody else of that name and birth date.
    Same,
    /// One study, and something differs.
    Differs,
    /// The study is not there under this UID: deleted, moved or merged.
    NotFound,
    /// More than one study has this UID.
    Several,
    /// Another Patient ID has the same name and birth date.
    Shared,
    /// The node answers no such query, or the answer proves nothing: release needs a person.
    NotChecked,
}

impl IdentityCheck {
    /// The word of rows, of the release and of the question to a person.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Same => "identity-same",
            Self::Differs => "identity-differs",
            Self::NotFound => "identity-not-found",
            Self::Several => "identity-several",
            Self::Shared => "identity-shared",
            Self::NotChecked => "identity-not-checked",
        }
    }
}

/// Outcome for one study.
pub(crate) enum Checked {
    /// A result may carry this identity.
    Known {
        /// What was found; what a person had to accept among it.
        check: IdentityCheck,
        /// The identity: as received, or as the clinical PACS says it where a person chose that.
        own: OwnRecord,
    },
    /// A person decides.
    Ask {
        /// Why.
        check: IdentityCheck,
        /// Hash of what was found: the person's answer holds for nothing else.
        evidence: [u8; 32],
    },
}

const ACCESSION_NUMBER: Tag = Tag(0x0008, 0x0050);
/// Issuer of Accession Number Sequence
const ISSUER_OF_ACCESSION_NUMBER: Tag = Tag(0x0008, 0x0051);
const PATIENT_NAME: Tag = Tag(0x0010, 0x0010);
const PATIENT_ID: Tag = Tag(0x0010, 0x0020);
const ISSUER: Tag = Tag(0x0010, 0x0021);
const BIRTH_DATE: Tag = Tag(0x0010, 0x0030);
/// Attributes that are compared: normalised for padding and character set.
pub(crate) const COMPARED: [(Tag, VR); 6] = [
    (ACCESSION_NUMBER, VR::SH),
    (PATIENT_NAME, VR::PN),
    (PATIENT_ID, VR::LO),
    (ISSUER, VR::LO),
    (BIRTH_DATE, VR::DA),
    (Tag(0x0010, 0x0040), VR::CS), // Patient's Sex
];

/// Compares the identity as received with what the node says now.
///
/// # Errors
/// [`StageError::Association`], [`StageError::Busy`]: nothing can be pushed anyway, try again later.
pub(crate) async fn check_identity(
    node: &NodeConfig,
    received: &OwnRecord,
    accepted: &Accepted,
) -> Result<Checked, StageError> {
    let known = |check, own| Ok(Checked::Known { check, own });
    let ask = |check, evidence| Ok(Checked::Ask { check, evidence });
    let own = || received.clone();
    let Some(found) = of_study(node, received).await? else {
        return known(IdentityCheck::NotChecked, own());
    };
    let (check, own) = match found.as_slice() {
        [] => {
            let evidence = hash([received.study.as_str()]);
            return match accepted.choice(IdentityCheck::NotFound.as_str(), &evidence) {
                Some(IdentityChoice::Received) => known(IdentityCheck::NotFound, own()),
                _ => ask(IdentityCheck::NotFound, evidence),
            };
        }
        [row] if is_same(received, row) => (IdentityCheck::Same, own()),
        [row] => {
            let texts: Vec<String> = COMPARED.iter().map(|(tag, vr)| row.text(*tag, *vr)).collect();
            let evidence = hash(texts.iter().map(String::as_str));
            match accepted.choice(IdentityCheck::Differs.as_str(), &evidence) {
                Some(IdentityChoice::Received) => (IdentityCheck::Differs, own()),
                Some(IdentityChoice::Pacs) => (IdentityCheck::Differs, as_at_pacs(received, row)?),
                None => return ask(IdentityCheck::Differs, evidence),
            }
        }
        _ => return ask(IdentityCheck::Several, hash([received.study.as_str()])),
    };
    let instead_of_same = |other| if check == IdentityCheck::Same { other } else { check };
    match namesakes(node, &own).await? {
        Namesakes::None => known(check, own),
        Namesakes::NotChecked => known(instead_of_same(IdentityCheck::NotChecked), own),
        Namesakes::Some(evidence) if accepted.holds(IdentityCheck::Shared.as_str(), &evidence) => {
            known(instead_of_same(IdentityCheck::Shared), own)
        }
        Namesakes::Some(evidence) => ask(IdentityCheck::Shared, evidence),
    }
}

/// What [`identity_hash`] of a written result is kept under.
pub(crate) const WRITTEN: &str = "written";

/// Hash of an identity: what was written into a result, to be compared with what would be written now.
pub(crate) fn identity_hash(own: &OwnRecord) -> [u8; 32] {
    let mut hasher = hasher();
    let mut add = |bytes: &[u8]| {
        hasher.update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
    };
    add(own.study.as_bytes());
    let values = own.attributes.iter().map(|attribute| (attribute.tag, &attribute.value));
    for (tag, value) in std::iter::once((0x0008_0005, &own.character_set)).chain(values) {
        match value {
            Value::Absent => {}
            Value::Empty => add(&tag.to_le_bytes()),
            Value::Bytes(bytes) => {
                add(&tag.to_le_bytes());
                add(bytes);
            }
        }
    }
    *hasher.finalize().as_bytes()
}

fn hash<'t>(texts: impl IntoIterator<Item = &'t str>) -> [u8; 32] {
    let mut hasher = hasher();
    for text in texts {
        hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
    }
    *hasher.finalize().as_bytes()
}

fn hasher() -> blake3::Hasher {
    blake3::Hasher::new_derive_key("research-pacs 2026 evidence of an identity check")
}

/// The studies that the node has under this UID; `None` when it does not answer.
pub(crate) async fn of_study(node: &NodeConfig, own: &OwnRecord) -> Result<Option<Vec<Row>>, StageError> {
    if !node.query {
        return Ok(None);
    }
    let mut keys = vec![
        (QUERY_LEVEL, VR::CS, b"STUDY".to_vec()),
        (STUDY_INSTANCE_UID, VR::UI, own.study.clone().into_bytes()),
    ];
    keys.extend(COMPARED.map(|(tag, vr)| (tag, vr, Vec::new())));
    let Some(Found { mut rows, .. }) = find(node, keys, &Value::Absent).await? else { return Ok(None) };
    rows.retain(|row| row.text(STUDY_INSTANCE_UID, VR::UI) == own.study);
    Ok(Some(rows))
}

fn is_same(own: &OwnRecord, row: &Row) -> bool {
    COMPARED.iter().all(|(tag, vr)| is_same_value(own, row, *tag, *vr))
}

/// Whether both say the same of one attribute.
pub(crate) fn is_same_value(own: &OwnRecord, row: &Row, tag: Tag, vr: VR) -> bool {
    row.text(tag, vr) == text_of(own, tag, vr) || (tag == ISSUER && is_same_issuer(own, row))
}

/// A node need not know the issuer; where it does, it has to be the same one.
fn is_same_issuer(own: &OwnRecord, row: &Row) -> bool {
    let (theirs, ours) = (row.text(ISSUER, VR::LO), text_of(own, ISSUER, VR::LO));
    theirs == ours || theirs.is_empty() || ours.is_empty()
}

/// Whether others have the name and the birth date of an identity.
enum Namesakes {
    None,
    /// With the hash of their Patient IDs.
    Some([u8; 32]),
    NotChecked,
}

/// Asks for the studies of the same name and birth date. An answer proves something only when the study itself is in it: the node then
/// compared these two values as we do.
async fn namesakes(node: &NodeConfig, own: &OwnRecord) -> Result<Namesakes, StageError> {
    let (name, birth_date) = (value_of(own, PATIENT_NAME), value_of(own, BIRTH_DATE));
    // Empty would match everybody, and a wildcard or a range others (PS3.4 C.2.2.2).
    let asks_for_one = |tag, vr| {
        let text = text_of(own, tag, vr);
        !text.is_empty() && !text.contains(['*', '?', '\\']) && (vr != VR::DA || !text.contains('-'))
    };
    if !asks_for_one(PATIENT_NAME, VR::PN) || !asks_for_one(BIRTH_DATE, VR::DA) {
        return Ok(Namesakes::NotChecked);
    }
    let keys = vec![
        (QUERY_LEVEL, VR::CS, b"STUDY".to_vec()),
        (PATIENT_NAME, VR::PN, name.to_vec()),
        (PATIENT_ID, VR::LO, Vec::new()),
        (ISSUER, VR::LO, Vec::new()),
        (BIRTH_DATE, VR::DA, birth_date.to_vec()),
        (STUDY_INSTANCE_UID, VR::UI, Vec::new()),
    ];
    let Some(Found { rows, is_cut }) = find(node, keys, &own.character_set).await? else {
        return Ok(Namesakes::NotChecked);
    };
    let (itself, others): (Vec<&Row>, Vec<&Row>) =
        rows.iter().partition(|row| row.text(STUDY_INSTANCE_UID, VR::UI) == own.study);
    if itself.is_empty() {
        return Ok(Namesakes::NotChecked);
    }
    let mut ids: Vec<String> = others
        .into_iter()
        .filter(|row| is_namesake(own, row))
        .map(|row| row.text(PATIENT_ID, VR::LO))
        .collect();
    ids.sort();
    ids.dedup();
    // More than can be looked at is no proof that there is nobody.
    Ok(match ids.is_empty() && !is_cut {
        true => Namesakes::None,
        false => Namesakes::Some(hash(ids.iter().map(String::as_str))),
    })
}

/// Whether a study is of another patient with the same name and birth date. A node may ignore a key that is optional for it.
fn is_namesake(own: &OwnRecord, row: &Row) -> bool {
    let is_other =
        row.text(PATIENT_ID, VR::LO) != text_of(own, PATIENT_ID, VR::LO) || !is_same_issuer(own, row);
    let birth_date = row.text(BIRTH_DATE, VR::DA);
    is_other
        && row.text(PATIENT_NAME, VR::PN).to_lowercase() == text_of(own, PATIENT_NAME, VR::PN).to_lowercase()
        && (birth_date.is_empty() || birth_date == text_of(own, BIRTH_DATE, VR::DA))
}

/// The identity as the node says it now: what it was asked for and answered is taken from it. Where the Patient ID is another one, everything
/// else that was received of the patient is left out: it was said of the former. So is the issuer of another Accession Number.
fn as_at_pacs(received: &OwnRecord, row: &Row) -> Result<OwnRecord, StageError> {
    let set = set_of(received);
    let mut own = received.clone();
    let is_renumbered = row.text(PATIENT_ID, VR::LO) != text_of(received, PATIENT_ID, VR::LO)
        || !is_same_issuer(received, row);
    if is_renumbered {
        own.attributes.retain(|attribute| attribute.tag >> 16 != 0x0010 || is_compared(attribute.tag));
    }
    if row.text(ACCESSION_NUMBER, VR::SH) != text_of(received, ACCESSION_NUMBER, VR::SH) {
        own.attributes.retain(|attribute| attribute.tag != number(ISSUER_OF_ACCESSION_NUMBER));
    }
    let mut texts = Vec::new();
    for (tag, vr) in COMPARED {
        let Some(bytes) = row.bytes(tag).filter(|bytes| tag != ISSUER || !trimmed(bytes).is_empty()) else {
            if is_renumbered {
                forget(&mut own, tag)?;
            }
            continue;
        };
        let (text, fidelity) = row.character_set.decode_checked(vr, trimmed(bytes));
        if fidelity == Fidelity::Replaced || (tag == PATIENT_ID && text.is_empty()) {
            return Err(StageError::Answer);
        }
        texts.push((number(tag), vr, text.into_owned()));
    }
    let fits = texts.iter().all(|(_, vr, text)| set.encode(*vr, text).is_ok());
    let target = if fits { set.clone() } else { CharacterSet::utf8() };
    if !fits {
        for attribute in &mut own.attributes {
            let vr = VR::from_binary(attribute.vr).unwrap_or(VR::UN);
            if let Value::Bytes(bytes) = &mut attribute.value {
                let re_encoded = re_encoded(tag_of(attribute.tag), vr, bytes, &set, &target);
                *bytes = re_encoded.map_err(|_| StageError::Answer)?;
            }
        }
        own.character_set = Value::Bytes(target.value().into_bytes());
    }
    for (tag, vr, text) in texts {
        let bytes = target.encode(vr, &text).map_err(|_| StageError::Answer)?;
        let value = if bytes.is_empty() { Value::Empty } else { Value::Bytes(bytes) };
        match own.attributes.iter_mut().find(|attribute| attribute.tag == tag) {
            Some(attribute) if attribute.value == Value::Absent && value == Value::Empty => {}
            Some(attribute) => attribute.value = value,
            None if value == Value::Empty => {}
            None => own.attributes.push(Attribute { tag, vr: vr.to_bytes(), value }),
        }
    }
    Ok(own)
}

/// Takes out what was received of the former patient and the node does not say of the one it names now: many leave out the keys that are
/// optional for them (PS3.4 C.6.2.1). Without name or number it names nobody.
fn forget(own: &mut OwnRecord, tag: Tag) -> Result<(), StageError> {
    match tag {
        PATIENT_NAME | PATIENT_ID => return Err(StageError::Answer),
        ISSUER => own.attributes.retain(|attribute| attribute.tag != number(ISSUER)),
        // Of the study, not of the patient.
        tag if tag.group() != 0x0010 => {}
        // Type 2 in PS3.3 C.7.1.1: empty.
        tag => {
            let value = own.attributes.iter_mut().find(|attribute| attribute.tag == number(tag));
            if let Some(Attribute { value: value @ Value::Bytes(_), .. }) = value {
                *value = Value::Empty;
            }
        }
    }
    Ok(())
}

fn is_compared(tag: u32) -> bool {
    COMPARED.iter().any(|(compared, _)| number(*compared) == tag)
}

fn number(tag: Tag) -> u32 {
    u32::from(tag.group()) << 16 | u32::from(tag.element())
}

fn trimmed(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|byte| !matches!(byte, b' ' | 0)).map_or(0, |last| last + 1);
    bytes.get(..end).unwrap_or_default()
}

fn set_of(own: &OwnRecord) -> CharacterSet {
    match &own.character_set {
        Value::Bytes(value) => CharacterSet::parse(value).0,
        Value::Absent | Value::Empty => CharacterSet::default(),
    }
}

/// The bytes of a value as received, without padding.
fn value_of(own: &OwnRecord, tag: Tag) -> &[u8] {
    let found = own.attributes.iter().find(|attribute| attribute.tag == number(tag));
    match found.map(|attribute| &attribute.value) {
        Some(Value::Bytes(value)) => trimmed(value),
        _ => &[],
    }
}

pub(crate) fn text_of(own: &OwnRecord, tag: Tag, vr: VR) -> String {
    normal(&set_of(own), vr, value_of(own, tag))
}

#[cfg(test)]
mod tests {
    use pseudonym::Receipt;

    use super::*;

    const SEX: Tag = Tag(0x0010, 0x0040);
    const COMMENTS: Tag = Tag(0x0010, 0x4000);

    fn received() -> OwnRecord {
        let of = |tag, vr: VR, text: &str| Attribute {
            tag: number(tag),
            vr: vr.to_bytes(),
            value: Value::Bytes(text.as_bytes().to_vec()),
        };
        OwnRecord {
            study: "1.2.276.0.777.1".to_owned(),
            character_set: Value::Absent,
            receipt: Receipt {
                calling_ae: "MODALITY".to_owned(),
                peer: "pacs".to_owned(),
                received_at: 1,
                dossier: "1".to_owned(),
            },
            attributes: vec![
                of(PATIENT_NAME, VR::PN, "Former^Anna"),
                of(PATIENT_ID, VR::LO, "A1"),
                of(ISSUER, VR::LO, "HOSPITAL"),
                of(BIRTH_DATE, VR::DA, "19570301"),
                of(SEX, VR::CS, "F"),
                of(COMMENTS, VR::LT, "of the former"),
            ],
        }
    }

    fn value(own: &OwnRecord, tag: Tag) -> Option<&Value> {
        own.attributes.iter().find(|of| of.tag == number(tag)).map(|of| &of.value)
    }

    #[test]
    fn under_another_patient_id_nothing_of_the_former_patient_stays() {
        let row = Row::of(&[(PATIENT_ID, "B2"), (PATIENT_NAME, "Latter^Bert")]);
        let own = as_at_pacs(&received(), &row).unwrap();
        assert_eq!(text_of(&own, PATIENT_ID, VR::LO), "B2");
        assert_eq!(text_of(&own, PATIENT_NAME, VR::PN), "Latter^Bert");
        // Type 2 in PS3.3 C.7.1.1: there, and empty.
        assert_eq!(value(&own, BIRTH_DATE), Some(&Value::Empty));
        assert_eq!(value(&own, SEX), Some(&Value::Empty));
        assert_eq!((value(&own, ISSUER), value(&own, COMMENTS)), (None, None));
    }

    #[test]
    fn an_answer_without_the_name_or_the_number_of_another_patient_is_none() {
        for row in [Row::of(&[(PATIENT_ID, "B2")]), Row::of(&[(PATIENT_NAME, "Latter^Bert")])] {
            assert!(matches!(as_at_pacs(&received(), &row), Err(StageError::Answer)));
        }
    }

    #[test]
    fn under_the_same_patient_id_what_the_node_does_not_say_stays_as_received() {
        let row = Row::of(&[(PATIENT_ID, "A1"), (PATIENT_NAME, "Married^Anna"), (SEX, "")]);
        let own = as_at_pacs(&received(), &row).unwrap();
        assert_eq!(text_of(&own, PATIENT_NAME, VR::PN), "Married^Anna");
        assert_eq!(text_of(&own, BIRTH_DATE, VR::DA), "19570301");
        assert_eq!(value(&own, SEX), Some(&Value::Empty));
        assert_eq!(text_of(&own, COMMENTS, VR::LT), "of the former");
    }
}
