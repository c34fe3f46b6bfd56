//! What the partner has to do: studies that wait, results that are late.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::Utc;
use dicom_dictionary_std::tags;
use tokio::sync::Semaphore;

use super::Options;
use crate::error::SimulationError;
use crate::object::Object;
use crate::results::{Faulty, Request, make};
use crate::store::{Intake, Store};

/// How often the partner looks whether a study is due.
const TICK: Duration = Duration::from_millis(100);
/// STOW-RS requests that are read at the same time.
const UPLOADS: usize = 4;

/// The state that all services of the partner share.
pub(super) struct Shared {
    pub(super) store: Arc<Store>,
    pub(super) options: Options,
    desk: Mutex<Desk>,
    /// Places for STOW-RS requests, each of which is held in memory.
    pub(super) uploads: Semaphore,
}

/// What is to be done. Times are epoch milliseconds.
#[derive(Default)]
pub(super) struct Desk {
    /// Studies that wait for processing, with the time of their last arrival.
    waiting: BTreeMap<String, i64>,
    /// What becomes visible at a time.
    pub(super) late: Vec<(i64, Object)>,
    faulty: VecDeque<Faulty>,
    /// Results and not sources, by SOP Instance UID as offered.
    pub(super) offered: BTreeMap<String, usize>,
}

impl Shared {
    pub(super) fn new(options: Options) -> Arc<Self> {
        let desk = Desk { faulty: options.faulty.iter().cloned().collect(), ..Desk::default() };
        Arc::new(Self {
            store: Store::new(options.limits),
            options,
            desk: Mutex::new(desk),
            uploads: Semaphore::new(UPLOADS),
        })
    }

    pub(super) fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn offer(&self, object: Object) -> Result<(), SimulationError> {
        let study = object.study.clone();
        self.store.insert(object)?;
        *self.desk().offered.entry(study).or_default() += 1;
        Ok(())
    }

    pub(super) fn process(
        &self,
        study: &str,
        faulty: Option<&Faulty>,
        now: i64,
    ) -> Result<usize, SimulationError> {
        self.desk().waiting.remove(study);
        let source = self.store.study(study);
        let patient = |object: &Object| object.attributes.text(tags::PATIENT_ID);
        let of_study = source.first().map(|first| patient(first)).unwrap_or_default();
        let others = self.store.select(|object| object.study != study && patient(object) != of_study);
        let request = Request {
            source: &source,
            other: others.first().map(|other| &**other),
            kinds: &self.options.kinds,
            faulty,
            now,
            seed: self.options.seed,
        };
        let delivery = make(&request)?;
        let due = now.saturating_add(i64::try_from(self.options.late.as_millis()).unwrap_or(i64::MAX));
        self.desk().late.extend(delivery.late.into_iter().map(|object| (due, object)));
        let count = delivery.objects.len();
        delivery.objects.into_iter().try_for_each(|object| self.offer(object))?;
        Ok(count)
    }

    pub(super) fn tick(&self, now: i64) {
        let due: Vec<Object> = {
            let mut desk = self.desk();
            let (due, later) = std::mem::take(&mut desk.late).into_iter().partition(|(time, _)| *time <= now);
            desk.late = later;
            due.into_iter().map(|(_, object)| object).collect()
        };
        for object in due {
            if self.offer(object).is_err() {
                tracing::warn!("the simulated partner is full; a late result is lost");
            }
        }
        let Some(delay) = self.options.delay else { return };
        let rest = now.saturating_sub(i64::try_from(delay.as_millis()).unwrap_or(i64::MAX));
        let ready: Vec<String> = {
            let desk = self.desk();
            let ready = desk.waiting.iter().filter(|(_, arrival)| **arrival <= rest);
            ready.map(|(study, _)| study.clone()).collect()
        };
        for study in ready {
            let faulty = self.desk().faulty.pop_front();
            if let Err(error) = self.process(&study, faulty.as_ref(), now) {
                tracing::warn!(%error, "the simulated partner could not process a study");
            }
        }
    }
}

impl Intake for Shared {
    fn takes(&self, _: &str) -> bool {
        true
    }

    fn longest(&self) -> usize {
        self.options.limits.message_bytes
    }

    fn take(&self, object: Object) -> Result<(), SimulationError> {
        let study = object.study.clone();
        self.store.insert(object)?;
        let mut desk = self.desk();
        if !desk.offered.contains_key(&study) {
            desk.waiting.insert(study, Utc::now().timestamp_millis());
        }
        Ok(())
    }
}

/// The partner works by itself.
pub(super) async fn work(shared: Arc<Shared>, delay: Duration) {
    let mut clock = tokio::time::interval(TICK.min(delay.max(Duration::from_millis(1))));
    loop {
        clock.tick().await;
        shared.tick(Utc::now().timestamp_millis());
    }
}
