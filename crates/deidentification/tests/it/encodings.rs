//! What the encoding hides: UN, private blocks, unknown tags, groups of other containers, values too long to read.

use std::io;

use deidentification::{Known, NotInspected, Object, Profile, RuleId, Step, deidentify};
use dicom_stream::{Encoding, Limits, TransferSyntax, VR};

use crate::support::{
    CODE, CT, Element, INSTANCE, Source, bytes, data_set, nothing_known, run, sequence, text, try_run,
};

fn un(number: u32, value: &[u8]) -> Element {
    Element::Value(number, VR::UN, value.to_vec())
}

/// The items of a sequence as PS3.5 6.2.2 stores them in a UN value.
fn items(item: &[Element]) -> Vec<u8> {
    let whole = bytes(Encoding::ImplicitLittle, &[sequence(0x0008_1115, vec![item.to_vec()])]);
    whole[8..whole.len() - 8].to_vec()
}

#[test]
fn known_tags_as_un_follow_their_tag() {
    let output = run(vec![
        un(0x0008_0080, b"General Hospital"),
        un(0x0010_0030, b"19701231"),
        un(0x0018_9367, b"tube 7"),
        un(0x0020_000D, b"1.2.3.4\0"),
        un(0x0028_0010, &[0, 2]),
    ]);
    assert!(!output.has("(0008,0080)"));
    assert_eq!(output.text("(0010,0030)").unwrap(), "");
    assert_eq!(output.elements["(0018,9367)"], (VR::UC, b"REMOVED ".to_vec()));
    assert!(output.text("(0020,000D)").unwrap().starts_with("2.25."));
    assert_eq!(output.elements["(0028,0010)"], (VR::UN, vec![0, 2]));
}

#[test]
fn sequences_as_un_are_walked_at_any_depth() {
    let inner = items(&[text(0x0008_0080, VR::LO, "General Hospital"), text(0x0008_1155, VR::UI, "1.2.3.4")]);
    // In implicit VR the inner one is a sequence by its tag; UN is what the outer file says.
    let outer = items(&[
        sequence(0x0008_1140, vec![vec![text(0x0010_0010, VR::PN, "Doe^Jane")]]),
        text(0x0018_0050, VR::DS, "1"),
    ]);
    for syntax in [TransferSyntax::EXPLICIT_LITTLE, TransferSyntax::EXPLICIT_BIG] {
        let elements = vec![un(0x0008_1115, &inner), un(0x0008_1140, &outer)];
        let input = data_set(syntax.encoding, CT, elements);
        let output = try_run(&syntax, CT, None, Limits::INSTANCE, &input).unwrap();
        assert!(!output.holds(b"General") && !output.holds(b"Doe") && !output.holds(b"1.2.3.4\0"));
        let (vr, value) = &output.elements["(0008,1115)"];
        assert_eq!(*vr, VR::UN);
        assert!(value.windows(5).any(|window| window == b"2.25."), "the reference is followed");
        assert!(
            output.elements["(0008,1140)"].1.windows(1).any(|window| window == b"1"),
            "harmless values stay"
        );
    }
}

#[test]
fn a_un_sequence_that_cannot_be_parsed_is_removed() {
    let output = run(vec![
        un(0x0008_1115, b"Doe^Jane, General Hospital"),
        un(0x0008_1140, b"\xFE\xFF\0\xE0\xFF\0\0\0Doe^Jane"),
    ]);
    assert!(!output.has("(0008,1115)") && !output.has("(0008,1140)") && !output.holds(b"Doe"));
    assert!(
        output
            .report
            .changes
            .iter()
            .any(|change| change.rule == RuleId::Named("un-sequence") && change.step == Step::Remove)
    );
}

#[test]
fn private_unknown_and_foreign_groups_are_removed() {
    let private = vec![
        text(0x0009_0010, VR::LO, "Creator Doe"),
        text(0x0009_1001, VR::LO, "Doe"),
        text(0x0009_2001, VR::LO, "orphan Doe"),
        sequence(0x0029_1030, vec![vec![text(0x0018_0050, VR::DS, "1")]]),
    ];
    let mut elements = private.clone();
    elements.extend([
        text(0x0004_1130, VR::CS, "DOE"),
        Element::Value(0x0008_0000, VR::UL, vec![9, 0, 0, 0]),
        text(0x0008_1FF1, VR::LO, "unknown Doe"),
        sequence(0x0008_1115, vec![private]),
        text(0x5004_2500, VR::LO, "curve Doe"),
        Element::Value(0x6000_3000, VR::OW, b"overlay Doe!".to_vec()),
        text(0x601E_1500, VR::LO, "overlay Doe"),
        Element::Value(0xFFFC_FFFC, VR::OB, b"padding Doe!".to_vec()),
    ]);
    let output = run(elements);
    assert!(!output.holds(b"Doe") && !output.holds(b"DOE"));
    let expected = [
        "(0008,0016)",
        "(0008,0018)",
        "(0008,1115)",
        "(0010,0010)",
        "(0010,0020)",
        "(0012,0062)",
        "(0012,0063)",
    ];
    let places: Vec<_> = output.elements.keys().filter(|path| !path.starts_with("(0012,0064)")).collect();
    assert_eq!(places[..7], expected);
    assert_eq!(places[7..], ["(0028,0303)"]);
}

