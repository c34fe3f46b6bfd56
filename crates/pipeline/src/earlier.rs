//! What other results brought before: what a set may cite (RR-2), and which of its UIDs another one has already (RR-7).

use std::collections::BTreeSet;
use std::sync::Arc;

use archive::job::{self, Job};
use archive::result_set::{self, ResultSet, ResultSetState};
use archive::{buffer, defined_uid, index};
use reconciliation::Survey;
use uuid::Uuid;

use crate::line::{Line, StageError};
use crate::returned_set::{SENT_MAX, surveys_of_source};

/// UIDs of the set that another object of any project or partner has: two objects of one SOP Instance UID, or two studies with one series
/// or frame of reference, cannot be at the clinical PACS (RR-7). `jobs` are those of this study and partner.
pub(crate) async fn taken(
    line: &Line,
    set: &ResultSet,
    jobs: &BTreeSet<Uuid>,
    surveys: &[Survey],
) -> Result<BTreeSet<String>, StageError> {
    let instances: Vec<String> = surveys.iter().map(|survey| survey.sop_instance.clone()).collect();
    let groups: Vec<String> = groups_of(surveys).into_iter().collect();
    let mut main = line.main.reader().acquire().await?;
    let mut taken = defined_uid::of_others(&mut main, jobs, &groups).await?;
    for project in line.projects.keys() {
        taken.extend(index::uids_of_others(&mut main, project, set.id, &instances).await?);
    }
    let mut connection = line.buffer.reader().acquire().await?;
    for partner in line.partners.keys() {
        taken.extend(buffer::inbound_of_others(&mut connection, partner, set.id, &instances).await?);
    }
    for (series, other) in buffer::series_of_others(&mut connection, set.id, &groups).await? {
        if !jobs.contains(&result_set::show(&mut *main, other).await?.job) {
            taken.insert(series);
        }
    }
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
    /// UIDs of objects, series and frames of reference of the sets, whatever became of them.
    pub(crate) defined: BTreeSet<String>,
    /// The same of the sets that are on their way to the clinical PACS, or there: a reference to them resolves (RR-2).
    pub(crate) returned: BTreeSet<String>,
    /// Whether all objects were looked at.
    pub(crate) is_whole: bool,
}

pub(crate) async fn earlier(line: &Arc<Line>, set: &ResultSet, job: &Job) -> Result<Earlier, StageError> {
    let mut earlier = Earlier {
        jobs: BTreeSet::from([job.id]),
        defined: BTreeSet::new(),
        returned: BTreeSet::new(),
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
            // not what an object says of its tool or tracks: such a UID could be anybody's
            let defined = surveys.iter().flat_map(Survey::can_be_cited).map(str::to_owned);
            let defined: BTreeSet<String> = defined.collect();
            if is_let_back(set.state) {
                earlier.returned.extend(defined.iter().cloned());
            }
            earlier.defined.extend(defined);
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
