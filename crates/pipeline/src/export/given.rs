//! As what a job is sent: the linkage that holds for its partner, and what the vault notes before anything leaves (DEC-J, RR-1).

use archive::index::{self, FoundInstance};
use archive::job::Job;
use pseudonym::{ExportRecord, IssuedUid, Linkage, PartnerMapping};

use super::for_partner::ForPartner;
use crate::line::{Line, Project, StageError};

/// Bytes of objects that are derived for a partner before they are sent: so much of the volume a batch takes, and one object at least.
const DERIVED_MAX: u64 = 1 << 30;
/// UIDs that the vault takes note of in one call.
const UIDS: usize = 100_000;

/// What a job is sent as.
pub(super) struct Given {
    /// What the partner is issued of the participant; none for what cannot be traced back.
    mapping: Option<PartnerMapping>,
    /// Under linkage `partner`.
    pub(super) for_partner: Option<ForPartner>,
}

impl Given {
    pub(super) async fn new(line: &Line, project: &Project, job: &Job) -> Result<Self, StageError> {
        if job.participant.is_none() {
            let for_partner = match linkage(line, project, job).await? {
                Linkage::Project => None,
                Linkage::Partner => Some(ForPartner::of_job(line, project, job).await?),
            };
            return Ok(Self { mapping: None, for_partner });
        }
        let (wanted, prefix, now) = (project.config.linkage(), &project.code_prefix, line.clock.now());
        let mapping =
            line.vault.partner_mapping(super::participant(job)?, &job.partner, wanted, prefix, now).await?;
        let for_partner = match mapping.linkage {
            Linkage::Project => None,
            Linkage::Partner => Some(ForPartner::of_participant(line, job, &mapping).await?),
        };
        Ok(Self { mapping: Some(mapping), for_partner })
    }

    /// Instances that are sent together: as many as the volume takes where they are derived first.
    pub(super) fn parts(&self, due: Vec<FoundInstance>) -> Vec<Vec<FoundInstance>> {
        let mut parts: Vec<Vec<FoundInstance>> = Vec::new();
        let mut bytes = u64::MAX;
        for found in due {
            bytes = bytes.saturating_add(found.instance.bytes);
            match parts.last_mut() {
                Some(part) if self.for_partner.is_none() || bytes <= DERIVED_MAX => part.push(found),
                _ => {
                    bytes = found.instance.bytes;
                    parts.push(vec![found]);
                }
            }
        }
        parts
    }

    /// Notes in the vault what is about to leave, before it does; what cannot be traced back is not in it.
    pub(super) async fn issue(
        &self,
        line: &Line,
        project: &Project,
        job: &Job,
        uids: &[IssuedUid<'_>],
    ) -> Result<(), StageError> {
        let Some(mapping) = &self.mapping else { return Ok(()) };
        let record = ExportRecord {
            id: job.first_increment.to_string(),
            project: project.config.id.clone(),
            partner: job.partner.clone(),
            participant: super::participant(job)?,
            study: index::study_uid(line.main.reader(), job.study.unwrap_or_default()).await?,
            code: mapping.code.clone(),
            linkage: mapping.linkage,
            dossier: project.dossier_version.clone(),
            issued_at: line.clock.now(),
        };
        for uids in uids.chunks(UIDS) {
            line.vault.issue(&record, uids).await?;
        }
        Ok(())
    }
}

/// The linkage that holds for a job: the one that its partner was first issued under, else the project's.
async fn linkage(line: &Line, project: &Project, job: &Job) -> Result<Linkage, StageError> {
    let issued = line.vault.linkage(&project.config.id, &job.partner).await?;
    Ok(issued.unwrap_or_else(|| project.config.linkage()))
}
