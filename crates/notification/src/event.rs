//! What a message is made of, and nothing else (DEC-F, C28).
//!
//! Every field has a type that cannot hold an identity: a closed list, own UUIDs, a project name of limited alphabet, numbers.
//! The link and the texts are added from configuration. There is no free text, so no setting can widen a message.

use std::fmt;

use chrono::{DateTime, SecondsFormat};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! event_types {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)+) => {
        /// The kinds of events (flow, step 4).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum EventType {
            $($(#[$doc])* #[serde(rename = $name)] $variant,)+
        }

        impl EventType {
            /// All kinds.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The name in configuration, messages and metrics.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

event_types! {
    /// A set waits for the approval of a person (AC3.9).
    ExportWaitingApproval = "export.waiting-approval",
    /// A set was acknowledged by the recipient.
    ExportSent = "export.sent",
    /// A set could not be sent.
    ExportFailed = "export.failed",
    /// An export was recalled (AC3.10).
    ExportRecalled = "export.recalled",
    /// A job waits for a person.
    JobAttention = "job.attention",
    /// Objects were put in quarantine.
    QuarantineNew = "quarantine.new",
    /// The gate is closed for a job (R01).
    GateBlocked = "gate.blocked",
    /// The expected-by date has passed (AC5.2).
    ResultOverdue = "result.overdue",
    /// A partner has results.
    ResultAvailable = "result.available",
    /// A result waits for a table holder.
    ResultManual = "result.manual",
    /// A result waits for its release (DEC-E).
    ReturnWaitingRelease = "return.waiting-release",
    /// The clinical PACS confirmed every instance (AC10.2).
    ReturnConfirmed = "return.confirmed",
    /// The clinical PACS confirmed some instances (AC10.3).
    ReturnPartial = "return.partial",
    /// The return failed (AC10.3).
    ReturnFailed = "return.failed",
    /// A partner has not answered for several intervals (AC6.6).
    PollSilent = "poll.silent",
    /// A withdrawal has open follow-up (R03, R13).
    WithdrawalFollowUp = "withdrawal.follow-up",
    /// A retention date comes near.
    RetentionWarning = "retention.warning",
    /// A new rule pack is proposed.
    RulepackChanged = "rulepack.changed",
    /// The access rights are due for review.
    AccessReviewDue = "access-review.due",
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Short name of a project, from configuration: 1 to 32 of `A–Z a–z 0–9 - _`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct ProjectName(String);

/// Choose another short name for the project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a project's short name has 1 to 32 letters (A–Z, a–z), digits, - or _")]
pub struct ProjectNameError;

impl TryFrom<String> for ProjectName {
    type Error = ProjectNameError;

    fn try_from(name: String) -> Result<Self, ProjectNameError> {
        let fits = (1..=32).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if fits { Ok(Self(name)) } else { Err(ProjectNameError) }
    }
}

impl ProjectName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How many objects an event is about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Instances concerned.
    pub instances: u64,
    /// Of these, how many did not get through.
    pub failed: u64,
}

/// Something a recipient may want to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// Own id, the same at every delivery: the recipient drops what it has seen.
    pub id: Uuid,
    /// Kind.
    #[serde(rename = "type")]
    pub kind: EventType,
    /// Own id of the job. Never a UUID made from a DICOM UID.
    pub job: Option<Uuid>,
    /// Project, where the event belongs to one.
    pub project: Option<ProjectName>,
    /// How many.
    pub counts: Counts,
    /// When it happened, epoch milliseconds.
    pub at: i64,
}

impl Event {
    /// A new event with an id of its own; set the other fields where they apply.
    #[must_use]
    pub fn new(kind: EventType, at: i64) -> Self {
        Self { id: Uuid::now_v7(), kind, job: None, project: None, counts: Counts::default(), at }
    }

    /// Invented content for the test button (AC4.5).
    #[must_use]
    pub fn sample(kind: EventType, at: i64) -> Self {
        let counts = Counts { instances: 12, failed: 2 };
        Self {
            job: Some(Uuid::nil()),
            project: ProjectName::try_from("sample".to_owned()).ok(),
            counts,
            ..Self::new(kind, at)
        }
    }

    /// The event as templates and webhooks show it, with the link to the page behind the login.
    #[must_use]
    pub(crate) fn message<'a>(&'a self, link_base: Option<&str>) -> Message<'a> {
        let time = DateTime::from_timestamp_millis(self.at).unwrap_or_default();
        Message {
            v: 1,
            event_id: self.id,
            kind: self.kind,
            job: self.job,
            project: self.project.as_ref(),
            counts: self.counts,
            time: time.to_rfc3339_opts(SecondsFormat::Secs, true),
            link: link_base.map(|base| match self.job {
                Some(job) => format!("{}/jobs/{job}", base.trim_end_matches('/')),
                None => base.to_owned(),
            }),
        }
    }
}

/// The public form of an [`Event`]: the body of a webhook and the context of the templates.
#[derive(Debug, Serialize)]
pub(crate) struct Message<'a> {
    v: u8,
    event_id: Uuid,
    #[serde(rename = "type")]
    kind: EventType,
    job: Option<Uuid>,
    project: Option<&'a ProjectName>,
    counts: Counts,
    time: String,
    link: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_flow() {
        let flow = "export.waiting-approval export.sent export.failed export.recalled job.attention quarantine.new \
            gate.blocked result.overdue result.available result.manual return.waiting-release return.confirmed \
            return.partial return.failed poll.silent withdrawal.follow-up retention.warning rulepack.changed \
            access-review.due";
        let ours: Vec<_> = EventType::ALL.iter().map(|kind| kind.as_str()).collect();
        assert_eq!(ours, flow.split_whitespace().collect::<Vec<_>>());
        for kind in EventType::ALL {
            assert_eq!(serde_json::to_string(kind).unwrap(), format!("\"{kind}\""));
        }
    }

    #[test]
    fn a_project_name_has_no_room_for_an_identity() {
        for bad in ["", "Dupont^Jean", "1.2.840.113619", "jean dupont", "é", &"x".repeat(33), "a/b", "a\nb"]
        {
            assert!(ProjectName::try_from(bad.to_owned()).is_err(), "{bad}");
        }
        assert!(ProjectName::try_from("Trial_2-b".to_owned()).is_ok());
    }

    #[test]
    fn nothing_can_be_added_to_a_stored_event() {
        let mut event = serde_json::to_value(Event::sample(EventType::ExportSent, 0)).unwrap();
        assert!(serde_json::from_value::<Event>(event.clone()).is_ok());
        event["patient"] = "x".into();
        assert!(serde_json::from_value::<Event>(event).is_err());
    }
}
