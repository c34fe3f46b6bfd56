//! How many refused associations are written one by one: enough to see what happens, never as many as a peer likes.

use std::collections::HashMap;
use std::net::IpAddr;

use crate::audit_event::{Actor, AuditEvent, RejectionReason};
use crate::{AuditRecord, Text};

/// Length of a window, milliseconds.
pub(crate) const WINDOW: i64 = 60_000;
/// Rows per window for one address.
const ROWS_PER_PEER: u32 = 5;
/// Rows per window in total.
const ROWS: u32 = 100;
/// Addresses told apart per window; further ones are counted together.
const PEERS: usize = 64;

/// A refused association as the receiver saw it.
#[derive(Debug, Clone)]
pub struct Rejection {
    /// Epoch milliseconds.
    pub at: i64,
    /// Source address.
    pub peer: IpAddr,
    /// Calling AE title; give it to [`Text::from_peer`].
    pub calling: Text<16>,
    /// Called AE title.
    pub called: Text<16>,
    /// Why it was refused.
    pub reason: RejectionReason,
}

impl From<Rejection> for AuditRecord {
    fn from(rejection: Rejection) -> Self {
        let Rejection { at, peer, calling, called, reason } = rejection;
        let event = AuditEvent::AssociationRejected { peer, calling, called, reason };
        Self { at, actor: Actor::Peer(peer), event }
    }
}

/// Counts per window; what it does not admit appears as a count when the window ends.
#[derive(Debug, Default)]
pub(crate) struct RejectionLimit {
    window: i64,
    rows: u32,
    peers: HashMap<IpAddr, PeerCount>,
    others: u64,
}

#[derive(Debug, Default)]
struct PeerCount {
    rows: u32,
    suppressed: u64,
}

impl RejectionLimit {
    /// Whether this refusal gets a row of its own; if not, it is counted.
    pub(crate) fn admit(&mut self, peer: IpAddr) -> bool {
        let full = self.rows >= ROWS;
        let Some(count) = self.count(peer) else {
            self.others += 1;
            return false;
        };
        if full || count.rows >= ROWS_PER_PEER {
            count.suppressed += 1;
            return false;
        }
        count.rows += 1;
        self.rows += 1;
        true
    }

    /// Counts refusals that could not be written; without a peer, those that never reached the writer.
    pub(crate) fn suppress(&mut self, peer: Option<IpAddr>, number: u64) {
        match peer.and_then(|peer| self.count(peer)) {
            Some(count) => count.suppressed += number,
            None => self.others += number,
        }
    }

    /// Ends the window when its time is over (or the clock went back) and returns what it suppressed.
    pub(crate) fn roll(&mut self, now: i64) -> Vec<AuditRecord> {
        if (self.window..self.window.saturating_add(WINDOW)).contains(&now) {
            return Vec::new();
        }
        self.close(now)
    }

    /// Ends the window now.
    pub(crate) fn close(&mut self, now: i64) -> Vec<AuditRecord> {
        let ended = std::mem::replace(self, Self { window: now, ..Self::default() });
        let mut counts: Vec<(Option<IpAddr>, u64)> =
            ended.peers.into_iter().map(|(peer, count)| (Some(peer), count.suppressed)).collect();
        counts.sort();
        counts.push((None, ended.others));
        counts
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .map(|(peer, count)| AuditRecord {
                at: now,
                actor: Actor::Program(Text::from_operator("audit")),
                event: AuditEvent::RejectionsSuppressed { peer, count },
            })
            .collect()
    }

    fn count(&mut self, peer: IpAddr) -> Option<&mut PeerCount> {
        if self.peers.len() >= PEERS && !self.peers.contains_key(&peer) {
            return None;
        }
        Some(self.peers.entry(peer).or_default())
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn peer(number: u32) -> IpAddr {
        Ipv4Addr::from_bits(0x0a00_0000 + number).into()
    }

    fn suppressed(records: &[AuditRecord]) -> u64 {
        records
            .iter()
            .map(|record| match record.event {
                AuditEvent::RejectionsSuppressed { count, .. } => count,
                _ => 0,
            })
            .sum()
    }

    #[test]
    fn one_peer_gets_a_few_rows_and_then_a_count() {
        let mut limit = RejectionLimit::default();
        assert!(limit.roll(WINDOW).is_empty());
        let written = (0..1_000).filter(|_| limit.admit(peer(1))).count();
        assert_eq!(written, 5);
        assert!(limit.admit(peer(2)), "another peer is still seen");
        assert!(limit.roll(2 * WINDOW - 1).is_empty(), "the window is not over");
        let records = limit.roll(2 * WINDOW);
        assert_eq!(records.len(), 1);
        assert_eq!(records[0].event, AuditEvent::RejectionsSuppressed { peer: Some(peer(1)), count: 995 });
        assert!(limit.admit(peer(1)), "a new window starts");
    }

    #[test]
    fn a_million_addresses_stay_within_memory_and_rows_and_none_is_forgotten() {
        let mut limit = RejectionLimit::default();
        limit.close(0);
        let written = (0..1_000_000).filter(|&number| limit.admit(peer(number % 500_000))).count() as u64;
        assert!(written <= 100);
        assert!(limit.peers.len() <= 64);
        let records = limit.roll(WINDOW);
        assert!(records.len() <= 65);
        assert_eq!(written + suppressed(&records), 1_000_000);
    }

    #[test]
    fn a_clock_that_goes_back_ends_the_window() {
        let mut limit = RejectionLimit::default();
        limit.close(1_000_000);
        limit.suppress(None, 3);
        assert_eq!(suppressed(&limit.roll(10)), 3);
    }
}
