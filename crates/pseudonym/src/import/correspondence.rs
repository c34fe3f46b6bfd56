//! An existing correspondence: `patient_id, issuer, subject_code` and, where UIDs were given out before, `kind, original_uid,
//! pseudonym_uid` (AC2.12). Imported UIDs win over derived ones, and count as issued to the partner that holds them.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io::Read;
use std::sync::LazyLock;

use sqlx::AnyConnection;

use super::table::{self, Columns, Errors, Line};
use super::{ImportSummary, LineError, LineProblem};
use crate::VaultError;
use crate::batch::{self, WIDTH, filled};
use crate::code::{Code, CodeError};
use crate::derive::ShiftRange;
use crate::identity_check;
use crate::issued::{ExportRecord, IssuedUid, Linkage, insert_record, insert_uids, settle_linkage};
use crate::key::WrappingKey;
use crate::list::{assigned_code, refuse_opposed};
use crate::mapped::{self, MappedUid, UidKind};
use crate::participant::{NewParticipant, Participant, by_id, id_by_subject, insert, is_free};
use crate::subject::SubjectKey;
use crate::vault::{Keys, Vault, lock};

const COLUMNS: Columns = Columns {
    required: &["patient_id", "issuer", "subject_code"],
    optional: &["kind", "original_uid", "pseudonym_uid"],
};

/// A correspondence, read and checked line by line: several lines per person, one per UID.
#[derive(Debug)]
pub struct Correspondence {
    persons: Vec<Person>,
}

struct Person {
    line: u64,
    subject: SubjectKey,
    code: Code,
    uids: Vec<Uid>,
}

struct Uid {
    line: u64,
    kind: UidKind,
    original: String,
    pseudonym: String,
}

impl std::fmt::Debug for Person {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Person({} uids)", self.uids.len())
    }
}

/// Where an imported correspondence is entered.
#[derive(Debug, Clone, Copy)]
pub struct Holder<'a> {
    /// The partner that holds what was given out.
    pub partner: &'a str,
    /// Version of the dossier in force.
    pub dossier: &'a str,
    /// The project's range of date shifts, for participants that are new.
    pub shift: ShiftRange,
}

impl Correspondence {
    /// Parses a file for a project. `authority` gives the assigning authority that an issuer stands for.
    ///
    /// # Errors
    /// Every faulty line, up to 1000: correct the file.
    pub fn parse(
        input: impl Read,
        project: &str,
        authority: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, Vec<LineError>> {
        let mut errors = Errors::default();
        let mut seen = Seen::default();
        for line in table::read(input, COLUMNS)? {
            let Some(subject) = errors.keep(line.subject(COLUMNS, project, authority)) else { continue };
            let Some(code) = errors.keep(code(&line, &subject)) else { continue };
            let Some(uid) = errors.keep(uid(&line)) else { continue };
            errors.keep(seen.add(&line, subject, code, uid));
        }
        errors.finish(Self { persons: seen.persons })
    }
}

/// What earlier lines said.
#[derive(Default)]
struct Seen {
    persons: Vec<Person>,
    at: HashMap<SubjectKey, usize>,
    codes: HashSet<String>,
    originals: HashSet<(usize, String)>,
    pseudonyms: HashSet<String>,
}

impl Seen {
    fn add(
        &mut self,
        line: &Line,
        subject: SubjectKey,
        code: Code,
        uid: Option<Uid>,
    ) -> Result<(), LineError> {
        let at = match self.at.entry(subject.clone()) {
            Entry::Occupied(entry) => *entry.get(),
            Entry::Vacant(entry) => {
                if !self.codes.insert(code.as_str().to_ascii_uppercase()) {
                    return Err(line.error("subject_code", LineProblem::Code(CodeError::InUse)));
                }
                self.persons.push(Person {
                    line: line.number,
                    subject,
                    code: code.clone(),
                    uids: Vec::new(),
                });
                *entry.insert(self.persons.len() - 1)
            }
        };
        let Some(person) = self.persons.get_mut(at) else { return Ok(()) };
        if person.code != code {
            return Err(line.error("subject_code", LineProblem::Code(CodeError::AlreadyCoded)));
        }
        let Some(uid) = uid else { return Ok(()) };
        if !self.originals.insert((at, uid.original.clone())) {
            return Err(line.error("original_uid", LineProblem::UidInUse));
        }
        if !self.pseudonyms.insert(uid.pseudonym.clone()) {
            return Err(line.error("pseudonym_uid", LineProblem::UidInUse));
        }
        person.uids.push(uid);
        Ok(())
    }
}

fn code(line: &Line, subject: &SubjectKey) -> Result<Code, LineError> {
    let wrong = |problem| line.error("subject_code", LineProblem::Code(problem));
    let text = line.need(COLUMNS, "subject_code")?;
    identity_check::of_listed(text, subject.patient_id()).map_err(wrong)?;
    Code::assigned(text).map_err(wrong)
}

/// The UID of a line, or none when its three fields are empty.
fn uid(line: &Line) -> Result<Option<Uid>, LineError> {
    if COLUMNS.optional.iter().all(|column| line.get(COLUMNS, column).is_empty()) {
        return Ok(None);
    }
    let valid = |column: &'static str| match line.need(COLUMNS, column)? {
        text if is_uid(text) => Ok(text.to_owned()),
        _ => Err(line.error(column, LineProblem::Uid)),
    };
    let kind = UidKind::from_word(line.need(COLUMNS, "kind")?);
    Ok(Some(Uid {
        line: line.number,
        kind: kind.ok_or_else(|| line.error("kind", LineProblem::Word))?,
        original: valid("original_uid")?,
        pseudonym: valid("pseudonym_uid")?,
    }))
}

