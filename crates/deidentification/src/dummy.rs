//! Dummies: values valid for the VR that say nothing, and items valid for the sequences that may not be empty (action D).

use std::io;

use dicom_core::{Tag, VR};
use dicom_stream::{Encoding, Writer};

/// A dummy for `vr`, in any byte order; the second of each pair when the original already is the first.
pub(crate) fn value(vr: VR, original: &[u8]) -> &'static [u8] {
    let [first, second]: [&'static [u8]; 2] = match vr {
        VR::AS => [b"001D", b"002D"],
        VR::DA => [b"19000101", b"19010101"],
        VR::DT => [b"19000101000000", b"19010101000000"],
        VR::TM => [b"000000", b"010000"],
        VR::DS | VR::IS => [b"0", b"1"],
        VR::UR => [b"urn:removed", b"urn:none"],
        VR::OB | VR::UN | VR::OW | VR::US | VR::SS => [&[0; 2], &[1; 2]],
        VR::AT | VR::FL | VR::OF | VR::OL | VR::SL | VR::UL => [&[0; 4], &[1; 4]],
        VR::FD | VR::OD | VR::OV | VR::SV | VR::UV => [&[0; 8], &[1; 8]],
        _ => [b"REMOVED", b"NONE"],
    };
    if trimmed(original) == trimmed(first) { second } else { first }
}

/// A value without its padding.
pub(crate) fn trimmed(value: &[u8]) -> &[u8] {
    let end = value.iter().rposition(|byte| !matches!(byte, 0 | b' ')).map_or(0, |last| last + 1);
    let value = value.get(..end).unwrap_or_default();
    let start = value.iter().position(|byte| *byte != b' ').unwrap_or(end);
    value.get(start..).unwrap_or_default()
}

/// One element of a dummy item.
struct Element(Tag, VR, Filler);

