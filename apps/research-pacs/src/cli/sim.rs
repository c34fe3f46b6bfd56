//! `sim`: simulated peers for demonstration and tests. Their identities are invented; they are no product to store images in.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::ensure;
use clap::{Args, Subcommand};
use dicom_node::AeTitle;
use simulation::clinical_pacs::{self, ClinicalPacs};
use simulation::generate::{Modality, Plan, generate};
use simulation::partner::{self, Partner};
use simulation::results::{Faulty, ResultKind};
use simulation::{Peer, Seed, StoreLimits};

use crate::exit::Outcome;

/// Run a simulated peer, for demonstration and tests.
#[derive(Debug, Subcommand)]
pub(super) enum Sim {
    /// A clinical PACS with generated studies: pushes them, answers C-FIND, takes results and commits to them.
    ClinicalPacs(SimClinicalPacs),
    /// A research partner: takes studies, and after a delay offers results that refer to them.
    Partner(SimPartner),
}

/// A clinical PACS with generated studies.
#[derive(Debug, Args)]
pub(super) struct SimClinicalPacs {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// AE title.
    #[arg(long, value_name = "TITLE", default_value = "CLINICALPACS")]
    title: String,
    /// Node that the studies are sent to; it may ask for storage commitment.
    #[arg(long, value_name = "TITLE@HOST:PORT")]
    send_to: Option<Peer>,
    /// Further nodes that may ask for storage commitment, and where the reports go.
    #[arg(long = "peer", value_name = "TITLE@HOST:PORT")]
    peers: Vec<Peer>,
    /// Generated patients; each has one study: CT, MR, CR and ultrasound in turn.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=1000))]
    patients: u16,
    /// Slices of a CT or MR series, frames of an ultrasound.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=500))]
    slices: u16,
    /// The same seed gives the same studies.
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// The first two patients have the same name and birth date.
    #[arg(long)]
    same_name: bool,
    /// Associations at the same time.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=16))]
    associations: u8,
    /// End after the push, instead of waiting for results.
    #[arg(long, requires = "send_to")]
    once: bool,
    /// Answer as JSON lines.
    #[arg(long)]
    json: bool,
}

/// A research partner.
#[derive(Debug, Args)]
pub(super) struct SimPartner {
    /// Where its DICOM node listens; it takes instances and gives none back.
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// AE title.
    #[arg(long, value_name = "TITLE", default_value = "PARTNER")]
    title: String,
    /// Where STOW-RS, QIDO-RS and WADO-RS listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    dicomweb: SocketAddr,
    /// Bearer token that DICOMweb requests must show.
    #[arg(long, value_name = "TOKEN", env = "RESEARCH_PACS_SIM_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// A study is processed when nothing new has come for so long: `2s`, `500ms`.
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = duration)]
    delay: Duration,
    /// Kinds of results: seg, sr, rtstruct, sc, pdf.
    #[arg(long = "result", value_name = "KIND", default_values_t = ResultKind::ALL)]
    kinds: Vec<ResultKind>,
    /// Faults of the first studies, one each: wrong-code, changed-uids, foreign-job, partial, duplicate, late, two-patients,
    /// original-uid=UID, code-in-pixels, strange-date.
    #[arg(long, value_name = "KIND", num_args = 1..)]
    faulty: Vec<Faulty>,
    /// The same seed and study give the same UIDs.
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Answer as JSON lines.
    #[arg(long)]
    json: bool,
}

impl Sim {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        match self {
            Self::ClinicalPacs(command) => runtime.block_on(command.run()),
            Self::Partner(command) => runtime.block_on(command.run()),
        }
    }
}

#[allow(clippy::print_stdout, reason = "the command's answer")]
impl SimClinicalPacs {
    async fn run(self) -> anyhow::Result<Outcome> {
        let plan = Plan {
            seed: self.seed,
            patients: self.patients.into(),
            modalities: Modality::ALL.to_vec(),
            slices: self.slices,
            same_name: self.same_name,
        };
        let options = clinical_pacs::Options {
            listen: self.listen,
            title: AeTitle::new(&self.title)?,
            peers: self.peers.iter().chain(&self.send_to).cloned().collect(),
            limits: StoreLimits::default(),
        };
        let pacs = ClinicalPacs::start(options).await?;
        pacs.load(&generate(&plan)?)?;
        if self.json {
            let line = serde_json::json!({ "title": self.title, "dicom": pacs.address(), "studies": pacs.studies().len() });
            println!("{line}");
        } else {
            println!("{}@{} with {} studies", self.title, pacs.address(), pacs.studies().len());
        }
        let outcome = match &self.send_to {
            Some(peer) => self.push(&pacs, peer).await,
            None => Outcome::Good,
        };
        if self.once {
            return Ok(outcome);
        }
        tokio::signal::ctrl_c().await?;
        Ok(outcome)
    }

    async fn push(&self, pacs: &ClinicalPacs, to: &Peer) -> Outcome {
        let push = pacs.push(to, &pacs.studies(), self.associations.into()).await;
        let (sent, refused) = (push.acknowledged.len(), push.refused.len());
        let broken: Vec<String> = push.broken.iter().map(ToString::to_string).collect();
        if self.json {
            println!("{}", serde_json::json!({ "sent": sent, "refused": refused, "broken": broken }));
        } else {
            println!("{sent} sent, {refused} refused");
            broken.iter().for_each(|error| println!("association broken: {error}"));
        }
        if refused == 0 && broken.is_empty() { Outcome::Good } else { Outcome::Bad }
    }
}

#[allow(clippy::print_stdout, reason = "the command's answer")]
impl SimPartner {
    async fn run(self) -> anyhow::Result<Outcome> {
        let title = AeTitle::new(&self.title)?;
        let partner = Partner::start(partner::Options {
            dicom: self.listen.map(|address| (address, title)),
            dicomweb: Some(self.dicomweb),
            token: self.token,
            delay: Some(self.delay),
            kinds: self.kinds,
            faulty: self.faulty,
            seed: Seed(self.seed),
            ..partner::Options::default()
        })
        .await?;
        let (dicom, dicomweb) = (partner.dicom_address(), partner.dicomweb_url());
        if self.json {
            println!("{}", serde_json::json!({ "title": self.title, "dicom": dicom, "dicomweb": dicomweb }));
        } else {
            println!("DICOMweb at {}", dicomweb.unwrap_or_default());
            dicom.iter().for_each(|address| println!("DICOM at {}@{address}", self.title));
        }
        tokio::signal::ctrl_c().await?;
        Ok(Outcome::Good)
    }
}

/// `2s`, `500ms` or a number of seconds.
fn duration(text: &str) -> anyhow::Result<Duration> {
    let (number, scale) = match text.strip_suffix("ms") {
        Some(number) => (number, 0.001),
        None => (text.strip_suffix('s').unwrap_or(text), 1.0),
    };
    let seconds = number.trim().parse::<f64>()? * scale;
    ensure!((0.0..=86_400.0).contains(&seconds), "between 0 and 86400 seconds");
    Ok(Duration::from_secs_f64(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit_or_are_seconds() {
        assert_eq!(duration("2s").unwrap(), Duration::from_secs(2));
        assert_eq!(duration("500ms").unwrap(), Duration::from_millis(500));
        assert_eq!(duration("1.5").unwrap(), Duration::from_millis(1500));
        for bad in ["", "s", "-1s", "1h", "99999999s", "NaN"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }
}
