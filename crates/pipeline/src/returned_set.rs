//! A result set as it came back, and everything the vault knows about the UIDs and codes in it: what `reconcile` judges.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;
use std::sync::Arc;

use archive::buffer::ResultInstance;
use archive::index;
use archive::job::{self, Job};
use archive::result_set::ResultSet;
use archive::zone::Zone;
use dicom_stream::{SourceError, Tag};
use pseudonym::{Linkage, ParticipantId, Recognition, UidKind, VaultError};
use reconciliation::{
    Issued, IssuedUid, Kind, LIMITS, Participant, Role, Sent, Survey, SurveyError, UidUse, codes_of, survey,
    uids_of, words_of,
};
use uuid::Uuid;

use crate::deidentify::blocking;
use crate::earlier::{earlier, taken};
use crate::export;
use crate::line::{Line, StageError};
use crate::shown::shown;
use crate::stored_object::open_data_set;

/// Objects sent, or of one earlier set, that a set is compared with; beyond it, a person compares (RC-08), and is told so.
pub(crate) const SENT_MAX: u32 = 4096;

/// UIDs of the tool or device that made an object, of what it counts by and what it tracks (RC-01).
const OF_TOOL: &[Tag] = &[
    Tag(0x0008, 0x0014), // Instance Creator UID
    Tag(0x0008, 0x9123), // Creator-Version UID
    Tag(0x0018, 0x1002), // Device UID
    Tag(0x0018, 0x100B), // Manufacturer's Device Class UID
    Tag(0x0020, 0x9164), // Dimension Organization UID
    Tag(0x0040, 0xA124), // UID of a content item that refers to nothing
    Tag(0x0062, 0x0021), // Tracking UID
];

/// UIDs of one set that are looked up, as many as the vault answers at once; with more, the set goes to a person.
pub(crate) const UIDS_MAX: usize = 100_000;

/// Bytes of memory for what the objects of one set say, or those that it is compared with: each of them may be as long as it likes.
const SURVEYS_BYTES: usize = 512 << 20;

/// What the objects of a set say.
pub(crate) enum Surveyed {
    /// One for each object.
    All(Vec<Survey>),
    /// An object cannot be read, or says more than is looked up of one.
    Unreadable,
    /// All of them together say more than can be looked up.
    TooMuch,
}

/// Surveys as far as there is room.
struct Gathered {
    surveys: Vec<Survey>,
    room: usize,
}

impl Gathered {
    fn new(room: usize) -> Self {
        Self { surveys: Vec::new(), room }
    }

    /// Whether there was room for it.
    fn take(&mut self, survey: Survey) -> bool {
        let Some(room) = self.room.checked_sub(survey.held()) else { return false };
        self.room = room;
        self.surveys.push(survey);
        true
    }
}

