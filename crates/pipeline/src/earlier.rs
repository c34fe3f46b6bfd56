//! What other results brought before: what a set may cite (RR-2), and which of its UIDs another one has already (RR-7). A UID counts by what
//! it names: that an earlier result has it for an instance makes it nobody's series.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use archive::job::{self, Job};
use archive::result_set::{self, ResultSet, ResultSetState};
use archive::{buffer, defined_uid, index};
use reconciliation::{Place, Survey, places_of};
use uuid::Uuid;

use crate::line::{Line, StageError};
use crate::returned_set::{SENT_MAX, surveys_of_source};

/// UIDs of the set that another object of any project or partner has: two objects of one SOP Instance UID, or two studies with one series
/// or frame of reference, cannot be at the clinical PACS (RR-7). What an `earlier` result of this study and partner has for the same thing
/// is its own.
pub(crate) async fn taken(
    line: &Line,
    set: &ResultSet,
    earlier: &Earlier,
    surveys: &[Survey],
) -> Result<BTreeSet<String>, StageError> {
    let instances: Vec<String> = surveys.iter().map(|survey| survey.sop_instance.clone()).collect();
    let groups: Vec<String> = groups_of(surveys).into_iter().collect();
    let mut main = line.main.reader().acquire().await?;
    let mut taken = defined_uid::of_others(&mut main, &earlier.jobs, &groups).await?;
    let mut connection = line.buffer.reader().acquire().await?;
    for (series, other) in buffer::series_of_others(&mut connection, set.id, &groups).await? {
        if !earlier.jobs.contains(&result_set::show(&mut *main, other).await?.job) {
            taken.insert(series);
        }
    }
    let own: BTreeSet<(&str, Place)> =
        surveys.iter().flat_map(Survey::can_be_cited).map(|(place, uid)| (uid, place)).collect();
    let of_group = |uid: &str, place| own.contains(&(uid, place)) && !earlier.has(uid, place);
    taken.retain(|uid| of_group(uid, Place::Series) || of_group(uid, Place::FrameOfReference));
    let mut of_instances = BTreeSet::new();
    for project in line.projects.keys() {
        of_instances.extend(index::uids_of_others(&mut main, project, set.id, &instances).await?);
    }
    for partner in line.partners.keys() {
        of_instances.extend(buffer::inbound_of_others(&mut connection, partner, set.id, &instances).await?);
    }
    taken.extend(of_instances.into_iter().filter(|uid| !earlier.has(uid, Place::Instance)));
    Ok(taken)
}

/// Series Instance and Frame of Reference UIDs that the objects of a set say they are in.
pub(crate) fn groups_of(surveys: &[Survey]) -> BTreeSet<String> {
    let groups = surveys.iter().flat_map(|survey| [&survey.series, &survey.frame_of_reference]);
    groups.filter(|uid| !uid.is_empty()).cloned().collect()
}

/// What earlier results of the same study and partner brought.
pub(crate) struct Earlier {
    /// The jobs of the study and partner.
    pub(crate) jobs: BTreeSet<Uuid>,
    /// UIDs of objects, series and frames of reference of the sets, with what they name, whatever became of them.
    defined: BTreeMap<String, BTreeSet<Place>>,
    /// The same of the sets that are on their way to the clinical PACS, or there: a reference to them resolves (RR-2).
    pub(crate) returned: BTreeMap<String, BTreeSet<Place>>,
    /// Whether all objects were looked at.
    pub(crate) is_whole: bool,
}

impl Earlier {
    /// Whether one of the sets has a UID for such a thing.
    fn has(&self, uid: &str, place: Place) -> bool {
        self.defined.get(uid).is_some_and(|places| places.contains(&place))
    }

    /// UIDs of the set that the earlier ones have for things of another kind.
    pub(crate) fn reused(&self, surveys: &[Survey]) -> BTreeSet<String> {
        let own = surveys.iter().flat_map(Survey::can_be_cited);
        let is_other = |place: Place, uid: &str| self.defined.contains_key(uid) && !self.has(uid, place);
        own.filter(|(place, uid)| is_other(*place, uid)).map(|(_, uid)| uid.to_owned()).collect()
    }

    /// Whether a UID of the set is the partner's own: an earlier set has it, for each thing that this set names by it.
    pub(crate) fn is_own(&self, uid: &str, surveys: &[Survey]) -> bool {
        let Some(places) = self.defined.get(uid) else { return false };
        let uses = surveys.iter().flat_map(|of| &of.uids).filter(|of| of.uid == uid);
        uses.filter_map(|of| of.path.tag()).map(places_of).all(|named| {
            // an attribute that does not tell, or text, names what it is by then
            named.is_empty() || named.iter().any(|place| places.contains(place))
        })
    }

