//! What is asked about a result set, and the named person who accepts it: a set in `manual` (AC8.1, RC-04, RC-05, table 8.1) is reconciled again with that
//! decision, and released by a named person after it, never by policy.
//!
//! A decision answers the questions that were asked and nothing else: what comes up later, or has changed since, is asked again.

use std::collections::BTreeMap;

use archive::ArchiveError;
use archive::job_queue::{self, NewEntry};
use archive::question::{self, IdentityChoice, Proposal, Question};
use archive::result_set::{self, ResultSet, ResultSetEvent, ResultSetState};
use archive::state::Change;
use notification::EventType;
use sqlx::AnyConnection;
use uuid::Uuid;

use crate::line::{Line, StageError};
use crate::{notify, reconcile};

/// Digits of a [`token`]: enough to tell apart what was asked about one set, few enough to type.
const TOKEN_DIGITS: usize = 8;

/// What it takes to accept a reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    /// Nothing but the person's word.
    Word,
    /// A participant and a study that everything points to.
    Proposal,
    /// The choice of one of these identities.
    Identity(&'static [IdentityChoice]),
}

/// Reasons that a person may accept. Every other one stays refusable only: what cannot be read or checked, what would leave a pseudonym or
/// break a reference, what may be somebody else's.
const ACCEPTABLE: [(&str, Takes); 16] = {
    use IdentityChoice::{Pacs, Received};
    [
        ("patient-id-altered", Takes::Proposal),    // RC-04
        ("patient-name-altered", Takes::Proposal),  // RC-04
        ("other-code-in-text", Takes::Proposal),    // RC-04
        ("trial-subject-altered", Takes::Proposal), // RC-04
        ("study-unknown", Takes::Proposal),         // RC-05
        ("too-few-keys", Takes::Proposal),          // AC8.1
        ("unknown-reference", Takes::Proposal),     // RR-4
        ("date-of-no-class", Takes::Proposal),      // RR-8
        ("geometry-differs", Takes::Proposal),      // RC-08
        ("text-in-pixels", Takes::Proposal),        // table 8.3
        (reconcile::NOT_ALL_COMPARED, Takes::Proposal),
        ("document-cannot-be-inspected", Takes::Word), // AC8.10
        ("participant-merged", Takes::Word),           // RC-13
        ("identity-shared", Takes::Word),
        ("identity-differs", Takes::Identity(&[Received, Pacs])), // table 8.1
        ("identity-not-found", Takes::Identity(&[Received])),     // table 8.1
    ]
};

/// Why a set is not accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AcceptError {
    /// Nothing waits for a person.
    #[error("the set is {0}, not manual: there is nothing to accept")]
    NotManual(ResultSetState),
    /// Some of what is in the way is nobody's to accept.
    #[error("{0}: this cannot be accepted; reject the set and let the partner correct it")]
    Never(String),
    /// The rules propose no one participant and study.
    #[error(
        "no participant and study that everything in the set points to: it cannot be accepted; reject it"
    )]
    NoProposal,
    /// A decision of table 8.1 is due.
    #[error("the identity differs at the clinical PACS: say which one holds with --identity {0}")]
    IdentityMissing(String),
    /// No such decision is due.
    #[error("no identity differs: --identity has nothing to decide")]
    IdentityNotAsked,
    /// The answer is to other questions than the ones that are open.
    #[error(
        "something else is asked by now: look again with result show, and answer with the token it prints"
    )]
    NotOpen,
    /// A decision without a reason.
    #[error("say why with --reason: it stands in the audit trail")]
    NoReason,
    /// Rows.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}

/// Hands a set to a person, with everything that has to be decided; in the caller's transaction.
///
/// # Errors
/// Those of the main database.
pub(crate) async fn ask(
    line: &Line,
    transaction: &mut AnyConnection,
    set: &ResultSet,
    reasons: &[&str],
    proposal: Option<&Proposal>,
    change: &Change<'_>,
) -> Result<(), StageError> {
    let cause = reasons.join(", ");
    question::ask(&mut *transaction, set.id, reasons, proposal, change.at).await?;
    let change = Change { cause: &cause, ..*change };
    result_set::advance(&mut *transaction, set.id, ResultSetEvent::AskPerson, &change).await?;
    let event = notify::event(EventType::ResultManual, &set.project, set.job, 0, 0, change.at);
    notify::enqueue(line, transaction, &event).await
}

