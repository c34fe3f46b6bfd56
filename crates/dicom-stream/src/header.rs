//! Header of one element or item, kept with its bytes as received so that it can be written back unchanged (PS3.5 7.1).

use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry};
use dicom_core::{Tag, VR};
use dicom_dictionary_std::StandardDataDictionary;

use crate::transfer_syntax::Encoding;

/// Length field that says "until the delimiter" (PS3.5 7.1, 7.5).
pub const UNDEFINED: u32 = u32::MAX;

pub(crate) const ITEM: Tag = Tag(0xFFFE, 0xE000);
pub(crate) const ITEM_DELIMITER: Tag = Tag(0xFFFE, 0xE00D);
pub(crate) const SEQUENCE_DELIMITER: Tag = Tag(0xFFFE, 0xE0DD);

/// Header of an element, an item or a fragment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Tag; (FFFE,E000) for items and fragments.
    pub tag: Tag,
    /// VR as received (explicit) or of the dictionary (implicit; `UN` when unknown there). `UN` for items.
    pub vr: VR,
    /// Length field in bytes, [`UNDEFINED`] when delimited. Claimed by the sender: never allocate from it.
    pub length: u32,
    /// Layout the header was read in.
    pub encoding: Encoding,
    raw: [u8; 12],
    raw_len: u8,
}

impl Header {
    /// The header's bytes as received.
    pub fn raw(&self) -> &[u8] {
        self.raw.get(..usize::from(self.raw_len)).unwrap_or(&self.raw)
    }

    /// Whether the value ends at a delimiter instead of after `length` bytes.
    pub fn is_undefined_length(&self) -> bool {
        self.length == UNDEFINED
    }

    /// Whether the element is private (odd group, PS3.5 7.8).
    pub fn is_private(&self) -> bool {
        self.tag.group() % 2 == 1
    }

    /// Whether it came without a VR in a data set whose elements have one.
    pub(crate) fn lacks_vr(&self) -> bool {
        self.encoding != Encoding::ImplicitLittle
            && !is_delimiter(self.tag)
            && !matches!(self.raw, [_, _, _, _, b'A'..=b'Z', b'A'..=b'Z', ..])
    }

    /// A header as this crate writes it, in `encoding`. A length beyond 16 bits in a short VR is written as UN (PS3.5 6.2.2).
    pub fn new(tag: Tag, vr: VR, length: u32, encoding: Encoding) -> Self {
        let mut raw = [0; 12];
        let group = encoding.u16_bytes(tag.group());
        let element = encoding.u16_bytes(tag.element());
        let long = encoding.u32_bytes(length);
        let vr = match u16::try_from(length) {
            Err(_) if encoding != Encoding::ImplicitLittle && !is_delimiter(tag) && !has_long_form(vr) => {
                VR::UN
            }
            _ => vr,
        };
        let bytes: &[&[u8]] = if encoding == Encoding::ImplicitLittle || is_delimiter(tag) {
            &[&group, &element, &long]
        } else if has_long_form(vr) {
            &[&group, &element, &vr.to_bytes(), &[0, 0], &long]
        } else {
            &[
                &group,
                &element,
                &vr.to_bytes(),
                &encoding.u16_bytes(u16::try_from(length).unwrap_or(u16::MAX)),
            ]
        };
        let mut raw_len = 0;
        for (slot, byte) in raw.iter_mut().zip(bytes.iter().flat_map(|part| part.iter())) {
            *slot = *byte;
            raw_len += 1;
        }
        Self { tag, vr, length, encoding, raw, raw_len }
    }
}

/// How much of a header is there.
pub(crate) enum Parsed {
    /// More bytes are needed: at least this many in all.
    Need(usize),
    /// The header, and whether it was an implicit header amid explicit ones or had an unknown VR.
    Whole { header: Header, irregular: Option<HeaderIrregularity> },
}

/// What is odd about a header that can still be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HeaderIrregularity {
    ImplicitAmidExplicit,
    UnknownVr,
}

/// Reads a header at the start of `bytes`.
#[inline]
pub(crate) fn parse(bytes: &[u8], encoding: Encoding) -> Parsed {
    let Some(first) = bytes.first_chunk::<8>() else { return Parsed::Need(8) };
    let [g0, g1, e0, e1, a, b, c, d] = *first;
    let tag = Tag(encoding.u16([g0, g1]), encoding.u16([e0, e1]));
    let mut raw = [0; 12];
    let short = |raw: &mut [u8; 12]| {
        if let Some(head) = raw.first_chunk_mut::<8>() {
            *head = *first;
        }
    };
    let whole = |header| Parsed::Whole { header, irregular: None };
    if is_delimiter(tag) {
        short(&mut raw);
        let length = encoding.u32([a, b, c, d]);
        return whole(Header { tag, vr: VR::UN, length, encoding, raw, raw_len: 8 });
    }
    if encoding == Encoding::ImplicitLittle {
        short(&mut raw);
        let length = encoding.u32([a, b, c, d]);
        return whole(Header { tag, vr: dictionary_vr(tag), length, encoding, raw, raw_len: 8 });
    }
    let known = VR::from_binary([a, b]);
    if known.is_none() && !(a.is_ascii_uppercase() && b.is_ascii_uppercase()) {
        // Some writers slip an implicit header into an explicit data set; its length field stands where the VR should.
        short(&mut raw);
        let length = encoding.u32([a, b, c, d]);
        let header = Header { tag, vr: dictionary_vr(tag), length, encoding, raw, raw_len: 8 };
        return Parsed::Whole { header, irregular: Some(HeaderIrregularity::ImplicitAmidExplicit) };
    }
    let vr = known.unwrap_or(VR::UN);
    if known.is_some_and(|vr| !has_long_form(vr)) {
        short(&mut raw);
        let length = u32::from(encoding.u16([c, d]));
        return whole(Header { tag, vr, length, encoding, raw, raw_len: 8 });
    }
    // Long form: also for VRs of editions to come (PS3.5 7.1.2).
    let Some(all) = bytes.first_chunk::<12>() else { return Parsed::Need(12) };
    raw = *all;
    let [.., l0, l1, l2, l3] = *all;
    let header = Header { tag, vr, length: encoding.u32([l0, l1, l2, l3]), encoding, raw, raw_len: 12 };
    Parsed::Whole { header, irregular: known.is_none().then_some(HeaderIrregularity::UnknownVr) }
}

/// VR by the dictionary of PS3.6; `UN` for private and unknown tags.
#[inline]
pub fn dictionary_vr(tag: Tag) -> VR {
    if tag.element() == 0 {
        return VR::UL; // group length (PS3.5 7.2)
    }
    if tag.group() % 2 == 1 {
        return if (0x10..=0xFF).contains(&tag.element()) { VR::LO } else { VR::UN }; // private creators (PS3.5 7.8.1)
    }
    StandardDataDictionary.by_tag(tag).map_or(VR::UN, |entry| entry.vr().relaxed())
}

fn is_delimiter(tag: Tag) -> bool {
    tag.group() == 0xFFFE && matches!(tag.element(), 0xE000 | 0xE00D | 0xE0DD)
}

/// VRs with a 32-bit length field after two reserved bytes (PS3.5 Table 7.1-1).
fn has_long_form(vr: VR) -> bool {
    matches!(
        vr,
        VR::OB
            | VR::OD
            | VR::OF
            | VR::OL
            | VR::OV
            | VR::OW
            | VR::SQ
            | VR::SV
            | VR::UC
            | VR::UN
            | VR::UR
            | VR::UT
            | VR::UV
    )
}
