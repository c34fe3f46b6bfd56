//! Memory of the instances that are arriving: one budget for the whole process.
//!
//! The budget is divided once: 1/8 keeps idle buffers for the next instance (fresh pages cost more than the copy
//! into them), 5/8 is for buffers that grow, and the last quarter is left to the smallest buffers, so that a few
//! large instances never keep a new one out. The sum never exceeds the budget.

use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

/// The smallest buffer, bytes.
pub(super) const FLOOR: usize = 32 << 10;

/// The process-wide budget.
#[derive(Debug)]
pub(super) struct Budget {
    growth_limit: usize,
    total_limit: usize,
    idle_limit: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    in_use: usize,
    idle: Vec<Vec<u8>>,
    idle_bytes: usize,
}

impl Budget {
    pub(super) fn new(bytes: usize) -> Arc<Self> {
        let idle_limit = bytes / 8;
        Arc::new(Self {
            growth_limit: bytes / 8 * 5,
            total_limit: bytes - idle_limit,
            idle_limit,
            state: Mutex::default(),
        })
    }

    /// Bytes that staged instances hold now.
    pub(super) fn in_use(&self) -> usize {
        self.lock().in_use
    }

    /// An empty buffer of at least [`FLOOR`] bytes; `None` when the budget is spent.
    pub(super) fn buffer(self: &Arc<Self>) -> Option<Buffer> {
        let mut state = self.lock();
        let room = self.growth_limit.saturating_sub(state.in_use);
        let bytes = match state.idle.pop_if(|idle| idle.capacity() <= room) {
            Some(idle) => {
                state.idle_bytes -= idle.capacity();
                idle
            }
            None if state.in_use + FLOOR <= self.total_limit => {
                let mut fresh = Vec::new();
                fresh.try_reserve_exact(FLOOR).ok()?;
                fresh
            }
            None => return None,
        };
        state.in_use += bytes.capacity();
        drop(state);
        Some(Buffer { reserved: bytes.capacity(), bytes, budget: self.clone() })
    }

    /// Takes `bytes` more for a buffer that grows.
    fn take(&self, bytes: usize) -> bool {
        let mut state = self.lock();
        let fits = state.in_use + bytes <= self.growth_limit;
        if fits {
            state.in_use += bytes;
        }
        fits
    }

    fn give_back(&self, mut bytes: Vec<u8>, reserved: usize) {
        bytes.clear();
        let capacity = bytes.capacity();
        let mut state = self.lock();
        state.in_use = state.in_use.saturating_sub(reserved);
        if capacity > FLOOR && state.idle_bytes + capacity <= self.idle_limit {
            state.idle_bytes += capacity;
            state.idle.push(bytes);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Bytes of one instance; what they reserve goes back to the budget when the buffer is dropped.
#[derive(Debug)]
pub(super) struct Buffer {
    bytes: Vec<u8>,
    reserved: usize,
    budget: Arc<Budget>,
}

impl Buffer {
    /// Room for more bytes now, after growing towards `wanted` more (at most `limit` in all) if the budget allows.
    pub(super) fn room_for(&mut self, wanted: usize, limit: usize) -> usize {
        let needed = self.bytes.len() + wanted;
        if needed > self.bytes.capacity() {
            let target = needed.max(self.bytes.capacity() * 2).min(limit);
            let more = target.saturating_sub(self.bytes.capacity());
            if more > 0 && self.budget.take(more) {
                self.reserved += more;
                // a refusal by the allocator leaves the capacity as it was
                let _ = self.bytes.try_reserve_exact(target - self.bytes.len());
            }
        }
        self.bytes.capacity() - self.bytes.len()
    }

    /// Appends bytes for which [`Buffer::room_for`] found room.
    pub(super) fn extend(&mut self, chunk: &[u8]) {
        self.bytes.extend_from_slice(chunk);
    }

    /// Empties the buffer and keeps its memory.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.budget.give_back(std::mem::take(&mut self.bytes), self.reserved);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_exceeds_the_budget_and_keeps_a_quarter_for_new_instances() {
        let budget = Budget::new(8 << 20);
        let mut large = budget.buffer().unwrap();
        assert!(large.room_for(4 << 20, 64 << 20) >= 4 << 20);
        assert_eq!(large.room_for(8 << 20, 64 << 20), 4 << 20, "refused growth leaves the room as it was");
        let mut small = Vec::new();
        while let Some(buffer) = budget.buffer() {
            small.push(buffer);
            assert!(budget.in_use() <= 7 << 20);
        }
        assert!(small.len() >= 64);
        drop((large, small));
        assert_eq!(budget.in_use(), 0);
    }

    #[test]
    fn a_dropped_buffer_is_used_again() {
        let budget = Budget::new(8 << 20);
        let mut buffer = budget.buffer().unwrap();
        buffer.room_for(1 << 19, 1 << 20);
        buffer.extend(&[7; 100]);
        drop(buffer);
        let again = budget.buffer().unwrap();
        assert!(again.is_empty());
        assert_eq!(budget.in_use(), 1 << 19);
    }
}
