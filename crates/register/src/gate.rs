//! The gate (R01): may this leave? A pure function of dossier, day and outflow; a past decision can be replayed.
//!
//! Nothing leaves (export, local export, return) and no partner is asked (poll, fetch) without it, at each send and each retry.
//! In doubt it is closed. Richer rules widen [`Dossier`] and [`Outflow`], not the signature.

use std::fmt;

use chrono::{DateTime, NaiveDate};
use serde::Serialize;
use serde_json::json;

use crate::canonical::{canonical_json, sha256_hex};
use crate::{Dossier, DossierState, Mode};

/// What the lists of the vault say about the participant at hand (R02, R03).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// In the inclusion list.
    Included,
    /// In no list.
    NotListed,
    /// In the opposition list.
    Opposed,
    /// Withdrew after inclusion.
    Withdrawn,
    /// The lists could not be read: closed.
    Unknown,
    /// There is no participant: data without identity at the source (DEC-P).
    NoParticipant,
}

/// What is about to happen, with the facts that the dossier does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outflow {
    kind: Kind,
    recipient: Option<String>,
    participant: Option<Standing>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Export,
    LocalExport,
    Poll,
    Fetch,
    Return,
}

impl Outflow {
    /// Images of a participant go to a partner (step 3).
    #[must_use]
    pub fn export(partner: &str, participant: Standing) -> Self {
        Self { kind: Kind::Export, recipient: Some(partner.to_owned()), participant: Some(participant) }
    }

    /// Images of a participant go to a folder or medium on site (step 3L).
    #[must_use]
    pub fn local_export(destination: &str, participant: Standing) -> Self {
        Self {
            kind: Kind::LocalExport,
            recipient: Some(destination.to_owned()),
            participant: Some(participant),
        }
    }

    /// A partner is asked for results (step 6).
    #[must_use]
    pub fn poll(partner: &str) -> Self {
        Self { kind: Kind::Poll, recipient: Some(partner.to_owned()), participant: None }
    }

    /// A result is taken from a partner (step 7).
    #[must_use]
    pub fn fetch(partner: &str, participant: Standing) -> Self {
        Self { kind: Kind::Fetch, recipient: Some(partner.to_owned()), participant: Some(participant) }
    }

    /// A result goes back to the clinical PACS (steps 8 and 9).
    #[must_use]
    pub fn give_back(participant: Standing) -> Self {
        Self { kind: Kind::Return, recipient: None, participant: Some(participant) }
    }
}

/// One reason why the gate is closed. Its text says what to do; it names no person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// A person suspended the project.
    DossierSuspended,
    /// The project has ended.
    DossierClosed,
    /// The day is after `valid_until`.
    DossierExpired,
    /// The recipient is not named in the dossier.
    RecipientNotAllowed,
    /// The dossier demands inclusion and the participant is in no list.
    ParticipantNotIncluded,
    /// Opposition (GDPR article 21).
    ParticipantOpposed,
    /// Withdrawal of the participant.
    ParticipantWithdrawn,
    /// The lists could not be read.
    ParticipantUnknown,
    /// Anonymise mode has no way back (C14, AC8.2).
    NoReturnWhenAnonymised,
}

impl Reason {
    /// The code that opens the documentation page; never reused.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::DossierSuspended => "RPACS-GATE-0001",
            Self::DossierClosed => "RPACS-GATE-0002",
            Self::DossierExpired => "RPACS-GATE-0003",
            Self::RecipientNotAllowed => "RPACS-GATE-0004",
            Self::ParticipantNotIncluded => "RPACS-GATE-0005",
            Self::ParticipantOpposed => "RPACS-GATE-0006",
            Self::ParticipantWithdrawn => "RPACS-GATE-0007",
            Self::ParticipantUnknown => "RPACS-GATE-0008",
            Self::NoReturnWhenAnonymised => "RPACS-GATE-0009",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::DossierSuspended => "the dossier is suspended; nothing leaves until it is active again",
            Self::DossierClosed => "the dossier is closed; nothing leaves any more",
            Self::DossierExpired => "the dossier has expired; renew it and raise its version",
            Self::RecipientNotAllowed => {
                "the recipient is not named in the dossier; add it there or stop the job"
            }
            Self::ParticipantNotIncluded => {
                "the participant is not in the inclusion list; import the list or stop the job"
            }
            Self::ParticipantOpposed => "the participant opposed; the job must end",
            Self::ParticipantWithdrawn => {
                "the participant withdrew; the job must end and the partner's copy be deleted"
            }
            Self::ParticipantUnknown => "the lists could not be read; repeat when the vault answers",
            Self::NoReturnWhenAnonymised => "the project anonymises, so nothing can return to a patient",
        };
        write!(f, "{}: {text}", self.code())
    }
}

