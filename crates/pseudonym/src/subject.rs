//! The key of a participant: who is the same person within a project (DEC-Q).

use std::fmt;

use crate::VaultError;
use crate::prf::{framed, prf};
use crate::seal::{self, Place};
use crate::vault::Keys;

const SUBJECT: &str = "research-pacs/1/subject:";
/// Patient ID is an LO of 64 characters (PS3.5 §6.2); longer ones exist, endless ones are an attack.
const LONGEST: usize = 256;

/// Why a Patient ID names nobody. Quarantine the object, never guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SubjectError {
    /// Quarantine (AC1.6).
    #[error("the Patient ID is empty")]
    EmptyPatientId,
    /// Quarantine.
    #[error("the Patient ID has more than {LONGEST} bytes")]
    TooLong,
    /// Configure the assigning authority of the node.
    #[error("no assigning authority is configured")]
    NoAuthority,
}

/// (project, assigning authority, Patient ID): the Patient ID without its padding, capitals and small letters distinct. Never a
/// name, never a birth date.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SubjectKey {
    project: String,
    authority: String,
    patient_id: String,
}

impl SubjectKey {
    /// `authority` is the one configured for the node, or the one whose alias is the Issuer of Patient ID (0010,0021);
    /// `patient_id` is (0010,0020), decoded. Blanks on both sides are padding of an LO (PS3.5 §6.2), NULs are by habit.
    ///
    /// # Errors
    /// [`SubjectError`].
    pub fn new(project: &str, authority: &str, patient_id: &str) -> Result<Self, SubjectError> {
        let patient_id = patient_id.trim_matches([' ', '\0']);
        if patient_id.is_empty() {
            return Err(SubjectError::EmptyPatientId);
        }
        if patient_id.len() > LONGEST {
            return Err(SubjectError::TooLong);
        }
        if authority.is_empty() {
            return Err(SubjectError::NoAuthority);
        }
        Ok(Self { project: project.into(), authority: authority.into(), patient_id: patient_id.into() })
    }

    /// The project.
    #[must_use]
    pub fn project(&self) -> &str {
        &self.project
    }

    /// The assigning authority.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The Patient ID, an identity.
    #[must_use]
    pub fn patient_id(&self) -> &str {
        &self.patient_id
    }

    /// What stands for the key in the tables.
    pub(crate) fn hash(&self, keys: &Keys) -> Vec<u8> {
        let fields = [self.project.as_bytes(), self.authority.as_bytes(), self.patient_id.as_bytes()];
        prf(&keys.lookup, SUBJECT, &framed(&fields)).to_vec()
    }

    /// Authority and Patient ID, sealed for a column; the project is in clear beside it.
    pub(crate) fn seal(&self, key: &crate::prf::Key, place: Place<'_>) -> Result<Vec<u8>, VaultError> {
        // an authority is a configured name and holds no NUL
        let plain = zeroize::Zeroizing::new(format!("{}\0{}", self.authority, self.patient_id));
        seal::seal(key, place, plain.as_bytes())
    }

    /// The reverse of [`Self::seal`].
    pub(crate) fn open(
        project: &str,
        key: &crate::prf::Key,
        place: Place<'_>,
        sealed: &[u8],
    ) -> Result<Self, VaultError> {
        let plain = zeroize::Zeroizing::new(seal::open_text(key, place, sealed)?);
        let (authority, patient_id) = plain.split_once('\0').ok_or(VaultError::Tampered(place.table))?;
        Ok(Self { project: project.into(), authority: authority.into(), patient_id: patient_id.into() })
    }
}

impl fmt::Debug for SubjectKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SubjectKey({}, ..)", self.project)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_does_not_count_and_case_does() {
        let key = |id| SubjectKey::new("p", "a", id).unwrap();
        assert_eq!(key("  AB 12 \0"), key("AB 12"));
        assert_ne!(key("ab 12"), key("AB 12"));
        assert_ne!(key("AB  12"), key("AB 12"));
        assert_ne!(key("0012"), key("12"));
    }

    #[test]
    fn nobody_is_an_error() {
        for id in ["", "   ", "\0", " \0 "] {
            assert_eq!(SubjectKey::new("p", "a", id), Err(SubjectError::EmptyPatientId));
        }
        assert_eq!(SubjectKey::new("p", "a", &"1".repeat(257)), Err(SubjectError::TooLong));
        assert_eq!(SubjectKey::new("p", "", "1"), Err(SubjectError::NoAuthority));
    }

    #[test]
    fn the_patient_id_is_not_shown() {
        let key = SubjectKey::new("trial", "hospital", "CANARY").unwrap();
        assert_eq!(format!("{key:?}"), "SubjectKey(trial, ..)");
    }
}
