//! What holds for any bytes and any text.

use dicom_core::VR;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::super::{CharacterSet, Fidelity};

const DECLARED: [&str; 24] = [
    "",
    "ISO_IR 100",
    "ISO_IR 101",
    "ISO_IR 109",
    "ISO_IR 110",
    "ISO_IR 144",
    "ISO_IR 127",
    "ISO_IR 126",
    "ISO_IR 138",
    "ISO_IR 148",
    "ISO_IR 203",
    "ISO_IR 13",
    "ISO_IR 166",
    "ISO_IR 192",
    "GB18030",
    "GBK",
    "\\ISO 2022 IR 87",
    "ISO 2022 IR 13\\ISO 2022 IR 87\\ISO 2022 IR 159",
    "\\ISO 2022 IR 149",
    "\\ISO 2022 IR 58",
    "ISO 2022 IR 100\\ISO 2022 IR 149\\ISO 2022 IR 87",
    "ISO 2022 IR 6\\ISO 2022 IR 13\\ISO 2022 IR 126\\ISO 2022 IR 166",
    "ISO 2022 IR 203\\ISO 2022 IR 101\\ISO 2022 IR 109\\ISO 2022 IR 110",
    "ISO 2022 IR 144\\ISO 2022 IR 127\\ISO 2022 IR 138\\ISO 2022 IR 148",
];
const VRS: [VR; 6] = [VR::PN, VR::LO, VR::UC, VR::LT, VR::CS, VR::OB];

/// Bytes that reach every state: escape sequences, delimiters, halves of characters.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        vec(any::<u8>(), 1..4),
        select(vec![
            "\x1b(B", "\x1b(J", "\x1b$B", "\x1b$(D", "\x1b$)C", "\x1b$)A", "\x1b)I", "\x1b-A", "\x1b-F",
            "\x1b", "\\", "^", "=", "\r\n"
        ])
        .prop_map(|piece| piece.as_bytes().to_vec()),
        vec(0xA1u8..=0xFE, 2..5),
        vec(select(&[0x81u8, 0x84, 0x30, 0x37, 0x5C, 0xFE]), 1..5),
        vec(0x21u8..=0x7E, 2..5),
    ];
    vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// Text of the scripts at hand, with delimiters and control characters.
fn text() -> impl Strategy<Value = String> {
    let c = prop_oneof![
        3 => any::<char>(),
        3 => select("aZ09 ^=\\~\r\n\t\u{c}\u{a0}éœłжΔقשกﾔ山田홍길丂张小东€¥‾①～\u{85}".chars().collect::<Vec<_>>()),
    ];
    vec(c, 0..24).prop_map(String::from_iter)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn values_join_to_the_field_and_decode_alone_as_in_it(declared in select(&DECLARED), vr in select(&VRS), bytes in bytes()) {
        let (set, _) = CharacterSet::parse(declared.as_bytes());
        let values: Vec<&[u8]> = set.split_values(vr, &bytes).map(|range| &bytes[range]).collect();
        prop_assert_eq!(&values.join(&b'\\'), &bytes);
        let alone: Vec<_> = values.iter().map(|value| set.decode(vr, value)).collect();
        let whole = set.decode(vr, &bytes);
        prop_assert_eq!(alone.join("\\"), whole.as_ref());
        if super::super::separates_values(vr) {
            prop_assert_eq!(values.len(), whole.split('\\').count());
        }
    }

    #[test]
    fn what_is_written_reads_back(declared in select(&DECLARED), vr in select(&VRS), text in text()) {
        let (set, _) = CharacterSet::parse(declared.as_bytes());
        if let Ok(bytes) = set.encode(vr, &text) {
            prop_assert_eq!(set.decode_checked(vr, &bytes), (text.into(), Fidelity::Exact));
        }
    }

    #[test]
    fn any_declaration_is_read(declared in vec(any::<u8>(), 0..80), bytes in bytes()) {
        let (set, _) = CharacterSet::parse(&declared);
        let (text, fidelity) = set.decode_checked(VR::LO, &bytes);
        // UTF-8 and GB18030 can hold U+FFFD itself
        let holds = ["ISO_IR 192", "GB18030"].contains(&set.value().as_str());
        prop_assert!(holds || (fidelity == Fidelity::Replaced) == text.contains(char::REPLACEMENT_CHARACTER));
        let (again, problems) = CharacterSet::parse(set.value().as_bytes());
        prop_assert_eq!((again, problems), (set, vec![]));
    }
}

/// Every character alone, in every set: random text meets too few of those that are encodable.
#[test]
fn every_character_reads_back_or_is_refused() {
    let mut buffer = [0; 4];
    for declared in DECLARED {
        let (set, _) = CharacterSet::parse(declared.as_bytes());
        let mut held = 0;
        for c in '\0'..='\u{1FFFF}' {
            let text: &str = c.encode_utf8(&mut buffer);
            if let Ok(bytes) = set.encode(VR::LT, text) {
                assert_eq!(
                    set.decode_checked(VR::LT, &bytes),
                    (text.into(), Fidelity::Exact),
                    "{declared} U+{:04X}",
                    u32::from(c)
                );
                held += 1;
            }
        }
        assert!(held >= 127, "{declared} {held}");
    }
}
