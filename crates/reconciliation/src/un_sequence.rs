//! Sequences stored as UN with a defined length (PS3.5 6.2.2): implicit VR little endian, whatever the data set is.

use dicom_stream::{Encoding, Header, Limits, Reader, Tag, VR};

use crate::attribute::effective_vr;

/// First bytes of an item in little endian.
const ITEM: [u8; 4] = [0xFE, 0xFF, 0x00, 0xE0];

/// The element as an implicit VR sequence, header included, if it is one that can be read to its end; `depth` is what is left.
pub(crate) fn as_sequence(tag: Tag, received: VR, value: &[u8], limits: Limits) -> Option<Vec<u8>> {
    let vr = effective_vr(tag, received);
    if !matches!(vr, VR::SQ | VR::UN)
        || !(value.is_empty() || value.starts_with(&ITEM))
        || (value.is_empty() && vr == VR::UN)
    {
        return None;
    }
    let head = Header::new(tag, VR::SQ, u32::try_from(value.len()).ok()?, Encoding::ImplicitLittle);
    let bytes = [head.raw(), value].concat();
    let mut reader = Reader::new(Encoding::ImplicitLittle, limits);
    let mut rest = bytes.as_slice();
    while reader.next_token(&mut rest).ok()?.is_some() {}
    reader.finish().ok()?;
    Some(bytes)
}
