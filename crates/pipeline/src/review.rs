//! The sample that a person looks at before it leaves: so many per cent of a project's instances (ADR 0010).

use uuid::Uuid;

use crate::config::ProjectConfig;

/// Draws instances by their own id: the same each time, and no sender can choose or foresee it.
pub(crate) struct Sample {
    percent: u8,
    key: [u8; 32],
}

impl Sample {
    /// The sample of one project.
    pub(crate) fn of(project: &ProjectConfig) -> Self {
        let key = blake3::derive_key("research-pacs 2026 sample for review", project.id.as_bytes());
        Self { percent: project.review_percent.get(), key }
    }

    /// Whether the instance is drawn.
    pub(crate) fn holds(&self, instance: Uuid) -> bool {
        let hash = blake3::keyed_hash(&self.key, instance.as_bytes());
        let draw = hash.as_bytes().first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        draw % 100 < u64::from(self.percent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_per_cent_are_drawn_and_the_same_each_time() {
        let drawn = |percent: u8| {
            let sample = Sample { percent, key: [7; 32] };
            let ids = (0..10_000_u128).map(Uuid::from_u128);
            ids.filter(|id| sample.holds(*id)).collect::<Vec<_>>()
        };
        assert_eq!((drawn(0).len(), drawn(100).len()), (0, 10_000));
        // four standard deviations of a binomial draw
        assert!((1_840..=2_160).contains(&drawn(20).len()), "{}", drawn(20).len());
        assert_eq!(drawn(20), drawn(20));
    }
}
