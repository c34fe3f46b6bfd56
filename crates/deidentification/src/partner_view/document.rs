//! Code, id and time in the header of a clinical document that was made anew ([`crate::clinical_document`]); in any other there is nothing of ours.

use dicom_stream::text::{shift_date, yyyymmdd};

use super::{PartnerPseudonyms, Replaced};

/// Encapsulated CDA Storage.
pub(super) const SOP_CLASS: &[u8] = b"1.2.840.10008.5.1.4.1.1.104.2";
/// Bytes of a document that is looked into: a new one of the longest original, each of its characters escaped, is shorter.
pub(super) const MOST: u32 = 32 << 20;
/// Where the header ends.
const BODY: &str = "<component>";

/// The document for one partner; `None` when it stays. A day that cannot be moved is an error of the caller's.
pub(super) fn derived(
    document: &[u8],
    pseudonyms: &dyn PartnerPseudonyms,
    replaced: &mut Replaced,
) -> Result<Option<Vec<u8>>, ()> {
    let Some(text) = std::str::from_utf8(document.strip_suffix(&[0]).unwrap_or(document)).ok() else {
        return Ok(None);
    };
    let Some((header, body)) = text.split_once(BODY) else { return Ok(None) };
    let mut header = header.to_owned();
    let code = pseudonyms.archive_code();
    if let Some((before, own, after)) = value(&header, "<patientRole><id extension=\"")
        && own == code
        && !code.is_empty()
    {
        header = [before, pseudonyms.code(), after].concat();
    }
    if let Some((before, own, after)) = value(&header, "<id root=\"")
        && let Some(uid) = pseudonyms.uid(own)
    {
        replaced.uids.insert(own.to_owned());
        header = [before, &uid, after].concat();
    }
    if let Some((before, own, after)) = value(&header, "<effectiveTime value=\"")
        && let Some(day) = yyyymmdd(own.as_bytes())
        && let Some(days) = pseudonyms.shift_days(day)
    {
        let moved = shift_date(own.as_bytes(), days).and_then(|moved| String::from_utf8(moved).ok());
        replaced.dates.insert(day);
        header = [before, &moved.ok_or(())?, after].concat();
    }
    let mut derived = [header.as_str(), BODY, body.trim_end()].concat();
    derived.push('\n');
    if !derived.len().is_multiple_of(2) {
        derived.push('\n');
    }
    Ok((derived.as_bytes() != document).then(|| derived.into_bytes()))
}

/// What stands in the first attribute that begins so, and around it. No text has such a beginning: there it is escaped.
fn value<'t>(header: &'t str, begins: &str) -> Option<(&'t str, &'t str, &'t str)> {
    let start = header.find(begins)? + begins.len();
    let (before, rest) = header.split_at_checked(start)?;
    let (own, _) = rest.split_once('"')?;
    let (own, after) = rest.split_at_checked(own.len())?;
    Some((before, own, after))
}