/// Notes that the person of `change` accepts everything that is asked about `set`, and lets it be reconciled again. `answer` is the
/// [`token`] of the questions that the person saw.
///
/// # Errors
/// Any [`AcceptError`]; the caller drops the transaction then.
pub async fn accept(
    transaction: &mut AnyConnection,
    set: &ResultSet,
    answer: &str,
    identity: Option<IdentityChoice>,
    change: &Change<'_>,
) -> Result<(), AcceptError> {
    if set.state != ResultSetState::Manual {
        return Err(AcceptError::NotManual(set.state));
    }
    if change.cause.trim().is_empty() {
        return Err(AcceptError::NoReason);
    }
    let change = Change { cause: &reason(identity, change.cause), ..*change };
    // First: nobody asks anything else about the set from here to the commit.
    result_set::advance(&mut *transaction, set.id, ResultSetEvent::Accept, &change).await?;
    let questions = question::of_set(&mut *transaction, set.id).await?;
    if token(set.id, &questions).is_some_and(|token| token != answer) {
        return Err(AcceptError::NotOpen);
    }
    may_accept(&open(&questions), identity)?;
    question::accept(&mut *transaction, set.id, identity, change.at).await?;
    let entry = NewEntry { kind: reconcile::KIND, subject: set.id, partner: None, run_at: change.at };
    job_queue::enqueue(transaction, entry, change.at).await?;
    Ok(())
}

/// What stands for the open questions about a set, as a person saw them: the begin of a hash over reasons, proposals and the time of
/// asking. `None` when nothing is open.
#[must_use]
pub fn token(set: Uuid, questions: &[Question]) -> Option<String> {
    let open = open(questions);
    if open.is_empty() {
        return None;
    }
    let mut hasher = blake3::Hasher::new_derive_key("research-pacs 2026 open questions about a result set");
    let mut add = |bytes: &[u8]| {
        hasher.update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
    };
    add(set.as_bytes());
    for question in open {
        let proposal = question.proposal.as_ref();
        let study = proposal.and_then(|proposal| proposal.study.as_deref());
        add(question.reason.as_bytes());
        add(proposal.map(|proposal| proposal.participant.as_bytes().as_slice()).unwrap_or_default());
        add(study.unwrap_or_default().as_bytes());
        add(&question.asked_at.to_le_bytes());
    }
    Some(hasher.finalize().to_hex().chars().take(TOKEN_DIGITS).collect())
}

fn open(questions: &[Question]) -> Vec<&Question> {
    questions.iter().filter(|question| question.accepted_at.is_none()).collect()
}

/// A decision in words, for history and audit trail: what was chosen, and why.
#[must_use]
pub fn reason(identity: Option<IdentityChoice>, why: &str) -> String {
    identity.map_or_else(|| why.to_owned(), |identity| format!("identity {identity}: {why}"))
}

/// Whether a person may accept a reason, by its word.
#[must_use]
pub fn is_acceptable(reason: &str) -> bool {
    takes(reason).is_some()
}

fn takes(reason: &str) -> Option<Takes> {
    ACCEPTABLE.iter().find(|(word, _)| *word == reason).map(|(_, takes)| *takes)
}

fn may_accept(open: &[&Question], identity: Option<IdentityChoice>) -> Result<(), AcceptError> {
    let never: Vec<&str> =
        open.iter().map(|of| of.reason.as_str()).filter(|reason| !is_acceptable(reason)).collect();
    if !never.is_empty() {
        return Err(AcceptError::Never(never.join(", ")));
    }
    if open.is_empty() {
        return Err(AcceptError::Never("the reason was not recorded".to_owned()));
    }
    let mut is_asked = false;
    for question in open {
        match takes(&question.reason) {
            Some(Takes::Proposal) => {
                let proposal = question.proposal.as_ref();
                proposal.and_then(|proposal| proposal.study.as_ref()).ok_or(AcceptError::NoProposal)?;
            }
            Some(Takes::Identity(choices)) => {
                is_asked = true;
                if !identity.is_some_and(|identity| choices.contains(&identity)) {
                    let choices: Vec<&str> = choices.iter().map(|choice| choice.as_str()).collect();
                    return Err(AcceptError::IdentityMissing(choices.join(" or ")));
                }
            }
            Some(Takes::Word) | None => {}
        }
    }
    if identity.is_some() && !is_asked { Err(AcceptError::IdentityNotAsked) } else { Ok(()) }
}

