//! Protocol data units as bytes: PS3.8 §9.3. A-ASSOCIATE-RQ and -AC go through the codec of `dicom-ul`, the rest is
//! fixed or small.

use crate::access::Rejection;
use dicom_ul::pdu::{AssociationAC, AssociationRQ, Pdu as Codec, read_pdu, write_pdu};

/// Longest A-ASSOCIATE PDU that is accepted, in bytes: 128 contexts of 38 transfer syntaxes need about 150 KB.
pub(crate) const MAX_ASSOCIATE: u32 = 192 * 1024;
/// Bytes before the fragment in a P-DATA-TF PDU with one PDV: PDU header, item length, context id, control header.
pub(crate) const PDV_OVERHEAD: usize = 12;

/// A-RELEASE-RQ (PS3.8 §9.3.6).
pub(crate) const RELEASE_RQ: [u8; 10] = [5, 0, 0, 0, 0, 4, 0, 0, 0, 0];
/// A-RELEASE-RP (PS3.8 §9.3.7).
pub(crate) const RELEASE_RP: [u8; 10] = [6, 0, 0, 0, 0, 4, 0, 0, 0, 0];
/// A-ABORT by the service user (PS3.8 §9.3.8).
pub(crate) const ABORT_USER: [u8; 10] = abort(0, 0);
/// A-ABORT by the service provider: unrecognized PDU.
pub(crate) const ABORT_UNRECOGNIZED: [u8; 10] = abort(2, 1);
/// A-ABORT by the service provider: unexpected PDU.
pub(crate) const ABORT_UNEXPECTED: [u8; 10] = abort(2, 2);
/// A-ABORT by the service provider: invalid PDU parameter value.
pub(crate) const ABORT_INVALID: [u8; 10] = abort(2, 6);

const fn abort(source: u8, reason: u8) -> [u8; 10] {
    [7, 0, 0, 0, 0, 4, 0, 0, source, reason]
}

/// A-ASSOCIATE-RJ (PS3.8 §9.3.4).
pub(crate) fn reject(rejection: Rejection) -> [u8; 10] {
    [3, 0, 0, 0, 0, 4, 0, rejection.result, rejection.source, rejection.reason]
}

/// The bytes of an A-ASSOCIATE-RQ or -AC; `None` if a title or UID cannot be encoded.
pub(crate) fn associate(pdu: impl Into<Codec>) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(1024);
    write_pdu(&mut bytes, &pdu.into()).ok()?;
    Some(bytes)
}

/// Reads an A-ASSOCIATE-RQ with its header.
pub(crate) fn read_request(bytes: &[u8]) -> Option<AssociationRQ> {
    match read_pdu(known_items(bytes).as_slice(), MAX_ASSOCIATE, true) {
        Ok(Some(Codec::AssociationRQ(request))) => Some(request),
        _ => None,
    }
}

/// Reads an A-ASSOCIATE-AC with its header.
pub(crate) fn read_accept(bytes: &[u8]) -> Option<AssociationAC> {
    match read_pdu(known_items(bytes).as_slice(), MAX_ASSOCIATE, true) {
        Ok(Some(Codec::AssociationAC(accept))) => Some(accept),
        _ => None,
    }
}

/// The PDU without variable items of unknown type, which are to be skipped (PS3.8 §9.3.1) and which the codec refuses;
/// also without rejected contexts that have no transfer syntax sub-item, which some peers leave out.
fn known_items(pdu: &[u8]) -> Vec<u8> {
    let Some((fixed, mut rest)) = pdu.split_at_checked(74) else { return pdu.to_vec() };
    let mut kept = fixed.to_vec();
    while let Some([kind, _, high, low]) = rest.first_chunk() {
        let length = 4 + usize::from(u16::from_be_bytes([*high, *low]));
        let Some((item, after)) = rest.split_at_checked(length) else { break };
        let bare_rejection = *kind == 0x21 && length == 8 && item.get(6) != Some(&0);
        if matches!(kind, 0x10 | 0x20 | 0x21 | 0x50) && !bare_rejection {
            kept.extend_from_slice(item);
        }
        rest = after;
    }
    kept.extend_from_slice(rest); // an item that overruns stays: the codec refuses it
    let length = (kept.len() as u32).saturating_sub(6).to_be_bytes();
    if let Some(field) = kept.get_mut(2..6) {
        field.copy_from_slice(&length);
    }
    kept
}

/// The header of a P-DATA-TF PDU with one PDV of `length` bytes (PS3.8 §9.3.5, Annex E.2).
pub(crate) fn pdv_header(context: u8, command: bool, last: bool, length: usize) -> [u8; PDV_OVERHEAD] {
    let [p0, p1, p2, p3] = (length as u32 + 6).to_be_bytes();
    let [i0, i1, i2, i3] = (length as u32 + 2).to_be_bytes();
    [4, 0, p0, p1, p2, p3, i0, i1, i2, i3, context, u8::from(command) | u8::from(last) << 1]
}

/// Appends `bytes` as P-DATA-TF PDUs with fragments of at most `fragment` bytes.
pub(crate) fn push_fragments(out: &mut Vec<u8>, context: u8, command: bool, bytes: &[u8], fragment: usize) {
    let mut rest = bytes;
    loop {
        let (part, after) = rest.split_at(rest.len().min(fragment));
        out.extend_from_slice(&pdv_header(context, command, after.is_empty(), part.len()));
        out.extend_from_slice(part);
        rest = after;
        if rest.is_empty() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fragments_are_cut_at_the_peers_maximum() {
        let mut out = Vec::new();
        push_fragments(&mut out, 3, true, b"abcde", 4);
        assert_eq!(out, b"\x04\0\0\0\0\x0A\0\0\0\x06\x03\x01abcd\x04\0\0\0\0\x07\0\0\0\x03\x03\x03e");
        out.clear();
        push_fragments(&mut out, 1, false, b"", 4);
        assert_eq!(out, b"\x04\0\0\0\0\x06\0\0\0\x02\x01\x02");
    }
}