/// PS3.5 §9.1: at most 64 characters, components of digits without a leading zero.
fn is_uid(text: &str) -> bool {
    let component = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_digit())
            && (part == "0" || !part.starts_with('0'))
    };
    text.len() <= 64 && text.contains('.') && text.split('.').all(component)
}

impl Vault {
    /// Enters a correspondence, all of it or nothing: participants with their codes, and their UIDs as mapped and as issued to the
    /// partner that holds them. The same file again changes nothing.
    ///
    /// # Errors
    /// [`VaultError::Import`] with the lines that contradict the vault: correct the file. [`VaultError::Contradiction`] when the
    /// partner has a mapping of its own (linkage `partner`). [`VaultError::VaultLocked`], [`VaultError::Database`]: nothing was
    /// imported, repeat.
    pub async fn import_correspondence(
        &self,
        correspondence: &Correspondence,
        holder: Holder<'_>,
        now: i64,
    ) -> Result<ImportSummary, VaultError> {
        let keys = self.keys()?;
        let mut transaction = self.database.write().await?;
        let key = lock(&mut transaction, keys, now).await?;
        let mut errors = Errors::default();
        let mut summary = ImportSummary::default();
        for person in &correspondence.persons {
            let entered = enter(&mut transaction, keys, key, person, holder, now).await;
            summary.participants += 1;
            summary.uids += person.uids.len();
            match entered {
                Ok(faults) => faults.into_iter().for_each(|fault| errors.add(fault)),
                Err(VaultError::Code(code)) => {
                    errors.add(LineError {
                        line: person.line,
                        column: "subject_code",
                        problem: LineProblem::Code(code),
                    });
                }
                Err(VaultError::Opposed) => {
                    errors.add(LineError {
                        line: person.line,
                        column: "patient_id",
                        problem: LineProblem::Opposed,
                    });
                }
                Err(error) => return Err(error),
            }
        }
        errors.finish(()).map_err(VaultError::Import)?;
        transaction.commit().await?;
        Ok(summary)
    }
}

