//! Stage *reconcile*: gives a result set the identity it came from, or hands it to a person (step 8). Z4 + vault → Z5 and Z3. State of
//! the result set: reconciled, manual or rejected.
//!
//! This file decides whose a set is and how its work ends; `identity` opens the vault, `write` makes the objects, `conclude` writes down
//! what came of it.

mod conclude;
mod identity;
mod write;

use std::collections::BTreeMap;
use std::sync::Arc;

use archive::buffer;
use archive::job::{self, Job};
use archive::job_queue::{self, ClaimedJob};
use archive::result_set::{self, ResultSet, ResultSetState};
use pseudonym::{Purpose, VaultError};
use reconciliation::{
    Conditions, Given, Issued, ManualReason, Outcome, Participant, Pseudonyms, Survey, Verdict, Window, judge,
};
use register::day_of;
use uuid::Uuid;

use crate::clinical_pacs::{IdentityCheck, check_identity};
use crate::config::ResultsConfig;
use crate::export;
use crate::line::{Line, Project, StageError};
use crate::returned_set::{key_of, look_up, survey_all};
use conclude::{Reconciled, conclude};
use write::{Transform, Written};

/// Name of the stage in the queue; its subject is a result set.
pub(crate) const KIND: &str = "reconcile";

/// What is compared of a geometry, in millimetres and cosines (RC-08).
const TOLERANCE: f64 = 0.001;

/// How the work on a set ends.
enum End {
    /// Identified objects are ready.
    Reconciled(Box<Reconciled>),
    /// A person decides; the words say why.
    Manual(String),
    /// It never goes back; the words say why.
    Rejected(String),
    /// The gate or the lists forbid it.
    Blocked(&'static str),
    /// It waits for what it refers to.
    Hold,
}

/// Works on the result set `claimed.subject`.
///
/// # Errors
/// Any [`StageError`]: the driver repeats, or calls a person.
pub(crate) async fn run(line: &Arc<Line>, claimed: &ClaimedJob) -> Result<(), StageError> {
    let set = result_set::show(line.main.reader(), claimed.subject).await?;
    let project = line.project(&set.project)?;
    if set.state != ResultSetState::Retrieved {
        let mut transaction = line.main.write().await?;
        job_queue::finish(&mut transaction, claimed.lease, line.clock.now()).await?;
        return Ok(transaction.commit().await?);
    }
    let job = job::show(line.main.reader(), set.job).await?;
    let end = work(line, project, &set, &job).await?;
    conclude(line, project, &set, &job, claimed, end).await
}

async fn work(line: &Arc<Line>, project: &Project, set: &ResultSet, job: &Job) -> Result<End, StageError> {
    let Some(results) = &project.config.results else {
        return Ok(End::Blocked("results are not configured"));
    };
    let instances = buffer::inbound_of(line.buffer.reader(), set.id).await?;
    let Some(surveys) = survey_all(line, &instances).await? else {
        return Ok(End::Manual("cannot-be-read".to_owned()));
    };
    let mut issued = look_up(line, job, &surveys).await?;
    let conditions = conditions(line, results, set, job)?;
    let claimed_by = export::participant(job)?;
    // Whose it is, before anything of an identity is opened.
    if let Some(end) = without_identity(&surveys, &issued, &conditions, key_of(claimed_by)) {
        return Ok(end);
    }
    let purpose = Purpose::new("reconcile", "research-pacs", &line.site, &format!("job {}", job.id))?;
    let access = match line.vault.reidentify(&job.project, claimed_by, &purpose, line.clock.now()).await {
        Ok(access) => access,
        Err(VaultError::Opposed) => return Ok(End::Blocked("opposed")),
        Err(VaultError::Erased) => return Ok(End::Blocked("erased")),
        Err(error) => return Err(error.into()),
    };
    if access.merged_into().is_some() {
        return Ok(End::Manual("participant-merged".to_owned()));
    }
    let record = line.vault.export_record(&job.first_increment.to_string()).await?;
    identity::add_to_issued(line, &access, &record, &surveys, &mut issued).await?;
    let judgement = judge(&surveys, &issued, &conditions);
    match &judgement.outcome {
        Outcome::Accept { .. } => {}
        Outcome::Refuse { reasons } => {
            return Ok(End::Rejected(words(reasons.iter().map(|reason| reason.word()))));
        }
        Outcome::Hold => return Ok(End::Hold),
        Outcome::Manual { reasons, .. } => {
            return Ok(End::Manual(words(reasons.iter().map(|reason| reason.word()))));
        }
    }
    if !all_of_study(&judgement.objects, &record.study) {
        return Ok(End::Manual("another-study".to_owned()));
    }
    let own = match identity::own_record(line, &access, &record).await? {
        Ok(own) => own,
        Err(end) => return Ok(end),
    };
    let identities =
        identity::identities(line, &access, &record, &surveys, &issued, &judgement.regenerate, set).await?;
    let issued_uids = issued.uids.keys().cloned();
    let pseudonyms = Pseudonyms::new(record.code.as_str(), issued_uids, &issued.dates, identities.shift_days);
    let transform = Transform {
        identities,
        given: Given { code: record.code.as_str().to_owned(), values: BTreeMap::new() },
        own: identity::of_vault(&own),
        policy: identity::policy(results, set, job, conditions.window),
        pseudonyms,
    };
    // Before anything identified is written: what goes to a person leaves nothing in Z5.
    let check = check_identity(line.return_node(project)?, &own).await?;
    if matches!(check, IdentityCheck::Differs | IdentityCheck::NotFound) {
        return Ok(End::Manual(check.as_str().to_owned()));
    }
    let written =
        match write::transform_all(line, set, instances, surveys, judgement.objects, transform).await? {
            Ok(written) => written,
            Err(end) => return Ok(end),
        };
    let participant = Uuid::from_u128(key_of(claimed_by).0);
    let Written { returned, archived, body_not_inspected } = written;
    Ok(End::Reconciled(Box::new(Reconciled { returned, archived, check, body_not_inspected, participant })))
}

/// How a set ends that is not this participant's, whatever the participant's own rows would tell; `None` when they have to be asked:
/// only they know the dates that were issued and the real UIDs that must not be in it.
fn without_identity(
    surveys: &[Survey],
    issued: &Issued,
    conditions: &Conditions,
    claimed_by: Participant,
) -> Option<End> {
    // A set that would wait for more says whose it is all the same.
    let conditions = Conditions { deadline_passed: true, ..conditions.clone() };
    match judge(surveys, issued, &conditions).outcome {
        Outcome::Refuse { reasons } => Some(End::Rejected(words(reasons.iter().map(|reason| reason.word())))),
        Outcome::Accept { participant } if participant == claimed_by => None,
        Outcome::Accept { .. } => Some(End::Rejected("another-participant".to_owned())),
        Outcome::Manual { reasons, proposal } => {
            let may_change = |reason: &ManualReason| {
                matches!(reason, ManualReason::UnknownReference | ManualReason::DateOfNoClass)
            };
            let is_theirs = proposal.is_some_and(|proposal| proposal.participant == claimed_by);
            let ends = !(is_theirs && reasons.iter().all(may_change));
            ends.then(|| End::Manual(words(reasons.iter().map(|reason| reason.word()))))
        }
        // not with the deadline passed
        Outcome::Hold => Some(End::Hold),
    }
}

/// Whether every object that goes back says that it is of the study whose identity is written into it.
fn all_of_study(verdicts: &[Verdict], study: &str) -> bool {
    verdicts.iter().filter(|verdict| !verdict.drop).all(|verdict| verdict.study.as_deref() == Some(study))
}

fn words<'w>(words: impl Iterator<Item = &'w str>) -> String {
    words.collect::<Vec<_>>().join(", ")
}

