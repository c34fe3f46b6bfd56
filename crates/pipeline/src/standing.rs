//! What the lists of the vault say about the patient of a job, for the gate (R02, R03, ACX.4).

use archive::buffer;
use archive::job::Job;
use pseudonym::{OppositionKind, Standing as Listed, SubjectKey};
use register::Standing;

use crate::export;
use crate::line::{Line, Project, StageError};

/// What the lists say now about the participant of a job, whatever they said when it was admitted: opposition, withdrawal or erasure may have
/// come since, and a project may have begun to require inclusion.
///
/// # Errors
/// Those of vault and buffer; a locked vault is waited for.
pub(crate) async fn standing(line: &Line, project: &Project, job: &Job) -> Result<Standing, StageError> {
    if job.participant.is_none() {
        return standing_without_participant(line, project, job).await;
    }
    let participant = export::participant(job)?;
    match line.vault.stopped_by(participant).await {
        Ok(None) if project.dossier.inclusion_required && line.vault.is_included(participant).await? => {
            Ok(Standing::Included)
        }
        Ok(None) => Ok(Standing::NotListed),
        Ok(Some(OppositionKind::Opposition)) => Ok(Standing::Opposed),
        Ok(Some(OppositionKind::Withdrawal | OppositionKind::Erasure)) => Ok(Standing::Withdrawn),
        Err(error) => Err(error.into()),
    }
}

/// The same for a job that the vault has no participant of: as long as its originals are known, the lists are asked about their patient.
async fn standing_without_participant(
    line: &Line,
    project: &Project,
    job: &Job,
) -> Result<Standing, StageError> {
    let subject = buffer::subject_of(line.buffer.reader(), job.receiving_study).await?;
    let Some(subject) = subject else { return Ok(Standing::NoParticipant) };
    let key = SubjectKey::new(&project.config.id, &subject.assigning_authority, &subject.patient_id);
    let Ok(key) = key else { return Ok(Standing::Unknown) };
    Ok(match line.vault.standing(&key).await {
        Ok(Listed::Opposed(opposition)) if opposition.kind == OppositionKind::Opposition => Standing::Opposed,
        Ok(Listed::Opposed(_)) => Standing::Withdrawn,
        Ok(_) if subject.secret.is_empty() => Standing::NoParticipant,
        Ok(Listed::Included(_)) => Standing::Included,
        Ok(Listed::Unlisted) => Standing::NotListed,
        Err(error) => return Err(error.into()),
    })
}
