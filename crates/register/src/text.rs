//! Text from outside, made harmless before it enters the audit trail.

use std::fmt;

use serde::Serialize;

/// At most `N` printable characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Text<const N: usize>(String);

impl<const N: usize> Text<N> {
    /// Text that a peer sent (an AE title, for example): printable ASCII, everything else becomes `?`, the rest is cut.
    #[must_use]
    pub fn from_peer(text: &str) -> Self {
        let printable = |c: char| if (' '..='~').contains(&c) { c } else { '?' };
        Self(text.trim().chars().take(N).map(printable).collect())
    }

    /// Text of our own operators or configuration: any script, but no control character (so no new line), the rest is cut.
    #[must_use]
    pub fn from_operator(text: &str) -> Self {
        let printable = |c: char| if c.is_control() { '?' } else { c };
        Self(text.trim().chars().take(N).map(printable).collect())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const N: usize> fmt::Display for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_cannot_forge_lines_or_grow_them() {
        assert_eq!(Text::<16>::from_peer("EVIL\r\n\u{1b}[31m\u{202e}é").as_str(), "EVIL???[31m??");
        assert_eq!(Text::<16>::from_peer(&"A".repeat(100_000)).as_str(), "A".repeat(16));
        assert_eq!(Text::<16>::from_peer("STORESCU        ").as_str(), "STORESCU");
    }

    #[test]
    fn an_operator_keeps_the_accents() {
        assert_eq!(Text::<64>::from_operator("Hélène\nÀ").as_str(), "Hélène?À");
    }
}
