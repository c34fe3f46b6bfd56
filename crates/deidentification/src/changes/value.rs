//! A value as a reader of a comparison sees it: cut, or masked, or by length and digest.

use std::fmt;

use dicom_core::{Tag, VR};
use dicom_stream::charset::CharacterSet;
use dicom_stream::{Encoding, effective_vr};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::cursor::{Content, Element};

/// Characters of a value that are shown.
const CHARACTERS_MAX: usize = 256;

/// What a length counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// Of a text, without its padding.
    Characters,
    /// Of binary numbers or tags.
    Values,
    /// Of what is neither.
    Bytes,
    /// Of a sequence.
    Items,
}

impl Unit {
    fn word(self, length: u64) -> &'static str {
        match (self, length) {
            (Self::Characters, 1) => "character",
            (Self::Characters, _) => "characters",
            (Self::Values, 1) => "value",
            (Self::Values, _) => "values",
            (Self::Bytes, 1) => "byte",
            (Self::Bytes, _) => "bytes",
            (Self::Items, 1) => "item",
            (Self::Items, _) => "items",
        }
    }
}

/// A value as it is shown. It may identify: `Debug` shows VR and length only.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// VR.
    pub vr: &'static str,
    /// Its length, in `unit`.
    pub length: u64,
    /// What the length counts.
    pub unit: Unit,
    /// Its text, at most 256 characters; `None` where it is masked, and for bulk and sequences.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Whether the text goes on.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_cut: bool,
    /// SHA-256 of its bytes in hex, where they are no text; `None` where it is masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {} {}", self.vr, self.length, self.unit.word(self.length))
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.text, &self.sha256) {
            (Some(text), _) if self.is_cut => write!(f, "{text}…"),
            (Some(text), _) => f.write_str(text),
            (None, Some(digest)) => write!(f, "{self:?}, SHA-256 {digest}"),
            (None, None) => write!(f, "{self:?}"),
        }
    }
}

impl Shown {
    /// A sequence, by its items.
    pub(super) fn sequence(items: u32) -> Self {
        Self { vr: "SQ", length: items.into(), unit: Unit::Items, text: None, is_cut: false, sha256: None }
    }

    /// An element; with its value only where `is_open`.
    pub(super) fn element(element: &Element, set: &CharacterSet, is_open: bool) -> Self {
        let vr = element.vr.to_string();
        let of = |length, unit, text: Option<(String, bool)>, sha256: Option<String>| {
            let (text, is_cut) = text.map_or((None, false), |(text, is_cut)| (Some(text), is_cut));
            Self { vr, length, unit, text, is_cut, sha256 }
        };
        let (encoding, value) = match &element.content {
            Content::Bulk { bytes, sha256 } => {
                return of(*bytes, Unit::Bytes, None, is_open.then(|| hex(sha256)));
            }
            Content::Value(encoding, value) => (*encoding, value.as_slice()),
        };
        let meaning = effective_vr(element.tag, element.vr);
        match size(meaning) {
            Some(size) => {
                let length = (value.len() / size) as u64;
                of(length, Unit::Values, is_open.then(|| numbers(meaning, size, encoding, value)), None)
            }
            None if is_bytes(meaning) => {
                let digest = is_open.then(|| hex(&Sha256::digest(value)));
                of(value.len() as u64, Unit::Bytes, None, digest)
            }
            None => {
                let text = set.decode(meaning, value);
                let text = text.trim_end_matches([' ', '\0']);
                of(text.chars().count() as u64, Unit::Characters, is_open.then(|| cut(text)), None)
            }
        }
    }
}

fn cut(text: &str) -> (String, bool) {
    let short: String = text.chars().take(CHARACTERS_MAX).collect();
    let is_cut = short.len() < text.len();
    (short, is_cut)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes of one number of a binary VR (PS3.5 6.2).
fn size(vr: VR) -> Option<usize> {
    match vr {
        VR::SS | VR::US => Some(2),
        VR::AT | VR::FL | VR::SL | VR::UL => Some(4),
        VR::FD | VR::SV | VR::UV => Some(8),
        _ => None,
    }
}

fn is_bytes(vr: VR) -> bool {
    matches!(vr, VR::OB | VR::OD | VR::OF | VR::OL | VR::OV | VR::OW | VR::SQ | VR::UN)
}

/// The numbers as they are written in text, separated by backslashes.
fn numbers(vr: VR, size: usize, encoding: Encoding, value: &[u8]) -> (String, bool) {
    let mut text = String::new();
    for number in value.chunks_exact(size) {
        if !text.is_empty() {
            text.push('\\');
        }
        text.push_str(&one_number(vr, encoding, number));
        if text.len() > CHARACTERS_MAX {
            break;
        }
    }
    cut(&text)
}

fn one_number(vr: VR, encoding: Encoding, bytes: &[u8]) -> String {
    if let (VR::AT, &[g0, g1, e0, e1]) = (vr, bytes) {
        let tag = Tag(encoding.u16([g0, g1]), encoding.u16([e0, e1]));
        return format!("({:04X},{:04X})", tag.group(), tag.element());
    }
    let mut little = bytes.to_vec();
    if encoding == Encoding::ExplicitBig {
        little.reverse();
    }
    let short = <[u8; 2]>::try_from(little.as_slice());
    let long = <[u8; 4]>::try_from(little.as_slice());
    let very_long = <[u8; 8]>::try_from(little.as_slice());
    match (vr, short, long, very_long) {
        (VR::SS, Ok(bytes), ..) => i16::from_le_bytes(bytes).to_string(),
        (VR::US, Ok(bytes), ..) => u16::from_le_bytes(bytes).to_string(),
        (VR::SL, _, Ok(bytes), _) => i32::from_le_bytes(bytes).to_string(),
        (VR::UL, _, Ok(bytes), _) => u32::from_le_bytes(bytes).to_string(),
        (VR::FL, _, Ok(bytes), _) => f32::from_le_bytes(bytes).to_string(),
        (VR::SV, .., Ok(bytes)) => i64::from_le_bytes(bytes).to_string(),
        (VR::UV, .., Ok(bytes)) => u64::from_le_bytes(bytes).to_string(),
        (VR::FD, .., Ok(bytes)) => f64::from_le_bytes(bytes).to_string(),
        _ => String::new(),
    }
}
