//! Linkage `partner` (ARC-15b, DEC-J): the objects of a job as one partner gets them. Each is derived from Z3 into a draft and searched
//! there; what is sent are the bytes that were searched. Deriving again gives the same bytes.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{self, Seek, SeekFrom, Write};
use std::sync::Arc;

use archive::buffer::{self, StudySubject};
use archive::index::{self, FoundInstance};
use archive::job::Job;
use archive::zone::Zone;
use deidentification::verify::Verifier;
use deidentification::{PartnerPseudonyms, PartnerViewError, output_syntax, partner_view};
use dicom_stream::{FileMeta, Limits, SourceError};
use partner::OutgoingInstance;
use pseudonym::{
    Code, IssuedUid, Mapping, PartnerMapping, Purpose, Reidentification, Secret, ShiftRange, StudyPseudonyms,
    UidKind,
};
use uuid::Uuid;

use super::leaving::{Derived, Leaving};
use crate::deidentify::blocking;
use crate::line::{Line, Project, StageError};
use crate::stored_object::open_data_set;
use crate::verify::{self, Known};

/// Prefix of every pseudonym UID that is derived (PS3.5 B.2).
const UUID_ROOT: &str = "2.25.";

/// What one job needs to be derived for its partner.
pub(super) struct ForPartner {
    code: Code,
    archive_code: Code,
    mapping: Mapping,
    study: String,
    whose: Whose,
}

/// Whose the objects are.
enum Whose {
    /// A participant of the vault.
    Participant(Reidentification),
    /// Anonymised: nothing says which UIDs are pseudonyms, but they all begin alike.
    Job(Box<StudySubject>),
}

/// What of the objects of a batch was derived.
pub(super) struct Batch {
    pub(super) leaving: Vec<Leaving>,
    pub(super) derived: HashMap<Uuid, Derived>,
    issued: Issued,
}

/// UIDs of the archive, with what each names, and what the partner sees in its place.
type Issued = BTreeMap<String, (UidKind, String)>;

impl ForPartner {
    /// For a job of a participant. The access log says that the after-check knows the identity.
    pub(super) async fn of_participant(
        line: &Line,
        job: &Job,
        given: &PartnerMapping,
    ) -> Result<Self, StageError> {
        let purpose = Purpose::new("verify", "research-pacs", &line.site, &format!("job {}", job.id))?;
        let participant = super::participant(job)?;
        let access = line.vault.reidentify(&job.project, participant, &purpose, line.clock.now()).await?;
        Ok(Self {
            code: given.code.clone(),
            archive_code: given.archive_code.clone(),
            mapping: given.mapping.clone(),
            study: index::study_uid(line.main.reader(), job.study.unwrap_or_default()).await?,
            whose: Whose::Participant(access),
        })
    }

    /// For a job without participant: of the secret of an anonymised one. What was kept as received has none.
    ///
    /// # Errors
    /// [`StageError::NothingToDeriveFrom`].
    pub(super) async fn of_job(line: &Line, project: &Project, job: &Job) -> Result<Self, StageError> {
        let subject = buffer::subject_of(line.buffer.reader(), job.receiving_study).await?;
        let subject = subject.ok_or(StageError::NothingToDeriveFrom)?;
        let secret: Result<[u8; 32], _> = subject.secret.as_slice().try_into();
        let secret = Secret::from_bytes(&secret.map_err(|_| StageError::NothingToDeriveFrom)?);
        let archive = Mapping::new(secret, ShiftRange::default());
        let mapping = archive.for_partner(&job.partner);
        Ok(Self {
            code: mapping.code(&project.code_prefix, 0),
            archive_code: archive.code(&project.code_prefix, 0),
            mapping,
            study: index::study_uid(line.main.reader(), job.study.unwrap_or_default()).await?,
            whose: Whose::Job(Box::new(subject)),
        })
    }