/// Open, or closed with every reason that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It may leave.
    Open,
    /// It must stay; the reasons are in the order of their codes and never empty.
    Closed(Vec<Reason>),
}

/// A decision with what makes it provable; [`crate::record_decision`] stores it (INV-3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Open or closed.
    pub verdict: Verdict,
    /// Version of the dossier that was judged; goes into the ledger line.
    pub dossier_version: u32,
    /// Dossier hash, day and outflow as canonical JSON.
    pub inputs: String,
    /// SHA-256 of inputs and verdict, 64 hexadecimal digits.
    pub hash: String,
}

impl Decision {
    /// Whether it may leave.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.verdict == Verdict::Open
    }

    /// The reasons; empty when open.
    #[must_use]
    pub fn reasons(&self) -> &[Reason] {
        match &self.verdict {
            Verdict::Open => &[],
            Verdict::Closed(reasons) => reasons,
        }
    }
}

/// Judges `outflow` by `dossier` as of a day.
#[must_use]
pub fn gate(dossier: &Dossier, as_of: NaiveDate, outflow: &Outflow) -> Decision {
    let findings = [
        state(dossier),
        expiry(dossier, as_of),
        recipient(dossier, outflow),
        participant(dossier, outflow),
        way_back(dossier, outflow),
    ];
    let reasons: Vec<Reason> = findings.into_iter().flatten().collect();
    let inputs = json!({
        "v": 1,
        "project": dossier.project,
        "dossier": dossier.hash(),
        "as_of": as_of.to_string(),
        "kind": outflow.kind,
        "recipient": outflow.recipient,
        "participant": outflow.participant,
    });
    let hash = sha256_hex(&canonical_json(&json!({ "inputs": inputs, "reasons": reasons })));
    let verdict = if reasons.is_empty() { Verdict::Open } else { Verdict::Closed(reasons) };
    Decision { verdict, dossier_version: dossier.version, inputs: canonical_json(&inputs), hash }
}

/// The day of a time (epoch milliseconds) in UTC; a time that no calendar holds counts as after every expiry.
#[must_use]
pub fn day_of(now: i64) -> NaiveDate {
    DateTime::from_timestamp_millis(now).map_or(NaiveDate::MAX, |time| time.date_naive())
}

fn state(dossier: &Dossier) -> Option<Reason> {
    match dossier.state {
        DossierState::Active => None,
        DossierState::Suspended => Some(Reason::DossierSuspended),
        DossierState::Closed => Some(Reason::DossierClosed),
    }
}

fn expiry(dossier: &Dossier, as_of: NaiveDate) -> Option<Reason> {
    (as_of > dossier.valid_until).then_some(Reason::DossierExpired)
}

fn recipient(dossier: &Dossier, outflow: &Outflow) -> Option<Reason> {
    let name = outflow.recipient.as_ref()?;
    (!dossier.recipients.contains(name)).then_some(Reason::RecipientNotAllowed)
}

fn participant(dossier: &Dossier, outflow: &Outflow) -> Option<Reason> {
    match outflow.participant? {
        Standing::Included | Standing::NoParticipant => None,
        Standing::NotListed => dossier.inclusion_required.then_some(Reason::ParticipantNotIncluded),
        Standing::Opposed => Some(Reason::ParticipantOpposed),
        Standing::Withdrawn => Some(Reason::ParticipantWithdrawn),
        Standing::Unknown => Some(Reason::ParticipantUnknown),
    }
}

