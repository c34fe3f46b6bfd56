//! Stage *reconcile*: gives a result set the identity it came from, or hands it to a person (step 8). Z4 + vault → Z5 and Z3. State of
//! the result set: reconciled, manual or rejected.
//!
//! This file decides whose a set is and how its work ends; `identity` opens the vault, `encrypted` what a result brings as a second way back,
//! `write` makes the objects, `conclude` writes down what came of it.

mod conclude;
mod encrypted;
mod identity;
mod write;

use std::collections::BTreeSet;
use std::sync::Arc;

use archive::buffer;
use archive::job::{self, Job};
use archive::job_queue::{self, ClaimedJob};
use archive::question::{self, Proposal};
use archive::result_set::{self, ResultSet, ResultSetEvent, ResultSetState};
use pseudonym::{Purpose, VaultError};
use reconciliation::{
    Conditions, Issued, ManualReason, Outcome, Participant, Pseudonyms, Survey, Verdict, Window, judge,
    uids_of,
};
use register::{Outflow, day_of};
use uuid::Uuid;

use crate::accept::Accepted;
use crate::config::{ResultsConfig, text_rules};
use crate::earlier::groups_of;
use crate::identity_check::{Checked, check_identity, identity_hash};
use crate::line::{Line, Project, StageError};
use crate::progress::stage;
use crate::returned_set::{Surveyed, UIDS_MAX, key_of, look_up, survey_all};
use crate::{export, gate, shown};
use conclude::{Reconciled, conclude};
use write::{Transform, Written};

/// Name of the stage in the queue; its subject is a result set.
pub(crate) const KIND: &str = "reconcile";

/// What is compared of a geometry, in millimetres and cosines (RC-08).
const TOLERANCE: f64 = 0.001;
/// The word for a set with more sent or returned before it than it is compared with: never a reason alone.
pub(crate) const NOT_ALL_COMPARED: &str = "not-all-compared";
/// Wait before the gate is asked again about a blocked set.
const BLOCKED_MS: i64 = 900_000;

/// How the work on a set ends.
enum End {
    /// Identified objects are ready.
    Reconciled(Box<Reconciled>),
    /// A person decides.
    Manual(Doubt),
    /// It never goes back; the words say why.
    Rejected(String),
    /// The gate or the lists forbid it.
    Blocked(String),
    /// It waits for what it refers to.
    Hold,
}

