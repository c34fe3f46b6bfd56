//! What a partner lists that is new: difference by UIDs, so that there is no cursor that could be lost (AC6.3), and, where a manifest gives
//! hashes, by content: the same UID with other bytes is a newer version of a result, or an original that was altered (RC-07), and never
//! passed over. QIDO-RS and C-FIND give no hash: there a result is known by its UID alone.
//!
//! A newer version takes the place of a set that was not released, as a whole; after the release a person decides (flow step 6).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use archive::blob::BlobKey;
use archive::buffer::{self, Offered, ResultInstance};
use archive::index;
use archive::job::Job;
use archive::result_set::{self, ResultSet, ResultSetEvent, ResultSetState};
use archive::zone::Zone;
use partner::Listing;
use sqlx::AnyConnection;
use uuid::Uuid;

use crate::deidentify::blocking;
use crate::line::{Line, Project, StageError};
use crate::progress::stage;
use crate::{beside, close};

/// Rows of Z3 looked up in one step.
const PAGE: u32 = 256;

/// What is to be done about a listing.
#[derive(Debug, Default)]
pub(crate) struct News {
    /// SOP Instance UIDs to fetch.
    pub(crate) wanted: BTreeSet<String>,
    /// Sets that were not released and of which an object was replaced.
    pub(crate) outdated: Vec<Uuid>,
    /// Hashes of the files to keep that are no DICOM objects.
    pub(crate) beside: Vec<[u8; 32]>,
}

impl News {
    pub(crate) fn is_empty(&self) -> bool {
        self.wanted.is_empty() && self.outdated.is_empty() && self.beside.is_empty()
    }
}

/// What is new in a listing of the study of `job`.
pub(crate) async fn of_listing(line: &Line, job: &Job, listing: &Listing) -> Result<News, StageError> {
    let contents: BTreeMap<&str, [u8; 32]> = listing
        .instances
        .iter()
        .filter_map(|found| Some((found.sop_instance.as_str(), found.content?)))
        .collect();
    let listed: Vec<String> = listing.instances.iter().map(|found| found.sop_instance.clone()).collect();
    let mut main = line.main.reader().acquire().await?;
    let ours = index::known_uids(&mut main, &job.project, &listed).await?;
    let known = index::known_in_study(&mut main, &job.project, &listing.study, &listed).await?;
    drop(main);
    let uids: Vec<&str> = listed.iter().map(String::as_str).collect();
    let sent = line.vault.issued_among(&job.project, &job.partner, &uids).await?;
    let mut connection = line.buffer.reader().acquire().await?;
    let offered = buffer::offered(&mut connection, &job.partner, &listing.study, &listed).await?;
    drop(connection);
    let earlier = Earlier::new(line, offered, &contents).await?;
    // What is known is known in this study: a partner may use a UID again in another one, and its object there is a result as any (RR-7
    // gives it a new UID). Under linkage `partner` the index does not know what was issued; under `project` it does, by study.
    let is_ours = |uid: &String| match contents.contains_key(uid.as_str()) {
        // an original is looked at, unless it was already: other bytes may be under its UID (RC-07)
        true => known.contains(uid) && !sent.contains(uid) && !earlier.offered.contains_key(uid),
        false => known.contains(uid) || (sent.contains(uid) && !ours.contains(uid)),
    };
    let is_new = |uid: &String| !is_ours(uid) && !earlier.has(uid, contents.get(uid.as_str()));
    let wanted = listed.into_iter().filter(is_new).collect();
    Ok(News { wanted, outdated: earlier.replaceable(), beside: beside::new(line, job, listing).await? })
}

/// What the partner gave in this study before.
struct Earlier {
    offered: BTreeMap<String, Vec<Offered>>,
    states: BTreeMap<Uuid, ResultSetState>,
    /// Sets of which an object is listed with another content by now.
    outdated: BTreeSet<Uuid>,
}

impl Earlier {
    async fn new(
        line: &Line,
        rows: Vec<Offered>,
        contents: &BTreeMap<&str, [u8; 32]>,
    ) -> Result<Self, StageError> {
        let (mut states, mut outdated) = (BTreeMap::new(), BTreeSet::new());
        let mut offered: BTreeMap<String, Vec<Offered>> = BTreeMap::new();
        for row in rows {
            if !states.contains_key(&row.result_set) {
                let set = result_set::show(line.main.reader(), row.result_set).await?;
                states.insert(set.id, set.state);
            }
            if differs(row.content, contents.get(row.sop_instance_uid.as_str()).copied()) {
                outdated.insert(row.result_set);
            }
            offered.entry(row.sop_instance_uid.clone()).or_default().push(row);
        }
        Ok(Self { offered, states, outdated })
    }