/// What each object of a set says.
///
/// # Errors
/// Those of the volume.
pub(crate) async fn survey_all(
    line: &Arc<Line>,
    instances: &[ResultInstance],
) -> Result<Surveyed, StageError> {
    let line = Arc::clone(line);
    let ids: Vec<Uuid> = instances.iter().map(|instance| instance.id).collect();
    blocking(move || {
        let mut gathered = Gathered::new(SURVEYS_BYTES);
        for id in ids {
            let (file, syntax) = open_data_set(&line.blobs, Zone::Inbound, id)?;
            match survey(file, syntax, LIMITS) {
                Ok(survey) => {
                    if !gathered.take(survey) {
                        tracing::warn!(instance = %id, "the objects of a result say more than can be looked up");
                        return Ok(Surveyed::TooMuch);
                    }
                }
                Err(SurveyError::Source(SourceError::Io(error))) => return Err(error.into()),
                Err(error) => {
                    let error = shown(&error.to_string());
                    tracing::warn!(instance = %id, error, "a result cannot be read");
                    return Ok(Surveyed::Unreadable);
                }
            }
        }
        Ok(Surveyed::All(gathered.surveys))
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
    issued.elsewhere.clone_from(&recognition.elsewhere);
    let earlier = earlier(line, set, job).await?;
    issued.reused = earlier.reused(surveys);
    issued.reused.retain(|uid| !issued.uids.contains_key(uid));
    issued.returned.clone_from(&earlier.returned);
    issued.returned.retain(|uid, _| !issued.uids.contains_key(uid));
    let names: Vec<&str> =
        names_of(surveys).into_iter().filter(|uid| !issued.uids.contains_key(*uid)).collect();
    issued.originals = line.vault.originals_among(&names).await?;
    // the partner's own, though the clinical PACS may have sent it to us since
    issued.originals.retain(|uid| !earlier.is_own(uid, surveys));
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
    issued.taken = taken(line, set, &earlier, surveys).await?;
    let (sent, knows_sent) = sent(line, job, &recognition).await?;
    issued.sent = sent;
    name_as_issued(line, job, &mut issued.sent).await?;
    Ok((issued, earlier.is_whole && knows_sent))
}

/// The objects that were sent of the studies that a set can rest on: all increments of the export that it is for, and of those whose UIDs it
/// has; and whether these are all.
async fn sent(
    line: &Arc<Line>,
    job: &Job,
    recognition: &Recognition,
) -> Result<(Vec<Sent>, bool), StageError> {
    let mut exports: BTreeSet<&str> = recognition.issued.iter().map(|of| of.export_record.as_str()).collect();
    let own = job.first_increment.to_string();
    exports.insert(&own);
    let mut jobs = match &job.participant {
        Some(participant) => job::of_participant(line.main.reader(), participant).await?,
        None => vec![job.clone()],
    };
    let is_of_partner = |of: &Job| (&of.project, &of.partner) == (&job.project, &job.partner);
    jobs.retain(|of| is_of_partner(of) && exports.contains(of.first_increment.to_string().as_str()));
    // what the set is for comes first, should there be too many
    jobs.sort_by_key(|of| (of.first_increment != job.first_increment, of.id));
    let (mut sent, mut room) = (Vec::new(), SENT_MAX);
    for of in jobs {
        let (surveys, read, is_whole) = surveys_of_source(line, of.receiving_study, room).await?;
        sent.extend(surveys.into_iter().map(Sent::from));
        if !is_whole {
            return Ok((sent, false));
        }
        room = room.saturating_sub(read);
    }
    Ok((sent, true))
}

/// UIDs of the set that are of a patient when they are real ones. What an object says of the tool that made it, or of what that tool counts
/// and tracks, is not: it writes the same for every patient, or at every time.
fn names_of(surveys: &[Survey]) -> BTreeSet<&str> {
    let is_of_tool =
        |uid: &UidUse| uid.role == Role::Defines && uid.path.tag().is_some_and(|tag| OF_TOOL.contains(&tag));
    let uids = || surveys.iter().flat_map(|of| &of.uids);
    let of_object = surveys
        .iter()
        .flat_map(|of| [&of.sop_instance, &of.study, &of.series, &of.frame_of_reference])
        .flat_map(|uids| uids.split('\\'))
        .filter(|uid| !uid.is_empty());
    let mut names = uids_of(surveys);
    for uid in uids().filter(|uid| is_of_tool(uid)) {
        names.remove(uid.uid.as_str());
    }
    // what stands elsewhere too is a name all the same
    names.extend(surveys.iter().flat_map(|of| &of.mentions).map(String::as_str));
    names.extend(uids().filter(|uid| !is_of_tool(uid)).map(|uid| uid.uid.as_str()).chain(of_object));
    names
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

/// What the objects of Z3 say that one receiving study or one result set brought, at most `room` of them and no more than is held at once;
/// how many were asked for, and whether these are all.
pub(crate) async fn surveys_of_source(
    line: &Arc<Line>,
    source: Uuid,
    room: u32,
) -> Result<(Vec<Survey>, u32, bool), StageError> {
    let page = index::instances_of_source(line.main.reader(), source, None, room.saturating_add(1)).await?;
    let mut is_whole = page.len() <= room as usize;
    let ids: Vec<Uuid> = page.iter().take(room as usize).map(|found| found.instance.id).collect();
    let read = u32::try_from(ids.len()).unwrap_or(room);
    let line = Arc::clone(line);
    blocking(move || {
        let mut gathered = Gathered::new(SURVEYS_BYTES);
        for id in ids {
            let (file, syntax) = open_data_set(&line.blobs, Zone::Archive, id)?;
            let survey = survey(file, syntax, LIMITS);
            if survey.is_ok_and(|survey| !gathered.take(survey)) {
                is_whole = false;
                break;
            }
        }
        Ok((gathered.surveys, read, is_whole))
    })
    .await?
}

/// The vault's id of a participant as the pure crate takes it.
pub(crate) fn key_of(participant: ParticipantId) -> Participant {
    Participant(Uuid::from_str(&participant.to_string()).map_or(0, |id| id.as_u128()))
}

#[cfg(test)]
mod tests {
    use dicom_stream::TransferSyntax;

    use super::*;

    #[test]
    fn surveys_are_held_as_far_as_there_is_room_for_all_of_them() {
        // (0009,1001) UT with words that may be codes
        let object = |words: usize| {
            let text: String = (0..words).map(|number| format!("CODE{number:06} ")).collect();
            let length = u32::try_from(text.len()).unwrap().to_le_bytes();
            let head = [&[0x09, 0x00, 0x01, 0x10][..], b"UT\0\0", &length].concat();
            let data_set = [head, text.into_bytes()].concat();
            survey(&data_set[..], &TransferSyntax::EXPLICIT_LITTLE, LIMITS).unwrap()
        };
        let (small, large) = (object(10), object(1000));
        assert!((70_000..150_000).contains(&large.held()), "{}", large.held());
        assert!(small.held() < 2_000 && object(0).held() == 0);
        let mut gathered = Gathered::new(5 * large.held());
        assert!((0..5).all(|_| gathered.take(large.clone())));
        assert!(!gathered.take(small.clone()) && gathered.surveys.len() == 5);
    }

    #[test]
    fn what_a_tool_writes_for_every_patient_is_no_ones_real_uid() {
        let element = |group: u16, number: u16, vr: &[u8; 2], value: &[u8]| {
            let mut value = value.to_vec();
            value.resize(value.len().next_multiple_of(2), 0);
            let tag = [group.to_le_bytes(), number.to_le_bytes()].concat();
            match vr {
                b"SQ" => {
                    let length = u32::try_from(value.len()).unwrap().to_le_bytes();
                    let item = u32::try_from(value.len() + 8).unwrap().to_le_bytes();
                    [&tag[..], b"SQ\0\0", &item, b"\xFE\xFF\x00\xE0", &length, &value].concat()
                }
                _ => {
                    let length = u16::try_from(value.len()).unwrap().to_le_bytes();
                    [&tag[..], vr, &length, &value].concat()
                }
            }
        };
        let data_set = [
            // one of them stands where a patient's may, too
            element(0x0008, 0x0014, b"UI", b"1.2.3.14\\1.2.3.100"),
            element(0x0008, 0x0018, b"UI", b"1.2.3.18"),
            element(0x0008, 0x1155, b"UI", b"1.2.3.55"),
            element(0x0009, 0x1001, b"UI", b"1.2.3.9"),
            element(0x0009, 0x1002, b"UI", b"1.2.3.100"),
            element(0x0018, 0x1002, b"UI", b"1.2.3.14"),
            element(0x0020, 0x000D, b"UI", b"1.2.3.13"),
            element(0x0020, 0x000E, b"UI", b"1.2.3.15\\1.2.3.16"),
            element(0x0020, 0x0052, b"UI", b"1.2.3.52"),
            element(0x0020, 0x9221, b"SQ", &element(0x0020, 0x9164, b"UI", b"1.2.3.91")),
        ]
        .concat();
        let of = survey(&data_set[..], &TransferSyntax::EXPLICIT_LITTLE, LIMITS).unwrap();
        let expected: BTreeSet<&str> =
            ["1.2.3.100", "1.2.3.13", "1.2.3.15", "1.2.3.16", "1.2.3.18", "1.2.3.52", "1.2.3.55", "1.2.3.9"]
                .into();
        assert_eq!(names_of(&[of]), expected);
    }
}