/// Enters one person and gives the lines that contradict the vault; the caller rolls back when there are any.
async fn enter(
    connection: &mut AnyConnection,
    keys: &Keys,
    key: &WrappingKey,
    person: &Person,
    holder: Holder<'_>,
    now: i64,
) -> Result<Vec<LineError>, VaultError> {
    let participant = participant(connection, keys, key, person, holder.shift, now).await?;
    let faults = contradictions(connection, &participant, &person.uids).await?;
    if !faults.is_empty() {
        return Ok(faults);
    }
    let linkage =
        settle_linkage(connection, &participant.project, holder.partner, Linkage::Project, now).await?;
    if linkage != Linkage::Project {
        return Err(VaultError::Contradiction(
            "the partner has a mapping of its own; a correspondence cannot be imported",
        ));
    }
    let record = ExportRecord {
        id: format!("import/{}/{}", participant.id, holder.partner),
        project: participant.project.clone(),
        partner: holder.partner.to_owned(),
        participant: participant.id,
        study: String::new(),
        code: participant.code.clone(),
        linkage,
        dossier: holder.dossier.to_owned(),
        issued_at: now,
    };
    insert_record(connection, &record).await?;
    let mapped: Vec<MappedUid<'_>> = person
        .uids
        .iter()
        .map(|uid| MappedUid { kind: uid.kind, original: &uid.original, pseudonym: &uid.pseudonym })
        .collect();
    let sealed = mapped::seal_all(keys, &participant, "", &mapped)?;
    mapped::insert(connection, participant.id, "", &mapped, &sealed).await?;
    let issued: Vec<IssuedUid<'_>> = person
        .uids
        .iter()
        .map(|uid| IssuedUid { kind: uid.kind, base: &uid.pseudonym, pseudonym: &uid.pseudonym })
        .collect();
    insert_uids(connection, &record, &issued).await?;
    Ok(Vec::new())
}

/// The participant under the code of the file, made when new.
async fn participant(
    connection: &mut AnyConnection,
    keys: &Keys,
    key: &WrappingKey,
    person: &Person,
    shift: ShiftRange,
    now: i64,
) -> Result<Participant, VaultError> {
    let hash = person.subject.hash(keys);
    let id = id_by_subject(connection, &hash).await?;
    refuse_opposed(connection, &hash, id).await?;
    if let Some(id) = id {
        let held = by_id(connection, keys, id).await?;
        return if held.code == person.code { Ok(held) } else { Err(CodeError::AlreadyCoded.into()) };
    }
    if assigned_code(connection, &hash).await?.is_some_and(|assigned| assigned != person.code) {
        return Err(CodeError::AlreadyCoded.into());
    }
    if !is_free(connection, person.subject.project(), &person.code, &hash).await? {
        return Err(CodeError::InUse.into());
    }
    let new = NewParticipant { subject: &person.subject, hash: &hash, code: person.code.clone(), shift };
    insert(connection, key, new, now).await
}

static HELD: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT m.pseudonym, m.participant FROM mapped_uid m JOIN participant p ON p.id = m.participant \
         WHERE p.project = $1 AND m.pseudonym IN ({})",
        batch::list(2)
    )
});

/// UIDs whose pseudonym is another's, or whose original already went out under another pseudonym: a map never changes (AC2.4).
async fn contradictions(
    connection: &mut AnyConnection,
    participant: &Participant,
    uids: &[Uid],
) -> Result<Vec<LineError>, VaultError> {
    let own = participant.id.to_string();
    // pseudonym to be looked up → the UID of the file it speaks about; first the file's own, then what the vault would have given
    let given: BTreeMap<&str, &Uid> = uids.iter().map(|uid| (uid.pseudonym.as_str(), uid)).collect();
    let derived: BTreeMap<String, &Uid> =
        uids.iter().map(|uid| (participant.mapping.uid(&uid.original), uid)).collect();
    let asked: BTreeSet<&str> = given.keys().copied().chain(derived.keys().map(String::as_str)).collect();
    let asked: Vec<&str> = asked.into_iter().collect();
    let mut faults = BTreeMap::new();
    for chunk in asked.chunks(WIDTH) {
        let mut query = sqlx::query_as(HELD.as_str()).bind(participant.project.as_str());
        for uid in filled(chunk) {
            query = query.bind(*uid);
        }
        let held: Vec<(String, String)> = query.fetch_all(&mut *connection).await?;
        for (pseudonym, holder) in held {
            if let Some(uid) = given.get(pseudonym.as_str())
                && (holder != own || participant.mapping.uid(&uid.original) != pseudonym)
            {
                faults.insert(uid.line, "pseudonym_uid");
            }
            if let Some(uid) = derived.get(&pseudonym)
                && holder == own
                && uid.pseudonym != pseudonym
            {
                faults.insert(uid.line, "original_uid");
            }
        }
    }
    let fault = |(line, column)| LineError { line, column, problem: LineProblem::UidInUse };
    Ok(faults.into_iter().map(fault).collect())
}
