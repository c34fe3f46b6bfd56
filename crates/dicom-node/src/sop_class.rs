//! SOP classes of the services of this node: PS3.4 Annexes A, B, C, J and GG.

use dicom_core::dictionary::UidDictionary;
use dicom_dictionary_std::StandardSopClassDictionary;

/// Verification (PS3.4 Annex A).
pub const VERIFICATION: &str = "1.2.840.10008.1.1";
/// Storage Commitment Push Model (PS3.4 Annex J).
pub const STORAGE_COMMITMENT: &str = "1.2.840.10008.1.20.1";
/// The well-known SOP instance of Storage Commitment Push Model (PS3.4 §J.3.5).
pub const STORAGE_COMMITMENT_INSTANCE: &str = "1.2.840.10008.1.20.1.1";
/// Study Root Query/Retrieve – FIND (PS3.4 §C.6.2).
pub const STUDY_FIND: &str = "1.2.840.10008.5.1.4.1.2.2.1";
/// Study Root Query/Retrieve – MOVE.
pub const STUDY_MOVE: &str = "1.2.840.10008.5.1.4.1.2.2.2";
/// Study Root Query/Retrieve – GET.
pub const STUDY_GET: &str = "1.2.840.10008.5.1.4.1.2.2.3";
/// Patient Root Query/Retrieve – FIND (PS3.4 §C.6.1).
pub const PATIENT_FIND: &str = "1.2.840.10008.5.1.4.1.2.1.1";
/// Patient Root Query/Retrieve – MOVE.
pub const PATIENT_MOVE: &str = "1.2.840.10008.5.1.4.1.2.1.2";
/// Patient Root Query/Retrieve – GET.
pub const PATIENT_GET: &str = "1.2.840.10008.5.1.4.1.2.1.3";

/// Keywords of PS3.6 Table A-1 with "Storage" in them that are no storage SOP classes.
const NOT_STORAGE: [&str; 3] =
    ["StorageCommitmentPushModel", "StorageCommitmentPullModel", "MediaStorageDirectoryStorage"];

/// Whether `uid` is a storage SOP class of PS3.4 (Annexes B and GG), retired ones included: old archives have them.
/// The list is that of PS3.6 Table A-1: its storage classes are those whose keyword says so.
pub fn is_storage(uid: &str) -> bool {
    StandardSopClassDictionary
        .by_uid(uid)
        .is_some_and(|entry| entry.alias.contains("Storage") && !NOT_STORAGE.contains(&entry.alias))
}

/// Whether `uid` is a standard SOP class of another service.
pub(crate) fn is_other_service(uid: &str) -> bool {
    StandardSopClassDictionary.by_uid(uid).is_some() && !is_storage(uid)
}

/// Whether `uid` is a UID by PS3.5 §9.1: 1 to 64 characters, digits in components that dots divide. Leading zeros of a
/// component are tolerated: devices in use write them.
pub fn is_uid(uid: &str) -> bool {
    uid.len() <= 64 && uid.split('.').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn storage_classes_are_told_from_other_services() {
        assert!(is_storage("1.2.840.10008.5.1.4.1.1.2"));
        assert!(is_storage("1.2.840.10008.5.1.4.1.1.1.1.1"), "Digital X-Ray for processing");
        assert!(is_storage("1.2.840.10008.5.1.4.1.1.5"), "retired Nuclear Medicine");
        for other in [VERIFICATION, STORAGE_COMMITMENT, STUDY_FIND, "1.2.840.10008.1.3.10"] {
            assert!(!is_storage(other) && is_other_service(other), "{other}");
        }
        assert!(!is_storage("1.2.3.4.5") && !is_other_service("1.2.3.4.5"));
    }

    #[test]
    fn uids() {
        let longest = format!("1.{}", "2".repeat(62));
        for good in ["1.2.840.10008.1.1", "2.25.0", "1.02.3", &longest] {
            assert!(is_uid(good), "{good}");
        }
        let too_long = format!("{longest}3");
        for bad in ["", ".", "1..2", "1.2.", ".1", "1.2a", "../../tmp", "1 2", &too_long] {
            assert!(!is_uid(bad), "{bad}");
        }
    }
}
