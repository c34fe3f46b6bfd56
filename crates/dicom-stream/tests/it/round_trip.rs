//! What is read is written back byte for byte, whatever the syntax and however the input is cut.

use dicom_stream::{Encoding, Limits};
use proptest::prelude::*;

use crate::data_set::{nodes, walk, walk_whole};

const ENCODINGS: [Encoding; 3] = [Encoding::ImplicitLittle, Encoding::ExplicitLittle, Encoding::ExplicitBig];

fn small_values() -> Limits {
    Limits { value: 64, ..Limits::INSTANCE }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn round_trip_is_byte_equal(nodes in nodes(), which in 0usize..3) {
        let encoding = ENCODINGS[which];
        let mut bytes = Vec::new();
        nodes.iter().for_each(|node| node.encode(encoding, &mut bytes));
        let walked = walk_whole(&bytes, encoding).unwrap();
        prop_assert_eq!(walked.copy, bytes);
    }

    #[test]
    fn pieces_of_any_size_give_the_same_tokens(
        nodes in nodes(), which in 0usize..3, cuts in prop::collection::vec(1usize..40, 1..20), small in any::<bool>()
    ) {
        let encoding = ENCODINGS[which];
        let limits = if small { small_values() } else { Limits::INSTANCE };
        let mut bytes = Vec::new();
        nodes.iter().for_each(|node| node.encode(encoding, &mut bytes));
        let whole = walk(&bytes, encoding, limits, &[]).unwrap();
        let pieces = walk(&bytes, encoding, limits, &cuts).unwrap();
        prop_assert_eq!(whole.seen, pieces.seen);
        prop_assert_eq!(&pieces.copy, &bytes);
    }

    #[test]
    fn undefined_lengths_keep_every_value(nodes in nodes(), which in 0usize..3) {
        let encoding = ENCODINGS[which];
        let mut bytes = Vec::new();
        nodes.iter().for_each(|node| node.encode(encoding, &mut bytes));
        let first = walk_whole(&bytes, encoding).unwrap();
        let second = walk_whole(&first.undefined, encoding).unwrap();
        let values = |walk: &crate::data_set::Walk| {
            walk.seen.iter().filter(|seen| !matches!(seen, crate::data_set::Seen::Other(_))).cloned().collect::<Vec<_>>()
        };
        prop_assert_eq!(values(&first), values(&second));
        prop_assert_eq!(&second.undefined, &first.undefined);
    }

    #[test]
    fn arbitrary_bytes_never_panic_and_do_not_depend_on_the_cut(
        bytes in prop::collection::vec(any::<u8>(), 0..400), which in 0usize..3, cut in 1usize..30
    ) {
        let whole = walk(&bytes, ENCODINGS[which], small_values(), &[]).map(|walk| walk.copy);
        let pieces = walk(&bytes, ENCODINGS[which], small_values(), &[cut]).map(|walk| walk.copy);
        prop_assert_eq!(&whole, &pieces);
        if let Ok(copy) = whole {
            prop_assert_eq!(copy, bytes);
        }
    }
}
