//! Whether a value matches a key of a query (PS3.4 §C.2.2.2).

use dicom_stream::{Tag, VR, dictionary_vr};

/// Whether a value matches a key: universal, list, range, wildcard, single value.
pub(crate) fn is_match(tag: Tag, key: &str, value: &str) -> bool {
    if key.is_empty() {
        return true;
    }
    match dictionary_vr(tag) {
        VR::SQ => true,
        VR::UI => key.split('\\').any(|key| value.split('\\').any(|value| value == key)),
        VR::DA | VR::TM | VR::DT if key.contains('-') => in_range(key, value),
        VR::PN => wildcard(&key.to_lowercase(), &value.to_lowercase()),
        _ => value.split('\\').any(|value| wildcard(key, value)),
    }
}

fn in_range(key: &str, value: &str) -> bool {
    let (from, to) = key.split_once('-').unwrap_or((key, key));
    !value.is_empty() && from.trim() <= value && (to.trim().is_empty() || value <= to.trim())
}

/// `*` stands for any text, `?` for one character.
fn wildcard(pattern: &str, text: &str) -> bool {
    let (mut pattern, mut text) = (pattern.chars(), text.chars());
    let mut back = None;
    loop {
        let rest = text.clone();
        match (pattern.next(), text.next()) {
            (Some('*'), _) => {
                back = Some((pattern.clone(), rest.clone()));
                text = rest;
            }
            (Some('?'), Some(_)) => {}
            (Some(a), Some(b)) if a == b => {}
            (None, None) => return true,
            _ => {
                let Some((after_star, mut from)) = back.take() else { return false };
                if from.next().is_none() {
                    return false;
                }
                pattern = after_star.clone();
                text = from.clone();
                back = Some((after_star, from));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dicom_dictionary_std::tags;

    /// PS3.4 §C.2.2.2.1 to C.2.2.2.5.
    #[test]
    fn keys_match_as_the_standard_says() {
        let cases = [
            (tags::PATIENT_ID, "", "7", true),
            (tags::PATIENT_ID, "7", "7", true),
            (tags::PATIENT_ID, "7", "77", false),
            (tags::PATIENT_ID, "7*", "77", true),
            (tags::PATIENT_ID, "?7", "77", true),
            (tags::PATIENT_ID, "?7", "7", false),
            (tags::PATIENT_ID, "*a*b*", "xxaybz", true),
            (tags::PATIENT_ID, "*a*b", "xxaybz", false),
            (tags::PATIENT_NAME, "Lef*", "LEFEBVRE^Zoe", true),
            (tags::STUDY_INSTANCE_UID, "1.2\\1.3", "1.3", true),
            (tags::STUDY_INSTANCE_UID, "1.*", "1.3", false),
            (tags::STUDY_DATE, "20250101-20250131", "20250131", true),
            (tags::STUDY_DATE, "-20250131", "20250201", false),
            (tags::STUDY_DATE, "20250101-", "20250201", true),
            (tags::MODALITIES_IN_STUDY, "CT", "CT\\SEG", true),
        ];
        for (tag, key, value, expected) in cases {
            assert_eq!(is_match(tag, key, value), expected, "{key:?} {value:?}");
        }
    }
}
