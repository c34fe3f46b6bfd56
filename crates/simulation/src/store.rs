//! The bounded memory of a simulated peer, and the way into it by C-STORE.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use dicom_node::receiver::{InstanceReceiver, InstanceSink, StoreReceipt, StoreRequest};
use dicom_node::status::StoreFailure;
use dicom_stream::{Tag, TransferSyntax};

use crate::data_set::DataSet;
use crate::error::SimulationError;
use crate::object::Object;

/// What a simulated peer holds at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreLimits {
    /// Instances.
    pub instances: usize,
    /// Bytes of all data sets.
    pub bytes: usize,
    /// Bytes of one data set, and of one STOW-RS request.
    pub message_bytes: usize,
}

impl Default for StoreLimits {
    fn default() -> Self {
        Self { instances: 100_000, bytes: 512 << 20, message_bytes: 96 << 20 }
    }
}

/// Key of an instance: study, series, instance, as filed.
type Key = (String, String, String);

/// Instances by study, series and SOP instance.
#[derive(Debug)]
pub(crate) struct Store {
    limits: StoreLimits,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    objects: BTreeMap<Key, Arc<Object>>,
    /// Attributes of the first instance of each study, as the database of an archive keeps them.
    studies: BTreeMap<String, DataSet>,
    bytes: usize,
}

impl Store {
    pub(crate) fn new(limits: StoreLimits) -> Arc<Self> {
        Arc::new(Self { limits, held: Mutex::default() })
    }

    pub(crate) fn limits(&self) -> StoreLimits {
        self.limits
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps an instance; one with the same UIDs is replaced.
    pub(crate) fn insert(&self, object: Object) -> Result<(), SimulationError> {
        let mut held = self.held();
        let bytes = held.bytes + object.data.len();
        if bytes > self.limits.bytes || held.objects.len() >= self.limits.instances {
            return Err(SimulationError::Full);
        }
        let key = (object.study.clone(), object.series.clone(), object.sop_instance.clone());
        held.studies.entry(object.study.clone()).or_insert_with(|| object.attributes.clone());
        let replaced = held.objects.insert(key, Arc::new(object)).map_or(0, |old| old.data.len());
        held.bytes = bytes - replaced;
        Ok(())
    }

    /// The instances that `wanted` says yes to, in the order of their UIDs.
    pub(crate) fn select(&self, wanted: impl Fn(&Object) -> bool) -> Vec<Arc<Object>> {
        self.held().objects.values().filter(|object| wanted(object)).cloned().collect()
    }

    pub(crate) fn study(&self, study: &str) -> Vec<Arc<Object>> {
        self.select(|object| object.study == study)
    }

    /// Every study that ever had an instance.
    pub(crate) fn studies(&self) -> Vec<String> {
        self.held().studies.keys().cloned().collect()
    }

    /// What is known of a study.
    pub(crate) fn study_attributes(&self, study: &str) -> Option<DataSet> {
        self.held().studies.get(study).cloned()
    }

    /// Changes what is known of a study; its instances stay as they are.
    pub(crate) fn amend(&self, study: &str, tag: Tag, value: &str) -> Result<(), SimulationError> {
        let mut held = self.held();
        held.studies.get_mut(study).ok_or(SimulationError::UnknownStudy)?.set(tag, value);
        Ok(())
    }

    /// Deletes a study with its instances.
    pub(crate) fn delete(&self, study: &str) -> Result<(), SimulationError> {
        let mut held = self.held();
        held.studies.remove(study).ok_or(SimulationError::UnknownStudy)?;
        held.objects.retain(|(of, ..), _| of != study);
        held.bytes = held.objects.values().map(|object| object.data.len()).sum();
        Ok(())
    }

    /// SOP class and SOP instance of everything that is held.
    pub(crate) fn references(&self) -> HashSet<(String, String)> {
        let of = |object: &Arc<Object>| (object.sop_class.clone(), object.sop_instance.clone());
        self.held().objects.values().map(of).collect()
    }
}

/// What a peer does with an instance once it is whole.
pub(crate) trait Intake: Send + Sync + 'static {
    /// Whether this class is taken at all.
    fn takes(&self, sop_class: &str) -> bool;

    /// Largest data set, in bytes.
    fn longest(&self) -> usize;

    /// Keeps the instance.
    fn take(&self, object: Object) -> Result<(), SimulationError>;
}

/// Storage SCP over an [`Intake`].
pub(crate) struct Receiver<I>(pub(crate) Arc<I>);

/// One instance on its way in.
pub(crate) struct Sink<I> {
    intake: Arc<I>,
    request: StoreRequest,
    syntax: &'static TransferSyntax,
    data: Vec<u8>,
}

impl<I: Intake> InstanceReceiver for Receiver<I> {
    type Sink = Sink<I>;

    async fn begin(&self, request: &StoreRequest) -> Result<Sink<I>, StoreFailure> {
        if !self.0.takes(&request.sop_class) {
            return Err(StoreFailure::SopClassNotSupported);
        }
        let syntax =
            TransferSyntax::from_uid(&request.transfer_syntax).ok_or(StoreFailure::CannotUnderstand)?;
        Ok(Sink { intake: Arc::clone(&self.0), request: request.clone(), syntax, data: Vec::new() })
    }
}

impl<I: Intake> InstanceSink for Sink<I> {
    async fn chunk(&mut self, bytes: &[u8]) -> Result<(), StoreFailure> {
        if self.data.len() + bytes.len() > self.intake.longest() {
            return Err(StoreFailure::TooLarge);
        }
        self.data.extend_from_slice(bytes);
        Ok(())
    }

    async fn commit(self) -> Result<StoreReceipt, StoreFailure> {
        let object =
            Object::read(Bytes::from(self.data), self.syntax).map_err(|_| StoreFailure::CannotUnderstand)?;
        let announced = (&self.request.sop_class, &self.request.sop_instance);
        if announced != (&object.sop_class, &object.sop_instance) {
            return Err(StoreFailure::DataSetDoesNotMatchSopClass);
        }
        match self.intake.take(object) {
            Ok(()) => Ok(StoreReceipt),
            Err(_) => Err(StoreFailure::OutOfResources),
        }
    }

    async fn abort(self) {}
}
