//! `get`: C-GET of a study into a folder (PS3.4 §C.4.3), by the transport that results of partners come on: C-FIND says what
//! there is, so that only the SOP classes in question are proposed, and what did not come is named.
//!
//! Each object gets its name, which is made from its SOP Instance UID, once it is whole and synced.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, anyhow, ensure};
use clap::Args;
use dicom_node::AeTitle;
use dicom_node::receiver::{InstanceSink, StoreReceipt};
use dicom_node::sop_class::is_uid;
use dicom_node::status::StoreFailure;
use dicom_stream::FileMeta;
use indicatif::{ProgressBar, ProgressStyle};
use partner::{
    Announced, DicomConfig, FetchAnswer, FetchRequest, Fetched, FoundInstance, Listing, Partner,
    PartnerConfig, PartnerError, ResultLimits, ResultReceiver, Transport, WantedInstance,
};
use serde::Serialize;
use tempfile::NamedTempFile;
use tokio::sync::mpsc;

use super::echo::Remote;
use super::partner::cause;
use super::small_runtime;
use crate::exit::Outcome;

/// Instances of one study.
const INSTANCES: usize = 200_000;
/// Bytes of one instance, and of one series.
const INSTANCE_BYTES: u64 = 16 << 30;
const SERIES_BYTES: u64 = 1 << 40;
/// Seconds to wait for an answer, and for one byte to move.
const RESPONSE_SECONDS: u64 = 120;
/// Answers that may wait.
const ANSWERS: usize = 64;
/// Suffixes below 1.2.840.10008.5.1.4.1.1 of image classes that are proposed beside those of results when a node does not say the
/// class of an instance.
const IMAGE_CLASSES: [&str; 8] = ["1", "1.1", "1.2", "3.1", "6.1", "12.1", "12.2", "20"];

/// Fetch a study, or one series of it, into a folder (C-FIND, C-GET).
#[derive(Debug, Args)]
pub(super) struct Get {
    #[command(flatten)]
    remote: Remote,
    /// Study Instance UID.
    #[arg(long, value_name = "UID", value_parser = uid)]
    study: String,
    /// Series Instance UID; without it all series of the study.
    #[arg(long, value_name = "UID", value_parser = uid)]
    series: Option<String>,
    /// Folder for the files; it is created, and files in it are replaced only by the same object.
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// Answer as JSON lines.
    #[arg(long)]
    json: bool,
}

/// Counts of a run.
#[derive(Debug, Default, Serialize)]
struct Summary {
    stored: u64,
    refused: u64,
    missing: u64,
    unasked: u64,
    cut: bool,
}

#[allow(clippy::print_stdout, reason = "the command's answer")]
impl Get {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        std::fs::create_dir_all(&self.out)
            .with_context(|| format!("cannot create {}", self.out.display()))?;
        let summary = small_runtime()?.block_on(self.fetch())?;
        File::open(&self.out)?.sync_all()?;
        let Summary { stored, refused, missing, unasked, cut } = &summary;
        if self.json {
            println!("{}", serde_json::json!(summary));
        } else {
            println!("{stored} fetched, {refused} refused, {missing} missing");
            if stored + refused + missing == 0 {
                println!("the node knows no such study or series");
            }
            if *unasked > 0 {
                println!("{unasked} objects came unasked and were dropped");
            }
            if *cut {
                println!("the study has more than {INSTANCES} instances: fetch it series by series");
            }
        }
        let whole = *stored > 0 && refused + missing == 0 && !cut;
        Ok(if whole { Outcome::Good } else { Outcome::Bad })
    }

    async fn fetch(&self) -> anyhow::Result<Summary> {
        let Listing { instances, cut, .. } = self.list().await?;
        let of_series = |found: &FoundInstance| self.series.as_ref().is_none_or(|uid| found.series == *uid);
        let instances: Vec<FoundInstance> = instances.into_iter().filter(of_series).collect();
        let node = self.node(classes(&instances))?;
        let bar = progress_bar(instances.len() as u64, self.json);
        let mut series: BTreeMap<String, Vec<WantedInstance>> = BTreeMap::new();
        for FoundInstance { series: uid, sop_class, sop_instance, content } in instances {
            series.entry(uid).or_default().push(WantedInstance { sop_instance, sop_class, content });
        }
        let mut summary = Summary { cut, ..Summary::default() };
        for (series, instances) in series {
            let request = FetchRequest { study: self.study.clone(), series, instances, whole: !cut };
            let (sender, mut answers) = mpsc::channel(ANSWERS);
            let telling = async {
                let mut left = request.instances.len() as u64;
                while let Some(answer) = answers.recv().await {
                    bar.suspend(|| self.tell(&answer, &mut summary));
                    bar.inc(1);
                    left = left.saturating_sub(1);
                }
                left
            };
            let folder = Arc::new(Folder(self.out.clone()));
            let (fetched, left) = tokio::join!(node.fetch(&request, folder, sender), telling);
            match fetched {
                Ok(report) => summary.unasked += report.unasked,
                // of this series alone, as far as one can know
                Err(error @ PartnerError::Permanent { .. }) => {
                    bar.suspend(|| self.tell_series(&request.series, &cause(&error)));
                    summary.missing += left;
                }
                Err(error) => return Err(anyhow!(cause(&error))),
            }
        }
        bar.finish_and_clear();
        Ok(summary)
    }

    /// What the node has of the study.
    async fn list(&self) -> anyhow::Result<Listing> {
        let (sender, mut listings) = mpsc::channel(1);
        let node = self.node(Vec::new())?;
        let study = [self.study.clone()];
        let (listed, listing) = tokio::join!(node.list(&study, sender), listings.recv());
        listed.map_err(|error| anyhow!(cause(&error)))?;
        listing.context("the node listed nothing")
    }

    /// The node of the command line; `sop_classes` are taken from it.
    fn node(&self, sop_classes: Vec<String>) -> anyhow::Result<Partner> {
        let transport = Transport::Dicom(DicomConfig {
            host: self.remote.host.clone(),
            port: self.remote.port,
            called: AeTitle::new(&self.remote.called)?,
            calling: AeTitle::new(&self.remote.calling)?,
            tls: None,
            on_site: true, // the operator names the host
            associations: 1,
            response_seconds: RESPONSE_SECONDS,
        });
        let results = ResultLimits {
            sop_classes,
            study_instances: INSTANCES,
            instance_bytes: INSTANCE_BYTES,
            fetch_bytes: SERIES_BYTES,
            ..ResultLimits::default()
        };
        let config = PartnerConfig { id: "get".to_owned(), transport, results };
        Ok(Partner::open(&config, &crate::secret::for_partner)?)
    }

    fn tell_series(&self, series: &str, reason: &str) {
        if self.json {
            println!("{}", serde_json::json!({ "series": series, "failed": reason }));
        } else {
            println!("series {series}: {reason}");
        }
    }

    fn tell(&self, answer: &FetchAnswer, summary: &mut Summary) {
        let (count, word) = match answer.fetched {
            Fetched::Stored => (&mut summary.stored, "stored".to_owned()),
            Fetched::Refused(refusal) => (&mut summary.refused, refusal.to_string()),
            _ => (&mut summary.missing, "the node did not give it".to_owned()),
        };
        *count += 1;
        if self.json {
            println!("{}", serde_json::json!({ "sop_instance": answer.sop_instance, "result": word }));
        } else if answer.fetched != Fetched::Stored {
            println!("{}: {word}", answer.sop_instance);
        }
    }
}