enum Filler {
    /// The dummy of the VR.
    Any,
    Text(&'static str),
    Shorts(&'static [u16]),
    Floats(&'static [f32]),
    /// A new UID made from this one.
    Uid(&'static str),
    Item(&'static [Element]),
    NoItem,
}

use Filler::{Any, Floats, Item, NoItem, Shorts, Text, Uid};

static CODE: [Element; 3] = [
    Element(Tag(0x0008, 0x0100), VR::SH, Text("REMOVED")),
    Element(Tag(0x0008, 0x0102), VR::SH, Text("99RPACS")),
    Element(Tag(0x0008, 0x0104), VR::LO, Text("Removed")),
];

/// Concept name DCM 121106.
static COMMENT: [Element; 3] = [
    Element(Tag(0x0008, 0x0100), VR::SH, Text("121106")),
    Element(Tag(0x0008, 0x0102), VR::SH, Text("DCM")),
    Element(Tag(0x0008, 0x0104), VR::LO, Text("Comment")),
];

static POINT: [Element; 5] = [
    Element(Tag(0x0070, 0x0005), VR::CS, Text("PIXEL")),
    Element(Tag(0x0070, 0x0020), VR::US, Shorts(&[2])),
    Element(Tag(0x0070, 0x0021), VR::US, Shorts(&[1])),
    Element(Tag(0x0070, 0x0022), VR::FL, Floats(&[1.0, 1.0])),
    Element(Tag(0x0070, 0x0023), VR::CS, Text("POINT")),
];

const STUDY: &str = "1.2.840.10008.3.1.2.3.1";
const PERFORMED_STEP: &str = "1.2.840.10008.3.1.2.3.3";

/// The dummy items: what PS3.3 requires of an item of the sequence, and no more.
static ITEMS: [(Tag, &[Element]); 13] = [
    (Tag(0x0008, 0x0082), &CODE),
    (
        Tag(0x0008, 0x1072),
        &[Element(Tag(0x0008, 0x0080), VR::LO, Any), Element(Tag(0x0040, 0x1101), VR::SQ, Item(&CODE))],
    ),
    (
        Tag(0x0008, 0x1110),
        &[
            Element(Tag(0x0008, 0x1150), VR::UI, Text(STUDY)),
            Element(Tag(0x0008, 0x1155), VR::UI, Uid(STUDY)),
        ],
    ),
    (
        Tag(0x0008, 0x1111),
        &[
            Element(Tag(0x0008, 0x1150), VR::UI, Text(PERFORMED_STEP)),
            Element(Tag(0x0008, 0x1155), VR::UI, Uid(PERFORMED_STEP)),
        ],
    ),
    (Tag(0x0034, 0x0001), &[Element(Tag(0x0034, 0x0002), VR::OB, Any)]),
    (Tag(0x0040, 0x0513), &[Element(Tag(0x0040, 0x0031), VR::UT, Any)]),
    (Tag(0x0040, 0x1101), &CODE),
    (
        Tag(0x0040, 0xA073),
        &[
            Element(Tag(0x0040, 0xA027), VR::LO, Any),
            Element(Tag(0x0040, 0xA030), VR::DT, Any),
            Element(Tag(0x0040, 0xA075), VR::PN, Any),
            Element(Tag(0x0040, 0xA088), VR::SQ, NoItem),
        ],
    ),
    (Tag(0x0040, 0xA088), &CODE),
    (Tag(0x0040, 0xA168), &CODE),
    (
        Tag(0x0040, 0xA730),
        &[
            Element(Tag(0x0040, 0xA010), VR::CS, Text("CONTAINS")),
            Element(Tag(0x0040, 0xA040), VR::CS, Text("TEXT")),
            Element(Tag(0x0040, 0xA043), VR::SQ, Item(&COMMENT)),
            Element(Tag(0x0040, 0xA160), VR::UT, Any),
        ],
    ),
    (
        Tag(0x0040, 0xB020),
        &[Element(Tag(0x0040, 0xA0B0), VR::US, Shorts(&[1, 0])), Element(Tag(0x0070, 0x0006), VR::ST, Any)],
    ),
    (
        Tag(0x0070, 0x0001),
        &[Element(Tag(0x0070, 0x0002), VR::CS, Any), Element(Tag(0x0070, 0x0009), VR::SQ, Item(&POINT))],
    ),
];

/// Writes the sequence `tag` with one dummy item; an item without elements where no other is known to be needed.
pub(crate) fn write_sequence<W: io::Write>(
    out: &mut Writer<W>,
    tag: Tag,
    new_uid: &dyn Fn(&str) -> String,
) -> io::Result<()> {
    let item = ITEMS.iter().find(|(listed, _)| *listed == tag).map_or(&[][..], |(_, item)| item);
    write_item(out, tag, item, new_uid)
}

/// Writes a sequence of one item that holds a code.
pub(crate) fn write_code<W: io::Write>(
    out: &mut Writer<W>,
    value: &str,
    scheme: &str,
    meaning: &str,
) -> io::Result<()> {
    out.start_item()?;
    for (element, vr, text) in [(0x0100, VR::SH, value), (0x0102, VR::SH, scheme), (0x0104, VR::LO, meaning)]
    {
        out.value(Tag(0x0008, element), vr, text.as_bytes())?;
    }
    out.end_item()
}

fn write_item<W: io::Write>(
    out: &mut Writer<W>,
    tag: Tag,
    item: &[Element],
    new_uid: &dyn Fn(&str) -> String,
) -> io::Result<()> {
    out.start_sequence(tag)?;
    out.start_item()?;
    for Element(tag, vr, filler) in item {
        match filler {
            Any => out.value(*tag, *vr, value(*vr, b""))?,
            Text(text) => out.value(*tag, *vr, text.as_bytes())?,
            Uid(name) => out.value(*tag, *vr, new_uid(name).as_bytes())?,
            Shorts(numbers) => {
                let bytes: Vec<u8> =
                    numbers.iter().flat_map(|number| out.encoding().u16_bytes(*number)).collect();
                out.value(*tag, *vr, &bytes)?;
            }
            Floats(numbers) => {
                let bytes: Vec<u8> =
                    numbers.iter().flat_map(|number| float_bytes(out.encoding(), *number)).collect();
                out.value(*tag, *vr, &bytes)?;
            }
            Item(inner) => write_item(out, *tag, inner, new_uid)?,
            NoItem => out.value(*tag, VR::SQ, b"")?,
        }
    }
    out.end_item()?;
    out.end_sequence()
}

fn float_bytes(encoding: Encoding, number: f32) -> [u8; 4] {
    encoding.u32_bytes(number.to_bits())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dummy_never_equals_the_original() {
        for vr in [VR::LO, VR::PN, VR::DA, VR::DT, VR::TM, VR::AS, VR::DS, VR::UR, VR::OB, VR::UL, VR::FD] {
            let first = value(vr, b"something");
            assert_ne!(value(vr, first), first, "{vr:?}");
            assert!(!first.is_empty());
        }
        assert_eq!(value(VR::LO, b"REMOVED "), b"NONE");
    }
}
