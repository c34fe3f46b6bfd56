//! What was sent, and what of it was acknowledged.

use std::collections::BTreeSet;

use crate::harness::Listing;

/// Digests of the data sets of one site.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    sent: BTreeSet<String>,
    acknowledged: BTreeSet<String>,
}

impl Ledger {
    /// Must be called before the first byte goes out.
    pub(super) fn sent(&mut self, digest: String) {
        self.sent.insert(digest);
    }

    /// Must be called only once 0x0000 was read.
    pub(super) fn acknowledged(&mut self, digest: String) {
        self.acknowledged.insert(digest);
    }

    pub(super) fn acknowledged_count(&self) -> usize {
        self.acknowledged.len()
    }

    /// Nothing acknowledged is lost, nothing is there twice, nothing is there that was never sent as a whole.
    pub(super) fn assert_kept(&self, listing: &Listing, when: &str) {
        let there = listing.digests();
        let lost: Vec<&String> =
            self.acknowledged.iter().filter(|digest| !there.contains_key(digest.as_str())).collect();
        assert!(
            lost.is_empty(),
            "{when}: {} of {} acknowledged instances are lost",
            lost.len(),
            self.acknowledged.len()
        );
        let doubled = there.values().filter(|&&count| count > 1).count();
        assert_eq!(doubled, 0, "{when}: {doubled} instances are there more than once");
        let strange = there.keys().filter(|digest| !self.sent.contains(**digest)).count();
        assert_eq!(strange, 0, "{when}: {strange} instances are there that nobody sent like that");
    }
}
