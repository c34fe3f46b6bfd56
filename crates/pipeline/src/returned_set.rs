//! A result set as it came back, and everything the vault knows about the UIDs and codes in it: what `reconcile` judges.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;
use std::sync::Arc;

use archive::buffer::{self, ResultInstance};
use archive::index;
use archive::job::{self, Job};
use archive::result_set::{self, ResultSet};
use archive::zone::Zone;
use dicom_stream::SourceError;
use pseudonym::{Linkage, ParticipantId, Recognition, UidKind, VaultError};
use reconciliation::{
    Issued, IssuedUid, Kind, LIMITS, Participant, Sent, Survey, SurveyError, codes_of, survey, uids_of,
    words_of,
};
use uuid::Uuid;

use crate::deidentify::blocking;
use crate::export;
use crate::line::{Line, StageError};
use crate::shown::shown;
use crate::stored_object::open_data_set;

/// Objects of one delivery that a set is compared with; beyond it, a person compares (RC-08), and is told so.
const SENT_MAX: u32 = 4096;

/// What each object of a set says; `None` when one cannot be read.
pub(crate) async fn survey_all(
    line: &Arc<Line>,
    instances: &[ResultInstance],
) -> Result<Option<Vec<Survey>>, StageError> {
    let line = Arc::clone(line);
    let ids: Vec<Uuid> = instances.iter().map(|instance| instance.id).collect();
    blocking(move || {
        let mut surveys = Vec::with_capacity(ids.len());
        for id in ids {
            let (file, syntax) = open_data_set(&line.blobs, Zone::Inbound, id)?;
            match survey(file, syntax, LIMITS) {
                Ok(survey) => surveys.push(survey),
                Err(SurveyError::Source(SourceError::Io(error))) => return Err(error.into()),
                Err(error) => {
                    let error = shown(&error.to_string());
                    tracing::warn!(instance = %id, error, "a result cannot be read");
                    return Ok(None);
                }
            }
        }
        Ok(Some(surveys))
    })
    .await?
}

/// Looks up in the vault what the UIDs and codes of a set are. The second answer: whether the set was compared with all that was sent and
/// returned before.
pub(crate) async fn look_up(
    line: &Arc<Line>,
    set: &ResultSet,
    job: &Job,
    surveys: &[Survey],
) -> Result<(Issued, bool), StageError> {
    let uids: Vec<&str> = uids_of(surveys).into_iter().collect();
    let recognition = line.vault.recognise(&job.project, &job.partner, &uids).await?;
    let mut issued = Issued { uids: issued_uids(line, &recognition).await?, ..Issued::default() };
    issued.elsewhere = recognition.elsewhere;
    for code in codes_of(surveys) {
        if let Some(participant) = line.vault.participant_by_code(&job.project, &job.partner, code).await? {
            issued.codes.insert(code.to_owned(), key_of(participant));
        }
    }
    let words: Vec<&str> = words_of(surveys).into_iter().collect();
    for known in line.vault.known_codes(&job.project, &job.partner, &words).await? {
        if known.is_given {
            issued.spelled.insert(known.code, key_of(known.participant));
        } else {
            issued.codes_elsewhere.insert(known.code);
        }
    }
    issued.codes_elsewhere.retain(|code| !issued.spelled.contains_key(code));
    let (returned, knows_returned) = returned(line, job).await?;
    issued.returned = returned.into_iter().filter(|uid| !issued.uids.contains_key(uid)).collect();
    issued.taken = taken(line, set, surveys).await?;
    issued.taken.retain(|uid| !issued.returned.contains(uid));
    let (sent, knows_sent) = surveys_of_source(line, job.receiving_study).await?;
    // As far as a result can rest on them.
    issued.sent = sent.into_iter().map(Sent::from).collect();
    name_as_issued(line, job, &mut issued.sent).await?;
    Ok((issued, knows_returned && knows_sent))
}

/// Gives the objects that were sent the UIDs that the partner knows them by.
async fn name_as_issued(line: &Line, job: &Job, sent: &mut [Sent]) -> Result<(), StageError> {
    if line.vault.linkage(&job.project, &job.partner).await? != Some(Linkage::Partner) {
        return Ok(());
    }
    let uids: BTreeSet<&str> =
        sent.iter().flat_map(|of| [of.sop_instance.as_str(), of.frame_of_reference.as_str()]).collect();
    let uids: Vec<&str> = uids.into_iter().collect();
    let participant = export::participant(job)?;
    let issued = line.vault.issued_as(&job.project, &job.partner, participant, &uids).await?;
    for of in sent {
        for uid in [&mut of.sop_instance, &mut of.frame_of_reference] {
            if let Some(theirs) = issued.get(uid) {
                uid.clone_from(theirs);
            }
        }
    }
    Ok(())
}

