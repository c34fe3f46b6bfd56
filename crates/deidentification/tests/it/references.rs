//! UIDs and references: one map, the same graph before and after; and random data sets, of which nothing may be left.

use std::collections::BTreeMap;

use deidentification::PseudonymSource;
use dicom_stream::{Limits, VR};
use proptest::prelude::*;

use crate::support::{CT, Element, INSTANCE, NATIVE, Source, data_set, run, sequence, text, try_run};

#[test]
fn references_follow_the_new_uids() {
    let reference = |uid: &str| vec![text(0x0008_1150, VR::UI, CT), text(0x0008_1155, VR::UI, uid)];
    let output = run(vec![
        sequence(0x0008_1140, vec![reference(INSTANCE), reference("1.2.3.8")]),
        text(0x0020_0052, VR::UI, "1.2.3.9"),
        sequence(0x3006_0010, vec![vec![text(0x0020_0052, VR::UI, "1.2.3.9\0")]]),
    ]);
    let at = |path| output.text(path).unwrap();
    assert_eq!(at("(0008,0018)"), Source.uid(INSTANCE));
    assert_eq!(at("(0008,1140)[1](0008,1155)"), at("(0008,0018)"));
    assert_eq!(at("(0008,1140)[2](0008,1155)"), Source.uid("1.2.3.8"));
    assert_eq!(at("(3006,0010)[1](0020,0052)"), at("(0020,0052)"));
    assert_eq!(at("(0008,1140)[1](0008,1150)"), CT);
}

/// A second run maps the same original to the same new UID, whatever stands around it.
#[test]
fn the_map_does_not_depend_on_the_object() {
    let one = run(vec![text(0x0020_000E, VR::UI, "1.2.3.9")]);
    let two = run(vec![text(0x0020_000E, VR::UI, "1.2.3.9 "), text(0x0008_0080, VR::LO, "x")]);
    assert_eq!(one.text("(0020,000E)"), two.text("(0020,000E)"));
}

/// Elements of any kind under any tag: `number` is drawn from groups of the table, of the dictionary, of nothing.
fn any_element(depth: u32) -> impl Strategy<Value = Element> {
    let listed = prop::sample::select(vec![
        0x0008_0080_u32,
        0x0008_0090,
        0x0008_103E,
        0x0010_0010,
        0x0010_0020,
        0x0010_1040,
        0x0010_4000,
        0x0008_1FF1,
        0x0009_1001,
        0x0014_2006,
        0x0024_0044,
        0x0040_A075,
        0x0040_A123,
        0x0040_A160,
        0x0070_0006,
        0x0072_0066,
        0x5000_2500,
        0x6000_4000,
        0x7777_0010,
    ]);
    let vr = prop::sample::select(vec![VR::LO, VR::PN, VR::UN, VR::LT, VR::OB, VR::UT, VR::SH, VR::UI]);
    let leaf = (listed, vr).prop_map(|(number, vr)| Element::Value(number, vr, b"CANARY^Jane".to_vec()));
    leaf.prop_recursive(depth, 64, 6, |inner| {
        let tags = prop::sample::select(vec![
            0x0008_1115_u32,
            0x0008_1140,
            0x0040_A730,
            0x5200_9229,
            0x0029_1010,
            0x0008_0104,
        ]);
        (tags, prop::collection::vec(sorted(inner), 0..3)).prop_map(|(number, items)| sequence(number, items))
    })
}

fn sorted(element: impl Strategy<Value = Element>) -> impl Strategy<Value = Vec<Element>> {
    prop::collection::vec(element, 0..6).prop_map(|elements| {
        let by_tag: BTreeMap<u32, Element> = elements
            .into_iter()
            .map(|element| match &element {
                Element::Value(number, ..) | Element::Sequence(number, _) => (*number, element.clone()),
            })
            .collect();
        by_tag.into_values().collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn no_canary_is_left(elements in sorted(any_element(4)), value in prop::sample::select(vec![64_usize, 64 << 10])) {
        for syntax in NATIVE {
            let limits = Limits { value, ..Limits::INSTANCE };
            let output = try_run(&syntax, CT, None, limits, &data_set(syntax.encoding, CT, elements.clone())).unwrap();
            prop_assert!(!output.holds(b"CANARY"));
            prop_assert!(!output.holds(INSTANCE.as_bytes()));
        }
    }

    /// Hostile bytes end in an error or in a data set, never in a panic.
    #[test]
    fn arbitrary_bytes_do_not_panic(noise in prop::collection::vec(any::<u8>(), 0..400)) {
        for syntax in NATIVE {
            let mut input = data_set(syntax.encoding, CT, vec![]);
            input.extend_from_slice(&noise);
            let _ = try_run(&syntax, CT, None, Limits::INSTANCE, &input);
        }
    }
}
