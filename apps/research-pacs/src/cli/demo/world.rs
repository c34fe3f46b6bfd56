//! The peers of the demonstration, and the configuration that joins them with the server.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use archive::result_set::{self, ResultSetState};
use builder::Site;
use dicom_node::AeTitle;
use simulation::clinical_pacs::{self, ClinicalPacs};
use simulation::generate::{Plan, Study, generate};
use simulation::partner::{self, Partner};
use simulation::results::ResultKind;
use simulation::sinks::{MailSink, WebhookSink};
use simulation::{Peer, StoreLimits};

use crate::serve::Addresses;

const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);
/// Called titles of the two projects: results of the first go back by policy, those of the second by a person.
const TITLES: [&str; 2] = ["STUDY1", "STUDY2"];

/// Everything around the server.
pub(super) struct World {
    pub(super) studies: Vec<Study>,
    pub(super) pacs: ClinicalPacs,
    pub(super) partners: [Partner; 2],
    pub(super) mails: MailSink,
    pub(super) webhooks: WebhookSink,
    folder: PathBuf,
}

impl World {
    /// Starts the peers and invents the patients.
    pub(super) async fn start(folder: &Path, patients: usize) -> anyhow::Result<Self> {
        let studies = generate(&Plan { patients, ..Plan::default() })?;
        let pacs = ClinicalPacs::start(clinical_pacs::Options {
            listen: LOOPBACK,
            title: AeTitle::new("CLINICALPACS")?,
            peers: Vec::new(),
            limits: StoreLimits::default(),
        })
        .await?;
        pacs.load(&studies)?;
        let partner = |kinds: &[ResultKind]| {
            Partner::start(partner::Options {
                delay: Some(Duration::from_secs(1)),
                kinds: kinds.to_vec(),
                ..partner::Options::default()
            })
        };
        let images = [ResultKind::Segmentation, ResultKind::StructuredReport, ResultKind::RtStructureSet];
        let partners =
            [partner(&images).await?, partner(&[ResultKind::SecondaryCapture, ResultKind::Pdf]).await?];
        Ok(Self {
            studies,
            pacs,
            partners,
            mails: MailSink::start(LOOPBACK).await?,
            webhooks: WebhookSink::start(LOOPBACK).await?,
            folder: folder.to_owned(),
        })
    }

    /// The embedded configuration: short timers, release by policy in one project and by a person in the other.
    pub(super) fn site(&self) -> anyhow::Result<Site> {
        let secret = self.folder.join("webhook.secret");
        std::fs::write(&secret, "a secret of the demonstration\n")?;
        std::fs::set_permissions(&secret, PermissionsExt::from_mode(0o600))?;
        let profile = self.folder.join("profile.toml");
        std::fs::write(&profile, include_str!("profile.toml"))?;
        let url = |partner: &Partner| partner.dicomweb_url().context("the partner has no DICOMweb");
        let [first, second] = [url(&self.partners[0])?, url(&self.partners[1])?];
        let pacs = self.pacs.address();
        let document = include_str!("site.toml")
            .replace("{data}", &self.folder.join("data").display().to_string())
            .replace("{profile}", &profile.display().to_string())
            .replace("{key}", &self.folder.join("vault.key").display().to_string())
            .replace("{secret}", &secret.display().to_string())
            .replace("{pacs_port}", &pacs.port().to_string())
            .replace("{partner_1}", &first)
            .replace("{partner_2}", &second)
            .replace("{smtp_port}", &self.mails.address().port().to_string())
            .replace("{webhook}", &format!("http://{}/events", self.webhooks.address()));
        Ok(Site::parse(&document, [])?)
    }

    /// Says who is where.
    #[allow(clippy::print_stdout, reason = "the command's answer")]
    pub(super) fn say(&self, at: &Addresses) {
        println!("Demonstration: every patient is invented, and nothing leaves this machine.");
        println!("research-pacs   DICOM {}   status page http://{}/", at.dicom, at.http);
        println!("clinical PACS   {} {}", self.pacs.title(), self.pacs.address());
        for (number, partner) in self.partners.iter().enumerate() {
            println!("partner {}       {}", number + 1, partner.dicomweb_url().unwrap_or_default());
        }
        println!("mail sink       {}   webhook sink {}", self.mails.address(), self.webhooks.address());
    }

    /// Lets the clinical PACS push every study, to the two projects in turn; answers how many instances were acknowledged.
    pub(super) async fn push(&self, at: &Addresses) -> anyhow::Result<usize> {
        let mut pushed = 0;
        for (number, title) in TITLES.iter().enumerate() {
            let to =
                Peer { title: AeTitle::new(title)?, host: at.dicom.ip().to_string(), port: at.dicom.port() };
            let of_project = self.studies.iter().skip(number).step_by(TITLES.len());
            let uids: Vec<String> = of_project.map(|study| study.uid.clone()).collect();
            let push = self.pacs.push(&to, &uids, 2).await;
            anyhow::ensure!(push.refused.is_empty() && push.broken.is_empty(), "the push was refused");
            pushed += push.acknowledged.len();
        }
        Ok(pushed)
    }

    /// Whether a result of every study is back and its set is closed.
    pub(super) async fn is_circle_closed(&self, database: &database::Database) -> anyhow::Result<bool> {
        let sets = result_set::list(database.reader(), None, None, 1000).await?;
        let closed = sets.iter().filter(|set| set.state == ResultSetState::Closed).count();
        Ok(closed >= self.studies.len() && closed == sets.len())
    }
}