/// What a person has to decide.
struct Doubt {
    /// The words of the reasons.
    reasons: Vec<String>,
    /// Whose the set seems to be.
    proposal: Option<Proposal>,
    /// Hash of what was found, by the word of its reason: a decision holds for nothing else.
    evidence: Option<(&'static str, [u8; 32])>,
}

impl End {
    /// A person decides, for one reason; its places are tags that may be shown.
    fn manual(reason: impl AsRef<str>, proposal: Option<Proposal>) -> Self {
        Self::Manual(Doubt { reasons: vec![shown::shown(reason.as_ref())], proposal, evidence: None })
    }
}

impl End {
    /// Tells a person that a doubt may come from what the set was not compared with.
    fn told_whether(mut self, knows_all: bool) -> Self {
        if let (Self::Manual(doubt), false) = (&mut self, knows_all) {
            doubt.reasons.push(NOT_ALL_COMPARED.to_owned());
        }
        self
    }
}

/// Works on the result set `claimed.subject`.
///
/// # Errors
/// Any [`StageError`]: the driver repeats, or calls a person.
pub(crate) async fn run(line: &Arc<Line>, claimed: &ClaimedJob) -> Result<(), StageError> {
    let set = result_set::show(line.main.reader(), claimed.subject).await?;
    let project = line.project(&set.project)?;
    let job = job::show(line.main.reader(), set.job).await?;
    let end = match set.state {
        ResultSetState::Retrieved => work(line, project, &set, &job).await?,
        ResultSetState::Blocked => return look_again(line, project, &set, &job, claimed).await,
        _ => {
            let mut transaction = line.main.write().await?;
            job_queue::finish(&mut transaction, claimed.lease, line.clock.now()).await?;
            return Ok(transaction.commit().await?);
        }
    };
    conclude(line, project, &set, &job, claimed, end).await
}

/// A blocked set goes on once the gate is open again.
async fn look_again(
    line: &Arc<Line>,
    project: &Project,
    set: &ResultSet,
    job: &Job,
    claimed: &ClaimedJob,
) -> Result<(), StageError> {
    let is_open = project.config.results.is_some()
        && gate::ask(line, project, job, set.id, Outflow::give_back).await?.is_open();
    let now = line.clock.now();
    let mut transaction = line.main.write().await?;
    if is_open {
        let change = stage(project, "reconcile", "the gate is open again", now);
        result_set::advance(&mut transaction, set.id, ResultSetEvent::Unblock, &change).await?;
    }
    let again = if is_open { now } else { now + BLOCKED_MS };
    job_queue::postpone(&mut transaction, claimed.lease, again, now).await?;
    transaction.commit().await?;
    line.work.notify_one();
    Ok(())
}

async fn work(line: &Arc<Line>, project: &Project, set: &ResultSet, job: &Job) -> Result<End, StageError> {
    let Some(results) = &project.config.results else {
        return Ok(End::Blocked("results are not configured".to_owned()));
    };
    let instances = buffer::inbound_of(line.buffer.reader(), set.id).await?;
    let surveys = match survey_all(line, &instances).await? {
        Surveyed::All(surveys) => surveys,
        Surveyed::Unreadable => return Ok(End::manual("cannot-be-read", None)),
        Surveyed::TooMuch => return Ok(End::manual("too-much-to-look-up", None)),
    };
    if uids_of(&surveys).len() > UIDS_MAX {
        return Ok(End::manual("too-many-uids", None));
    }
    // What was issued is known by the record of this export and by nothing else (RC-12).
    let record = match line.vault.export_record(&job.first_increment.to_string()).await {
        Ok(record) => record,
        Err(VaultError::Unknown(_)) => return Ok(End::manual("no-export-record", None)),
        Err(error) => return Err(error.into()),
    };
    let (mut issued, knows_all) = look_up(line, set, job, &surveys).await?;
    let conditions = conditions(line, project, results, set, job)?;
    let claimed_by = export::participant(job)?;
    let accepted = accepted(line, set).await?;
    // Whose it is, before anything of an identity is opened.
    if let Some(end) = without_identity(&surveys, &issued, &conditions, key_of(claimed_by), &accepted) {
        return Ok(end.told_whether(knows_all));
    }
    let decision = gate::ask(line, project, job, set.id, Outflow::give_back).await?;
    if !decision.is_open() {
        return Ok(End::Blocked(gate::codes(&decision)));
    }
    let purpose = Purpose::new("reconcile", "research-pacs", &line.site, &format!("job {}", job.id))?;
    let access = match line.vault.reidentify(&job.project, claimed_by, &purpose, line.clock.now()).await {
        Ok(access) => access,
        Err(VaultError::Opposed) => return Ok(End::Blocked("opposed".to_owned())),
        Err(VaultError::Erased) => return Ok(End::Blocked("erased".to_owned())),
        // Lost since the export: nothing is derived anew (RC-12).
        Err(VaultError::Unknown(_)) => return Ok(End::manual("participant-unknown", None)),
        Err(error) => return Err(error.into()),
    };
    let participant = Uuid::from_u128(key_of(claimed_by).0);
    let theirs = Some(Proposal { participant, study: Some(record.study.clone()) });
    if access.merged_into().is_some() && !accepted.covers("participant-merged") {
        return Ok(End::manual("participant-merged", theirs));
    }
    identity::add_to_issued(line, &access, &record, &mut issued).await?;
    let judgement = judge(&surveys, &issued, &conditions);
    match &judgement.outcome {
        Outcome::Accept { .. } => {}
        Outcome::Refuse { reasons } => {
            return Ok(End::Rejected(words(reasons.iter().map(|reason| reason.word()))));
        }
        Outcome::Hold => return Ok(End::Hold),
        Outcome::Manual { reasons, proposal } => {
            let proposal = proposal.as_ref().map(in_own_ids);
            if proposal != theirs || !reasons.iter().all(|reason| accepted.covers(reason.word())) {
                let end = End::Manual(doubt(reasons.iter(), proposal, theirs.as_ref()));
                return Ok(end.told_whether(knows_all));
            }
        }
    }
    // Where a person accepted a study of the tool's own, everything in it points to this one (RC-05).
    let own_study_accepted = accepted.covers(ManualReason::StudyUnknown.word());
    if !all_of_study(&judgement.objects, &record.study, own_study_accepted) {
        return Ok(End::manual("another-study", theirs));
    }
    let received = match identity::own_record(line, &access, &record).await? {
        Ok(received) => received,
        Err(end) => return Ok(end),
    };
    let objects = instances.iter().zip(surveys.iter().zip(&judgement.objects));
    if let Some(end) = encrypted::doubt(line, project, &access, &record.partner, &received, objects).await? {
        return Ok(end);
    }
    // Before anything identified is written: what goes to a person leaves nothing in Z5.
    let (check, own) = match check_identity(line.return_node(project)?, &received, &accepted).await? {
        Checked::Known { check, own } => (check, own),
        Checked::Ask { check, evidence } => {
            let (reason, evidence) = (check.as_str(), Some((check.as_str(), evidence)));
            return Ok(End::Manual(Doubt { reasons: vec![reason.to_owned()], proposal: theirs, evidence }));
        }
    };
    let (mut identities, retained) =
        identity::identities(line, &access, &record, &surveys, &issued, &judgement.regenerate, job).await?;
    let is_theirs = |uid: &&String| !issued.uids.contains_key(*uid);
    let regenerated = judgement.regenerate.iter().filter(is_theirs);
    let regenerated = regenerated.filter_map(|uid| identities.fresh.get(uid).cloned()).collect();
    for survey in surveys.iter().filter(|survey| !issued.uids.contains_key(&survey.study)) {
        identities.fresh.insert(survey.study.clone(), own.study.clone());
    }
    // What was issued unchanged is the truth itself (RC-11).
    let mut defined = groups_of(&surveys);
    defined.retain(|uid| !issued.uids.contains_key(uid));
    let issued_uids = issued.uids.keys().filter(|uid| !retained.contains(*uid)).cloned();
    let pseudonyms = Pseudonyms::new(record.code.as_str(), issued_uids, &issued.dates, identities.shift_days);
    let mut policy = identity::policy(results, set, job, conditions.window);
    // checked with the configuration; a rule that is none replaces nothing
    policy.text_rules = text_rules(line.partner(&set.partner)?.results()).unwrap_or_default();
    if accepted.covers(ManualReason::DateOfNoClass.word()) {
        // never an issued one: that goes back
        policy.accepted_dates = days(&surveys).difference(&issued.dates).copied().collect();
    }
    let mut given = identity::given(line, job, record.code.as_str()).await?;
    let is_other = |of: &&String| issued.spelled.get(*of) != Some(&key_of(claimed_by));
    given.others = issued.spelled.keys().chain(&issued.codes_elsewhere).filter(is_other).cloned().collect();
    let transform = Transform { identities, given, own: identity::of_vault(&own), policy, pseudonyms };
    let written =
        match write::transform_all(line, set, instances, surveys, judgement.objects, transform).await? {
            Ok(written) => written,
            Err(end) => return Ok(end),
        };
    let Written { returned, archived, not_inspected } = written;
    // The job goes on: nothing of a result was among them (RC-07).
    if returned.is_empty() {
        return Ok(End::Rejected("originals-unchanged".to_owned()));
    }
    let identity = identity_hash(&own);
    Ok(End::Reconciled(Box::new(Reconciled {
        returned,
        archived,
        check,
        identity,
        regenerated,
        not_inspected,
        defined: defined.into_iter().collect(),
        participant,
    })))
}

/// What a person accepted about the set so far.
pub(crate) async fn accepted(line: &Line, set: &ResultSet) -> Result<Accepted, StageError> {
    let questions = question::of_set(line.main.reader(), set.id).await?;
    Ok(Accepted::new(questions, buffer::evidence_of(line.buffer.reader(), set.id).await?))
}

/// What the rules leave to a person. Where they propose somebody or a study that is not `theirs`, no person can accept it either.
fn doubt<'r>(
    reasons: impl Iterator<Item = &'r ManualReason>,
    proposal: Option<Proposal>,
    theirs: Option<&Proposal>,
) -> Doubt {
    let mut reasons: Vec<String> = reasons.map(|reason| reason.word().to_owned()).collect();
    if let (Some(proposal), Some(theirs)) = (&proposal, theirs) {
        let is_other_study = |study: &String| theirs.study.as_ref().is_some_and(|theirs| theirs != study);
        if proposal.participant != theirs.participant {
            reasons.push("another-participant".to_owned());
        } else if proposal.study.as_ref().is_some_and(is_other_study) {
            reasons.push("another-study".to_owned());
        }
    }
    Doubt { reasons, proposal, evidence: None }
}

