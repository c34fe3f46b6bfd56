//! What only a person would write (DI-53): a telephone number, an e-mail address, an address of the network, a national number, an age over
//! 89, a title with a name. For objects of which no identity is known (flow AC1.9).

use std::io::{Read, Seek};
use std::sync::LazyLock;

use dicom_core::{Tag, VR};
use dicom_stream::charset::CharacterSets;
use dicom_stream::{Limits, Token, TokenSource, TransferSyntax};
use regex::Regex;

use super::{FINDINGS_MAX, Finding, FindingKind, PIXEL_GROUP, SEAM, VerifyError};

/// Versions of software look like addresses of the network.
const SOFTWARE_VERSIONS: Tag = Tag(0x0018, 0x1020);

/// Each pattern with what it shows. `None` when one cannot be compiled: then nothing can be searched, and everything is held.
static PATTERNS: LazyLock<Option<Vec<(FindingKind, Regex)>>> = LazyLock::new(|| {
    [
        // international or in groups; a run of digits alone is a number like any other
        (FindingKind::Contact, r"(?:\+|\b00)[1-9]\d{0,2}[ ./-]?\(?\d{1,4}\)?(?:[ ./-]?\d{2,4}){2,4}\b"),
        (FindingKind::Contact, r"\b0[1-9](?:[ .-]\d{2}){4}\b"),
        (FindingKind::Contact, r"\(\d{3}\) ?\d{3}[ -]\d{4}\b|\b\d{3}-\d{3}-\d{4}\b"),
        (FindingKind::Contact, r"(?i)\b(?:tel|phone|fax|mobile|gsm)[a-z]*[.: ]+\+?\d[\d ./-]{5,}\d\b"),
        (FindingKind::Contact, r"(?i)[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
        (FindingKind::Contact, r"(?i)\b(?:https?|ftp)://[^\s]+|\bwww\.[\w-]+\.[a-z]{2,}"),
        (
            FindingKind::Contact,
            r"\b(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\b",
        ),
        // the French number of social security, and the American one
        (
            FindingKind::Identifier,
            r"\b[12] ?\d{2} ?(?:0[1-9]|1[0-2]) ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3} ?\d{2}\b",
        ),
        (FindingKind::Identifier, r"\b\d{3}-\d{2}-\d{4}\b"),
        (FindingKind::Date, r"(?i)\b(?:9\d|1[0-4]\d)[ -]?(?:years?|yrs?|y|ans)[ /.-]?(?:old|o\b|\b)"),
        (FindingKind::Name, r"\b(?:Dr|Doctor|Docteur|Prof|Professor|Professeur)\.? +[A-ZÀ-ÖØ-Þ]\w[\w'-]*"),
    ]
    .into_iter()
    .map(|(kind, pattern)| Some((kind, Regex::new(pattern).ok()?)))
    .collect()
});

/// Searches one data set for patterns, in the text of every element.
///
/// # Errors
/// [`VerifyError::Source`], [`VerifyError::TooManyTerms`] when the search cannot be made: quarantine.
pub fn scan<R: Read + Seek>(
    input: R,
    syntax: &TransferSyntax,
    limits: Limits,
) -> Result<Vec<Finding>, VerifyError> {
    let patterns = PATTERNS.as_ref().ok_or(VerifyError::TooManyTerms)?;
    let mut tokens = TokenSource::skimming(input, syntax, limits)?;
    let (mut set, mut findings) = (CharacterSets::default(), Vec::new());
    let mut bulk: Option<Vec<u8>> = None;
    while let Some(token) = tokens.next_token()? {
        set.token(&token);
        let begins_pixels =
            matches!(&token, Token::BulkStart { header } if header.tag.group() == PIXEL_GROUP);
        let found = match token {
            Token::Value { header, value } => {
                let is_searched = is_text(header.vr) && header.tag != SOFTWARE_VERSIONS;
                is_searched.then(|| find(patterns, &set.decode(header.vr, value))).flatten()
            }
            Token::BulkStart { header } => {
                bulk = is_text(header.vr).then(Vec::new);
                None
            }
            Token::Bulk(piece) => bulk.as_mut().and_then(|held| {
                held.extend_from_slice(piece);
                let found = find(patterns, &String::from_utf8_lossy(held));
                held.drain(..held.len().saturating_sub(SEAM));
                found
            }),
            _ => None,
        };
        if begins_pixels {
            tokens.skip_bulk()?;
        }
        if let Some(kind) = found
            && findings.len() < FINDINGS_MAX
        {
            findings.push(Finding { path: tokens.path(), kind });
        }
    }
    Ok(findings)
}

/// Representations that a person writes into; unknown ones may be any.
fn is_text(vr: VR) -> bool {
    matches!(vr, VR::LO | VR::LT | VR::PN | VR::SH | VR::ST | VR::UC | VR::UN | VR::UT)
}

fn find(patterns: &[(FindingKind, Regex)], text: &str) -> Option<FindingKind> {
    patterns.iter().find(|(_, pattern)| pattern.is_match(text)).map(|(kind, _)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<FindingKind> {
        find(PATTERNS.as_ref().unwrap(), text)
    }

    #[test]
    fn what_a_person_writes_is_found() {
        for (text, kind) in [
            ("call +33 1 23 45 67 89", FindingKind::Contact),
            ("01.23.45.67.89 le matin", FindingKind::Contact),
            ("(555) 123-4567", FindingKind::Contact),
            ("phone: 5551234567", FindingKind::Contact),
            ("see wilma@canary.example.org", FindingKind::Contact),
            ("https://pacs.canary.example/x", FindingKind::Contact),
            ("from 10.11.12.13", FindingKind::Contact),
            ("2 57 03 75 116 001 53", FindingKind::Identifier),
            ("SSN 123-45-6789", FindingKind::Identifier),
            ("a 93-year-old", FindingKind::Date),
            ("referred by Dr Canarysson", FindingKind::Name),
        ] {
            assert_eq!(found(text), Some(kind), "{text}");
        }
    }

    #[test]
    fn what_a_modality_writes_is_not() {
        for text in [
            "CT THORAX 5.0 B30f",
            "20261101120000.123",
            "ANON-000042",
            "1.2.840.10008.1.2.1",
            "Dr",
            "45-year-old phantom",
            "PHANTOM 0123456789",
            "SOMATOM Definition AS+ 64 slices 120 kV 0.75 mm",
            "PS 3.15 Annex E, Basic Profile",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }
}
