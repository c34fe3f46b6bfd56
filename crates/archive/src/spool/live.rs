//! Which records are still needed, which are not yet indexed, and therefore which files may go.
//!
//! Exact sets instead of counts: a release that is repeated after a crash must never free a neighbour. They cost
//! about 8 bytes for each record that is in Z1.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use super::directory::Listing;
use super::frame::ALIGN;
use super::location::{Checkpoint, Place, RecordLocation};

/// A file whose records have all been released.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Retire {
    /// Remove the file.
    Remove(Place),
    /// Empty the newest segment but keep its name: the next number must be higher than any ever used, because
    /// rows and checkpoints name segments by number.
    Empty(u32),
    /// Erase the record in its segment, which other records still need.
    Erase(RecordLocation),
}

/// The state, shared by all threads of the spool.
#[derive(Debug)]
pub(super) struct Live(Mutex<State>);

#[derive(Debug)]
struct State {
    /// Pages where unreleased records begin, for each segment that exists.
    segments: BTreeMap<u32, BTreeSet<u64>>,
    own: HashSet<Uuid>,
    /// Acknowledged or recovered since the spool opened, and not yet indexed.
    unindexed: BTreeSet<(Checkpoint, RecordLocation)>,
    /// The segment that is or will be written.
    active: u32,
    created: bool,
    /// End of the acknowledged records of the active segment.
    position: u64,
    /// Until the recovery has ended: where it began. Nothing that existed before is deleted, the checkpoint stays.
    recovering: Option<Checkpoint>,
    /// Released while recovery runs: what it finds or adopts afterwards must not bring them back.
    released: HashSet<RecordLocation>,
    /// The first segment of this run.
    first: u32,
    /// The newest segment, once it was emptied.
    emptied: Option<u32>,
    /// Records in segments that are being read, with the number of their readers.
    readers: HashMap<RecordLocation, usize>,
    /// Released while they were read.
    erase_later: HashSet<RecordLocation>,
}