fn way_back(dossier: &Dossier, outflow: &Outflow) -> Option<Reason> {
    (outflow.kind == Kind::Return && dossier.mode == Mode::Anonymise)
        .then_some(Reason::NoReturnWhenAnonymised)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dossier() -> Dossier {
        Dossier {
            project: "trial".into(),
            state: DossierState::Active,
            version: 3,
            valid_until: NaiveDate::from_ymd_opt(2027, 12, 31).unwrap(),
            mode: Mode::Pseudonymise,
            recipients: ["lab".to_owned()].into(),
            inclusion_required: true,
        }
    }

    fn day(year: i32, month: u32, day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(year, month, day).unwrap()
    }

    fn closed(change: impl FnOnce(&mut Dossier), as_of: NaiveDate, outflow: &Outflow) -> Vec<Reason> {
        let mut dossier = dossier();
        change(&mut dossier);
        gate(&dossier, as_of, outflow).reasons().to_vec()
    }

    #[test]
    fn each_rule_closes_on_its_own() {
        let (in_time, export) = (day(2026, 11, 22), Outflow::export("lab", Standing::Included));
        assert_eq!(closed(|_| (), in_time, &export), []);
        assert_eq!(
            closed(|d| d.state = DossierState::Suspended, in_time, &export),
            [Reason::DossierSuspended]
        );
        assert_eq!(closed(|d| d.state = DossierState::Closed, in_time, &export), [Reason::DossierClosed]);
        assert_eq!(closed(|_| (), day(2028, 1, 1), &export), [Reason::DossierExpired]);
        assert_eq!(closed(|d| d.recipients.clear(), in_time, &export), [Reason::RecipientNotAllowed]);
        for (standing, reason) in [
            (Standing::NotListed, Reason::ParticipantNotIncluded),
            (Standing::Opposed, Reason::ParticipantOpposed),
            (Standing::Withdrawn, Reason::ParticipantWithdrawn),
            (Standing::Unknown, Reason::ParticipantUnknown),
        ] {
            assert_eq!(closed(|_| (), in_time, &Outflow::export("lab", standing)), [reason]);
            assert_eq!(closed(|_| (), in_time, &Outflow::local_export("lab", standing)), [reason]);
            assert_eq!(closed(|_| (), in_time, &Outflow::fetch("lab", standing)), [reason]);
            assert_eq!(closed(|_| (), in_time, &Outflow::give_back(standing)), [reason]);
        }
    }

    #[test]
    fn the_last_day_counts_and_a_broken_clock_closes() {
        let export = Outflow::export("lab", Standing::Included);
        assert_eq!(closed(|_| (), day(2027, 12, 31), &export), []);
        assert_eq!(closed(|_| (), day_of(i64::MAX), &export), [Reason::DossierExpired]);
        assert_eq!(day_of(1_795_305_600_000), day(2026, 11, 22));
    }

    #[test]
    fn inclusion_may_be_waived_but_opposition_may_not() {
        let as_of = day(2026, 11, 22);
        let waive = |d: &mut Dossier| d.inclusion_required = false;
        assert_eq!(closed(waive, as_of, &Outflow::export("lab", Standing::NotListed)), []);
        assert_eq!(
            closed(waive, as_of, &Outflow::export("lab", Standing::Opposed)),
            [Reason::ParticipantOpposed]
        );
        assert_eq!(closed(|_| (), as_of, &Outflow::export("lab", Standing::NoParticipant)), []);
    }

    #[test]
    fn nothing_returns_in_anonymise_mode() {
        let anonymise = |d: &mut Dossier| d.mode = Mode::Anonymise;
        let as_of = day(2026, 11, 22);
        assert_eq!(
            closed(anonymise, as_of, &Outflow::give_back(Standing::Included)),
            [Reason::NoReturnWhenAnonymised]
        );
        assert_eq!(closed(anonymise, as_of, &Outflow::export("lab", Standing::Included)), []);
    }

    #[test]
    fn a_poll_obeys_dossier_and_recipients() {
        let as_of = day(2026, 11, 22);
        assert_eq!(closed(|_| (), as_of, &Outflow::poll("lab")), []);
        assert_eq!(
            closed(|d| d.state = DossierState::Suspended, day(2029, 1, 1), &Outflow::poll("other")),
            [Reason::DossierSuspended, Reason::DossierExpired, Reason::RecipientNotAllowed]
        );
    }

    #[test]
    fn the_hash_binds_inputs_and_result() {
        let as_of = day(2026, 11, 22);
        let decide = |d: &Dossier, as_of, outflow| gate(d, as_of, &outflow);
        let first = decide(&dossier(), as_of, Outflow::export("lab", Standing::Included));
        assert_eq!(first, decide(&dossier(), as_of, Outflow::export("lab", Standing::Included)));
        let mut renewed = dossier();
        renewed.version = 4;
        let others = [
            decide(&renewed, as_of, Outflow::export("lab", Standing::Included)),
            decide(&dossier(), day(2026, 11, 23), Outflow::export("lab", Standing::Included)),
            decide(&dossier(), as_of, Outflow::local_export("lab", Standing::Included)),
            decide(&dossier(), as_of, Outflow::export("lab", Standing::NoParticipant)),
            decide(&dossier(), as_of, Outflow::export("other", Standing::Included)),
        ];
        for other in others {
            assert_ne!(other.hash, first.hash, "{}", other.inputs);
        }
    }
}
