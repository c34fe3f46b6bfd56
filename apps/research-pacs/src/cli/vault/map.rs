//! `vault map`: what codes and UIDs stand for, as CSV for an auditor. Every participant is a line of the access log.

use std::fs::File;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use builder::Site;
use clap::Args;
use pseudonym::{Purpose, Reidentification, Vault, VaultError};

use super::ConfigFile;

/// What a map is made of, and for whom.
#[derive(Debug, Args)]
pub(crate) struct Map {
    #[command(flatten)]
    config: ConfigFile,
    /// Research study.
    #[arg(long)]
    project: String,
    /// Only what this partner was given, as it was given; without it what stands in the archive.
    #[arg(long)]
    partner: Option<String>,
    /// New file for Patient IDs and codes (id_old,id_new,issuer). It identifies.
    #[arg(long, value_name = "FILE")]
    patients: PathBuf,
    /// New file for UIDs (id_old,id_new). It identifies.
    #[arg(long, value_name = "FILE")]
    uids: PathBuf,
    /// For whom.
    #[arg(long, value_name = "NAME")]
    by: String,
    /// Why.
    #[arg(long)]
    reason: String,
}

/// What was written.
#[derive(Default)]
pub(super) struct Written {
    participants: usize,
    uids: usize,
    without_way_back: usize,
}

impl std::fmt::Display for Written {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { participants, uids, without_way_back } = self;
        write!(formatter, "{participants} participants, {uids} UIDs")?;
        match without_way_back {
            0 => Ok(()),
            count => write!(formatter, "; {count} erased, opposed or withdrawn participants are not in it"),
        }
    }
}

impl Map {
    /// The configuration, if it has the project, and the project the partner: a misspelt one would give an empty map.
    pub(super) fn site(&self) -> anyhow::Result<Site> {
        let site = self.config.site()?;
        let Some(project) = site.projects.iter().find(|project| project.id == self.project) else {
            bail!("project {:?} is not configured; nothing was written", self.project)
        };
        if let Some(partner) = self.partner.as_ref().filter(|partner| !project.partners.contains(partner)) {
            bail!("partner {partner:?} is none of project {:?}; nothing was written", self.project)
        }
        Ok(site)
    }

    pub(super) async fn write(&self, vault: &Vault, site: &str, now: i64) -> anyhow::Result<Written> {
        let purpose = Purpose::new(&self.by, "research-pacs vault map", site, &self.reason)?;
        if self.patients == self.uids {
            bail!("--patients and --uids name one file: name two");
        }
        let (mut patients, mut uids) = (create(&self.patients)?, create(&self.uids)?);
        patients.write_record(["id_old", "id_new", "issuer"])?;
        uids.write_record(["id_old", "id_new"])?;
        let mut written = Written::default();
        for participant in vault.participants_of(&self.project).await? {
            let access = match vault.reidentify(&self.project, participant, &purpose, now).await {
                Ok(access) => access,
                Err(VaultError::Erased | VaultError::Opposed) => {
                    written.without_way_back += 1;
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            let codes = vault.codes(&access, self.partner.as_deref()).await?;
            if codes.is_empty() {
                continue; // this partner has nothing of them
            }
            for (subject, code) in codes {
                patients.write_record([subject.patient_id(), &code, subject.authority()])?;
            }
            written.participants += 1;
            written.uids += self.write_uids(vault, &access, &mut uids).await?;
        }
        patients.flush()?;
        uids.flush()?;
        Ok(written)
    }

    /// How many pairs there are; those that stand in several studies count once.
    async fn write_uids(
        &self,
        vault: &Vault,
        access: &Reidentification,
        table: &mut csv::Writer<File>,
    ) -> anyhow::Result<usize> {
        let (mut count, mut last) = (0, None);
        loop {
            let page = vault.replaced_uids(access, self.partner.as_deref(), last.as_ref()).await?;
            if page.is_empty() {
                return Ok(count);
            }
            for uid in page {
                let again = last.as_ref().is_some_and(|last: &pseudonym::ReplacedUid| {
                    (&last.original, &last.pseudonym) == (&uid.original, &uid.pseudonym)
                });
                if !again {
                    table.write_record([&uid.original, &uid.pseudonym])?;
                    count += 1;
                }
                last = Some(uid);
            }
        }
    }
}

/// A file that its owner alone can read, and that was not there before.
fn create(path: &Path) -> anyhow::Result<csv::Writer<File>> {
    let file = File::options().write(true).create_new(true).mode(0o600).open(path);
    let file = file.with_context(|| format!("cannot make {}: a new file is needed", path.display()))?;
    Ok(csv::Writer::from_writer(file))
}
