//! Properties: arbitrary bytes and cuts, arbitrary trees, the same answer every time.

use std::io::{self, Read};

use dicom_stream::{TransferSyntax, VR};
use proptest::prelude::*;
use reconciliation::{LIMITS, Object, Pseudonyms, reconcile, reverse_scan, survey};

use crate::support::{Run, SR, UIDS, file, result};
use crate::tree::{Element, Sequences, explicit, tag, uids, write};

/// Gives its bytes in pieces of the sizes told.
struct Pieces<'a> {
    bytes: &'a [u8],
    sizes: std::iter::Cycle<std::vec::IntoIter<usize>>,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let size = self.sizes.next().unwrap_or(1).min(buffer.len()).min(self.bytes.len());
        let (now, later) = self.bytes.split_at(size);
        buffer[..size].copy_from_slice(now);
        self.bytes = later;
        Ok(size)
    }
}

fn leaf() -> impl Strategy<Value = Element> {
    let known = prop::sample::select(UIDS.map(|(pseudonym, ..)| pseudonym.to_owned()).to_vec());
    let value = prop_oneof![known, "1\\.2\\.826\\.[1-9]{1,9}", Just(String::new())];
    let number =
        prop::sample::select(vec![0x0008_1155u32, 0x0020_000E, 0x0040_A124, 0x0020_9161, 0x0062_0021]);
    (number, value).prop_map(|(number, value)| Element::Value(tag(number), VR::UI, value.into_bytes()))
}

fn tree() -> impl Strategy<Value = Element> {
    leaf().prop_recursive(4, 40, 4, |inner| {
        let number = prop::sample::select(vec![0x0008_1115u32, 0x0040_A730, 0x0008_2112, 0x0009_1010]);
        let item = prop::collection::vec(inner, 0..3);
        (number, prop::collection::vec(item, 0..3))
            .prop_map(|(number, items)| Element::Sequence(tag(number), items))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Each place holds what it held, or its original; in sequences of any depth, as SQ and as UN.
    #[test]
    fn references_are_isomorphic(trees in prop::collection::vec(tree(), 0..4), unknown in any::<bool>()) {
        let elements = result(SR, vec![Element::Sequence(tag(0x0040_A730), vec![trees])]);
        let syntax = TransferSyntax::EXPLICIT_LITTLE;
        let sequences = if unknown { Sequences::Unknown } else { Sequences::Undefined };
        let output = Run::usual().bytes(&syntax, &write(&elements, syntax.encoding, sequences)).unwrap();
        let own = |path: &str| path.starts_with("/0018A001");
        let before = uids(&crate::tree::read(&explicit(&elements), &syntax));
        let after: Vec<_> = uids(&output.elements).into_iter().filter(|(path, _)| !own(path)).collect();
        prop_assert_eq!(before.len(), after.len());
        for ((path, before), (same, after)) in before.iter().zip(&after) {
            let original = UIDS.iter().find(|(pseudonym, ..)| pseudonym == before).map_or(before.as_str(), |row| row.1);
            prop_assert_eq!((path, original), (same, after.as_str()));
        }
        prop_assert!(output.scan.findings.is_empty());
        let again = Run::usual().bytes(&syntax, &write(&elements, syntax.encoding, sequences)).unwrap();
        prop_assert_eq!(again.bytes, output.bytes);
    }

    #[test]
    fn cuts_change_nothing(name in prop::sample::select(vec!["seg", "sr", "rtstruct", "sc"]), sizes in prop::collection::vec(1usize..400, 1..8)) {
        let (syntax, bytes) = file(name);
        let pieces = || Pieces { bytes: &bytes, sizes: sizes.clone().into_iter().cycle() };
        let run = Run::usual();
        let survey = survey(pieces(), syntax, LIMITS).unwrap();
        let object = Object { survey: &survey, transfer_syntax: syntax, length: None, limits: LIMITS };
        let mut out = Vec::new();
        reconcile(&object, &run.identities, &run.own, &run.given, &run.policy, pieces(), &mut out).unwrap();
        prop_assert_eq!(out, run.bytes(syntax, &bytes).unwrap().bytes);
    }

    /// Nothing panics, whatever comes; a file with a few bytes changed is read or refused.
    #[test]
    fn arbitrary_bytes_are_refused_or_mapped(name in prop::sample::select(vec!["seg", "sr", "gsps"]), at in any::<prop::sample::Index>(), with in prop::collection::vec(any::<u8>(), 1..6)) {
        let (syntax, mut bytes) = file(name);
        let start = at.index(bytes.len() - with.len());
        bytes[start..start + with.len()].copy_from_slice(&with);
        let run = Run::usual();
        if let Ok(survey) = survey(&bytes[..], syntax, LIMITS) {
            let object = Object { survey: &survey, transfer_syntax: syntax, length: None, limits: LIMITS };
            let mut out = Vec::new();
            if reconcile(&object, &run.identities, &run.own, &run.given, &run.policy, &bytes[..], &mut out).is_ok() {
                // what was accepted can be read again
                let pseudonyms = Pseudonyms::new("P-7K3M9", [], &Default::default(), 0);
                reverse_scan(&out[..], object.output_syntax(), LIMITS, &pseudonyms).unwrap();
            }
        }
    }
}
