//! Everything random of the simulated world is a function of a seed and a label, so that the same seed gives the same world.

/// Source of numbers and UIDs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seed(pub u64);

impl Seed {
    /// A number for this label.
    pub fn number(self, label: &str) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.bytes(label);
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }

    /// A UID for this label, below 2.25 (PS3.5 §B.2). The same label gives the same UID.
    pub fn uid(self, label: &str) -> String {
        format!("2.25.{}", u128::from_le_bytes(self.bytes(label)))
    }

    fn bytes(self, label: &str) -> [u8; 16] {
        let mut hash = blake3::Hasher::new();
        hash.update(&self.0.to_le_bytes()).update(label.as_bytes());
        let mut out = [0; 16];
        hash.finalize_xof().fill(&mut out);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_label_gives_the_same_uid_and_another_seed_another_one() {
        assert_eq!(Seed(1).uid("a"), Seed(1).uid("a"));
        assert_ne!(Seed(1).uid("a"), Seed(2).uid("a"));
        assert_ne!(Seed(1).uid("a"), Seed(1).uid("b"));
        assert!(dicom_node::sop_class::is_uid(&Seed(7).uid("x")));
    }
}