/// What was accepted about one set so far.
#[derive(Debug, Default)]
pub(crate) struct Accepted {
    reasons: BTreeMap<String, Option<IdentityChoice>>,
    evidence: BTreeMap<String, [u8; 32]>,
}

impl Accepted {
    /// Of the questions about a set, and the hashes of what they are about.
    pub(crate) fn new(questions: Vec<Question>, evidence: BTreeMap<String, [u8; 32]>) -> Self {
        let accepted = questions.into_iter().filter(|question| question.accepted_at.is_some());
        Self { reasons: accepted.map(|question| (question.reason, question.identity)).collect(), evidence }
    }

    /// Whether a person accepted this reason.
    pub(crate) fn covers(&self, reason: &str) -> bool {
        self.reasons.contains_key(reason)
    }

    /// Whether a person accepted this reason, and what it is about is the same as then.
    pub(crate) fn holds(&self, reason: &str, evidence: &[u8; 32]) -> bool {
        self.covers(reason) && self.evidence.get(reason) == Some(evidence)
    }

    /// Which identity a person chose, if what it was about is the same as then.
    pub(crate) fn choice(&self, reason: &str, evidence: &[u8; 32]) -> Option<IdentityChoice> {
        self.holds(reason, evidence).then(|| self.reasons.get(reason).copied().flatten()).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(reason: &str, study: Option<&str>) -> Question {
        let proposal = Proposal { participant: Uuid::nil(), study: study.map(str::to_owned) };
        Question {
            reason: reason.to_owned(),
            proposal: Some(proposal),
            identity: None,
            asked_at: 1,
            accepted_at: None,
        }
    }

    #[test]
    fn a_person_accepts_only_what_the_rules_leave_to_a_person() {
        use IdentityChoice::{Pacs, Received};
        let of = |reasons: &[&str], study, identity| {
            let questions: Vec<Question> = reasons.iter().map(|reason| question(reason, study)).collect();
            may_accept(&questions.iter().collect::<Vec<_>>(), identity)
        };
        let study = Some("2.25.7");
        assert!(of(&["patient-id-altered", "too-few-keys"], study, None).is_ok());
        assert!(matches!(of(&["patient-id-altered"], None, None), Err(AcceptError::NoProposal)));
        let never = of(&["patient-id-altered", "another-study"], study, None);
        assert!(matches!(never, Err(AcceptError::Never(words)) if words == "another-study"));
        for reason in [
            "active-content",
            "original-altered",
            "result-replaced",
            "encrypted-attributes",
            "identity-several",
            "?",
        ] {
            assert!(matches!(of(&[reason], study, None), Err(AcceptError::Never(_))), "{reason}");
        }
        assert!(matches!(of(&[], study, None), Err(AcceptError::Never(_))));
        for choice in [Received, Pacs] {
            assert!(of(&["identity-differs"], None, Some(choice)).is_ok());
            assert!(matches!(
                of(&["identity-shared"], None, Some(choice)),
                Err(AcceptError::IdentityNotAsked)
            ));
        }
        assert!(matches!(of(&["identity-differs"], None, None), Err(AcceptError::IdentityMissing(_))));
        assert!(of(&["identity-not-found"], None, Some(Received)).is_ok());
        let missing = of(&["identity-not-found"], None, Some(Pacs));
        assert!(matches!(missing, Err(AcceptError::IdentityMissing(choices)) if choices == "received"));
    }

    #[test]
    fn an_answer_holds_only_for_what_was_asked_about() {
        let accepted = Question {
            identity: Some(IdentityChoice::Pacs),
            accepted_at: Some(2),
            ..question("identity-differs", None)
        };
        let open = question("identity-shared", None);
        let evidence = [("identity-differs".to_owned(), [1; 32]), ("identity-shared".to_owned(), [2; 32])];
        let accepted = Accepted::new(vec![accepted, open], evidence.into());
        assert_eq!(accepted.choice("identity-differs", &[1; 32]), Some(IdentityChoice::Pacs));
        assert_eq!(accepted.choice("identity-differs", &[9; 32]), None);
        assert!(!accepted.holds("identity-shared", &[2; 32]), "still open");
    }
}
