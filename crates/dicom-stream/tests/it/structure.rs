//! Tokens, paths and VRs of well-formed data sets (PS3.5 7).

use dicom_stream::{
    Encoding, Lengths, Limits, ReadError, Reader, SourceError, Tag, Token, TokenSource, TransferSyntax, VR,
    Writer,
};

use crate::data_set::{delimiter, element, plain, walk_whole};

const LE: Encoding = Encoding::ExplicitLittle;

#[test]
fn paths_name_sequences_and_items() {
    let second = plain(LE, (0xFFFE, 0xE000), "", &plain(LE, (0x0008, 0x1155), "UI", b"1.2\0"));
    let first = plain(LE, (0xFFFE, 0xE000), "", &[]);
    let bytes = [
        plain(LE, (0x0008, 0x1140), "SQ", &[first, second].concat()),
        plain(LE, (0x0010, 0x0020), "LO", b"ID"),
    ]
    .concat();
    let mut reader = Reader::new(LE, Limits::INSTANCE);
    let mut input = bytes.as_slice();
    let mut paths = Vec::new();
    while reader.next_token(&mut input).unwrap().is_some() {
        paths.push(reader.path().to_string());
    }
    assert_eq!(
        paths,
        [
            "(0008,1140)",
            "(0008,1140)[1]",
            "(0008,1140)",
            "(0008,1140)[2]",
            "(0008,1140)[2](0008,1155)",
            "(0008,1140)",
            "(0008,1140)",
            "(0010,0020)",
        ]
    );
}

#[test]
fn implicit_vr_takes_the_vr_of_the_dictionary() {
    let implicit = Encoding::ImplicitLittle;
    let item = plain(implicit, (0xFFFE, 0xE000), "", &plain(implicit, (0x0008, 0x1155), "", b"1.2\0"));
    let bytes =
        [plain(implicit, (0x0008, 0x0060), "", b"CT"), plain(implicit, (0x0008, 0x1140), "", &item)].concat();
    let mut reader = Reader::new(implicit, Limits::INSTANCE);
    let mut input = bytes.as_slice();
    let mut seen = Vec::new();
    while let Some(token) = reader.next_token(&mut input).unwrap() {
        match token {
            Token::Value { header, .. } | Token::SequenceStart { header } => {
                seen.push((header.tag, header.vr))
            }
            _ => {}
        }
    }
    assert_eq!(
        seen,
        [(Tag(0x0008, 0x0060), VR::CS), (Tag(0x0008, 0x1140), VR::SQ), (Tag(0x0008, 0x1155), VR::UI)]
    );
}

#[test]
fn encapsulated_pixel_data_come_as_fragments() {
    let mut bytes = element(LE, (0x7FE0, 0x0010), "OB", u32::MAX, &[]);
    bytes.extend(plain(LE, (0xFFFE, 0xE000), "", &[]));
    bytes.extend(plain(LE, (0xFFFE, 0xE000), "", &[1, 2, 3, 4]));
    bytes.extend(delimiter(LE, 0xE0DD));
    let mut reader = Reader::new(LE, Limits::INSTANCE);
    let mut input = bytes.as_slice();
    let mut shape = Vec::new();
    while let Some(token) = reader.next_token(&mut input).unwrap() {
        shape.push(match token {
            Token::FragmentsStart { .. } => "fragments".to_owned(),
            Token::FragmentStart { .. } => "fragment".to_owned(),
            Token::Bulk(bytes) => format!("{bytes:?}"),
            Token::FragmentEnd => "end".to_owned(),
            Token::FragmentsEnd { .. } => "end of all".to_owned(),
            other => panic!("{other:?}"),
        });
    }
    reader.finish().unwrap();
    assert_eq!(shape, ["fragments", "fragment", "end", "fragment", "[1, 2, 3, 4]", "end", "end of all"]);
}

#[test]
fn new_elements_are_encoded_for_their_place() {
    let mut writer = Writer::new(Vec::new(), Encoding::ExplicitBig, Lengths::Undefined);
    writer.value(Tag(0x0010, 0x0010), VR::PN, b"ABC").unwrap();
    writer.start_sequence(Tag(0x0012, 0x0064)).unwrap();
    writer.start_item().unwrap();
    writer.value(Tag(0x0008, 0x0100), VR::SH, b"113100").unwrap();
    writer.end_item().unwrap();
    writer.end_sequence().unwrap();
    let bytes = writer.finish().unwrap();
    let expected = [
        &b"\x00\x10\x00\x10PN\x00\x04ABC "[..],
        b"\x00\x12\x00\x64SQ\x00\x00\xff\xff\xff\xff",
        b"\xff\xfe\xe0\x00\xff\xff\xff\xff",
        b"\x00\x08\x01\x00SH\x00\x06113100",
        b"\xff\xfe\xe0\x0d\x00\x00\x00\x00",
        b"\xff\xfe\xe0\xdd\x00\x00\x00\x00",
    ]
    .concat();
    assert_eq!(bytes, expected);
    walk_whole(&bytes, Encoding::ExplicitBig).unwrap();
}

#[test]
fn a_long_value_in_a_short_vr_becomes_un() {
    let mut writer = Writer::new(Vec::new(), LE, Lengths::Undefined);
    writer.value(Tag(0x0010, 0x4000), VR::LT, &[b'A'; 70_000]).unwrap();
    let bytes = writer.finish().unwrap();
    assert_eq!(&bytes[..12], b"\x10\x00\x00\x40UN\x00\x00\x70\x11\x01\x00");
}

#[test]
fn bulk_is_passed_over_by_seeking_and_a_cut_one_is_refused() {
    let pixels = vec![7; 200_000];
    let bytes = [
        plain(LE, (0x0010, 0x0020), "LO", b"ID"),
        plain(LE, (0x7FE0, 0x0010), "OW", &pixels),
        plain(LE, (0xFFFC, 0xFFFC), "OB", b"AB"),
    ]
    .concat();
    let skim = |bytes: &[u8]| {
        let input = std::io::Cursor::new(bytes);
        let mut source = TokenSource::skimming(input, &TransferSyntax::EXPLICIT_LITTLE, Limits::INSTANCE)?;
        let (mut tags, mut bulk) = (Vec::new(), 0);
        while let Some(token) = source.next_token()? {
            match token {
                Token::Value { header, .. } => tags.push(header.tag),
                Token::BulkStart { header } => {
                    tags.push(header.tag);
                    source.skip_bulk()?;
                }
                Token::Bulk(piece) => bulk += piece.len(),
                _ => {}
            }
        }
        Ok::<_, SourceError>((tags, bulk))
    };
    let (tags, bulk) = skim(&bytes).unwrap();
    assert_eq!(tags, [Tag(0x0010, 0x0020), Tag(0x7FE0, 0x0010), Tag(0xFFFC, 0xFFFC)]);
    assert_eq!(bulk, 0);
    assert!(matches!(skim(&bytes[..100_000]), Err(SourceError::Read(ReadError::Truncated { .. }))));
}
