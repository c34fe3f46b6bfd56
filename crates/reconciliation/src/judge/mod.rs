//! Whose a result set is (AC8.1), and whether it may go back: keys, references, dates, geometry. Never guesses.
//!
//! Each object has to say on its own whose it is; the set must then be of one participant. The worst finding decides: refuse, then
//! hold (the set is not complete yet), then a person, then accept.

mod issued;
mod keys;
mod object;
mod reason;

use std::collections::BTreeSet;

use dicom_stream::text::{InvalidUid, check_uid};

use crate::survey::{Role, Survey};
use keys::Keys;
use object::Findings;

pub use issued::{Conditions, Issued, IssuedUid, Kind, Participant, Sent};
pub use reason::{ManualReason, RefuseReason};

/// What is to be done with a result set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It may be reconciled, each object into the study of its [`Verdict`].
    Accept {
        /// Whose it is.
        participant: Participant,
    },
    /// It waits for the objects that it refers to, until its deadline (RR-4, RC-02).
    Hold,
    /// A person decides.
    Manual {
        /// Why, each once.
        reasons: BTreeSet<ManualReason>,
        /// Whom the UIDs point to; shown, never taken by itself.
        proposal: Option<Proposal>,
    },
    /// It never goes back; alarm.
    Refuse {
        /// Why, each once.
        reasons: BTreeSet<RefuseReason>,
    },
}

/// What a person is shown as the likely answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The one participant that all issued UIDs of the set point to.
    pub participant: Participant,
    /// The one study that all objects say they are of or, where they say none that was issued, point to; by the caller's key. Absent when
    /// these are several.
    pub study: Option<String>,
}

/// What was found out about one object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// The study that it goes into, by the caller's key, when its Study Instance UID was issued.
    pub study: Option<String>,
    /// How many of the four keys of AC8.1 agree.
    pub keys: usize,
    /// It is an original with the same pixels: drop and log it (RC-07).
    pub drop: bool,
    /// Why it would be refused.
    pub refuse: BTreeSet<RefuseReason>,
    /// Why a person would have to decide.
    pub manual: BTreeSet<ManualReason>,
    /// It refers to something neither issued nor returned (RR-4).
    pub waits: bool,
}

/// Outcome for a set, and what led to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// What is to be done.
    pub outcome: Outcome,
    /// One for each survey, in order.
    pub objects: Vec<Verdict>,
    /// UIDs of the partner that need new ones, over the whole set at once and the same at every repeat (RR-7): give them in
    /// [`crate::Identities::fresh`].
    pub regenerate: BTreeSet<String>,
}

/// Judges a whole result set.
pub fn judge(set: &[Survey], issued: &Issued, conditions: &Conditions) -> Judgement {
    let keys: Vec<Keys> = set.iter().map(|survey| Keys::of(survey, issued)).collect();
    let findings = Findings::new(set, issued, conditions);
    let mut objects: Vec<Verdict> =
        set.iter().zip(&keys).map(|(survey, keys)| findings.verdict(survey, keys)).collect();
    let of_all = common(keys.iter().flat_map(Keys::participants));
    let outcome = if of_all == Common::Contradiction {
        for object in &mut objects {
            object.refuse.insert(RefuseReason::SeveralParticipants);
        }
        refuse(&objects)
    } else {
        outcome(&objects, &of_all, proposal(&keys), conditions)
    };
    Judgement { outcome, objects, regenerate: regenerate(set, issued) }
}

fn outcome(
    objects: &[Verdict],
    of_all: &Common,
    proposal: Option<Proposal>,
    conditions: &Conditions,
) -> Outcome {
    if objects.iter().any(|object| !object.refuse.is_empty()) {
        return refuse(objects);
    }
    let waits = objects.iter().any(|object| object.waits);
    if waits && !conditions.deadline_passed {
        return Outcome::Hold;
    }
    let mut reasons: BTreeSet<ManualReason> =
        objects.iter().flat_map(|object| object.manual.clone()).collect();
    if waits {
        reasons.insert(ManualReason::UnknownReference);
    }
    match of_all {
        Common::One(participant) if reasons.is_empty() => {
            return Outcome::Accept { participant: *participant };
        }
        Common::One(_) => {}
        // nothing at all is known of it, or a UID that several participants share is all there is
        _ => _ = reasons.insert(ManualReason::TooFewKeys),
    }
    Outcome::Manual { reasons, proposal }
}

fn refuse(objects: &[Verdict]) -> Outcome {
    Outcome::Refuse { reasons: objects.iter().flat_map(|object| object.refuse.clone()).collect() }
}

/// What several sets of candidates have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Common {
    /// There were no candidates.
    Nobody,
    One(Participant),
    /// More than one is possible: UIDs that several participants share.
    Several,
    /// No one is in all of them.
    Contradiction,
}

fn common<'a>(candidates: impl Iterator<Item = &'a BTreeSet<Participant>>) -> Common {
    let Some(all) = candidates.fold(None, |all: Option<BTreeSet<Participant>>, some| {
        Some(all.map_or_else(|| some.clone(), |all| all.intersection(some).copied().collect()))
    }) else {
        return Common::Nobody;
    };
    let mut all = all.into_iter();
    match (all.next(), all.next()) {
        (Some(one), None) => Common::One(one),
        (Some(_), Some(_)) => Common::Several,
        (None, _) => Common::Contradiction,
    }
}

/// By UIDs alone: what the partner wrote as a number or name proposes nothing (RC-04, RC-05).
fn proposal(keys: &[Keys]) -> Option<Proposal> {
    let Common::One(participant) = common(keys.iter().flat_map(Keys::participants_by_uid)) else {
        return None;
    };
    let studies: BTreeSet<&String> = keys.iter().flat_map(|keys| &keys.studies).collect();
    let mut studies = studies.into_iter();
    let study = studies.next().filter(|_| studies.next().is_none()).cloned();
    Some(Proposal { participant, study })
}

/// RR-7 and AC8.6: own UIDs that are not valid, that are those of a source, or that the archive has for another object.
fn regenerate(set: &[Survey], issued: &Issued) -> BTreeSet<String> {
    let mut uids = BTreeSet::new();
    for survey in set {
        for uid in [&survey.series, &survey.sop_instance] {
            if issued.uids.contains_key(uid) {
                uids.insert(uid.clone());
            }
        }
        let own = survey.uids.iter().filter(|uid| uid.role == Role::Defines && uid.uid != survey.study);
        let own = own.filter(|uid| !issued.uids.contains_key(&uid.uid));
        uids.extend(
            own.filter(|uid| {
                let valid = matches!(check_uid(uid.uid.as_bytes()), Ok(_) | Err(InvalidUid::LeadingZero));
                !valid || issued.taken.contains(&uid.uid)
            })
            .map(|uid| uid.uid.clone()),
        );
    }
    uids
}