/// SOP Instance UIDs of the set that another object of any project or partner has: two objects of one UID cannot be at the clinical PACS
/// (RR-7).
async fn taken(line: &Line, set: &ResultSet, surveys: &[Survey]) -> Result<BTreeSet<String>, StageError> {
    let uids: Vec<String> = surveys.iter().map(|survey| survey.sop_instance.clone()).collect();
    let mut taken = BTreeSet::new();
    let mut main = line.main.reader().acquire().await?;
    for project in line.projects.keys() {
        taken.extend(index::uids_of_others(&mut main, project, set.id, &uids).await?);
    }
    drop(main);
    let mut connection = line.buffer.reader().acquire().await?;
    for partner in line.partners.keys() {
        taken.extend(buffer::inbound_of_others(&mut connection, partner, set.id, &uids).await?);
    }
    Ok(taken)
}

/// UIDs that earlier results of the same study and partner defined: a reference to them resolves (RR-2).
async fn returned(line: &Arc<Line>, job: &Job) -> Result<(BTreeSet<String>, bool), StageError> {
    let (mut surveys, mut knows_all) = (Vec::new(), true);
    for increment in job::of_study(line.main.reader(), job.study.unwrap_or_default()).await? {
        if increment.partner == job.partner {
            for set in result_set::of_job(line.main.reader(), increment.id).await? {
                let (of_set, is_whole) = surveys_of_source(line, set.id).await?;
                surveys.extend(of_set);
                knows_all &= is_whole;
            }
        }
    }
    Ok((surveys.iter().flat_map(Survey::can_be_cited).map(str::to_owned).collect(), knows_all))
}

async fn issued_uids(
    line: &Line,
    recognition: &Recognition,
) -> Result<std::collections::HashMap<String, Vec<IssuedUid>>, StageError> {
    let mut studies: BTreeMap<&str, String> = BTreeMap::new();
    let mut uids: std::collections::HashMap<String, Vec<IssuedUid>> = std::collections::HashMap::new();
    for found in &recognition.issued {
        let record = found.export_record.as_str();
        if !studies.contains_key(record) {
            let study = match line.vault.export_record(record).await {
                Ok(record) => record.study,
                // lost since the export: what it is of is not known (RC-12)
                Err(VaultError::Unknown(_)) => String::new(),
                Err(error) => return Err(error.into()),
            };
            studies.insert(record, study);
        }
        let study = studies.get(record).filter(|study| !study.is_empty()).cloned();
        let kind = match found.kind {
            UidKind::Study => Kind::Study,
            UidKind::Series => Kind::Series,
            UidKind::FrameOfReference => Kind::FrameOfReference,
            UidKind::Other => Kind::Other,
            UidKind::Instance => Kind::Instance,
        };
        let entry = IssuedUid { kind, participant: key_of(found.participant), study };
        uids.entry(found.pseudonym.clone()).or_default().push(entry);
    }
    Ok(uids)
}

/// What the objects of Z3 say that one receiving study or one result set brought, and whether these are all.
async fn surveys_of_source(line: &Arc<Line>, source: Uuid) -> Result<(Vec<Survey>, bool), StageError> {
    let page = index::instances_of_source(line.main.reader(), source, None, SENT_MAX + 1).await?;
    let is_whole = page.len() <= SENT_MAX as usize;
    let ids: Vec<Uuid> = page.iter().take(SENT_MAX as usize).map(|found| found.instance.id).collect();
    let line = Arc::clone(line);
    blocking(move || {
        let mut surveys = Vec::with_capacity(ids.len());
        for id in ids {
            let (file, syntax) = open_data_set(&line.blobs, Zone::Archive, id)?;
            if let Ok(survey) = survey(file, syntax, LIMITS) {
                surveys.push(survey);
            }
        }
        Ok((surveys, is_whole))
    })
    .await?
}

/// The vault's id of a participant as the pure crate takes it.
pub(crate) fn key_of(participant: ParticipantId) -> Participant {
    Participant(Uuid::from_str(&participant.to_string()).map_or(0, |id| id.as_u128()))
}
