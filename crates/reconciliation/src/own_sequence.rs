//! Sequences of the own record: their text in another character set, and their items in the encoding of an output.
//!
//! A record keeps the items of a sequence in explicit VR little endian. They are in the character set of the record, but for an item that
//! declares its own (PS3.3 C.12.1.1.2): that one keeps both.

use std::io::Write;

use dicom_stream::charset::{CharacterSet, Fidelity, uses_character_set};
use dicom_stream::text::trim;
use dicom_stream::{Encoding, Header, Lengths, Limits, Reader, Tag, Token, UNDEFINED, VR, Writer};

use crate::attribute::SPECIFIC_CHARACTER_SET;
use crate::character_set::Sets;
use crate::reconcile::ReconciliationError;

/// A value of the own record cannot be read, or not be written in the character set wanted: a person decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a value of the identity as received cannot be brought into another character set without a loss")]
pub struct Unreadable;

const SEQUENCE_DELIMITER: Tag = Tag(0xFFFE, 0xE0DD);

/// Shows each value of an attribute of the own record, with its tag, its VR and the character set it is in: of a sequence the values in its
/// items, at every depth. What cannot be read shows nothing.
pub fn each_value(
    tag: Tag,
    vr: VR,
    bytes: &[u8],
    set: &CharacterSet,
    mut each: impl FnMut(Tag, VR, &CharacterSet, &[u8]),
) {
    if vr != VR::SQ {
        return each(tag, vr, set, bytes);
    }
    let show = |token: &Token<'_>, sets: &Sets| {
        if let Token::Value { header, value } = token {
            each(header.tag, header.vr, sets.current(), value);
        }
        Ok(())
    };
    // shown as far as it can be read
    _ = walk::<Unreadable>(tag, bytes, set, show);
}

/// The value of an attribute of the own record with its text in `to` instead of `from`. Characters stay.
///
/// # Errors
/// [`Unreadable`].
pub fn re_encoded(
    tag: Tag,
    vr: VR,
    bytes: &[u8],
    from: &CharacterSet,
    to: &CharacterSet,
) -> Result<Vec<u8>, Unreadable> {
    if vr != VR::SQ {
        return text(vr, bytes, from, to);
    }
    let mut out = Writer::new(Vec::new(), Encoding::ExplicitLittle, Lengths::Undefined);
    walk(tag, bytes, from, |token, sets| {
        let written = match token {
            Token::Value { header, value } if sets.is_root() => {
                out.value(header.tag, header.vr, &text(header.vr, value, from, to)?)
            }
            token => out.translate(token),
        };
        written.map_err(|_| Unreadable)
    })?;
    out.finish().map_err(|_| Unreadable)
}

/// Writes a sequence of the own record.
pub(crate) fn write<W: Write>(
    out: &mut Writer<W>,
    tag: Tag,
    items: &[u8],
) -> Result<(), ReconciliationError> {
    out.start_sequence(tag)?;
    let put = |token: &Token<'_>, _: &Sets| out.translate(token).map_err(ReconciliationError::from);
    walk(tag, items, &CharacterSet::default(), put)?;
    Ok(out.end_sequence()?)
}

fn text(vr: VR, bytes: &[u8], from: &CharacterSet, to: &CharacterSet) -> Result<Vec<u8>, Unreadable> {
    if !uses_character_set(vr) || from == to {
        return Ok(bytes.to_vec());
    }
    let plain = trim(vr, bytes);
    let (text, fidelity) = from.decode_checked(vr, plain);
    if fidelity == Fidelity::Replaced {
        return Err(Unreadable);
    }
    let encoded = to.encode(vr, &text).map_err(|_| Unreadable)?;
    // padding is for its length
    Ok(if encoded == plain { bytes.to_vec() } else { encoded })
}

/// Every token between the begin and the end of the sequence, with the character sets that hold there.
fn walk<E: From<Unreadable>>(
    tag: Tag,
    items: &[u8],
    set: &CharacterSet,
    mut each: impl FnMut(&Token<'_>, &Sets) -> Result<(), E>,
) -> Result<(), E> {
    let encoding = Encoding::ExplicitLittle;
    let head = Header::new(tag, VR::SQ, UNDEFINED, encoding);
    let end = Header::new(SEQUENCE_DELIMITER, VR::UN, 0, encoding);
    let bytes = [head.raw(), items, end.raw()].concat();
    let mut rest = bytes.as_slice();
    // text may have grown in another character set; nothing in it is longer than the whole
    let mut reader = Reader::new(encoding, Limits { value: bytes.len(), ..Limits::INSTANCE });
    let mut sets = Sets::new(set.clone());
    let mut depth = 0_usize;
    while let Some(token) = reader.next_token(&mut rest).map_err(|_| Unreadable)? {
        match &token {
            Token::SequenceStart { .. } => depth += 1,
            Token::ItemStart { .. } => sets.leave(depth),
            Token::Value { header, value } if header.tag == SPECIFIC_CHARACTER_SET => {
                sets.declare(depth, value)
            }
            Token::SequenceEnd { .. } => {
                sets.leave(depth);
                depth = depth.saturating_sub(1);
            }
            _ => {}
        }
        let is_frame = depth == 0 || (depth == 1 && matches!(token, Token::SequenceStart { .. }));
        if !is_frame {
            each(&token, &sets)?;
        }
    }
    reader.finish().map_err(|_| Unreadable)?;
    if depth == 0 && rest.is_empty() { Ok(()) } else { Err(Unreadable.into()) }
}
