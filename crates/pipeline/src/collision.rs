//! Before the first push: whether the clinical PACS has an instance already that would now be brought to it (RR-7, AC8.6). We never sent it, so
//! it is somebody else's, and an archive keeps one of the two, or both.
//!
//! It is asked as every node can be asked, from the study down: for the series of the study that the result goes to, and for the instances of
//! those series that the result says it is of. Where else a UID may be would take relational queries (PS3.4 C.4.1.2.2), which a node
//! need not support.

use std::collections::{BTreeMap, BTreeSet};

use archive::buffer::{self, ReturnInstance, ReturnState};

use crate::clinical_pacs::{held_instances, held_series};
use crate::config::NodeConfig;
use crate::line::{Line, StageError};

/// Status of an instance that was looked for and not found: a repeat after an interrupted push may find it, for we sent it by then.
const NOT_THERE: &str = "not there before";
/// Series that the node has and is asked about; as a rule it has none.
const SERIES_MAX: usize = 64;

/// Why the instances must not be pushed; `None` when they may. A node that answers no queries is not asked.
///
/// # Errors
/// [`StageError::Association`], [`StageError::Busy`]: nothing can be pushed anyway, try again later.
pub(crate) async fn collision(
    line: &Line,
    node: &NodeConfig,
    due: &[ReturnInstance],
) -> Result<Option<&'static str>, StageError> {
    let new: Vec<&ReturnInstance> =
        due.iter().filter(|of| of.state == ReturnState::Waiting && of.status.is_empty()).collect();
    if new.is_empty() || !node.query {
        return Ok(None);
    }
    let mut studies: BTreeMap<&str, BTreeMap<&str, BTreeSet<&str>>> = BTreeMap::new();
    for of in &new {
        let instance = &of.instance;
        let series = studies.entry(&instance.study_instance_uid).or_default();
        series.entry(&instance.series_instance_uid).or_default().insert(&instance.sop_instance_uid);
    }
    for (study, series) in studies {
        if let Some(cause) = in_study(node, study, series).await? {
            return Ok(Some(cause));
        }
    }
    let mut transaction = line.buffer.write().await?;
    for of in new {
        let (id, now) = (of.instance.id, line.clock.now());
        buffer::note_return(&mut transaction, id, ReturnState::Waiting, NOT_THERE, now).await?;
    }
    transaction.commit().await?;
    Ok(None)
}

async fn in_study(
    node: &NodeConfig,
    study: &str,
    mut series: BTreeMap<&str, BTreeSet<&str>>,
) -> Result<Option<&'static str>, StageError> {
    let Some(held) = held_series(node, study).await? else { return Ok(None) };
    series.retain(|uid, _| held.is_cut || held.series.contains(*uid));
    if series.len() > SERIES_MAX {
        return Ok(Some("too-many-series-already-there"));
    }
    for (series, instances) in series {
        let held = match held_instances(node, study, series).await {
            Err(StageError::NoQuery(_)) => return Ok(None),
            held => held?,
        };
        if instances.iter().any(|instance| held.contains(*instance)) {
            return Ok(Some("instances-already-there"));
        }
    }
    Ok(None)
}