impl Live {
    /// `from`: where recovery begins.
    pub(super) fn new(listing: &Listing, from: Checkpoint) -> Self {
        let newest = listing.segments.last().copied().unwrap_or(0);
        let journal = listing.own.last().map_or(0, |(journal, _)| *journal);
        let active = newest.max(journal).max(from.segment).saturating_add(1);
        Self(Mutex::new(State {
            segments: listing.segments.iter().map(|number| (*number, BTreeSet::new())).collect(),
            own: HashSet::new(),
            unindexed: BTreeSet::new(),
            active,
            created: false,
            position: 0,
            recovering: Some(from),
            released: HashSet::new(),
            first: active,
            emptied: None,
            readers: HashMap::new(),
            erase_later: HashSet::new(),
        }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Number of the segment that is or will be written.
    pub(super) fn active(&self) -> u32 {
        self.lock().active
    }

    /// The active segment exists now.
    pub(super) fn created(&self) -> Vec<Retire> {
        let mut state = self.lock();
        let active = state.active;
        state.created = true;
        state.segments.entry(active).or_default();
        state.sweep()
    }

    /// The active segment takes no more records.
    pub(super) fn sealed(&self) -> Vec<Retire> {
        let mut state = self.lock();
        if state.created {
            state.active += 1;
            state.created = false;
            state.position = 0;
        }
        state.sweep()
    }

    /// Whether the active segment holds only released records.
    pub(super) fn active_is_spent(&self) -> bool {
        let state = self.lock();
        state.position > 0 && state.segments.get(&state.active).is_some_and(BTreeSet::is_empty)
    }

    /// A record of the active segment is synced, up to `end`; it is about to be acknowledged.
    pub(super) fn synced(&self, location: RecordLocation, end: u64) {
        let mut state = self.lock();
        state.position = state.position.max(end);
        state.add(location);
        state.unindexed.extend(location.journal().map(|journal| (journal, location)));
    }

    /// A file of its own is synced and about to take its name: gives it its place in the journal.
    pub(super) fn own_synced(&self, file: Uuid, data_offset: u64, data_length: u64) -> RecordLocation {
        let mut state = self.lock();
        let place = Place::Own { journal: state.active, file };
        let location = RecordLocation { place, data_offset, data_length };
        state.add(location);
        state.unindexed.extend(location.journal().map(|journal| (journal, location)));
        location
    }

    /// A record that was moved to a file of its own, or a file that must stay.
    pub(super) fn add(&self, location: RecordLocation) {
        self.lock().add(location);
    }

    /// A record that rows need.
    pub(super) fn adopt(&self, location: RecordLocation) {
        let mut state = self.lock();
        if !state.released.contains(&location) {
            state.add(location);
        }
    }

    /// A record that recovery found; false when it was released in the meantime.
    pub(super) fn found(&self, location: RecordLocation) -> bool {
        let mut state = self.lock();
        let wanted = !state.released.contains(&location);
        if wanted {
            state.add(location);
            state.unindexed.extend(location.journal().map(|journal| (journal, location)));
        }
        wanted
    }

    /// A segment that cannot be read and must not be deleted by the program.
    pub(super) fn keep(&self, number: u32) {
        self.lock().segments.entry(number).or_default().insert(u64::MAX);
    }

    /// The rows of these records are committed; answers the checkpoint that now holds.
    pub(super) fn indexed(&self, locations: &[RecordLocation]) -> Checkpoint {
        let mut state = self.lock();
        for location in locations {
            state.forget_unindexed(*location);
        }
        state.checkpoint()
    }

    /// The record is not needed any more.
    pub(super) fn release(&self, location: RecordLocation) -> Vec<Retire> {
        let mut state = self.lock();
        state.forget_unindexed(location);
        if state.recovering.is_some() {
            state.released.insert(location);
        }
        match location.place {
            Place::Segment { number, offset } => {
                if let Some(pages) = state.segments.get_mut(&number) {
                    pages.remove(&(offset / ALIGN));
                }
                let mut retire = state.sweep();
                if state.segments.contains_key(&number) && !retire.contains(&Retire::Empty(number)) {
                    retire.extend(state.erase(location));
                }
                retire
            }
            Place::Own { file, .. } | Place::Held { file } => {
                state.own.remove(&file);
                vec![Retire::Remove(location.place)]
            }
        }
    }

    /// Whether the segment is there and holds records that are needed; false for one that cannot be read.
    pub(super) fn holds_records(&self, number: u32) -> bool {
        let state = self.lock();
        state.segments.get(&number).is_some_and(|pages| !pages.is_empty() && !pages.contains(&u64::MAX))
    }

    /// Whether somebody needs a record that was found in a segment.
    pub(super) fn is_needed(&self, location: RecordLocation) -> bool {
        let Place::Segment { number, offset } = location.place else { return true };
        self.lock().segments.get(&number).is_none_or(|pages| pages.contains(&(offset / ALIGN)))
    }

    /// A record found in a segment after recovery: to be erased if nobody needs it.
    pub(super) fn erase_unneeded(&self, location: RecordLocation) -> Vec<Retire> {
        let mut state = self.lock();
        let Place::Segment { number, offset } = location.place else { return Vec::new() };
        match state.segments.get(&number) {
            Some(pages) if !pages.contains(&(offset / ALIGN)) => state.erase(location).into_iter().collect(),
            _ => Vec::new(),
        }
    }

    /// Counts a reader of the record; false when the record was released. A file of its own needs no count: what is
    /// open outlives its name.
    pub(super) fn pin(&self, location: RecordLocation) -> bool {
        let mut state = self.lock();
        let Place::Segment { number, offset } = location.place else { return true };
        let released = match state.recovering {
            Some(_) => state.released.contains(&location),
            None => !state.segments.get(&number).is_some_and(|pages| pages.contains(&(offset / ALIGN))),
        };
        if !released {
            *state.readers.entry(location).or_default() += 1;
        }
        !released
    }

    /// A reader of the record has gone.
    pub(super) fn unpin(&self, location: RecordLocation) -> Vec<Retire> {
        let mut state = self.lock();
        if let Some(readers) = state.readers.get_mut(&location) {
            *readers = readers.saturating_sub(1);
            if *readers == 0 {
                state.readers.remove(&location);
                if state.erase_later.remove(&location) {
                    return vec![Retire::Erase(location)];
                }
            }
        }
        Vec::new()
    }

    /// Recovery has ended: every record that is still needed was added. Files in `listing` that no record needs go.
    pub(super) fn recovered(&self, listing: &Listing) -> Vec<Retire> {
        let mut state = self.lock();
        state.recovering = None;
        state.released = HashSet::new();
        let mut retire = state.sweep();
        let own = listing.own.iter().map(|&(journal, file)| Place::Own { journal, file });
        let held = listing.held.iter().map(|&file| Place::Held { file });
        retire.extend(own.chain(held).filter(|place| !state.needs(*place)).map(Retire::Remove));
        retire
    }
}

impl State {
    fn add(&mut self, location: RecordLocation) {
        match location.place {
            Place::Segment { number, offset } => {
                // a row may name a segment that was lost; it pins nothing
                if let Some(pages) = self.segments.get_mut(&number) {
                    pages.insert(offset / ALIGN);
                }
            }
            Place::Own { file, .. } | Place::Held { file } => {
                self.own.insert(file);
            }
        }
    }

    /// Erases the record now, or when its last reader has gone.
    fn erase(&mut self, location: RecordLocation) -> Option<Retire> {
        if self.readers.contains_key(&location) {
            self.erase_later.insert(location);
            return None;
        }
        Some(Retire::Erase(location))
    }

    fn needs(&self, place: Place) -> bool {
        match place {
            Place::Segment { .. } => true,
            Place::Own { file, .. } | Place::Held { file } => self.own.contains(&file),
        }
    }

    fn forget_unindexed(&mut self, location: RecordLocation) {
        if let Some(journal) = location.journal() {
            self.unindexed.remove(&(journal, location));
        }
    }

    fn checkpoint(&self) -> Checkpoint {
        let end = Checkpoint { segment: self.active, offset: self.position };
        let oldest = self.unindexed.first().map_or(end, |(journal, _)| *journal);
        self.recovering.unwrap_or(oldest)
    }

    fn sweep(&mut self) -> Vec<Retire> {
        let newest = self.segments.last_key_value().map(|(number, _)| *number);
        let from = if self.recovering.is_some() { self.first } else { 0 };
        let mut retire = Vec::new();
        let emptied = &mut self.emptied;
        self.segments.retain(|&number, pages| {
            let spent = pages.is_empty() && number < self.active && number >= from;
            if spent && Some(number) == newest {
                if emptied.replace(number) != Some(number) {
                    retire.push(Retire::Empty(number));
                }
            } else if spent {
                retire.push(Retire::Remove(Place::Segment { number, offset: 0 }));
                return false;
            }
            true
        });
        retire
    }
}
