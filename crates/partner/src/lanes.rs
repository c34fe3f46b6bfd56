//! Several connections that take from one queue of instances.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc::Sender;
use tokio::task::JoinSet;

use crate::error::{Cause, PartnerError};
use crate::outgoing::{Answer, InstanceSource, Outcome, OutgoingInstance};

/// Exchanges in a row that may break before a lane gives up. More than one, so that one instance that kills every connection
/// does not stop the others.
pub(crate) const BREAKS: u32 = 3;

/// What the lanes of one batch share.
pub(crate) struct Work<S> {
    queue: Mutex<VecDeque<OutgoingInstance>>,
    stopped: AtomicBool,
    pub(crate) source: Arc<S>,
    answers: Sender<Answer>,
}

impl<S: InstanceSource> Work<S> {
    pub(crate) fn new(
        instances: Vec<OutgoingInstance>,
        source: Arc<S>,
        answers: Sender<Answer>,
    ) -> Arc<Self> {
        Arc::new(Self {
            queue: Mutex::new(instances.into()),
            stopped: AtomicBool::new(false),
            source,
            answers,
        })
    }

    fn queue(&self) -> MutexGuard<'_, VecDeque<OutgoingInstance>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// No lane takes anything more.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Whether a lane, or the caller, wants no more.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed) || self.answers.is_closed()
    }

    /// Whether there is nothing to take.
    pub(crate) fn is_done(&self) -> bool {
        self.is_stopped() || self.queue().is_empty()
    }

    /// The next instance.
    pub(crate) fn take(&self) -> Option<OutgoingInstance> {
        if self.is_done() { None } else { self.queue().pop_front() }
    }

    /// The next instances: at least one, and no further one beyond either limit.
    pub(crate) fn take_some(&self, instances: usize, bytes: u64) -> Vec<OutgoingInstance> {
        let (mut taken, mut sum) = (Vec::new(), 0_u64);
        if self.is_done() {
            return taken;
        }
        let mut queue = self.queue();
        while let Some(next) = queue.front() {
            let length = next.length.unwrap_or(0);
            if !taken.is_empty() && (taken.len() >= instances || sum.saturating_add(length) > bytes) {
                break;
            }
            sum = sum.saturating_add(length);
            taken.extend(queue.pop_front());
        }
        taken
    }

    /// Gives back what was taken and not sent.
    pub(crate) fn put_back(&self, instances: impl IntoIterator<Item = OutgoingInstance>) {
        self.queue().extend(instances);
    }

    /// Tells the caller; `false` when it does not listen any more.
    pub(crate) async fn answer(&self, instance: &OutgoingInstance, outcome: Outcome) -> bool {
        self.answers.send(Answer { id: instance.id, outcome }).await.is_ok()
    }
}

/// Runs `count` lanes to their end. It is a failure only if instances are left over. Dropped, it ends the lanes.
pub(crate) async fn run<S, F>(
    count: usize,
    work: &Arc<Work<S>>,
    lane: impl Fn() -> F,
) -> Result<(), PartnerError>
where
    S: InstanceSource,
    F: Future<Output = Result<(), PartnerError>> + Send + 'static,
{
    let mut lanes = JoinSet::new();
    for _ in 0..count.min(work.queue().len()) {
        lanes.spawn(lane());
    }
    let mut failure = None;
    while let Some(ended) = lanes.join_next().await {
        let ended =
            ended.unwrap_or(Err(PartnerError::Permanent { cause: Cause::Request("a sender failed") }));
        failure = failure.or(ended.err());
    }
    match failure {
        Some(error) if !work.queue().is_empty() => Err(error),
        _ => Ok(()),
    }
}
