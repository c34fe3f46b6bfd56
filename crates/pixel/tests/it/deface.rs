//! What comes back has to be what was given.

use pixel::deface::{DefacerError, InstanceFacts, check};

fn facts(uid: &str) -> InstanceFacts {
    InstanceFacts {
        sop_instance_uid: uid.into(),
        sop_class_uid: "1.2.840.10008.5.1.4.1.1.2".into(),
        size: [512, 512, 1, 16, 1],
        geometry: ["0.5\\0.5".into(), format!("0\\0\\{uid}"), "1\\0\\0\\0\\1\\0".into(), "1.2.3".into()],
        samples: ["MONOCHROME2", "", "12", "11", "0", "-1024", "1"].map(str::to_owned),
    }
}

#[test]
fn the_same_series_in_any_order_is_accepted() {
    assert!(check(&[facts("1"), facts("2")], &[facts("2"), facts("1")]).is_ok());
}

#[test]
fn missing_added_and_doubled_instances_are_refused() {
    let both = [facts("1"), facts("2")];
    for after in [&both[..1], &[facts("1"), facts("2"), facts("3")], &[facts("1"), facts("1")], &[]] {
        assert!(matches!(check(&both, after), Err(DefacerError::InstancesDiffer)));
    }
    assert!(check(&[], &[]).is_err());
}

#[test]
fn changed_size_and_geometry_are_refused() {
    let smaller = InstanceFacts { size: [256, 512, 1, 16, 1], ..facts("1") };
    assert!(matches!(check(&[facts("1")], &[smaller]), Err(DefacerError::Changed("the size of an image"))));
    let mut moved = facts("1");
    moved.geometry[1] = "0\\0\\9".into();
    assert!(matches!(check(&[facts("1")], &[moved]), Err(DefacerError::Changed("the geometry of an image"))));
}

/// Everything but the samples is taken from the original: they must still mean what its header says.
#[test]
fn samples_of_another_meaning_are_refused() {
    let mut rescaled = facts("1");
    rescaled.samples[6] = "2".into();
    let refused = check(&[facts("1")], &[rescaled]);
    assert!(matches!(refused, Err(DefacerError::Changed("the meaning of the samples"))));
}
