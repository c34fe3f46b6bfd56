//! `result show --identity`: both values of table 8.1, for the holder of the table, before it is chosen between them.

use std::str::FromStr;

use archive::buffer;
use archive::job;
use archive::result_set::ResultSet;
use builder::Site;
use clap::Args;
use database::Database;
use dicom_stream::Tag;
use pipeline::both_identities::{Compared, as_written, both_identities};
use pipeline::clock::Clock;
use pseudonym::{ParticipantId, Purpose};

use crate::cli::job::audit_originals_shown;
use crate::stores;

/// Who may see identities, and why.
#[derive(Debug, Args)]
pub(super) struct ShowIdentity {
    /// Show the identity as received beside what the clinical PACS says now, and what the partner wrote. Who looks and why is written down before anything is
    /// shown.
    #[arg(long = "identity", requires_all = ["by", "reason"])]
    pub(super) is_asked: bool,
    /// Who looks.
    #[arg(long, value_name = "NAME", requires = "is_asked")]
    by: Option<String>,
    /// Why; stands in the audit trail, so without any identity.
    #[arg(long, requires = "is_asked")]
    reason: Option<String>,
}

impl ShowIdentity {
    /// One JSON line per attribute that is compared, and per attribute in which the partner was given the code.
    pub(super) async fn lines(
        &self,
        site: &Site,
        main: &Database,
        set: &ResultSet,
    ) -> anyhow::Result<Vec<serde_json::Value>> {
        let (by, reason) =
            (self.by.as_deref().unwrap_or_default(), self.reason.as_deref().unwrap_or_default());
        let job = job::show(main.reader(), set.job).await?;
        let participant = ParticipantId::from_str(job.participant.as_deref().unwrap_or_default())?;
        let project = site.projects.iter().find(|of| of.id == set.project);
        let results = project.and_then(|project| project.results.as_ref());
        let node = results.and_then(|results| site.nodes.iter().find(|node| node.name == results.return_to));
        let purpose = Purpose::new(by, "research-pacs result show", &site.site.name, reason)?;
        let now = Clock::system().now();
        let vault = stores::open_vault(site, &crate::cli::data_folder(site)?).await?;
        let access = vault.reidentify(&job.project, participant, &purpose, now).await?;
        audit_originals_shown(site, main, &job, by, reason, now).await?;
        let record = vault.export_record(&job.first_increment.to_string()).await?;
        let received = vault.own_records(&access, &record.study).await?;
        let mut lines: Vec<serde_json::Value> =
            both_identities(node, &received).await?.iter().map(line).collect();
        let data = crate::cli::data_folder(site)?;
        let buffer = stores::open_database(&data, "buffer").await?;
        let instances = buffer::inbound_of(buffer.reader(), set.id).await?;
        let ids = instances.iter().map(|instance| instance.id);
        let written = tokio::task::block_in_place(|| as_written(&data.join("objects"), ids))?;
        lines.extend(written.iter().map(
            |(tag, values)| serde_json::json!({ "attribute": shown(*tag), "written_by_partner": values }),
        ));
        Ok(lines)
    }
}

fn line(of: &Compared) -> serde_json::Value {
    serde_json::json!({
        "attribute": shown(of.tag),
        "received": of.received,
        "pacs": of.pacs,
        "differs": of.differs,
    })
}

fn shown(tag: Tag) -> String {
    format!("({:04X},{:04X})", tag.group(), tag.element())
}
