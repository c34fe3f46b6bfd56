//! The plain text: a data set with one item of Modified Attributes Sequence (0400,0550), compared with the own record.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use dicom_stream::charset::{CharacterSet, Fidelity, uses_character_set};
use dicom_stream::text::{trim, trim_uid};
use dicom_stream::{ElementPath, Limits, Tag, TransferSyntax, VR};

use super::{EncryptedAttributesError, EncryptedContent};
use crate::attribute::{PATIENT_ID, SPECIFIC_CHARACTER_SET, STUDY_INSTANCE_UID, is_identity};
use crate::own_record::{Attribute, OwnRecord};
use crate::survey::is_standard;
use crate::visit::{Element, Visitor, visit};

/// Modified Attributes Sequence (PS3.3 C.12.1.1.4.1).
const MODIFIED_ATTRIBUTES: Tag = Tag(0x0400, 0x0550);

/// What a de-identifier says that an object held before. Holds an identity: prints nothing of it.
#[derive(Default)]
pub struct ModifiedAttributes {
    /// Specific Character Set, where they bring their own.
    character_set: Option<Vec<u8>>,
    /// Attributes of patient and study, at the level of the item.
    values: BTreeMap<Tag, Vec<u8>>,
    /// UIDs at every depth, those of the standard left out.
    uids: BTreeSet<String>,
    is_irregular: bool,
}

impl ModifiedAttributes {
    /// Different UIDs of one plain text.
    pub const UIDS_MAX: usize = 1000;

    /// Reads a plain text in the transfer syntax of its item.
    ///
    /// # Errors
    /// [`EncryptedAttributesError::NotOneItem`], [`EncryptedAttributesError::TooMuch`].
    pub fn read(plain: &[u8], transfer_syntax: &str) -> Result<Self, EncryptedAttributesError> {
        let irregular = EncryptedAttributesError::NotOneItem;
        let Some(syntax) = TransferSyntax::from_uid(transfer_syntax) else { return Err(irregular) };
        let bytes = EncryptedContent::BYTES_MAX;
        let limits = Limits { value: bytes, total: bytes as u64, ..Limits::IDENTIFIER };
        let mut modified = Self::default();
        if visit(plain, syntax, limits, &mut modified).is_err() || modified.is_irregular {
            return Err(irregular);
        }
        if modified.uids.len() > Self::UIDS_MAX {
            return Err(EncryptedAttributesError::TooMuch { what: "UIDs", limit: Self::UIDS_MAX });
        }
        Ok(modified)
    }

    /// The UIDs to look up as originals.
    pub fn uids(&self) -> Vec<&str> {
        self.uids.iter().map(String::as_str).collect()
    }

    /// Whether they confirm the own record: the Patient ID and each attribute that both have are equal, absent and empty being one, and each UID is
    /// of the `originals`: those that the participant's issued UIDs stand for.
    ///
    /// # Errors
    /// [`EncryptedAttributesError::NoPatientId`], [`EncryptedAttributesError::Differs`], [`EncryptedAttributesError::UnknownUid`].
    pub fn confirm(
        &self,
        own: &OwnRecord,
        originals: &BTreeSet<String>,
    ) -> Result<(), EncryptedAttributesError> {
        let theirs = self.values.get(&PATIENT_ID).map_or(&[][..], Vec::as_slice);
        if [theirs, own.bytes_of(PATIENT_ID)].iter().any(|id| trim(VR::LO, id).is_empty()) {
            return Err(EncryptedAttributesError::NoPatientId);
        }
        let set = match &self.character_set {
            Some(declared) => CharacterSet::parse(declared).0,
            // a de-identifier that left the element as it was
            None => own.set(),
        };
        let differs = |tag| Err(EncryptedAttributesError::Differs(ElementPath::root(tag)));
        if let Some(study) = self.values.get(&STUDY_INSTANCE_UID)
            && trim_uid(study) != own.study.as_bytes()
        {
            return differs(STUDY_INSTANCE_UID);
        }
        let mut seen = BTreeSet::new();
        // the first of a repeated attribute, which is the one that goes back
        for attribute in own.attributes.iter().filter(|attribute| seen.insert(attribute.tag)) {
            if let Some(theirs) = self.values.get(&attribute.tag)
                && !is_equal(attribute, &own.set(), theirs, &set)
            {
                return differs(attribute.tag);
            }
        }
        let is_known = |uid: &String| *uid == own.study || originals.contains(uid);
        if self.uids.iter().all(is_known) { Ok(()) } else { Err(EncryptedAttributesError::UnknownUid) }
    }
}

/// Equal without padding; text of another character set when decoded without a loss.
fn is_equal(own: &Attribute, own_set: &CharacterSet, theirs: &[u8], set: &CharacterSet) -> bool {
    let (ours, theirs) = (trim(own.vr, own.value.bytes()), trim(own.vr, theirs));
    if own_set == set || !uses_character_set(own.vr) {
        return ours == theirs;
    }
    let (ours, fidelity) = own_set.decode_checked(own.vr, ours);
    let (theirs, of_theirs) = set.decode_checked(own.vr, theirs);
    fidelity.max(of_theirs) < Fidelity::Replaced && ours == theirs
}

impl Visitor for ModifiedAttributes {
    fn value(&mut self, element: &Element<'_>, value: &[u8]) {
        let is_in_force = matches!(element.sequences, [] | [(MODIFIED_ATTRIBUTES, _)]);
        if element.tag == SPECIFIC_CHARACTER_SET && is_in_force {
            self.character_set = Some(value.to_vec());
        }
        match *element.sequences {
            [(MODIFIED_ATTRIBUTES, 1)] => {
                let is_compared = is_identity(element.tag);
                let is_twice = is_compared && self.values.insert(element.tag, value.to_vec()).is_some();
                self.is_irregular |= is_twice;
            }
            [(MODIFIED_ATTRIBUTES, 1), ..] => {}
            // a further item, or an identity where the standard has none
            [(MODIFIED_ATTRIBUTES, _), ..] => self.is_irregular = true,
            _ => self.is_irregular |= is_identity(element.tag),
        }
        if element.vr == VR::UI {
            let uids = value.split(|byte| *byte == b'\\').map(trim_uid).filter(|uid| !uid.is_empty());
            let uids = uids.map(|uid| String::from_utf8_lossy(uid).into_owned());
            self.uids.extend(uids.filter(|uid| !is_standard(uid)));
        }
    }

    /// Nothing that is compared is as long as that, or comes in fragments.
    fn bulk(&mut self, _: &Element<'_>) {
        self.is_irregular = true;
    }
}

impl fmt::Debug for ModifiedAttributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ModifiedAttributes({} compared, ..)", self.values.len())
    }
}