#[test]
fn defaults_beyond_the_table() {
    let output = run(vec![
        text(0x0008_010C, VR::UI, "2.16.840.1.113883.6.96"), // a coding scheme stands in an item
        sequence(0x0008_0110, vec![vec![text(0x0008_010C, VR::UI, "2.16.840.1.113883.6.96")]]),
        text(0x0008_0117, VR::UI, "Doe"),
        text(0x0008_0119, VR::UC, "Doe"), // a code stands in an item
        text(0x0008_1190, VR::UR, "http://pacs/1.2.3"),
        text(0x0008_9123, VR::UI, "1.2.3.4"),
        text(0x0014_2006, VR::PN, "Doe^Jane"),
        text(0x0018_0022, VR::CS, "HELICAL"),
        text(0x0018_1200, VR::DA, "20240101"),
        text(0x0020_0242, VR::UI, "1.2.3.5\\1.2.840.10008.1.4.1.1"),
        text(0x0020_9312, VR::UI, "1.2.840.10008.Doe"),
        text(0x0024_0044, VR::UT, "free text"),
        text(0x0028_0030, VR::DS, "0.5\\0.5"),
        text(0x0028_1050, VR::DS, "Jane Doe"),
        sequence(0x0040_0260, vec![vec![text(0x0008_0119, VR::UC, "123456789012345678")]]),
    ]);
    for (path, expected) in [
        ("(0008,010C)", None),
        ("(0008,0110)[1](0008,010C)", Some("2.16.840.1.113883.6.96")),
        ("(0008,0117)", None),
        ("(0008,0119)", None),
        ("(0008,1190)", None),
        ("(0014,2006)", None),
        ("(0018,0022)", Some("HELICAL")),
        ("(0024,0044)", None),
        ("(0028,0030)", Some("0.5\\0.5")),
        ("(0028,1050)", None),
        ("(0040,0260)[1](0008,0119)", Some("123456789012345678")),
    ] {
        assert_eq!(output.text(path).as_deref(), expected, "{path}");
    }
    let uids = output.text("(0020,0242)").unwrap();
    assert!(uids.starts_with("2.25.") && uids.ends_with("\\1.2.840.10008.1.4.1.1"), "{uids}");
    assert!(output.text("(0020,9312)").unwrap().starts_with("2.25."));
    assert!(output.text("(0008,9123)").unwrap().starts_with("2.25."));
}

/// No size at which a rule stops applying.
#[test]
fn values_too_long_to_read_do_not_escape() {
    let limits = Limits { value: 64, ..Limits::INSTANCE };
    let long = |word: &str| word.repeat(50);
    let syntax = TransferSyntax::EXPLICIT_LITTLE;
    let elements = vec![
        text(0x0010_0010, VR::PN, &long("Doe^Jane")),
        text(0x0010_4000, VR::LT, &long("Jane Doe ")),
        text(0x0020_000D, VR::UI, &long("1.2.3")),
        un(0x0008_1115, long("Jane Doe ").as_bytes()),
        text(0x0018_1020, VR::LO, &long("Jane Doe ")),
        text(0x0024_0044, VR::UT, &long("Jane Doe ")),
        Element::Value(0x0028_3006, VR::OW, vec![7; 1000]),
        Element::Value(0x0042_0011, VR::OB, long("Jane Doe ").into_bytes()),
        text(0x0072_0070, VR::UT, &long("Jane Doe ")),
    ];
    let output = try_run(&syntax, CT, None, limits, &data_set(syntax.encoding, CT, elements)).unwrap();
    assert!(!output.holds(b"Doe"));
    assert_eq!(output.elements["(0028,3006)"].1, vec![7; 1000]);
    assert_eq!(output.text("(0072,0070)").unwrap(), "REMOVED");
    assert!(!output.has("(0020,000D)") && !output.has("(0008,1115)"));
}

#[test]
fn deflated_comes_out_inflated() {
    let plain = data_set(Encoding::ExplicitLittle, CT, vec![text(0x0010_0010, VR::PN, "Doe^Jane")]);
    let stored = stored_deflate(&plain);
    let output = try_run(&TransferSyntax::DEFLATED, CT, None, Limits::INSTANCE, &stored).unwrap();
    let same = try_run(&TransferSyntax::EXPLICIT_LITTLE, CT, None, Limits::INSTANCE, &plain).unwrap();
    assert_eq!(output.bytes, same.bytes);
}

/// A deflate stream of one stored block (RFC 1951 3.2.4).
fn stored_deflate(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap();
    [&[1][..], &length.to_le_bytes(), &(!length).to_le_bytes(), bytes].concat()
}

