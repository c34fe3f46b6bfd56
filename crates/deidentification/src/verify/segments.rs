//! Text inside compressed frames: comment, application and reserved segments before the coded data (DI-52).

/// Calls `found` with each segment at the start of a fragment that does not code the image: of JPEG and JPEG-LS all but frames and tables (ITU-T
/// T.81 B.2.4), JPEG 2000 COM (ISO 15444-1 A.9.2) and the XML and UUID boxes of a JP2 file.
pub(super) fn segments(fragment: &[u8], mut found: impl FnMut(&[u8])) {
    match fragment {
        [0xFF, 0xD8, rest @ ..] => jpeg(rest, &mut found),
        [0xFF, 0x4F, rest @ ..] => jpeg_2000(rest, &mut found),
        [0, 0, 0, 12, b'j', b'P', ..] => jp2(fragment, &mut found),
        _ => {}
    }
}

/// A marker with its length and content; the rest.
fn marker(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let [0xFF, code, high, low, rest @ ..] = bytes else { return None };
    let length = usize::from(u16::from_be_bytes([*high, *low])).checked_sub(2)?;
    let content = rest.get(..length.min(rest.len()))?;
    Some((*code, content, rest.get(length..).unwrap_or_default()))
}

fn jpeg(mut bytes: &[u8], found: &mut impl FnMut(&[u8])) {
    while let Some((code, content, rest)) = marker(bytes) {
        match code {
            0xDA => return,
            0xC0..=0xC7 | 0xC9..=0xCF | 0xDB..=0xDF => {}
            _ => found(content),
        }
        bytes = rest;
    }
}

fn jpeg_2000(mut bytes: &[u8], found: &mut impl FnMut(&[u8])) {
    while let Some((code, content, rest)) = marker(bytes) {
        match code {
            0x90 | 0x93 => return,
            0x64 => found(content),
            _ => {}
        }
        bytes = rest;
    }
}

fn jp2(mut bytes: &[u8], found: &mut impl FnMut(&[u8])) {
    while let Some((head, rest)) = bytes.split_first_chunk::<8>() {
        let [a, b, c, d, kind @ ..] = *head;
        let length = (u32::from_be_bytes([a, b, c, d]) as usize).saturating_sub(8).min(rest.len());
        let content = rest.get(..length).unwrap_or_default();
        match &kind {
            b"xml " | b"uuid" => found(content),
            b"jp2c" => {
                return if let [0xFF, 0x4F, stream @ ..] = rest {
                    jpeg_2000(stream, found)
                };
            }
            _ => {}
        }
        if length == 0 {
            return;
        }
        bytes = rest.get(length..).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(fragment: &[u8]) -> Vec<Vec<u8>> {
        let mut out = Vec::new();
        segments(fragment, |segment| out.push(segment.to_vec()));
        out
    }

    #[test]
    fn finds_comments_and_stops_at_coded_data() {
        assert_eq!(
            all(b"\xFF\xD8\xFF\xE0\0\x04JF\xFF\xFE\0\x05abc\xFF\xDA\0\x02\xFF\xFE\0\x05xyz"),
            [&b"JF"[..], b"abc"]
        );
        assert_eq!(all(b"\xFF\xD8\xFF\xDB\0\x04zz\xFF\x02\0\x05abc\xFF\xF0\0\x05xyz"), [&b"abc"[..], b"xyz"]);
        assert_eq!(all(b"\xFF\x4F\xFF\x51\0\x03z\xFF\x64\0\x07\0\x01abc\xFF\x90\0\x02"), [b"\0\x01abc"]);
        assert_eq!(all(b"\0\0\0\x0CjP  \r\n\x87\n\0\0\0\x0Bxml <a>"), [b"<a>"]);
        assert!(all(b"\xFF\xD8\xFF\xFE\0\x01").is_empty());
        assert!(all(b"random").is_empty());
    }
}
