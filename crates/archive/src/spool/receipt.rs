//! Proof of a durable write.

use std::sync::Arc;

use super::Shared;
use super::location::RecordLocation;

/// Proof that a record is synced. Only the spool makes one: who holds it may answer success to the peer.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a record that is neither indexed nor released stays in the receive buffer"]
pub struct Receipt {
    location: RecordLocation,
    data_hash: blake3::Hash,
}

impl Receipt {
    pub(super) fn new(location: RecordLocation, data_hash: blake3::Hash) -> Self {
        Self { location, data_hash }
    }

    /// Where the record lies.
    pub fn location(&self) -> RecordLocation {
        self.location
    }

    /// BLAKE3 of the data set as received.
    pub fn data_hash(&self) -> blake3::Hash {
        self.data_hash
    }
}

/// A receipt on its way to the caller. If the caller has gone (association lost), nobody was told that the record
/// is safe and nobody will index it: it is released.
#[derive(Debug)]
pub(super) struct Delivery {
    receipt: Option<Receipt>,
    shared: Arc<Shared>,
}

impl Delivery {
    pub(super) fn new(receipt: Receipt, shared: Arc<Shared>) -> Self {
        Self { receipt: Some(receipt), shared }
    }

    pub(super) fn accept(mut self) -> Option<Receipt> {
        self.receipt.take()
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        if let Some(receipt) = self.receipt.take() {
            let retire = self.shared.live.release(receipt.location);
            self.shared.retire_later(retire);
        }
    }
}