/// The classes to propose: those that the node listed, and the usual ones where it did not say the class.
fn classes(instances: &[FoundInstance]) -> Vec<String> {
    let mut classes: BTreeSet<String> =
        instances.iter().filter_map(|found| found.sop_class.clone()).collect();
    if instances.iter().any(|found| found.sop_class.is_none()) {
        classes.extend(ResultLimits::default().sop_classes);
        classes.extend(IMAGE_CLASSES.iter().map(|suffix| format!("1.2.840.10008.5.1.4.1.1.{suffix}")));
    }
    classes.into_iter().collect()
}

/// Where the objects go. The writes are on the one thread that the command has.
struct Folder(PathBuf);

struct Object {
    temporary: NamedTempFile,
    path: PathBuf,
}

impl ResultReceiver for Folder {
    type Sink = Object;

    async fn begin(&self, announced: &Announced) -> Result<Object, StoreFailure> {
        let meta = FileMeta {
            media_storage_sop_class_uid: announced.sop_class.clone(),
            media_storage_sop_instance_uid: announced.sop_instance.clone(),
            transfer_syntax_uid: announced.transfer_syntax.clone(),
        };
        let mut temporary = tempfile::Builder::new()
            .prefix(".get-")
            .suffix(".part")
            .tempfile_in(&self.0)
            .map_err(|_| StoreFailure::OutOfResources)?;
        meta.write(&mut temporary).map_err(|_| StoreFailure::OutOfResources)?;
        // a legal UID (`Announced`): digits and dots
        Ok(Object { temporary, path: self.0.join(format!("{}.dcm", announced.sop_instance)) })
    }
}

impl InstanceSink for Object {
    async fn chunk(&mut self, bytes: &[u8]) -> Result<(), StoreFailure> {
        self.temporary.write_all(bytes).map_err(|_| StoreFailure::OutOfResources)
    }

    async fn commit(self) -> Result<StoreReceipt, StoreFailure> {
        self.temporary.as_file().sync_all().map_err(|_| StoreFailure::OutOfResources)?;
        self.temporary.persist(self.path).map_err(|_| StoreFailure::OutOfResources)?;
        Ok(StoreReceipt)
    }

    async fn abort(self) {}
}

fn uid(text: &str) -> anyhow::Result<String> {
    ensure!(is_uid(text), "a UID has digits and dots, 64 characters at most (PS3.5 §9.1)");
    Ok(text.to_owned())
}

fn progress_bar(length: u64, json: bool) -> ProgressBar {
    if json || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(length);
    match ProgressStyle::with_template("{bar:30} {pos}/{len} {per_sec} {eta} left") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
