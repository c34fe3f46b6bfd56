//! The simulated research partner: takes studies by STOW-RS or C-STORE, and after a delay offers results by QIDO-RS and WADO-RS.
//!
//! Its DICOM node takes instances only: there is no C-GET or C-MOVE provider here, so results are fetched by DICOMweb.

mod dicomweb;
mod json;
mod multipart;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::Utc;
use dicom_node::AeTitle;
use dicom_node::query_retrieve_scp::NoQuery;
use dicom_node::storage_commitment::NoCommitment;
use dicom_stream::Tag;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::error::SimulationError;
use crate::node::{Running, policy};
use crate::object::Object;
use crate::results::{Faulty, Request, ResultKind, make};
use crate::seed::Seed;
use crate::store::{Intake, Store, StoreLimits};

/// How often the partner looks whether a study is due.
const TICK: Duration = Duration::from_millis(100);

/// How to start a partner.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where its DICOM node listens, and its title; port 0 takes a free one.
    pub dicom: Option<(SocketAddr, AeTitle)>,
    /// Where its DICOMweb server listens; port 0 takes a free one.
    pub dicomweb: Option<SocketAddr>,
    /// Bearer token that every DICOMweb request must show.
    pub token: Option<String>,
    /// A study is processed when nothing new has come for so long; `None`: only when [`Partner::process`] is called.
    pub delay: Option<Duration>,
    /// Kinds of results.
    pub kinds: Vec<ResultKind>,
    /// Faults of the first studies that are processed by themselves, one each; those after them get good results.
    pub faulty: Vec<Faulty>,
    /// How much later [`Faulty::Late`] objects come.
    pub late: Duration,
    /// What it holds at most.
    pub limits: StoreLimits,
    /// The same seed and study give the same UIDs.
    pub seed: Seed,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            dicom: None,
            dicomweb: Some(SocketAddr::from(([127, 0, 0, 1], 0))),
            token: None,
            delay: None,
            kinds: ResultKind::ALL.to_vec(),
            faulty: Vec::new(),
            late: Duration::from_secs(5),
            limits: StoreLimits::default(),
            seed: Seed(1),
        }
    }
}

/// What happened to a study at the partner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StudySummary {
    /// Instances that were sent to the partner.
    pub received: usize,
    /// Result instances that it offers.
    pub offered: usize,
    /// Result instances that it will offer later.
    pub late: usize,
}

/// A research partner in process. It ends when it is dropped.
pub struct Partner {
    shared: Arc<Shared>,
    dicom: Option<Running>,
    dicomweb: Option<SocketAddr>,
    _stop: DropGuard,
}

struct Shared {
    store: Arc<Store>,
    options: Options,
    desk: Mutex<Desk>,
}

/// What is to be done. Times are epoch milliseconds.
#[derive(Default)]
struct Desk {
    /// Studies that wait for processing, with the time of their last arrival.
    waiting: BTreeMap<String, i64>,
    /// What becomes visible at a time.
    late: Vec<(i64, Object)>,
    faulty: VecDeque<Faulty>,
    /// Results and not sources, by SOP Instance UID as offered.
    offered: BTreeMap<String, usize>,
}

impl Partner {
    /// Starts its listeners.
    ///
    /// # Errors
    /// [`SimulationError::Listen`].
    pub async fn start(options: Options) -> Result<Self, SimulationError> {
        let desk = Desk { faulty: options.faulty.iter().cloned().collect(), ..Desk::default() };
        let shared = Arc::new(Shared {
            store: Store::new(options.limits),
            options: options.clone(),
            desk: Mutex::new(desk),
        });
        let stop = CancellationToken::new();
        let dicomweb = match options.dicomweb {
            Some(address) => Some(dicomweb::serve(&shared, address, stop.clone()).await?),
            None => None,
        };
        let dicom = match options.dicom {
            Some((address, title)) => {
                Some(Running::start(address, title, policy, Arc::clone(&shared), NoCommitment, NoQuery)?)
            }
            None => None,
        };
        if let Some(delay) = options.delay {
            tokio::spawn(stop.clone().run_until_cancelled_owned(work(Arc::clone(&shared), delay)));
        }
        Ok(Self { shared, dicom, dicomweb, _stop: stop.drop_guard() })
    }

    /// Where its DICOM node listens.
    pub fn dicom_address(&self) -> Option<SocketAddr> {
        self.dicom.as_ref().map(|running| running.address)
    }

    /// Where its DICOMweb server listens; its root is [`dicomweb_url`](Self::dicomweb_url).
    pub fn dicomweb_address(&self) -> Option<SocketAddr> {
        self.dicomweb
    }

    /// Root of STOW-RS, QIDO-RS and WADO-RS.
    pub fn dicomweb_url(&self) -> Option<String> {
        self.dicomweb.map(|address| format!("http://{address}/dicom-web"))
    }

    /// Studies that it was sent.
    pub fn studies(&self) -> Vec<String> {
        self.shared.store.studies()
    }

    /// Everything that it holds of a study, results included.
    pub fn instances(&self, study: &str) -> Vec<Arc<Object>> {
        self.shared.store.study(study)
    }

    /// What happened to a study so far.
    pub fn summary(&self, study: &str) -> StudySummary {
        let desk = self.shared.desk();
        let offered = desk.offered.get(study).copied().unwrap_or(0);
        let held = self.shared.store.study(study).len();
        let late = desk.late.iter().filter(|(_, object)| object.study == study).count();
        StudySummary { received: held.saturating_sub(offered), offered, late }
    }

    /// Processes a study at `now` (epoch milliseconds), and offers its results at once; what is late comes with [`tick`](Self::tick).
    /// Returns how many are offered.
    ///
    /// # Errors
    /// [`SimulationError::UnknownStudy`] when no image of it was received; [`SimulationError::Full`].
    pub fn process(&self, study: &str, faulty: Option<&Faulty>, now: i64) -> Result<usize, SimulationError> {
        self.shared.process(study, faulty, now)
    }

    /// Offers one object as it is, under this study.
    ///
    /// # Errors
    /// [`SimulationError::Full`].
    pub fn offer(&self, study: &str, object: Object) -> Result<(), SimulationError> {
        self.shared.offer(Object { study: study.to_owned(), ..object })
    }

    /// What is due at `now` (epoch milliseconds) is done: late results are offered and, if the partner has a delay, studies at rest are
    /// processed. A partner with a delay does this by itself.
    pub fn tick(&self, now: i64) {
        self.shared.tick(now);
    }

    /// Whether any received instance holds this text in the value of an attribute: for searches of what left.
    pub fn has_received(&self, tag: Tag, value: &str) -> bool {
        !self.shared.store.select(|object| object.attributes.text(tag) == value).is_empty()
    }
}

impl Shared {
    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn offer(&self, object: Object) -> Result<(), SimulationError> {
        let study = object.study.clone();
        self.store.insert(object)?;
        *self.desk().offered.entry(study).or_default() += 1;
        Ok(())
    }

    fn process(&self, study: &str, faulty: Option<&Faulty>, now: i64) -> Result<usize, SimulationError> {
        self.desk().waiting.remove(study);
        let source = self.store.study(study);
        let patient = |object: &Object| object.attributes.text(dicom_dictionary_std::tags::PATIENT_ID);
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

    fn tick(&self, now: i64) {
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

async fn work(shared: Arc<Shared>, delay: Duration) {
    let mut clock = tokio::time::interval(TICK.min(delay.max(Duration::from_millis(1))));
    loop {
        clock.tick().await;
        shared.tick(Utc::now().timestamp_millis());
    }
}
