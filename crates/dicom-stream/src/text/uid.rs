//! UID (PS3.5 9.1).

/// Longest UID, in characters.
pub const MAX_UID_LENGTH: usize = 64;

/// Why a UID is not valid. As an identifier of an instance: refuse; as any other value: keep the bytes, record it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidUid {
    /// Nothing but padding.
    #[error("the UID is empty")]
    Empty,
    /// More than 64 characters.
    #[error("the UID is longer than 64 characters")]
    TooLong,
    /// Something else than digits and periods.
    #[error("the UID has a character other than digits and periods")]
    Character,
    /// Two periods together, or one at an end.
    #[error("a component of the UID is empty")]
    EmptyComponent,
    /// A component of several digits begins with 0. Seen in the field, and unambiguous as a string.
    #[error("a component of the UID has a leading zero")]
    LeadingZero,
}

/// The value without NUL and blank padding at its ends.
#[must_use]
pub fn trim_uid(value: &[u8]) -> &[u8] {
    let mut value = value;
    while let [b' ' | 0, rest @ ..] | [rest @ .., b' ' | 0] = value {
        value = rest;
    }
    value
}

/// The UID of a value field, padding removed.
///
/// # Errors
/// The first rule of PS3.5 9.1 that the value breaks, [`InvalidUid::LeadingZero`] last.
pub fn check_uid(value: &[u8]) -> Result<&str, InvalidUid> {
    let uid = trim_uid(value);
    if uid.is_empty() {
        return Err(InvalidUid::Empty);
    }
    if uid.len() > MAX_UID_LENGTH {
        return Err(InvalidUid::TooLong);
    }
    if !uid.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.') {
        return Err(InvalidUid::Character);
    }
    let uid = std::str::from_utf8(uid).map_err(|_| InvalidUid::Character)?;
    if uid.split('.').any(str::is_empty) {
        return Err(InvalidUid::EmptyComponent);
    }
    if uid.split('.').any(|component| component.len() > 1 && component.starts_with('0')) {
        return Err(InvalidUid::LeadingZero);
    }
    Ok(uid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_of_section_9_1() {
        assert_eq!(check_uid(b"1.2.840.10008.1.2\0"), Ok("1.2.840.10008.1.2"));
        assert_eq!(check_uid(b" 2.25.0 "), Ok("2.25.0"));
        assert_eq!(check_uid(b"\0\0"), Err(InvalidUid::Empty));
        assert_eq!(check_uid(&[b'1'; 65]), Err(InvalidUid::TooLong));
        assert!(check_uid(&[b'1'; 64]).is_ok());
        assert_eq!(check_uid(b"1.2.a"), Err(InvalidUid::Character));
        assert_eq!(check_uid(b"1.2 .3"), Err(InvalidUid::Character));
        assert_eq!(check_uid(b"1..3"), Err(InvalidUid::EmptyComponent));
        assert_eq!(check_uid(b"1.2."), Err(InvalidUid::EmptyComponent));
        assert_eq!(check_uid(b"1.02.3"), Err(InvalidUid::LeadingZero));
    }
}