    /// Derives and searches the objects of a batch.
    ///
    /// # Errors
    /// [`StageError::IdentifierLeft`], [`StageError::NotDerived`]: nothing of the batch may leave.
    pub(super) async fn derive(
        &self,
        line: &Arc<Line>,
        project: &Project,
        due: Vec<FoundInstance>,
    ) -> Result<Batch, StageError> {
        // Read anew for each batch: what came since has its rows in the vault before anything names it.
        let pseudonyms = self.pseudonyms(line, project).await?;
        let verifier = self.verifier(line, project, &pseudonyms).await?;
        let line = Arc::clone(line);
        blocking(move || {
            let (mut leaving, mut derived) = (Vec::with_capacity(due.len()), HashMap::new());
            let mut issued = BTreeMap::new();
            for found in &due {
                let (of, draft) = derive_one(&line, &pseudonyms, &verifier, found, &mut issued)?;
                derived.insert(of.outgoing.id, draft);
                leaving.push(of);
            }
            Ok(Batch { leaving, derived, issued })
        })
        .await?
    }

    async fn pseudonyms(&self, line: &Line, project: &Project) -> Result<Pseudonyms, StageError> {
        let known = match &self.whose {
            Whose::Participant(access) => {
                Some(line.vault.study_pseudonyms(access.participant(), &self.study).await?)
            }
            Whose::Job(_) => None,
        };
        Ok(Pseudonyms {
            code: self.code.clone(),
            archive_code: self.archive_code.clone(),
            mapping: self.mapping.clone(),
            shift_days: self.mapping.shift_days(),
            known,
            shifts_dates: project.shifts_dates,
        })
    }

    async fn verifier(
        &self,
        line: &Line,
        project: &Project,
        pseudonyms: &Pseudonyms,
    ) -> Result<Verifier, StageError> {
        let known = match &self.whose {
            Whose::Participant(access) => Known::Records {
                records: line.vault.own_records(access, &self.study).await?,
                originals: line.vault.originals_of_study(access, &self.study).await?,
            },
            Whose::Job(subject) => Known::Subject(subject),
        };
        let archive = verify::Archive {
            code: self.archive_code.as_str(),
            uids: pseudonyms.archive_uids(&self.study),
            dates: pseudonyms.archive_dates(),
        };
        Ok(verify::for_partner(project, &known, &archive, &self.code)?)
    }
}

impl Batch {
    /// The UIDs of the batch as the vault notes them, before anything leaves.
    pub(super) fn issued(&self) -> Vec<IssuedUid<'_>> {
        let issued = self.issued.iter();
        issued.map(|(base, (kind, pseudonym))| IssuedUid { kind: *kind, base, pseudonym }).collect()
    }
}

/// The pseudonyms of one study for one partner.
struct Pseudonyms {
    code: Code,
    archive_code: Code,
    mapping: Mapping,
    shift_days: i32,
    /// What the vault has mapped; none for an anonymised job.
    known: Option<StudyPseudonyms>,
    /// Whether the profile shifts dates.
    shifts_dates: bool,
}

impl Pseudonyms {
    fn archive_uids(&self, study: &str) -> BTreeSet<String> {
        let known = self.known.iter().flat_map(|known| known.uids.keys().cloned());
        known.chain([study.to_owned()]).collect()
    }

    /// Days of the archive that no date of the partner's is on.
    fn archive_dates(&self) -> BTreeSet<String> {
        let text = |day: &i64| format!("{day:08}");
        let archive: BTreeSet<String> = self.known.iter().flat_map(|known| &known.dates).map(text).collect();
        let moved = |day: &String| dicom_stream::text::shift_date(day.as_bytes(), self.shift_days);
        let of_partner: BTreeSet<Vec<u8>> = archive.iter().filter_map(moved).collect();
        archive.into_iter().filter(|day| !of_partner.contains(day.as_bytes())).collect()
    }

