//! The simulated clinical PACS: holds generated studies, pushes them, answers C-ECHO and C-FIND, takes results by C-STORE and commits to
//! them (N-EVENT-REPORT on an association of its own). On request it misbehaves.

mod commitment;
mod push;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dicom_node::AeTitle;
use dicom_node::access::Policy;
use dicom_stream::Tag;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::error::SimulationError;
use crate::generate::Study;
use crate::node::{Peer, Running, policy};
use crate::object::Object;
use crate::query::StoreQuery;
use crate::store::{Intake, Store, StoreLimits};

pub use push::Push;

/// How to start a PACS.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Our AE title.
    pub title: AeTitle,
    /// Nodes that may ask for storage commitment, and where their reports go.
    pub peers: Vec<Peer>,
    /// What it holds at most.
    pub limits: StoreLimits,
}

/// What a PACS does wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults {
    /// This SOP class is refused (0x0122).
    pub refuse_sop_class: Option<String>,
    /// So many of the next instances are lost after they were acknowledged: commitment fails for them, queries do not find them.
    pub lose: usize,
    /// C-FIND is not offered.
    pub no_query: bool,
}

/// An instance that the PACS holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// Series Instance UID.
    pub series: String,
    /// SOP Class UID.
    pub sop_class: String,
    /// SOP Instance UID.
    pub sop_instance: String,
    /// It was loaded, and did not come over the network.
    pub original: bool,
}

/// A clinical PACS in process. It ends when it is dropped.
pub struct ClinicalPacs {
    title: AeTitle,
    address: SocketAddr,
    shared: Arc<Shared>,
    running: tokio::sync::Mutex<Option<Running>>,
    _reports: DropGuard,
}

struct Shared {
    store: Arc<Store>,
    /// Digest of each original by SOP Instance UID.
    originals: Mutex<HashMap<String, blake3::Hash>>,
    faults: Mutex<Faults>,
    desk: commitment::Desk,
}

impl Shared {
    fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn originals(&self) -> MutexGuard<'_, HashMap<String, blake3::Hash>> {
        self.originals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Intake for Shared {
    fn takes(&self, sop_class: &str) -> bool {
        self.faults().refuse_sop_class.as_deref() != Some(sop_class)
    }

    fn longest(&self) -> usize {
        self.store.limits().message_bytes
    }

    fn take(&self, object: Object) -> Result<(), SimulationError> {
        let mut faults = self.faults();
        if faults.lose > 0 {
            faults.lose -= 1;
            return Ok(());
        }
        drop(faults);
        self.store.insert(object)
    }
}

impl ClinicalPacs {
    /// Starts listening.
    ///
    /// # Errors
    /// [`SimulationError::Listen`].
    pub async fn start(options: Options) -> Result<Self, SimulationError> {
        let store = Store::new(options.limits);
        let stop = CancellationToken::new();
        let desk =
            commitment::Desk::open(options.title.clone(), options.peers, Arc::clone(&store), stop.clone());
        let shared = Arc::new(Shared { store, originals: Mutex::default(), faults: Mutex::default(), desk });
        let running = serve(&shared, options.listen, &options.title)?;
        Ok(Self {
            title: options.title,
            address: running.address,
            shared,
            running: tokio::sync::Mutex::new(Some(running)),
            _reports: stop.drop_guard(),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its AE title.
    pub fn title(&self) -> &AeTitle {
        &self.title
    }

    /// Takes studies over as originals.
    ///
    /// # Errors
    /// [`SimulationError::Full`].
    pub fn load(&self, studies: &[Study]) -> Result<(), SimulationError> {
        for object in studies.iter().flat_map(|study| &study.objects) {
            self.shared.originals().insert(object.sop_instance.clone(), blake3::hash(&object.data));
            self.shared.store.insert(object.clone())?;
        }
        Ok(())
    }

    /// Sends the originals of these studies over so many associations at the same time.
    pub async fn push(&self, to: &Peer, studies: &[String], associations: usize) -> Push {
        let mut objects = Vec::new();
        for study in studies {
            objects.extend(self.instances(study).into_iter().filter(|object| self.is_original(object)));
        }
        push::push(&self.title, to, &objects, associations).await
    }

    /// Studies that it knows.
    pub fn studies(&self) -> Vec<String> {
        self.shared.store.studies()
    }

    /// What it holds of a study.
    pub fn holdings(&self, study: &str) -> Vec<Holding> {
        let holding = |object: Arc<Object>| Holding {
            series: object.series.clone(),
            sop_class: object.sop_class.clone(),
            sop_instance: object.sop_instance.clone(),
            original: self.is_original(&object),
        };
        self.instances(study).into_iter().map(holding).collect()
    }

    /// The instances of a study, with attributes and bytes.
    pub fn instances(&self, study: &str) -> Vec<Arc<Object>> {
        self.shared.store.study(study)
    }

    /// Whether each original of the study is still there byte for byte, and nothing was put into an original series.
    pub fn is_untouched(&self, study: &Study) -> bool {
        let held = self.instances(&study.uid);
        let is_there = |original: &Object| {
            held.iter()
                .any(|object| object.sop_instance == original.sop_instance && object.data == original.data)
        };
        let in_original_series = held
            .iter()
            .filter(|object| study.objects.iter().any(|original| original.series == object.series));
        study.objects.iter().all(is_there) && in_original_series.count() == study.objects.len()
    }

    /// Corrects an attribute of a study, as a merge of patients or a changed order does: queries answer the new value, the instances stay.
    /// A name goes in the character set of the study.
    ///
    /// # Errors
    /// [`SimulationError::UnknownStudy`].
    pub fn correct(&self, study: &str, tag: Tag, value: &str) -> Result<(), SimulationError> {
        self.shared.store.amend(study, tag, value)
    }

    /// Deletes a study: queries find nothing any more.
    ///
    /// # Errors
    /// [`SimulationError::UnknownStudy`].
    pub fn delete(&self, study: &str) -> Result<(), SimulationError> {
        self.shared.store.delete(study)
    }

    /// From now on it does this wrong.
    pub fn set_faults(&self, faults: Faults) {
        *self.shared.faults() = faults;
    }

    /// Goes down: associations end and connections are refused.
    pub async fn go_down(&self) {
        if let Some(running) = self.running.lock().await.take() {
            running.stop().await;
        }
    }

    /// Comes up again at the same address.
    ///
    /// # Errors
    /// [`SimulationError::Listen`].
    pub async fn come_up(&self) -> Result<(), SimulationError> {
        let mut running = self.running.lock().await;
        if running.is_none() {
            *running = Some(serve(&self.shared, self.address, &self.title)?);
        }
        Ok(())
    }

    fn is_original(&self, object: &Object) -> bool {
        let digest = self.shared.originals().get(&object.sop_instance).copied();
        digest.is_some_and(|digest| digest == blake3::hash(&object.data))
    }
}

fn serve(shared: &Arc<Shared>, address: SocketAddr, title: &AeTitle) -> Result<Running, SimulationError> {
    let faults = Arc::clone(shared);
    let policy = move || Policy { query: !faults.faults().no_query, ..policy() };
    let query = StoreQuery(Arc::clone(&shared.store));
    Running::start(address, title.clone(), policy, Arc::clone(shared), shared.desk.clone(), query)
}
