//! `multipart/related` (RFC 2046 §5.1, PS3.18 §8.6.1.2) in memory: read whole requests, write answers.

use bytes::Bytes;
use memchr::memmem;

/// Boundary of our answers.
pub(super) const BOUNDARY: &str = "simulated-partner-7f3a9c";
/// Parts of one request at most.
const PARTS: usize = 10_000;

/// The boundary of a Content-Type of DICOM files; `None` for anything else.
pub(super) fn boundary_of(content_type: &str) -> Option<String> {
    let mut parts = content_type.split(';').map(str::trim);
    if !parts.next()?.eq_ignore_ascii_case("multipart/related") {
        return None;
    }
    let value = parts.find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"').to_owned())
    })?;
    (1..=70).contains(&value.len()).then_some(value)
}

/// The bodies of the parts of a message; `None` if it is cut or has too many.
pub(super) fn read(body: &Bytes, boundary: &str) -> Option<Vec<Bytes>> {
    let delimiter = format!("--{boundary}");
    let mut parts = Vec::new();
    let mut at = memmem::find(body, delimiter.as_bytes())? + delimiter.len();
    let between = format!("\r\n{delimiter}");
    loop {
        let rest = body.slice(at..);
        if rest.starts_with(b"--") {
            return Some(parts);
        }
        if parts.len() >= PARTS {
            return None;
        }
        let start = memmem::find(&rest, b"\r\n\r\n")? + 4;
        let content = rest.slice(start..);
        let end = memmem::find(&content, between.as_bytes())?;
        parts.push(content.slice(..end));
        at += start + end + between.len();
    }
}

/// What stands before a part of an answer.
pub(super) fn head(syntax: &str) -> String {
    format!("--{BOUNDARY}\r\nContent-Type: application/dicom; transfer-syntax={syntax}\r\n\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_what_stands_between_delimiters() {
        let body = Bytes::from_static(
            b"preamble\r\n--b\r\nContent-Type: application/dicom\r\n\r\none\r\n--b\r\nContent-Type: x\r\n\r\n\r\n--b--\r\n",
        );
        assert_eq!(read(&body, "b").unwrap(), [&b"one"[..], b""]);
        assert_eq!(read(&body.slice(..60), "b"), None);
    }

    #[test]
    fn the_boundary_is_read_with_and_without_quotes() {
        for text in [
            "multipart/related; type=\"application/dicom\"; boundary=abc",
            "Multipart/Related;boundary=\"abc\"",
        ] {
            assert_eq!(boundary_of(text).as_deref(), Some("abc"));
        }
        assert_eq!(boundary_of("multipart/form-data; boundary=abc"), None);
    }
}
