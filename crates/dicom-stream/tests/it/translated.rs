//! Tokens of one encoding written in another (PS3.5 7.1, 7.3, 7.5; A.1 to A.3).

use dicom_stream::{Encoding, Lengths, Limits, Reader, Writer};

use crate::data_set::{delimiter, element, plain};

/// A number and a sequence with one item, of undefined lengths.
fn data_set(encoding: Encoding, number: [u8; 2]) -> Vec<u8> {
    let undefined = u32::MAX;
    [
        plain(encoding, (0x0010, 0x21C0), "US", &number),
        element(encoding, (0x0040, 0x1012), "SQ", undefined, &[]),
        element(encoding, (0xFFFE, 0xE000), "", undefined, &[]),
        plain(encoding, (0x0008, 0x0100), "SH", b"T1"),
        delimiter(encoding, 0xE00D),
        delimiter(encoding, 0xE0DD),
    ]
    .concat()
}

#[test]
fn a_data_set_is_translated_into_every_other_encoding() {
    let all = [
        (Encoding::ImplicitLittle, [4, 0]),
        (Encoding::ExplicitLittle, [4, 0]),
        (Encoding::ExplicitBig, [0, 4]),
    ];
    for (from, number) in all {
        let bytes = data_set(from, number);
        for (to, expected) in all {
            let mut reader = Reader::new(from, Limits::INSTANCE);
            let mut writer = Writer::new(Vec::new(), to, Lengths::Undefined);
            let mut rest = bytes.as_slice();
            while let Some(token) = reader.next_token(&mut rest).unwrap() {
                writer.translate(&token).unwrap();
            }
            assert_eq!(writer.finish().unwrap(), data_set(to, expected), "{from:?} to {to:?}");
        }
    }
}
