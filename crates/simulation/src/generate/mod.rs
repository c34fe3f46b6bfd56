//! Synthetic studies from a seed. Every identifying value is a canary: it occurs nowhere else, so that a search finds a leak.

mod image;
mod modality;
mod patient;

use std::fmt;

use dicom_dictionary_std::tags;
use dicom_stream::{Tag, VR};

use crate::data_set::DataSet;
use crate::error::SimulationError;
use crate::object::Object;
use crate::seed::Seed;

pub use modality::Modality;
use patient::Patient;

/// What to generate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The same plan gives the same bytes.
    pub seed: u64,
    /// Patients; each has one study.
    pub patients: usize,
    /// Modalities, taken in turn by the patients; character sets change with the patients too.
    pub modalities: Vec<Modality>,
    /// Slices of a CT or MR series, and frames of a multi-frame image.
    pub slices: u16,
    /// The second patient has name and birth date of the first (reconciliation must not guess).
    pub same_name: bool,
}

impl Default for Plan {
    fn default() -> Self {
        Self { seed: 1, patients: 4, modalities: Modality::ALL.to_vec(), slices: 4, same_name: false }
    }
}

/// A generated study of an invented person.
#[derive(Clone)]
pub struct Study {
    /// Study Instance UID.
    pub uid: String,
    /// What made it.
    pub modality: Modality,
    /// Its instances, one series.
    pub objects: Vec<Object>,
    planted: Vec<Planted>,
}

impl fmt::Debug for Study {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Study of {} instances", self.objects.len())
    }
}

/// An identifying value that was put into a study.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Planted {
    /// Where it was put.
    pub tag: Tag,
    /// The value as text, in Unicode.
    pub value: String,
    /// The part of the value that is ASCII and occurs nowhere else (`ZQ` and eight digits, or a whole UID): look for this. Dates have
    /// none, they are too common.
    pub token: Option<String>,
}

impl Study {
    /// Every identifying value of the study.
    pub fn planted(&self) -> &[Planted] {
        &self.planted
    }
}

/// Makes the studies of a plan.
///
/// # Errors
/// [`SimulationError::Encode`]: a defect of the generator.
pub fn generate(plan: &Plan) -> Result<Vec<Study>, SimulationError> {
    let seed = Seed(plan.seed);
    (0..plan.patients)
        .map(|number| {
            let modality = plan.modalities.iter().cycle().nth(number % plan.modalities.len().max(1));
            let mut patient = Patient::invent(seed, number);
            if plan.same_name && number == 1 {
                patient.take_name_of(&Patient::invent(seed, 0));
            }
            study(seed, number, &patient, modality.copied().unwrap_or(Modality::Ct), plan.slices.max(1))
        })
        .collect()
}

fn study(
    seed: Seed,
    number: usize,
    patient: &Patient,
    modality: Modality,
    slices: u16,
) -> Result<Study, SimulationError> {
    let uid = |what: &str| seed.uid(&format!("patient {number} {what}"));
    let mut common = patient.data_set(seed, number);
    common.set(tags::STUDY_INSTANCE_UID, uid("study"));
    common.set(tags::SERIES_INSTANCE_UID, uid("series"));
    common.set(tags::FRAME_OF_REFERENCE_UID, uid("frame of reference"));
    let sets = modality.instances(&common, slices);
    let mut objects = Vec::with_capacity(sets.len());
    for (index, mut set) in sets.into_iter().enumerate() {
        set.set(tags::SOP_INSTANCE_UID, uid(&format!("instance {index}")));
        set.set(tags::INSTANCE_NUMBER, (index + 1).to_string());
        objects.push(Object::build(&set, modality.syntax())?);
    }
    let mut planted: Vec<Planted> = objects.iter().flat_map(|object| planted(&object.attributes)).collect();
    planted.sort();
    planted.dedup();
    Ok(Study { uid: uid("study"), modality, objects, planted })
}

/// Identifying values of an instance: those with a token, own UIDs, and birth date.
fn planted(set: &DataSet) -> Vec<Planted> {
    set.tags()
        .filter_map(|tag| {
            let value = set.text(tag);
            let own_uid = set.vr(tag) == Some(VR::UI) && value.starts_with("2.25.");
            let token = if own_uid { Some(value.clone()) } else { patient::token_in(&value) };
            let identifies = token.is_some() || tag == tags::PATIENT_BIRTH_DATE;
            identifies.then_some(Planted { tag, value, token })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn bytes(studies: &[Study]) -> Vec<&[u8]> {
        studies.iter().flat_map(|study| &study.objects).map(|object| &object.data[..]).collect()
    }

    #[test]
    fn the_same_plan_gives_the_same_bytes_and_another_seed_others() {
        let plan = Plan { patients: 5, ..Plan::default() };
        let first = generate(&plan).unwrap();
        assert_eq!(bytes(&first), bytes(&generate(&plan).unwrap()));
        assert_ne!(bytes(&first), bytes(&generate(&Plan { seed: 2, ..plan }).unwrap()));
    }

    #[test]
    fn each_token_is_in_the_bytes_of_its_study_and_in_no_other_study() {
        let studies = generate(&Plan { patients: 6, ..Plan::default() }).unwrap();
        for (number, study) in studies.iter().enumerate() {
            let tokens: HashSet<_> =
                study.planted().iter().filter_map(|planted| planted.token.as_deref()).collect();
            assert!(tokens.len() > 12, "{} tokens", tokens.len());
            for token in tokens {
                let found = |study: &Study| {
                    let has =
                        |object: &Object| memchr::memmem::find(&object.data, token.as_bytes()).is_some();
                    study.objects.iter().any(has)
                };
                assert!(found(study));
                for other in studies.iter().enumerate().filter(|(other, _)| *other != number) {
                    assert!(!found(other.1), "token of patient {number} in {}", other.0);
                }
            }
        }
    }

    #[test]
    fn nobody_shares_a_name_and_a_birth_date_by_accident() {
        let studies = generate(&Plan {
            patients: 100,
            slices: 1,
            modalities: vec![Modality::ALL[2]],
            ..Plan::default()
        })
        .unwrap();
        let who = |study: &Study| {
            let attributes = &study.objects[0].attributes;
            (attributes.text(tags::PATIENT_NAME), attributes.text(tags::PATIENT_BIRTH_DATE))
        };
        assert_eq!(studies.iter().map(who).collect::<std::collections::BTreeSet<_>>().len(), 100);
    }

    #[test]
    fn two_patients_can_have_one_name() {
        let studies = generate(&Plan { same_name: true, ..Plan::default() }).unwrap();
        let of = |number: usize, tag| studies[number].objects[0].attributes.text(tag);
        assert_eq!(of(0, tags::PATIENT_NAME), of(1, tags::PATIENT_NAME));
        assert_eq!(of(0, tags::PATIENT_BIRTH_DATE), of(1, tags::PATIENT_BIRTH_DATE));
        assert_ne!(of(0, tags::PATIENT_ID), of(1, tags::PATIENT_ID));
        assert_ne!(studies[0].uid, studies[1].uid);
    }

    #[test]
    fn character_sets_of_three_kinds_occur() {
        let studies = generate(&Plan { patients: 3, ..Plan::default() }).unwrap();
        let sets: Vec<String> = studies
            .iter()
            .map(|study| study.objects[0].attributes.text(tags::SPECIFIC_CHARACTER_SET))
            .collect();
        assert_eq!(sets, ["ISO_IR 100", "ISO_IR 192", "\\ISO 2022 IR 87"]);
        assert!(studies[2].objects[0].attributes.text(tags::PATIENT_NAME).contains("=山田"));
    }
}
