//! Who gives code, UIDs and shift to a batch: the participant of the vault, the secret of an anonymised job, or nobody, because the source
//! has no identity (DEC-D, DEC-P).

use archive::buffer::{self, BufferedInstance, StudySubject};
use archive::index::search_key;
use pseudonym::{Code, Mapping, Participant, Secret, ShiftRange};

use crate::line::{Line, Project, StageError};
use crate::own_record::Identified;

/// See above.
#[derive(Clone)]
pub(crate) enum Given {
    /// Pseudonymise.
    Participant(Box<Participant>),
    /// Anonymise: what follows from the secret of the job.
    Job(Box<(Code, Mapping)>),
    /// Kept as received.
    Kept,
}

impl Given {
    /// The participant; there is none where nothing can be traced back.
    pub(crate) fn participant(&self) -> Option<&Participant> {
        match self {
            Self::Participant(participant) => Some(participant),
            Self::Job(_) | Self::Kept => None,
        }
    }

    /// The code that stands for the patient, if one is given.
    pub(crate) fn code(&self) -> Option<&Code> {
        match self {
            Self::Participant(participant) => Some(&participant.code),
            Self::Job(job) => Some(&job.0),
            Self::Kept => None,
        }
    }

    /// The map of UIDs, if they are given.
    pub(crate) fn mapping(&self) -> Option<&Mapping> {
        match self {
            Self::Participant(participant) => Some(&participant.mapping),
            Self::Job(job) => Some(&job.1),
            Self::Kept => None,
        }
    }
}

/// What the claim of a study without participant gives.
pub(crate) enum Claimed {
    /// The study is this patient's.
    Given(Given),
    /// It is another one's, or has another name or birth date.
    SecondPerson,
}

/// The secret of the jobs of a study in anonymise mode: drawn at its first instance, the same until they have ended (AC2.9).
pub(crate) async fn of_job(
    line: &Line,
    project: &Project,
    instance: &BufferedInstance,
    identified: &Identified,
    second_person_accepted: bool,
) -> Result<Claimed, StageError> {
    let secret = Secret::random()?.expose().to_vec();
    let name = (identified.name.as_str(), identified.birth_date.as_str());
    let own = claim(line, project, instance, secret, name).await?;
    let differs = |ours: &str, theirs: &str| !ours.is_empty() && !theirs.is_empty() && ours != theirs;
    let is_other = differs(&search_key(&own.patient_name), &search_key(&identified.name))
        || differs(&own.birth_date, &identified.birth_date);
    let secret: Result<[u8; 32], _> = own.secret.as_slice().try_into();
    let Ok(secret) = secret else { return Ok(Claimed::SecondPerson) };
    if !is_same_patient(&own, instance) || (is_other && !second_person_accepted) {
        return Ok(Claimed::SecondPerson);
    }
    let mapping = Mapping::new(Secret::from_bytes(&secret), ShiftRange::default());
    let code = mapping.code(&project.code_prefix, 0);
    Ok(Claimed::Given(Given::Job(Box::new((code, mapping)))))
}

/// What an object that is kept as received finds in its study.
pub(crate) enum StudyOfKept {
    /// Objects of the same Patient ID, kept as it is.
    Own,
    /// Objects of another Patient ID, kept as it is.
    OtherPatient,
    /// Objects that are anonymised.
    Anonymised,
}

/// The claim of a study for an object that is kept as received.
pub(crate) async fn kept(
    line: &Line,
    project: &Project,
    instance: &BufferedInstance,
) -> Result<StudyOfKept, StageError> {
    let own = claim(line, project, instance, Vec::new(), ("", "")).await?;
    Ok(match (own.secret.is_empty(), is_same_patient(&own, instance)) {
        (false, _) => StudyOfKept::Anonymised,
        (true, false) => StudyOfKept::OtherPatient,
        (true, true) => StudyOfKept::Own,
    })
}

async fn claim(
    line: &Line,
    project: &Project,
    instance: &BufferedInstance,
    secret: Vec<u8>,
    (name, birth_date): (&str, &str),
) -> Result<StudySubject, StageError> {
    let received = &instance.received;
    let subject = StudySubject {
        project: project.config.id.clone(),
        study_instance_uid: received.study_instance_uid.clone(),
        secret,
        assigning_authority: received.assigning_authority.clone(),
        patient_id: received.patient_id.clone(),
        patient_name: name.to_owned(),
        birth_date: birth_date.to_owned(),
    };
    let mut transaction = line.buffer.write().await?;
    let own = buffer::claim_study(&mut transaction, &subject, line.clock.now()).await?;
    transaction.commit().await?;
    Ok(own)
}

fn is_same_patient(own: &StudySubject, instance: &BufferedInstance) -> bool {
    let received = &instance.received;
    own.patient_id == received.patient_id && own.assigning_authority == received.assigning_authority
}
