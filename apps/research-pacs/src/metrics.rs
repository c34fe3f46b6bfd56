//! Figures for `/metrics`: counts and sizes, never an identity, no label that a peer can choose.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use pipeline::poll::Polled;
use pipeline::receive::ReceptionMetrics;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// Names that the configuration gives.
type Labels = Vec<(&'static str, String)>;

/// All figures of the process.
#[derive(Default)]
pub(crate) struct Metrics {
    acknowledged: Counter,
    acknowledged_bytes: Counter,
    refused: Family<Vec<(&'static str, &'static str)>, Counter>,
    indexed: Counter,
    duplicates: Counter,
    differing: Counter,
    recovered: AtomicU64,
    recovery_done: AtomicBool,
}

impl Metrics {
    /// The text of `/metrics`; `room`: the volume of the objects is above its watermark, `faults`: parts that work no more,
    /// `warnings`: what an operator has to look at, and how much of it, `polls`: how the questions to
    /// partners ended (AC6.6).
    pub(crate) fn render(
        &self,
        room: bool,
        faults: usize,
        warnings: &[(&'static str, u64)],
        polls: &BTreeMap<(String, String), Polled>,
    ) -> String {
        let mut registry = Registry::with_prefix("research_pacs");
        registry.register(
            "instances_acknowledged",
            "Instances answered with success",
            self.acknowledged.clone(),
        );
        registry.register("bytes_acknowledged", "Bytes of their data sets", self.acknowledged_bytes.clone());
        registry.register("instances_refused", "Instances refused, by cause", self.refused.clone());
        registry.register("instances_indexed", "Rows written for received instances", self.indexed.clone());
        registry.register(
            "instances_duplicate",
            "Instances received again with the same bytes",
            self.duplicates.clone(),
        );
        registry.register(
            "instances_differing",
            "Instances received again with other bytes",
            self.differing.clone(),
        );
        let low: Gauge = Gauge::default();
        low.set(i64::from(!room));
        registry.register(
            "objects_low_space",
            "1 while work waits for room on the volume of the objects",
            low,
        );
        let ended: Gauge = Gauge::default();
        ended.set(i64::try_from(faults).unwrap_or(i64::MAX));
        registry.register(
            "parts_ended",
            "Parts of the program that ended by a fault, until the restart",
            ended,
        );
        let noted: Family<Vec<(&'static str, &'static str)>, Gauge> = Family::default();
        for (what, count) in warnings {
            noted.get_or_create(&vec![("what", *what)]).set(i64::try_from(*count).unwrap_or(i64::MAX));
        }
        registry.register("warnings", "What an operator has to look at: see the log", noted);
        let (asked, last): (Family<Labels, Counter>, Family<Labels, Gauge>) = Default::default();
        for ((project, partner), polled) in polls {
            let labels = vec![("project", project.clone()), ("partner", partner.clone())];
            for (outcome, count) in [("answered", polled.succeeded), ("failed", polled.failed)] {
                let labels = [labels.clone(), vec![("outcome", outcome.to_owned())]].concat();
                asked.get_or_create(&labels).inc_by(count);
            }
            if let Some(at) = polled.last_success {
                last.get_or_create(&labels).set(at / 1000);
            }
        }
        registry.register("polls", "Questions to partners whether there are results", asked);
        registry.register(
            "poll_last_success_timestamp_seconds",
            "When a partner last answered that question, seconds since 1970",
            last,
        );
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &registry);
        text
    }

    /// Rows were written.
    pub(crate) fn written(&self, written: archive::Written) {
        self.indexed.inc_by(written.rows);
        self.duplicates.inc_by(written.duplicates);
        self.differing.inc_by(written.differing);
    }

    /// The recovery of the receive buffer is through.
    pub(crate) fn recovered(&self, records: u64) {
        self.recovered.store(records, Ordering::Relaxed);
        self.recovery_done.store(true, Ordering::Release);
    }

    /// Counts of the reception for the status page, and whether the recovery is through.
    pub(crate) fn summary(&self) -> Summary {
        Summary {
            acknowledged: self.acknowledged.get(),
            bytes: self.acknowledged_bytes.get(),
            indexed: self.indexed.get(),
            duplicates: self.duplicates.get(),
            differing: self.differing.get(),
            recovered: self.recovered.load(Ordering::Relaxed),
            recovery_done: self.recovery_done.load(Ordering::Acquire),
        }
    }
}

/// Figures of the status page.
pub(crate) struct Summary {
    pub(crate) acknowledged: u64,
    pub(crate) bytes: u64,
    pub(crate) indexed: u64,
    pub(crate) duplicates: u64,
    pub(crate) differing: u64,
    pub(crate) recovered: u64,
    pub(crate) recovery_done: bool,
}

impl ReceptionMetrics for Metrics {
    fn acknowledged(&self, bytes: u64) {
        self.acknowledged.inc();
        self.acknowledged_bytes.inc_by(bytes);
    }

    fn refused(&self, cause: &'static str) {
        self.refused.get_or_create(&vec![("cause", cause)]).inc();
    }
}
