//! Input made to hurt: every one ends with an error that says so, in bounded memory.

use dicom_stream::{
    Encoding, InflateError, Inflater, Limits, ReadError, Reader, SourceError, TokenSource, TransferSyntax,
};
use flate2::{Compression, write::DeflateEncoder};
use std::io::Write;

use crate::data_set::{element, plain, walk, walk_whole};

fn nested(levels: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..levels {
        bytes.extend(element(Encoding::ExplicitLittle, (0x0008, 0x1140), "SQ", u32::MAX, &[]));
        bytes.extend(element(Encoding::ExplicitLittle, (0xFFFE, 0xE000), "", u32::MAX, &[]));
    }
    bytes
}

#[test]
fn nesting_of_100_000_levels_is_refused_at_the_limit() {
    let error = walk_whole(&nested(100_000), Encoding::ExplicitLittle).err().unwrap();
    assert!(matches!(error, ReadError::TooDeep { limit: 64, .. }), "{error}");
}

#[test]
fn no_setting_goes_beyond_the_hard_limit_of_depth() {
    let limits = Limits { depth: usize::MAX, ..Limits::INSTANCE };
    let error = walk(&nested(100_000), Encoding::ExplicitLittle, limits, &[]).err().unwrap();
    assert!(matches!(error, ReadError::TooDeep { limit: Limits::DEPTH_MAX, .. }), "{error}");
}

#[test]
fn sixteen_bytes_that_claim_4_gb_are_truncated_and_cost_nothing() {
    let bytes = element(Encoding::ExplicitLittle, (0x7FE0, 0x0010), "OW", 0xFFFF_FFFE, &[0; 4]);
    assert_eq!(bytes.len(), 16);
    let error = walk_whole(&bytes, Encoding::ExplicitLittle).err().unwrap();
    assert_eq!(error.to_string(), "(7FE0,0010): the data end before the element does");
    let mut reader = Reader::new(Encoding::ExplicitLittle, Limits::INSTANCE);
    reader.expect_total(16);
    let refused_at_the_header = reader.next_token(&mut &bytes[..12]);
    assert!(matches!(refused_at_the_header, Err(ReadError::Truncated { .. })));
}

#[test]
fn a_text_value_that_claims_more_than_arrives_is_truncated() {
    let bytes = element(Encoding::ImplicitLittle, (0x0010, 0x0010), "PN", 60_000, b"X");
    let error = walk(&bytes, Encoding::ImplicitLittle, Limits::INSTANCE, &[3]).err().unwrap();
    assert!(matches!(error, ReadError::Truncated { .. }));
}

#[test]
fn limits_of_elements_and_bytes_are_kept() {
    let one = plain(Encoding::ExplicitLittle, (0x0009, 0x1001), "LO", b"AB");
    let many = one.repeat(11);
    let limits = Limits { elements: 10, ..Limits::INSTANCE };
    let error = walk(&many, Encoding::ExplicitLittle, limits, &[]).err().unwrap();
    assert!(matches!(error, ReadError::TooManyElements { limit: 10, .. }));
    let limits = Limits { total: 100, ..Limits::INSTANCE };
    let error = walk(&many, Encoding::ExplicitLittle, limits, &[]).err().unwrap();
    assert!(matches!(error, ReadError::TooLong { limit: 100, .. }));
}

#[test]
fn an_open_sequence_at_the_end_is_truncated() {
    let error = walk_whole(&nested(1), Encoding::ExplicitLittle).err().unwrap();
    assert_eq!(error.to_string(), "(0008,1140)[1]: the data end before the element does");
}

#[test]
fn garbage_inside_a_sequence_is_refused() {
    let body = plain(Encoding::ExplicitLittle, (0x0010, 0x0010), "PN", b"A^B ");
    let bytes = plain(Encoding::ExplicitLittle, (0x0008, 0x1140), "SQ", &body);
    let error = walk_whole(&bytes, Encoding::ExplicitLittle).err().unwrap();
    assert!(matches!(error, ReadError::NotAnItem { .. }));
    assert_eq!(error.to_string(), "(0008,1140)[0](0010,0010): expected an item or a delimiter");
}

#[test]
fn a_failed_reader_repeats_its_error() {
    let bytes = nested(100);
    let mut reader = Reader::new(Encoding::ExplicitLittle, Limits::INSTANCE);
    let mut input = bytes.as_slice();
    let first = loop {
        match reader.next_token(&mut input) {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert_eq!(reader.next_token(&mut input), Err(first.clone()));
    assert_eq!(reader.finish(), Err(first));
}

#[test]
fn a_deflate_bomb_ends_at_the_ratio() {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    for _ in 0..64 {
        encoder.write_all(&vec![0; 1 << 20]).unwrap();
    }
    let bomb = encoder.finish().unwrap();
    let mut inflater = Inflater::new(1 << 40);
    let mut input = bomb.as_slice();
    let mut total = 0usize;
    let error = loop {
        match inflater.next(&mut input) {
            Ok(piece) => total += piece.len(),
            Err(error) => break error,
        }
        assert!(!input.is_empty(), "the bomb went through");
    };
    assert_eq!(error, InflateError::Ratio(200));
    assert!(total <= 9 << 20, "{total}");
}

#[test]
fn a_cut_deflate_stream_is_truncated_and_garbage_is_corrupt() {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&plain(Encoding::ExplicitLittle, (0x0009, 0x1001), "LO", &[b'A'; 3000])).unwrap();
    let whole = encoder.finish().unwrap();
    let read = |bytes: &[u8]| {
        let mut source = TokenSource::new(bytes, &TransferSyntax::DEFLATED, Limits::INSTANCE, None);
        loop {
            match source.next_token() {
                Ok(Some(_)) => {}
                Ok(None) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    };
    read(&whole).unwrap();
    assert!(matches!(read(&whole[..whole.len() - 2]), Err(SourceError::Inflate(InflateError::Truncated))));
    assert!(matches!(read(&[0xFF; 64]), Err(SourceError::Inflate(InflateError::Corrupt))));
}