    /// Whether what is listed under `uid` is here, in a set that it does not have to be fetched anew for.
    fn has(&self, uid: &str, content: Option<&[u8; 32]>) -> bool {
        let rows = self.offered.get(uid).map(Vec::as_slice).unwrap_or_default();
        rows.iter().any(|row| {
            let state = self.states.get(&row.result_set).copied();
            let is_replaced = self.outdated.contains(&row.result_set) && !state.is_some_and(was_let_go);
            !is_replaced
                && state != Some(ResultSetState::Superseded)
                && !differs(row.content, content.copied())
        })
    }

    /// Outdated sets that end by it.
    fn replaceable(&self) -> Vec<Uuid> {
        let ends = |set: &&Uuid| self.states.get(set).is_some_and(|state| is_replaceable(*state));
        self.outdated.iter().filter(ends).copied().collect()
    }
}

/// Whether two hashes are known, and differ.
fn differs(one: Option<[u8; 32]>, other: Option<[u8; 32]>) -> bool {
    one.is_some_and(|one| other.is_some_and(|other| one != other))
}

/// Whether a newer version ends a set in this state: nobody and nothing has let it go.
fn is_replaceable(state: ResultSetState) -> bool {
    state.next(None, ResultSetEvent::Supersede).is_some()
}

/// Whether a set in this state may be at the clinical PACS, or on its way: what it holds was delivered, and is not fetched again because
/// another object of it has changed.
fn was_let_go(state: ResultSetState) -> bool {
    !is_replaceable(state)
        && !matches!(state, ResultSetState::Superseded | ResultSetState::Rejected | ResultSetState::Withdrawn)
}

/// Ends the sets that a newer version replaces, before it is fetched, so that none of them is released meanwhile. What they hold leaves at
/// once: the newer version keeps the partner's UIDs.
pub(crate) async fn supersede(line: &Arc<Line>, project: &Project, sets: &[Uuid]) -> Result<(), StageError> {
    for set in sets {
        let change = stage(project, "fetch", "the partner replaced an object of it", line.clock.now());
        let mut transaction = line.main.write().await?;
        result_set::advance(&mut transaction, *set, ResultSetEvent::Supersede, &change).await?;
        let archived = archived(&mut transaction, *set).await?;
        index::remove(&mut transaction, &archived).await?;
        transaction.commit().await?;
        let blobs = Arc::clone(&line.blobs);
        let left = blocking(move || {
            archived.into_iter().try_for_each(|id| blobs.remove(BlobKey::new(Zone::Archive, id)?).map(|_| ()))
        });
        left.await??;
        let purged = close::empty(line, *set, true).await?;
        let mut transaction = line.main.write().await?;
        line.trail.append(&mut transaction, &[close::emptied("fetch", *set, purged, change.at)]).await?;
        transaction.commit().await?;
        tracing::info!(result_set = %set, "a newer version replaced a result before its release");
    }
    Ok(())
}

/// What Z3 holds of a set.
async fn archived(connection: &mut AnyConnection, set: Uuid) -> Result<Vec<Uuid>, StageError> {
    let (mut ids, mut after) = (Vec::new(), None);
    loop {
        let page = index::instances_of_source(&mut *connection, set, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(ids) };
        after = Some(last.instance.id);
        ids.extend(page.iter().map(|found| found.instance.id));
    }
}

/// Whether the set brings other content under a UID of a result that was let go.
pub(crate) async fn replaces(
    line: &Line,
    set: &ResultSet,
    instances: &[ResultInstance],
) -> Result<bool, StageError> {
    let mut studies: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for instance in instances {
        studies.entry(&instance.study_instance_uid).or_default().push(instance.sop_instance_uid.clone());
    }
    let mut connection = line.buffer.reader().acquire().await?;
    for (study, uids) in studies {
        let rows = buffer::offered(&mut connection, &set.partner, study, &uids).await?;
        let (own, others): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.result_set == set.id);
        for other in others {
            let is_other = |own: &Offered| {
                own.sop_instance_uid == other.sop_instance_uid && differs(own.content, other.content)
            };
            if own.iter().any(is_other)
                && was_let_go(result_set::show(line.main.reader(), other.result_set).await?.state)
            {
                return Ok(true);
            }
        }
    }
    Ok(false)
}
