//! Whose the originals of a batch are, the first part of *deidentify*: the identity of every instance as received goes to the vault
//! (flow table 8.2), and what cannot be given to one participant with certainty is held.

use std::sync::Arc;

use archive::buffer::{self, BufferedInstance, QuarantineReason};
use archive::job;
use archive::spool::SpoolError;
use dicom_stream::TransferSyntax;
use pseudonym::{Admission, Participant, Receipt, Standing, SubjectKey, VaultError};
use register::Mode;
use uuid::Uuid;

use crate::deidentify::blocking;
use crate::given::{self, Claimed, Given, StudyOfKept};
use crate::kept::Ground;
use crate::line::{Line, Project, StageError};
use crate::own_record::{self, Identified, OwnRecordError};
use crate::transform::Held;
use crate::{kept, progress};

/// The instances of one Patient ID, sorted by what may be done with them.
#[derive(Default)]
pub(crate) struct Found {
    /// Who gives `members` their pseudonyms; `None` without any.
    pub(crate) given: Option<Given>,
    /// What may be de-identified.
    pub(crate) members: Vec<BufferedInstance>,
    /// What is kept as received, and on what ground (AC1.9).
    pub(crate) kept: Vec<(BufferedInstance, &'static str)>,
    /// What waits for a person.
    pub(crate) held: Vec<(Uuid, Held)>,
    /// Of somebody who is opposed since admission (DEC-S).
    pub(crate) opposed: Vec<BufferedInstance>,
}

/// What the vault says to an identity.
#[derive(Clone)]
enum Answer {
    Admitted(Given),
    Held(Held),
    /// The study has another patient, name or birth date: held unless a person accepted it for the instance.
    SecondPerson,
    Opposed,
}

/// Sorts the instances of one assigning authority and Patient ID in one increment of a study.
///
/// # Errors
/// Any [`StageError`]; repeated, it adds nothing.
pub(crate) async fn identify(
    line: &Arc<Line>,
    project: &Project,
    receiving_study: Uuid,
    group: Vec<BufferedInstance>,
) -> Result<Found, StageError> {
    let mut found = Found::default();
    let group = without_kept(line, project, receiving_study, group, &mut found).await?;
    let (group, records, record_of) = read(line, project, group).await?;
    let mut answers: Vec<Option<Answer>> = vec![None; records.len()];
    for (instance, record) in group.into_iter().zip(record_of) {
        let number = match record {
            Ok(number) => number,
            Err(held) => {
                found.held.push((instance.received.id, held));
                continue;
            }
        };
        let (Some(identified), Some(known)) = (records.get(number), answers.get_mut(number)) else {
            continue;
        };
        let answer = match known {
            Some(answer) => answer.clone(),
            None => {
                known.insert(ask(line, project, receiving_study, &instance, identified, false).await?).clone()
            }
        };
        let answer = match answer {
            Answer::SecondPerson if is_accepted(line, instance.received.id).await? => {
                ask(line, project, receiving_study, &instance, identified, true).await?
            }
            answer => answer,
        };
        match answer {
            Answer::Admitted(given) => {
                found.given.get_or_insert(given);
                found.members.push(instance);
            }
            Answer::Held(held) => found.held.push((instance.received.id, held)),
            Answer::SecondPerson => found.held.push((instance.received.id, second_person())),
            Answer::Opposed => found.opposed.push(instance),
        }
    }
    Ok(found)
}

fn second_person() -> Held {
    let detail = "another patient, name or birth date in the same study".to_owned();
    Held { reason: QuarantineReason::SecondPatient, detail }
}

/// Takes out what is kept as received; what may not be kept goes the way of all others. Their patient has to be on the inclusion list,
/// which is asked again here: admission may have let them in while the project did not de-identify, or required no inclusion (R02).
async fn without_kept(
    line: &Arc<Line>,
    project: &Project,
    receiving_study: Uuid,
    group: Vec<BufferedInstance>,
    found: &mut Found,
) -> Result<Vec<BufferedInstance>, StageError> {
    let mut others = Vec::with_capacity(group.len());
    let is_unlisted = project.dossier.inclusion_required
        && match group.first().and_then(|first| subject(project, first)) {
            // Whoever is opposed is found by the question of `ask`.
            Some(subject) => matches!(line.vault.standing(&subject).await?, Standing::Unlisted),
            None => false,
        };
    for instance in group {
        let already = instance.received.already_deidentified;
        let ground = match already {
            true => tokio::task::block_in_place(|| kept::ground(line, project, &instance))?,
            false => None,
        };
        match ground {
            Some(ground) => match keep(line, project, receiving_study, &instance, ground).await? {
                Answer::Held(held) => found.held.push((instance.received.id, held)),
                Answer::SecondPerson => found.held.push((instance.received.id, second_person())),
                Answer::Opposed => found.opposed.push(instance),
                Answer::Admitted(_) => found.kept.push((instance, ground.as_str())),
            },
            None if is_unlisted => {
                let marker = "no marker (0012,0062), so it is treated as identified";
                let detail = if already { marker.to_owned() } else { String::new() };
                let held = Held { reason: QuarantineReason::NotIncluded, detail };
                found.held.push((instance.received.id, held));
            }
            None => others.push(instance),
        }
    }
    Ok(others)
}

fn subject(project: &Project, instance: &BufferedInstance) -> Option<SubjectKey> {
    let received = &instance.received;
    SubjectKey::new(&project.config.id, &received.assigning_authority, &received.patient_id).ok()
}

/// Whether an object may be kept as received: nothing that is known says that it is of a person, or a person of ours has looked.
async fn keep(
    line: &Arc<Line>,
    project: &Project,
    receiving_study: Uuid,
    instance: &BufferedInstance,
    ground: Ground,
) -> Result<Answer, StageError> {
    let held = |reason, detail: &str| Ok(Answer::Held(Held { reason, detail: detail.to_owned() }));
    let Some(subject) = subject(project, instance) else {
        return held(QuarantineReason::NoPatientId, "DEC-Q");
    };
    if matches!(line.vault.standing(&subject).await?, Standing::Opposed(_)) {
        return Ok(Answer::Opposed);
    }
    if line.vault.is_known(&subject).await? {
        let detail = "would be kept as received, and its Patient ID is that of a person of the project: have it sent as identified";
        return held(QuarantineReason::IdentifierFound, detail);
    }
    let accepted = buffer::accepted_reasons(line.buffer.reader(), instance.received.id).await?;
    if ground == Ground::Marker {
        let identified =
            match tokio::task::block_in_place(|| read_one(line, &project.dossier_version, instance))? {
                Ok(identified) => identified,
                Err(held) => return Ok(Answer::Held(held)),
            };
        let standing = kept::contradictions(instance, &identified)
            .into_iter()
            .find(|held| !held.reason.can_be_accepted() || !accepted.contains(&held.reason));
        if let Some(standing) = standing {
            return Ok(Answer::Held(standing));
        }
    }
    let mixed = "kept as received, in a study of which other instances are de-identified";
    if has_participant(line, receiving_study).await? {
        return held(QuarantineReason::MixedStudy, mixed);
    }
    Ok(match given::kept(line, project, instance).await? {
        StudyOfKept::Anonymised => return held(QuarantineReason::MixedStudy, mixed),
        StudyOfKept::OtherPatient if !accepted.contains(&QuarantineReason::SecondPatient) => {
            Answer::SecondPerson
        }
        StudyOfKept::OtherPatient | StudyOfKept::Own => Answer::Admitted(Given::Kept),
    })
}

/// Whether a job of this increment is of a participant of the vault.
async fn has_participant(line: &Line, receiving_study: Uuid) -> Result<bool, StageError> {
    let jobs = job::of_receiving_study(line.main.reader(), receiving_study).await?;
    Ok(jobs.iter().any(|job| job.participant.is_some()))
}

/// For each instance the number of its record among those that differ, or why it has none.
type RecordOf = Vec<Result<usize, Held>>;

async fn read(
    line: &Arc<Line>,
    project: &Project,
    group: Vec<BufferedInstance>,
) -> Result<(Vec<BufferedInstance>, Vec<Identified>, RecordOf), StageError> {
    let (line, dossier) = (Arc::clone(line), project.dossier_version.clone());
    blocking(move || {
        let mut records: Vec<Identified> = Vec::new();
        let mut record_of = Vec::with_capacity(group.len());
        for instance in &group {
            let identified = match read_one(&line, &dossier, instance)? {
                Ok(identified) => identified,
                Err(held) => {
                    record_of.push(Err(held));
                    continue;
                }
            };
            let known = records.iter().position(|record| record.is_of_the_same(&identified));
            record_of.push(Ok(known.unwrap_or(records.len())));
            if known.is_none() {
                records.push(identified);
            }
        }
        Ok((group, records, record_of))
    })
    .await?
}

fn read_one(
    line: &Line,
    dossier: &str,
    instance: &BufferedInstance,
) -> Result<Result<Identified, Held>, StageError> {
    let received = &instance.received;
    let irregular = |detail: &str| Held { reason: QuarantineReason::Irregular, detail: detail.to_owned() };
    let Some(syntax) = TransferSyntax::from_uid(&received.transfer_syntax_uid) else {
        return Ok(Err(irregular("transfer syntax")));
    };
    let receipt = Receipt {
        calling_ae: received.calling.clone(),
        peer: received.peer.clone(),
        received_at: received.received_at,
        dossier: dossier.to_owned(),
    };
    let original = match line.spool.read(&received.location) {
        Ok(original) => original,
        Err(error) => return damaged(error).map(Err),
    };
    let identified = own_record::read(original, syntax, &received.study_instance_uid, receipt);
    Ok(identified.map_err(|error| match error {
        OwnRecordError::Repeated(_) | OwnRecordError::TooLarge(_) => irregular(&error.to_string()),
        OwnRecordError::Source(_) | OwnRecordError::Memory(_) => irregular("cannot be read again"),
    }))
}

/// A record of Z1 that is not what was acknowledged concerns its own instance alone; any other error is the volume's.
pub(crate) fn damaged(error: SpoolError) -> Result<Held, StageError> {
    match error {
        SpoolError::Corrupt(_) | SpoolError::NotFound(_) => {
            tracing::error!(%error, "an acknowledged instance cannot be read: it is held");
            let detail = "its record in the receive buffer is damaged or gone: send it again".to_owned();
            Ok(Held { reason: QuarantineReason::Damaged, detail })
        }
        error => Err(error.into()),
    }
}

async fn ask(
    line: &Line,
    project: &Project,
    receiving_study: Uuid,
    instance: &BufferedInstance,
    identified: &Identified,
    second_person_accepted: bool,
) -> Result<Answer, StageError> {
    let held = |reason, detail: &str| Ok(Answer::Held(Held { reason, detail: detail.to_owned() }));
    let received = &instance.received;
    let subject = SubjectKey::new(&project.config.id, &received.assigning_authority, &received.patient_id);
    let Ok(subject) = subject else { return held(QuarantineReason::NoPatientId, "DEC-Q") };
    if project.dossier.mode == Mode::Anonymise {
        if matches!(line.vault.standing(&subject).await?, Standing::Opposed(_)) {
            return Ok(Answer::Opposed);
        }
        let claimed = given::of_job(line, project, instance, identified, second_person_accepted).await?;
        return Ok(match claimed {
            Claimed::Given(given) => Answer::Admitted(given),
            Claimed::SecondPerson => Answer::SecondPerson,
        });
    }
    let admission = Admission {
        subject: &subject,
        record: &identified.record,
        name: &identified.name,
        birth_date: &identified.birth_date,
        codes: &project.codes,
        shift: pseudonym::ShiftRange::default(),
        second_person_accepted,
    };
    match line.vault.participant(&admission, line.clock.now()).await {
        Ok(participant)
            if progress::is_of_another(line.main.reader(), receiving_study, &participant).await? =>
        {
            held(QuarantineReason::SecondPatient, "another patient in the same study")
        }
        Ok(participant)
            if !second_person_accepted
                && earlier_is_of_another(line, receiving_study, &participant).await? =>
        {
            Ok(Answer::SecondPerson)
        }
        Ok(participant) => Ok(Answer::Admitted(Given::Participant(Box::new(participant)))),
        Err(VaultError::SecondPerson) => Ok(Answer::SecondPerson),
        Err(VaultError::Opposed) => Ok(Answer::Opposed),
        Err(VaultError::Code(_)) => held(QuarantineReason::NotIncluded, "no code can be given (AC2.12)"),
        Err(VaultError::Limit(limit)) => held(QuarantineReason::Irregular, limit),
        Err(error) => Err(error.into()),
    }
}

/// Whether an earlier increment of the study is of somebody else. A person may know why (a merge): then it becomes a job of its own.
async fn earlier_is_of_another(
    line: &Line,
    receiving_study: Uuid,
    participant: &Participant,
) -> Result<bool, StageError> {
    for increment in buffer::increments(line.buffer.reader(), receiving_study).await? {
        if progress::is_of_another(line.main.reader(), increment, participant).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn is_accepted(line: &Line, id: Uuid) -> Result<bool, StageError> {
    let accepted = buffer::accepted_reasons(line.buffer.reader(), id).await?;
    Ok(accepted.contains(&QuarantineReason::SecondPatient))
}
