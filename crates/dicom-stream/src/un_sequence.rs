//! Values whose VR was lost or is wrong: by what they are to be treated, and sequences stored as UN with a defined length (PS3.5 6.2.2),
//! which are implicit VR little endian, whatever the data set is.

use dicom_core::{Tag, VR};

use crate::header::{Header, UNDEFINED, dictionary_vr};
use crate::limits::Limits;
use crate::reader::Reader;
use crate::token::Token;
use crate::transfer_syntax::Encoding;

const SEQUENCE_DELIMITER: Tag = Tag(0xFFFE, 0xE0DD);

/// The VR to act by: the dictionary's where it decides what is done, so that a wrong or missing VR hides nothing (RC-09).
#[must_use]
pub fn effective_vr(tag: Tag, received: VR) -> VR {
    match dictionary_vr(tag) {
        known @ (VR::UI | VR::DA | VR::DT | VR::SQ) => known,
        known if received == VR::UN => known,
        _ => received,
    }
}

/// The element as an implicit VR sequence of undefined length, if its value is one that can be read to its end.
///
/// Reading it gives one whole sequence and nothing else, so a walk that goes in comes to an end. The bounds of depth are the caller's.
#[must_use]
pub fn as_sequence(tag: Tag, received: VR, value: &[u8], limits: Limits) -> Option<Vec<u8>> {
    let vr = effective_vr(tag, received);
    let begins_with_item = value.starts_with(&[0xFE, 0xFF, 0x00, 0xE0]);
    if !(vr == VR::SQ && (value.is_empty() || begins_with_item) || vr == VR::UN && begins_with_item) {
        return None;
    }
    let head = Header::new(tag, VR::SQ, UNDEFINED, Encoding::ImplicitLittle);
    let end = Header::new(SEQUENCE_DELIMITER, VR::UN, 0, Encoding::ImplicitLittle);
    // some writers count a delimiter at the end in
    let ends = [end.raw(), &[]];
    ends.into_iter().map(|end| [head.raw(), value, end].concat()).find(|bytes| is_one_sequence(bytes, limits))
}

fn is_one_sequence(bytes: &[u8], limits: Limits) -> bool {
    let mut reader = Reader::new(Encoding::ImplicitLittle, limits);
    let mut rest = bytes;
    let mut open = 0_usize;
    let mut tokens = 0_u64;
    loop {
        match reader.next_token(&mut rest) {
            Ok(Some(Token::SequenceStart { .. } | Token::FragmentsStart { .. })) => open += 1,
            Ok(Some(Token::SequenceEnd { .. } | Token::FragmentsEnd { .. })) => {
                open = open.saturating_sub(1);
                if open == 0 {
                    return rest.is_empty() && reader.finish().is_ok();
                }
            }
            Ok(Some(_)) if tokens > 0 => {}
            _ => return false,
        }
        tokens += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRIVATE: Tag = Tag(0x0009, 0x1001);
    /// One item with (0008,0060) = CT.
    const VALUE: &[u8] = b"\xFE\xFF\x00\xE0\x0A\0\0\0\x08\x00\x60\x00\x02\0\0\0CT";

    #[test]
    fn a_wrong_vr_hides_neither_uid_nor_date_nor_sequence() {
        assert_eq!(effective_vr(Tag(0x0008, 0x1155), VR::LO), VR::UI);
        assert_eq!(effective_vr(Tag(0x0008, 0x0023), VR::UN), VR::DA);
        assert_eq!(effective_vr(Tag(0x0008, 0x1115), VR::OB), VR::SQ);
        assert_eq!(effective_vr(PRIVATE, VR::UI), VR::UI);
        assert_eq!(effective_vr(PRIVATE, VR::UN), VR::UN);
    }

    #[test]
    fn items_make_a_sequence_of_private_and_known_tags() {
        for (tag, vr) in [(PRIVATE, VR::UN), (Tag(0x0008, 0x1115), VR::UN), (Tag(0x0008, 0x1115), VR::OB)] {
            assert!(as_sequence(tag, vr, VALUE, Limits::INSTANCE).is_some());
        }
        assert!(as_sequence(Tag(0x0008, 0x1115), VR::UN, b"", Limits::INSTANCE).is_some());
        let delimited = [VALUE, b"\xFE\xFF\xDD\xE0\0\0\0\0"].concat();
        assert!(as_sequence(PRIVATE, VR::UN, &delimited, Limits::INSTANCE).is_some());
    }

    #[test]
    fn anything_else_is_none() {
        let none = |tag, vr, value: &[u8]| assert!(as_sequence(tag, vr, value, Limits::INSTANCE).is_none());
        none(PRIVATE, VR::UN, b"");
        none(PRIVATE, VR::OB, VALUE);
        none(PRIVATE, VR::UN, &VALUE[..17]);
        // a delimiter amid the value: what stands behind it is not of the sequence
        none(PRIVATE, VR::UN, &[VALUE, b"\xFE\xFF\xDD\xE0\0\0\0\0\x08\x00\x60\x00\x02\0\0\0CT"].concat());
        let shallow = Limits { depth: 0, ..Limits::INSTANCE };
        assert!(as_sequence(PRIVATE, VR::UN, VALUE, shallow).is_none());
    }
}