/// A proposal of the rules in our own ids.
fn in_own_ids(proposal: &reconciliation::Proposal) -> Proposal {
    Proposal { participant: Uuid::from_u128(proposal.participant.0), study: proposal.study.clone() }
}

/// Every day that the set names: of those, the ones of neither class stay as they are once a person accepted them (RR-8).
fn days(surveys: &[Survey]) -> BTreeSet<u32> {
    surveys.iter().flat_map(|survey| &survey.dates).filter_map(|date| date.day).collect()
}

/// How a set ends that is not this participant's, whatever the participant's own rows would tell; `None` when they have to be asked:
/// only they know the dates that were issued.
fn without_identity(
    surveys: &[Survey],
    issued: &Issued,
    conditions: &Conditions,
    claimed_by: Participant,
    accepted: &Accepted,
) -> Option<End> {
    // A set that would wait for more says whose it is all the same.
    let conditions = Conditions { deadline_passed: true, ..conditions.clone() };
    match judge(surveys, issued, &conditions).outcome {
        Outcome::Refuse { reasons } => Some(End::Rejected(words(reasons.iter().map(|reason| reason.word())))),
        Outcome::Accept { participant } if participant == claimed_by => None,
        Outcome::Accept { .. } => Some(End::Rejected("another-participant".to_owned())),
        Outcome::Manual { reasons, proposal } => {
            let is_theirs = proposal.as_ref().is_some_and(|proposal| proposal.participant == claimed_by);
            // What the participant's rows may settle is not asked yet.
            let settled = |reason: &&ManualReason| {
                !matches!(reason, ManualReason::UnknownReference | ManualReason::DateOfNoClass)
            };
            let mut left = reasons.iter().filter(settled).peekable();
            let goes_on = is_theirs && left.clone().all(|reason| accepted.covers(reason.word()));
            let proposal = proposal.as_ref().map(in_own_ids);
            let theirs = Proposal { participant: Uuid::from_u128(claimed_by.0), study: None };
            if goes_on {
                None
            } else if left.peek().is_none() {
                Some(End::Manual(doubt(reasons.iter(), proposal, Some(&theirs))))
            } else {
                Some(End::Manual(doubt(left, proposal, Some(&theirs))))
            }
        }
        // not with the deadline passed
        Outcome::Hold => Some(End::Hold),
    }
}