#[test]
fn encapsulated_pixels_pass_and_are_named() {
    let mut input = data_set(Encoding::ExplicitLittle, CT, vec![]);
    let fragments = b"\xE0\x7F\x10\0OB\0\0\xFF\xFF\xFF\xFF\xFE\xFF\0\xE0\0\0\0\0\xFE\xFF\0\xE0\x04\0\0\0abcd\xFE\xFF\xDD\xE0\0\0\0\0";
    input.extend_from_slice(fragments);
    // MPEG-4: its user data are not searched.
    let syntax = TransferSyntax::from_uid("1.2.840.10008.1.2.4.102").unwrap();
    let output = try_run(syntax, CT, None, Limits::INSTANCE, &input).unwrap();
    assert!(output.bytes.ends_with(fragments));
    assert_eq!(output.report.not_inspected, [NotInspected::PixelData, NotInspected::CompressedFrames]);
}

/// An element of ours that comes as something else than a value gives way all the same, once.
#[test]
fn a_name_in_fragments_gives_way() {
    let mut input =
        b"\x10\0\x10\0OB\0\0\xFF\xFF\xFF\xFF\xFE\xFF\0\xE0\x08\0\0\0Doe^JaneX\xFE\xFF\xDD\xE0\0\0\0\0"
            .to_vec();
    input.retain(|byte| *byte != b'X');
    let data = [data_set(Encoding::ExplicitLittle, CT, vec![]), input].concat();
    let output = try_run(&TransferSyntax::EXPLICIT_LITTLE, CT, None, Limits::INSTANCE, &data).unwrap();
    assert_eq!(output.text("(0010,0010)").unwrap(), CODE);
    assert!(!output.holds(b"Doe"));
    let head = [0x10, 0, 0x10, 0];
    assert_eq!(output.bytes.windows(4).filter(|window| *window == head).count(), 1);
}

/// A file of which the head alone is stored; what follows is sevens.
struct Sparse {
    head: Vec<u8>,
    length: u64,
    at: u64,
}

impl io::Read for Sparse {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = (self.length - self.at).min(buffer.len() as u64) as usize;
        buffer[..wanted].fill(7);
        let head = &self.head[(self.at as usize).min(self.head.len())..];
        let stored = head.len().min(wanted);
        buffer[..stored].copy_from_slice(&head[..stored]);
        self.at += wanted as u64;
        Ok(wanted)
    }
}

impl io::Seek for Sparse {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        let at = match to {
            io::SeekFrom::Start(at) => Some(at),
            io::SeekFrom::End(by) => self.length.checked_add_signed(by),
            io::SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

/// 1 GiB of pixels through a pipe that counts: memory cannot hold it, for nothing here does.
#[test]
fn pixel_data_of_any_size_stream() {
    const PIXELS: u32 = 1 << 30;
    let mut head = data_set(Encoding::ExplicitLittle, CT, vec![]);
    head.extend_from_slice(b"\xE0\x7F\x10\0OW\0\0");
    head.extend_from_slice(&PIXELS.to_le_bytes());
    let length = head.len() as u64 + u64::from(PIXELS);
    let input = Sparse { head, length, at: 0 };
    struct Count(u64);
    impl io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            assert!(bytes.len() <= 1 << 20, "passed on in pieces");
            self.0 += bytes.len() as u64;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let profile = Profile::basic().compile(None).unwrap();
    let syntax = TransferSyntax::EXPLICIT_LITTLE;
    let object = Object { sop_class: CT, sop_instance: INSTANCE, transfer_syntax: &syntax, length: None };
    let mut out = Count(0);
    let (survey, cleaner) = nothing_known();
    let known = Known { survey: &survey, cleaner: &cleaner, pixels: None };
    deidentify(&profile, &object, &Source, known, Limits::INSTANCE, input, &mut out).unwrap();
    assert!(out.0 > u64::from(PIXELS));
}

/// PS3.5 §7.1: one reader takes the first of two values, another the last.
#[test]
fn an_element_that_stands_twice_in_the_main_data_set_is_refused() {
    let name = |value: &str| text(0x0010_0010, VR::PN, value);
    let head = [text(0x0008_0016, VR::UI, CT), text(0x0008_0018, VR::UI, INSTANCE)];
    let refused = |tail: Vec<Element>| {
        let input = bytes(Encoding::ExplicitLittle, &[head.to_vec(), tail].concat());
        let syntax = &TransferSyntax::EXPLICIT_LITTLE;
        matches!(
            try_run(syntax, CT, None, Limits::INSTANCE, &input),
            Err(deidentification::DeidentificationError::Repeated)
        )
    };
    assert!(refused(vec![name("A^B"), name("C^D")]));
    assert!(refused(vec![name("A^B"), text(0x0010_0020, VR::LO, "1"), name("C^D")]));
    assert!(refused(vec![text(0x0010_0020, VR::LO, "1"), name("A^B"), text(0x0010_0020, VR::LO, "2")]));
    assert!(!refused(vec![text(0x0010_0020, VR::LO, "1"), name("A^B")]), "only the order is wrong");
}
