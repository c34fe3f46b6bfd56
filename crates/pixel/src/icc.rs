//! ICC profiles (0028,2000): a profile of the same length without its texts (ICC.1:2022 clauses 7 to 10).
//!
//! Kept are the tags that define colour, when their type is numeric. `desc` and `cprt`, which a profile must have, keep their place and
//! get neutral text; every other tag (makers, models, metadata, private ones) and every byte that no kept tag holds become zero. The
//! header loses date, maker, model, creator and profile ID. The colours do not change.

/// Why a profile cannot be cleaned: leave the attribute out, or hold the instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IccError {
    /// It is no profile or its tags lie outside of it.
    #[error("the ICC profile is damaged: leave it out, or hold the instance")]
    Damaged,
    /// Named colours, whose names are text that the colours depend on.
    #[error("the ICC profile is one of named colours: leave it out, or hold the instance")]
    NamedColours,
}

const HEADER: usize = 128;
/// Far more than the tags that the standard knows.
const MAX_TAGS: usize = 256;

/// Tags that define colour (clause 9).
const COLOUR_TAGS: &[&[u8; 4]] = &[
    b"A2B0", b"A2B1", b"A2B2", b"B2A0", b"B2A1", b"B2A2", b"B2D0", b"B2D1", b"B2D2", b"B2D3", b"D2B0",
    b"D2B1", b"D2B2", b"D2B3", b"bTRC", b"bXYZ", b"bkpt", b"chad", b"chrm", b"cicp", b"gTRC", b"gXYZ",
    b"gamt", b"kTRC", b"lumi", b"meas", b"pre0", b"pre1", b"pre2", b"rTRC", b"rXYZ", b"rig0", b"rig2",
    b"tech", b"wtpt",
];

/// Types without text (clause 10).
const NUMERIC_TYPES: &[&[u8; 4]] = &[
    b"XYZ ", b"chrm", b"cicp", b"curv", b"mAB ", b"mBA ", b"meas", b"mft1", b"mft2", b"mpet", b"para",
    b"sf32", b"sig ",
];

/// A tag of the profile.
struct Tag<'a> {
    signature: [u8; 4],
    offset: usize,
    data: &'a [u8],
}

/// The profile without texts, as long as it was.
///
/// # Errors
/// [`IccError`].
pub fn without_texts(profile: &[u8]) -> Result<Vec<u8>, IccError> {
    let header = profile
        .get(..HEADER)
        .filter(|header| header.get(36..40) == Some(b"acsp"))
        .ok_or(IccError::Damaged)?;
    if header.get(12..16) == Some(b"nmcl") {
        return Err(IccError::NamedColours);
    }
    let tags = tags(profile)?;
    let (texts, colours): (Vec<_>, Vec<_>) =
        tags.iter().filter(|tag| is_text(tag) || is_colour(tag)).partition(|tag| is_text(tag));
    let mut clean = vec![0; profile.len()];
    put(&mut clean, 0, &clean_header(header));
    put(&mut clean, HEADER, &((texts.len() + colours.len()) as u32).to_be_bytes());
    for (number, tag) in texts.iter().chain(&colours).enumerate() {
        let [offset, size] = [tag.offset, tag.data.len()].map(|value| (value as u32).to_be_bytes());
        put(&mut clean, HEADER + 4 + 12 * number, &[tag.signature, offset, size].concat());
    }
    for tag in colours {
        put(&mut clean, tag.offset, tag.data);
    }
    for tag in texts {
        put(&mut clean, tag.offset, &neutral(tag.data).ok_or(IccError::Damaged)?);
    }
    Ok(clean)
}

/// The tag table (7.3). Tags lie behind it and inside the profile's declared size.
fn tags(profile: &[u8]) -> Result<Vec<Tag<'_>>, IccError> {
    let word = |at: usize| {
        let bytes = profile.get(at..at + 4).and_then(|bytes| <[u8; 4]>::try_from(bytes).ok());
        bytes.ok_or(IccError::Damaged)
    };
    let number = |at: usize| word(at).map(|bytes| u32::from_be_bytes(bytes) as usize);
    let profile = profile.get(..number(0)?).ok_or(IccError::Damaged)?;
    let count = number(HEADER)?;
    if count > MAX_TAGS {
        return Err(IccError::Damaged);
    }
    let first = HEADER + 4 + 12 * count;
    (0..count)
        .map(|index| {
            let entry = HEADER + 4 + 12 * index;
            let (offset, size) = (number(entry + 4)?, number(entry + 8)?);
            let end = offset.checked_add(size).filter(|_| offset >= first).ok_or(IccError::Damaged)?;
            Ok(Tag {
                signature: word(entry)?,
                offset,
                data: profile.get(offset..end).ok_or(IccError::Damaged)?,
            })
        })
        .collect()
}

fn is_text(tag: &Tag<'_>) -> bool {
    matches!(&tag.signature, b"desc" | b"cprt")
}

fn is_colour(tag: &Tag<'_>) -> bool {
    COLOUR_TAGS.contains(&&tag.signature) && NUMERIC_TYPES.iter().any(|kind| tag.data.starts_with(*kind))
}

/// The header (7.2) without date, maker, model, creator and profile ID, which may be nought; the date is a valid one.
fn clean_header(header: &[u8]) -> Vec<u8> {
    let mut clean = header.to_vec();
    put(&mut clean, 24, &[0x07, 0xD0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0]);
    put(&mut clean, 4, &[0; 4]);
    put(&mut clean, 48, &[0; 8]);
    put(&mut clean, 80, &[0; HEADER - 80]);
    clean
}

/// The same type and length with dashes for text; `None` when it is damaged or of a type that is no text.
fn neutral(data: &[u8]) -> Option<Vec<u8>> {
    let mut clean = vec![0; data.len()];
    put(&mut clean, 0, data.get(..4)?);
    match data.get(..4)? {
        b"text" => {
            // 7-bit text up to a zero.
            clean.get_mut(8..data.len() - 1)?.fill(b'-');
        }
        b"desc" => {
            // The type of version 2: a counted 7-bit text; the Unicode and script texts behind it become empty.
            let count = data.get(8..12).and_then(|bytes| <[u8; 4]>::try_from(bytes).ok())?;
            let text = u32::from_be_bytes(count) as usize;
            put(&mut clean, 8, &count);
            clean.get_mut(12..12_usize.checked_add(text.checked_sub(1)?)?)?.fill(b'-');
        }
        b"mluc" => {
            // Records of language, country, length and place, then the texts in UTF-16.
            let count = data.get(8..12).and_then(|bytes| <[u8; 4]>::try_from(bytes).ok())?;
            let texts = (u32::from_be_bytes(count) as usize).checked_mul(12)?.checked_add(16)?;
            put(&mut clean, 0, data.get(..texts)?);
            for pair in clean.get_mut(texts..)?.chunks_exact_mut(2) {
                pair.copy_from_slice(&[0, b'-']);
            }
        }
        _ => return None,
    }
    Some(clean)
}

/// Writes the bytes at a place that is there.
fn put(into: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(place) = into.get_mut(at..at + bytes.len()) {
        place.copy_from_slice(bytes);
    }
}
