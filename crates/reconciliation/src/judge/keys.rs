//! The four keys of AC8.1 in one object. The name is none of them (RR-5).

use std::collections::BTreeSet;

use super::issued::{Issued, Kind, Participant};
use crate::survey::{Role, Survey};

/// One key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Key {
    /// The object does not have it.
    Absent,
    /// It has a value that was not issued to this partner.
    Unknown,
    /// It was issued for one of these; more than one only where a project retains UIDs.
    Points(BTreeSet<Participant>),
}

impl Key {
    fn new(value: &str, candidates: BTreeSet<Participant>) -> Self {
        match (value.is_empty(), candidates.is_empty()) {
            (true, _) => Self::Absent,
            (false, true) => Self::Unknown,
            (false, false) => Self::Points(candidates),
        }
    }

    pub(super) fn candidates(&self) -> Option<&BTreeSet<Participant>> {
        if let Self::Points(candidates) = self { Some(candidates) } else { None }
    }
}

pub(super) struct Keys {
    /// Patient ID.
    pub(super) code: Key,
    /// Clinical Trial Subject ID.
    pub(super) subject: Key,
    /// Study Instance UID.
    pub(super) study: Key,
    /// Referenced series and instances that were issued; never `Unknown`, the others are a matter of RR-4.
    pub(super) references: Key,
    /// Participants of UIDs and codes that stand anywhere else, in items and in text: no key, but they must not contradict.
    mentioned: Vec<BTreeSet<Participant>>,
    /// Participants of all issued UIDs, those that are no key too, a frame of reference for one.
    others: Vec<BTreeSet<Participant>>,
    /// The study that the object says it is of, when it was issued; else those that its issued UIDs are of. The caller's keys.
    pub(super) studies: BTreeSet<String>,
}

impl Keys {
    pub(super) fn of(survey: &Survey, issued: &Issued) -> Self {
        let code = |value: &str| Key::new(value, issued.codes.get(value).copied().into_iter().collect());
        let study = candidates(issued, &survey.study, |kind| kind == Kind::Study);
        let mut references: Option<BTreeSet<Participant>> = None;
        let mut others = Vec::new();
        let mut studies = BTreeSet::new();
        for uid in &survey.uids {
            let of = candidates(issued, &uid.uid, |_| true);
            if of.is_empty() {
                continue;
            }
            studies.extend(studies_of(issued, &uid.uid));
            let is_reference = uid.role == Role::Refers && is_named(issued, &uid.uid);
            match &mut references {
                // two references that contradict one another leave nothing in common: seen by participants()
                Some(all) if is_reference && !all.is_disjoint(&of) => all.retain(|one| of.contains(one)),
                None if is_reference => references = Some(of.clone()),
                _ => {}
            }
            others.push(of);
        }
        // a result over several studies is of the one that it says (table 8.3, special cases)
        let own: BTreeSet<String> = own_study(issued, &survey.study).collect();
        if !own.is_empty() {
            studies = own;
        }
        Self {
            code: code(&survey.patient_id),
            subject: code(&survey.trial_subject),
            study: Key::new(&survey.study, study),
            references: references.map_or(Key::Absent, Key::Points),
            mentioned: mentioned(survey, issued),
            others,
            studies,
        }
    }

    pub(super) fn all(&self) -> [&Key; 4] {
        [&self.code, &self.subject, &self.study, &self.references]
    }

    /// Candidates by everything that points to anybody.
    pub(super) fn participants(&self) -> impl Iterator<Item = &BTreeSet<Participant>> {
        self.all().into_iter().filter_map(Key::candidates).chain(&self.others).chain(&self.mentioned)
    }

    /// Candidates by UIDs.
    pub(super) fn participants_by_uid(&self) -> impl Iterator<Item = &BTreeSet<Participant>> {
        [&self.study, &self.references].into_iter().filter_map(Key::candidates).chain(&self.others)
    }
}

/// Whose the UIDs and codes are that the object mentions.
fn mentioned(survey: &Survey, issued: &Issued) -> Vec<BTreeSet<Participant>> {
    let uids = survey.mentions.iter().map(|uid| candidates(issued, uid, |_| true));
    let codes = survey.named.iter().chain(survey.words.iter().filter(|word| is_telling(word)));
    let owners = codes.filter_map(|code| issued.spelled.get(code)).map(|owner| BTreeSet::from([*owner]));
    uids.filter(|of| !of.is_empty()).chain(owners).collect()
}

/// Whether a word that is a code is one by no chance; any other may be a number or a word of the language.
pub(super) fn is_telling(word: &str) -> bool {
    let has = |is: fn(&u8) -> bool| word.as_bytes().iter().any(is);
    word.len() >= Survey::LONG_WORD && has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic)
}

fn candidates(issued: &Issued, uid: &str, is: impl Fn(Kind) -> bool) -> BTreeSet<Participant> {
    let found = issued.uids.get(uid).into_iter().flatten();
    found.filter(|issued| is(issued.kind)).map(|issued| issued.participant).collect()
}

/// Whether the UID names a series or an instance. An instance of another series is of kind `Other` in the vault when the reference
/// to it left first.
fn is_named(issued: &Issued, uid: &str) -> bool {
    let mut found = issued.uids.get(uid).into_iter().flatten();
    found.any(|issued| matches!(issued.kind, Kind::Series | Kind::Instance | Kind::Other))
}

/// The study that a Study Instance UID was issued as.
fn own_study<'a>(issued: &'a Issued, uid: &str) -> impl Iterator<Item = String> + use<'a> {
    let found = issued.uids.get(uid).into_iter().flatten();
    found.filter(|issued| issued.kind == Kind::Study).filter_map(|issued| issued.study.clone())
}

/// Studies of study, series and instance UIDs; what else a UID names may be of several studies.
fn studies_of<'a>(issued: &'a Issued, uid: &str) -> impl Iterator<Item = String> + use<'a> {
    let found = issued.uids.get(uid).into_iter().flatten();
    found
        .filter(|issued| matches!(issued.kind, Kind::Study | Kind::Series | Kind::Instance))
        .filter_map(|issued| issued.study.clone())
}
