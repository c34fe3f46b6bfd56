//! What a partner makes: references that resolve, and faults that are really there.

use std::collections::HashSet;
use std::sync::Arc;

use dicom_dictionary_std::{tags, uids};
use dicom_stream::{Tag, VR};
use simulation::Seed;
use simulation::data_set::DataSet;
use simulation::generate::{Modality, Study};
use simulation::object::Object;
use simulation::results::{Delivery, Faulty, Request, ResultKind, make};

use crate::studies;

fn deliver(study: &Study, other: Option<&Object>, faulty: Option<&Faulty>) -> Delivery {
    let source: Vec<Arc<Object>> = study.objects.iter().cloned().map(Arc::new).collect();
    let (kinds, seed) = (&ResultKind::ALL, Seed(3));
    make(&Request { source: &source, other, kinds, faulty, now: 1_790_000_000_000, seed }).unwrap()
}

fn classes(objects: &[Object]) -> Vec<&str> {
    objects.iter().map(|object| &*object.sop_class).collect()
}

/// Every UID below 2.25 in a data set, at any depth.
fn own_uids(set: &DataSet, out: &mut HashSet<String>) {
    for tag in set.tags() {
        if set.vr(tag) == Some(VR::UI) {
            out.extend(set.text(tag).split('\\').filter(|uid| uid.starts_with("2.25.")).map(str::to_owned));
        }
        set.items_of(tag).iter().for_each(|item| own_uids(item, out));
    }
}

fn uids_of(objects: &[Object]) -> HashSet<String> {
    let mut uids = HashSet::new();
    objects.iter().for_each(|object| own_uids(&object.attributes, &mut uids));
    uids
}

#[test]
fn a_volume_gets_all_kinds_and_an_image_those_that_fit() {
    let studies = studies(&Modality::ALL);
    let volume = [
        uids::SEGMENTATION_STORAGE,
        uids::COMPREHENSIVE_SR_STORAGE,
        uids::RT_STRUCTURE_SET_STORAGE,
        uids::SECONDARY_CAPTURE_IMAGE_STORAGE,
        uids::ENCAPSULATED_PDF_STORAGE,
    ];
    let image = [volume[1], volume[3], volume[4]];
    for study in &studies {
        let expected =
            if matches!(study.modality, Modality::Ct | Modality::Mr) { &volume[..] } else { &image };
        assert_eq!(classes(&deliver(study, None, None).objects), expected);
    }
}

#[test]
fn each_kind_refers_to_the_source_and_keeps_patient_and_study() {
    let study = &studies(&[Modality::Ct])[0];
    let sources: HashSet<&str> = study.objects.iter().map(|object| &*object.sop_instance).collect();
    for object in deliver(study, None, None).objects {
        let uids = uids_of(std::slice::from_ref(&object));
        assert!(uids.iter().any(|uid| sources.contains(&**uid)), "{} cites nothing", object.sop_class);
        let source = &study.objects[0].attributes;
        for tag in [tags::PATIENT_ID, tags::PATIENT_NAME, tags::STUDY_INSTANCE_UID, tags::STUDY_DATE] {
            assert_eq!(object.attributes.text(tag), source.text(tag));
        }
        assert_ne!(object.series, study.objects[0].series);
    }
}

#[test]
fn the_same_study_gives_the_same_results() {
    let study = &studies(&[Modality::Mr])[0];
    let bytes =
        || deliver(study, None, None).objects.into_iter().map(|object| object.data).collect::<Vec<_>>();
    assert_eq!(bytes(), bytes());
}

#[test]
fn each_fault_is_there() {
    let studies = studies(&[Modality::Ct, Modality::Mr]);
    let (study, other) = (&studies[0], &studies[1].objects[0]);
    let source = &study.objects[0].attributes;
    let faulty = |faulty: Faulty| deliver(study, Some(other), Some(&faulty));
    let all = |delivery: &Delivery, tag: Tag, is: &dyn Fn(&str) -> bool| {
        !delivery.objects.is_empty() && delivery.objects.iter().all(|object| is(&object.attributes.text(tag)))
    };
    let code = source.text(tags::PATIENT_ID);
    assert!(all(&faulty(Faulty::WrongCode), tags::PATIENT_ID, &|id| id != code));
    assert!(all(&faulty(Faulty::ChangedUids), tags::STUDY_INSTANCE_UID, &|uid| uid != study.uid));
    assert!(all(&faulty(Faulty::StrangeDate), tags::ACQUISITION_DATE, &|date| date == "19010203"));

    let mut ours = uids_of(&study.objects);
    ours.remove(&study.objects[0].attributes.text(tags::FRAME_OF_REFERENCE_UID));
    assert!(uids_of(&faulty(Faulty::ForeignJob).objects).is_disjoint(&ours));

    let duplicate = faulty(Faulty::Duplicate).objects;
    let (first, last) = (&duplicate[0], duplicate.last().unwrap());
    assert_eq!(first.sop_instance, last.sop_instance);
    assert!(first.series != last.series && first.data != last.data);

    let late = faulty(Faulty::Late);
    assert_eq!((late.objects.len(), late.late.len()), (4, 1));

    let delivered: HashSet<String> = ours.union(&uids_of(&study.objects)).cloned().collect();
    let partial = faulty(Faulty::Partial).objects;
    assert_eq!(classes(&partial), [uids::COMPREHENSIVE_SR_STORAGE]);
    assert!(!uids_of(&partial).is_subset(&delivered));

    let two = faulty(Faulty::TwoPatients).objects;
    assert!(uids_of(&two).contains(&other.sop_instance));
    assert_eq!(
        two.last().unwrap().attributes.text(tags::PATIENT_ID),
        other.attributes.text(tags::PATIENT_ID)
    );

    assert!(uids_of(&faulty(Faulty::OriginalUid("2.25.99".to_owned())).objects).contains("2.25.99"));
    let burned = faulty(Faulty::CodeInPixels).objects;
    assert_eq!(burned[0].attributes.text(tags::BURNED_IN_ANNOTATION), "YES");
    assert_eq!(classes(&burned), [uids::SECONDARY_CAPTURE_IMAGE_STORAGE]);
}

#[test]
fn faults_are_written_as_they_are_read() {
    for word in Faulty::WORDS {
        let word = word.replace("=UID", "=1.2.3");
        let faulty: Faulty = word.parse().unwrap();
        assert_eq!(faulty.to_string(), word.split('=').next().unwrap());
    }
    assert!("original-uid=x".parse::<Faulty>().is_err());
    assert!("nothing".parse::<Faulty>().is_err());
}
