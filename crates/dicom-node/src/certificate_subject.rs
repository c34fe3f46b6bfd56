//! The subject of an X.509 certificate as text, for access lists and audit (RFC 5280 §4.1.2.6, RFC 4514).

/// Short names of attribute types (RFC 4514 §3), by the DER content of their object identifiers.
const ATTRIBUTES: [(&[u8], &str); 6] = [
    (&[0x55, 4, 3], "CN"),
    (&[0x55, 4, 6], "C"),
    (&[0x55, 4, 7], "L"),
    (&[0x55, 4, 8], "ST"),
    (&[0x55, 4, 10], "O"),
    (&[0x55, 4, 11], "OU"),
];

/// `CN=…,O=…` in the order of the certificate, from the content of a DER Name. Other attributes are left out; what is
/// not readable ends the text.
pub(crate) fn text(name: &[u8]) -> String {
    let mut parts = Vec::new();
    let mut sets = name;
    while let Some((set, rest)) = value(sets) {
        sets = rest;
        let mut attributes = set;
        while let Some((attribute, rest)) = value(attributes) {
            attributes = rest;
            let Some((kind, after)) = value(attribute) else { break };
            let short = ATTRIBUTES.iter().find(|(oid, _)| *oid == kind);
            if let (Some((_, short)), Some((content, _))) = (short, value(after)) {
                parts.push(format!("{short}={}", escaped(content)));
            }
        }
    }
    parts.join(",")
}

/// The content of the first DER value, and what follows it.
fn value(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let ([_, first], rest) = der.split_first_chunk()?;
    let (length, rest) = match first {
        0..=0x7F => (usize::from(*first), rest),
        0x81 => rest.split_first().map(|(length, rest)| (usize::from(*length), rest))?,
        0x82 => rest.split_first_chunk().map(|(l, rest)| (usize::from(u16::from_be_bytes(*l)), rest))?,
        _ => return None,
    };
    rest.split_at_checked(length)
}

/// RFC 4514 §2.4, so that one attribute cannot pretend to be two.
fn escaped(content: &[u8]) -> String {
    let mut out = String::new();
    for c in String::from_utf8_lossy(content).chars() {
        match c {
            ',' | '+' | '"' | '\\' | '<' | '>' | ';' | '=' => out.extend(['\\', c]),
            c if c.is_control() => out.push(char::REPLACEMENT_CHARACTER),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_told_apart() {
        let name =
            b"\x31\x0A\x30\x08\x06\x03\x55\x04\x0A\x0C\x01H\x31\x0E\x30\x0C\x06\x03\x55\x04\x03\x0C\x05a,O=b";
        assert_eq!(text(name), "O=H,CN=a\\,O\\=b");
        assert_eq!(text(b"\x31\xFF"), "");
    }
}