    fn kind(&self, uid: &str) -> UidKind {
        self.known.as_ref().and_then(|known| known.uids.get(uid)).copied().unwrap_or(UidKind::Other)
    }
}

impl PartnerPseudonyms for Pseudonyms {
    fn uid(&self, archive: &str) -> Option<String> {
        let is_ours = match &self.known {
            Some(known) => known.uids.contains_key(archive),
            None => archive.starts_with(UUID_ROOT),
        };
        is_ours.then(|| self.mapping.uid(archive))
    }

    fn archive_code(&self) -> &str {
        self.archive_code.as_str()
    }

    fn code(&self) -> &str {
        self.code.as_str()
    }

    fn shift_days(&self, day: u32) -> Option<i32> {
        let is_shifted = match &self.known {
            Some(known) => known.dates.contains(&i64::from(day)),
            None => self.shifts_dates,
        };
        is_shifted.then_some(self.shift_days)
    }
}

fn derive_one(
    line: &Line,
    pseudonyms: &Pseudonyms,
    verifier: &Verifier,
    found: &FoundInstance,
    issued: &mut Issued,
) -> Result<(Leaving, Derived), StageError> {
    let instance = &found.instance;
    let (input, syntax) = open_data_set(&line.blobs, Zone::Archive, instance.id)?;
    let output = output_syntax(syntax);
    let sop_instance = pseudonyms.uid(&instance.sop_instance_uid);
    let not_derived = |reason: String| StageError::NotDerived { instance: instance.id, reason };
    let sop_instance = sop_instance
        .ok_or_else(|| not_derived("its SOP Instance UID is no pseudonym of its study".to_owned()))?;
    let meta = FileMeta {
        media_storage_sop_class_uid: instance.sop_class_uid.clone(),
        media_storage_sop_instance_uid: sop_instance.clone(),
        transfer_syntax_uid: output.uid.to_owned(),
    };
    let mut start = Vec::new();
    meta.write(&mut start)?;
    let mut writer = line.blobs.draft()?;
    writer.write_all(&start)?;
    let replaced = match partner_view(input, syntax, pseudonyms, Limits::INSTANCE, &mut writer) {
        Ok(replaced) => replaced,
        Err(PartnerViewError::Output(error) | PartnerViewError::Input(SourceError::Io(error))) => {
            return Err(error.into());
        }
        Err(error) => return Err(not_derived(error.to_string())),
    };
    let draft = writer.finish()?;
    let data_set = start.len() as u64;
    let mut file = draft.open()?;
    file.seek(SeekFrom::Start(data_set))?;
    if let Some(found) = verifier.verify(file, output, Limits::INSTANCE)?.first() {
        return Err(StageError::IdentifierLeft { instance: instance.id, place: found.path.to_string() });
    }
    for uid in replaced.uids {
        let given = (pseudonyms.kind(&uid), pseudonyms.mapping.uid(&uid));
        issued.entry(uid).or_insert(given);
    }
    issued.insert(instance.sop_instance_uid.clone(), (UidKind::Instance, sop_instance.clone()));
    let leaving = Leaving {
        id: instance.id,
        outgoing: OutgoingInstance {
            id: named(&sop_instance)?,
            sop_class: instance.sop_class_uid.clone(),
            sop_instance,
            transfer_syntax: output.uid.to_owned(),
            length: None,
        },
        hash: format!("blake3:{}", draft.hash()),
        bytes: draft.length(),
    };
    Ok((leaving, Derived { draft, data_set }))
}

/// What the transport calls an instance, the name of its file in a folder: our own id of it is the same for every partner, so that the UUID
/// that the partner's UID was made of takes its place (PS3.5 B.2).
fn named(sop_instance: &str) -> Result<Uuid, StageError> {
    let number = sop_instance.strip_prefix(UUID_ROOT).and_then(|number| number.parse().ok());
    Ok(Uuid::from_u128(number.ok_or_else(|| io::Error::other("a derived UID is not made of a UUID"))?))
}