fn conditions(
    line: &Line,
    results: &ResultsConfig,
    set: &ResultSet,
    job: &Job,
) -> Result<Conditions, StageError> {
    let partner = line.partner(&set.partner)?;
    let day = |at: i64| day_of(at).format("%Y%m%d").to_string().parse().unwrap_or(0);
    const DAY: i64 = 86_400_000;
    let deadline = set.created_at + i64::from(results.idle_seconds).max(60) * 10_000;
    Ok(Conditions {
        sop_classes: partner.results().sop_classes.iter().cloned().collect(),
        // The partner's clock and time zone are its own: a day more at both ends.
        window: Window { exported_on: day(job.created_at - DAY), received_on: day(line.clock.now() + DAY) },
        deadline_passed: line.clock.now() > deadline,
        tolerance: TOLERANCE,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_of_another_study_or_of_none_stops_the_set_unless_it_is_dropped() {
        let of = |study: Option<&str>, drop| Verdict {
            study: study.map(str::to_owned),
            drop,
            ..Verdict::default()
        };
        assert!(all_of_study(&[of(Some("A"), false), of(Some("A"), false)], "A"));
        assert!(!all_of_study(&[of(Some("A"), false), of(Some("B"), false)], "A"));
        assert!(!all_of_study(&[of(None, false)], "A"));
        assert!(all_of_study(&[of(Some("A"), false), of(Some("B"), true)], "A"));
    }
}
