//! The simulated research partner: takes studies by STOW-RS or C-STORE, and after a delay offers results by QIDO-RS and WADO-RS.
//!
//! Its DICOM node takes instances only: there is no C-GET or C-MOVE provider here, so results are fetched by DICOMweb.

mod desk;
mod dicomweb;
mod json;
mod multipart;
mod qido;
mod stow;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use dicom_node::AeTitle;
use dicom_node::query_retrieve_scp::NoQuery;
use dicom_node::storage_commitment::NoCommitment;
use memchr::memmem;
use tokio_util::sync::{CancellationToken, DropGuard};

use self::desk::{Shared, work};
use crate::error::SimulationError;
use crate::node::{Running, policy};
use crate::object::Object;
use crate::results::{Faulty, ResultKind};
use crate::seed::Seed;
use crate::store::StoreLimits;

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

impl Partner {
    /// Starts its listeners.
    ///
    /// # Errors
    /// [`SimulationError::Listen`].
    pub async fn start(options: Options) -> Result<Self, SimulationError> {
        let shared = Shared::new(options.clone());
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

    /// Instances, received or made, whose bytes hold this text: the search for what should not have left.
    pub fn instances_with(&self, text: &str) -> usize {
        let finder = memmem::Finder::new(text);
        self.shared.store.select(|object| finder.find(&object.data).is_some()).len()
    }
}