/// Whether every object that goes back says that it is of the study whose identity is written into it; one that says a study which was
/// never issued counts where that was accepted.
fn all_of_study(verdicts: &[Verdict], study: &str, unknown_accepted: bool) -> bool {
    let is_of_study = |of: Option<&str>| of.map_or(unknown_accepted, |of| of == study);
    verdicts.iter().filter(|verdict| !verdict.drop).all(|verdict| is_of_study(verdict.study.as_deref()))
}

fn words<'w>(words: impl Iterator<Item = &'w str>) -> String {
    words.collect::<Vec<_>>().join(", ")
}

fn conditions(
    line: &Line,
    project: &Project,
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
        opens_encrypted_attributes: project.encrypted_attributes_key.is_some(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_points_to_somebody_else_or_to_another_study_has_a_reason_that_nobody_can_accept() {
        let of = |participant: u128, study: Option<&str>| Proposal {
            participant: Uuid::from_u128(participant),
            study: study.map(str::to_owned),
        };
        let reasons = |proposal, theirs| {
            let doubt = doubt([ManualReason::PatientIdAltered].iter(), proposal, Some(&theirs));
            doubt
                .reasons
                .into_iter()
                .filter(|reason| !crate::accept::is_acceptable(reason))
                .collect::<Vec<_>>()
        };
        assert!(reasons(Some(of(1, Some("A"))), of(1, Some("A"))).is_empty());
        assert!(reasons(Some(of(1, Some("A"))), of(1, None)).is_empty());
        assert!(
            reasons(None, of(1, Some("A"))).is_empty(),
            "what nothing is proposed for is refused for that"
        );
        assert_eq!(reasons(Some(of(2, Some("A"))), of(1, None)), ["another-participant"]);
        assert_eq!(reasons(Some(of(1, Some("B"))), of(1, Some("A"))), ["another-study"]);
    }

    #[test]
    fn a_person_is_told_when_a_set_was_not_compared_with_everything_and_may_still_accept() {
        let reasons = |end| match end {
            End::Manual(doubt) => doubt.reasons,
            _ => Vec::new(),
        };
        let ask = || End::manual("geometry-differs", None);
        assert_eq!(reasons(ask().told_whether(true)), ["geometry-differs"]);
        let told = reasons(ask().told_whether(false));
        assert_eq!(told, ["geometry-differs", NOT_ALL_COMPARED]);
        assert!(told.iter().all(|reason| crate::accept::is_acceptable(reason)));
        assert!(reasons(End::Hold.told_whether(false)).is_empty());
    }

    #[test]
    fn an_object_of_another_study_or_of_none_stops_the_set_unless_it_is_dropped() {
        let of = |study: Option<&str>, drop| Verdict {
            study: study.map(str::to_owned),
            drop,
            ..Verdict::default()
        };
        assert!(all_of_study(&[of(Some("A"), false), of(Some("A"), false)], "A", false));
        assert!(!all_of_study(&[of(Some("A"), false), of(Some("B"), false)], "A", true));
        assert!(!all_of_study(&[of(None, false)], "A", false));
        assert!(all_of_study(&[of(None, false)], "A", true));
        assert!(all_of_study(&[of(Some("A"), false), of(Some("B"), true)], "A", false));
    }
}