    fn add(&mut self, surveys: &[Survey], is_let_back: bool) {
        // not what an object says of its tool or tracks: such a UID could be anybody's
        for (place, uid) in surveys.iter().flat_map(Survey::can_be_cited) {
            self.defined.entry(uid.to_owned()).or_default().insert(place);
            if is_let_back {
                self.returned.entry(uid.to_owned()).or_default().insert(place);
            }
        }
    }
}

pub(crate) async fn earlier(line: &Arc<Line>, set: &ResultSet, job: &Job) -> Result<Earlier, StageError> {
    let mut earlier = Earlier {
        jobs: BTreeSet::from([job.id]),
        defined: BTreeMap::new(),
        returned: BTreeMap::new(),
        is_whole: true,
    };
    for increment in job::of_study(line.main.reader(), job.study.unwrap_or_default()).await? {
        if increment.partner != job.partner {
            continue;
        }
        earlier.jobs.insert(increment.id);
        let sets = result_set::of_job(line.main.reader(), increment.id).await?;
        for set in sets.into_iter().filter(|of| of.id != set.id) {
            let (surveys, _, is_whole) = surveys_of_source(line, set.id, SENT_MAX).await?;
            earlier.is_whole &= is_whole;
            earlier.add(&surveys, is_let_back(set.state));
        }
    }
    Ok(earlier)
}

/// Whether a set was let back to the clinical PACS. One that still waits for its release may never go, and one that needs attention may not
/// have gone whole.
fn is_let_back(state: ResultSetState) -> bool {
    use ResultSetState::{Closed, Notified, Released, Returned};
    matches!(state, Released | Returned | Notified | Closed)
}

#[cfg(test)]
mod tests {
    use dicom_stream::TransferSyntax;
    use reconciliation::{LIMITS, survey};

    use super::*;

    /// An object of these UIDs in explicit VR little endian.
    fn object(uids: &[(u16, u16, &str)]) -> Survey {
        let mut data_set = Vec::new();
        for (group, element, uid) in uids {
            let mut value = uid.as_bytes().to_vec();
            value.resize(value.len().next_multiple_of(2), 0);
            data_set.extend(group.to_le_bytes().into_iter().chain(element.to_le_bytes()));
            data_set.extend(b"UI");
            data_set.extend(u16::try_from(value.len()).unwrap().to_le_bytes());
            data_set.extend(value);
        }
        survey(&data_set[..], &TransferSyntax::EXPLICIT_LITTLE, LIMITS).unwrap()
    }

    #[test]
    fn a_uid_counts_by_what_it_names() {
        let mut earlier = Earlier {
            jobs: BTreeSet::new(),
            defined: BTreeMap::new(),
            returned: BTreeMap::new(),
            is_whole: true,
        };
        let first = object(&[(8, 0x18, "1.2.3.1"), (0x20, 0xD, "1.2.3.9"), (0x20, 0xE, "1.2.3.2")]);
        earlier.add(std::slice::from_ref(&first), false);
        assert!(earlier.returned.is_empty());
        let same = [object(&[(8, 0x18, "1.2.3.3"), (0x20, 0xE, "1.2.3.2"), (0x20, 0x52, "1.2.3.4")])];
        assert!(earlier.reused(&same).is_empty() && earlier.is_own("1.2.3.2", &same));
        assert!(!earlier.is_own("1.2.3.4", &same), "new");
        // its instance is neither a series nor a frame of reference, whatever else the set says of it
        for other in [
            vec![(8, 0x18, "1.2.3.3"), (0x20, 0xE, "1.2.3.1")],
            vec![(8, 0x18, "1.2.3.3"), (0x20, 0xE, "1.2.3.5"), (0x20, 0x52, "1.2.3.1")],
            vec![(8, 0x18, "1.2.3.1"), (0x20, 0xE, "1.2.3.1")],
        ] {
            let other = [object(&other)];
            assert_eq!(earlier.reused(&other), ["1.2.3.1".to_owned()].into());
            assert!(!earlier.is_own("1.2.3.1", &other));
        }
        // a reference by its SOP Instance UID, and one by a private attribute
        let citing = [object(&[(8, 0x18, "1.2.3.6"), (8, 0x1155, "1.2.3.1"), (9, 0x1001, "1.2.3.1")])];
        assert!(earlier.is_own("1.2.3.1", &citing) && earlier.reused(&citing).is_empty());
        let citing = [object(&[(8, 0x18, "1.2.3.6"), (8, 0x1155, "1.2.3.2")])];
        assert!(!earlier.is_own("1.2.3.2", &citing), "a series is no instance");
    }
}
