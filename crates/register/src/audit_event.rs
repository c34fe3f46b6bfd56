//! What is audited: a closed list of events, made of own ids, names from configuration, counts and hashes.
//!
//! The types leave no room for a patient's identity: participants and jobs are UUIDs of our own, peers' text is cut and
//! reduced to ASCII. The only free text is the reason that a named person gives; the form that asks for it must say that it
//! is kept and must name no patient.

use std::net::IpAddr;

use serde::Serialize;
use uuid::Uuid;

use crate::Text;

/// Who acted (INV-2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Actor {
    /// A named person: account or name of a member of staff.
    Person(Text<64>),
    /// A timer or a stage of the program.
    Program(Text<64>),
    /// A peer, by its address.
    Peer(IpAddr),
}

/// Why an association was refused (AC1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RejectionReason {
    /// The calling AE title is in no entry of the white list.
    CallingTitle,
    /// The called AE title is not one of ours.
    CalledTitle,
    /// The title is known, the source address is not its own.
    Address,
    /// The TLS client certificate is missing or not that of the entry.
    Certificate,
    /// Too many associations, in total or of this peer.
    Limit,
    /// What was received is not an acceptable association request (PS3.8 §9.3.4).
    Protocol,
}

/// What a named person decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DecisionKind {
    /// Export approved (AC3.9).
    Approve,
    /// Export refused (AC3.9).
    Refuse,
    /// Result let into the clinical record (DEC-E), or object let out of quarantine.
    Release,
    /// Result rejected.
    Reject,
    /// Processed again.
    Redo,
    /// Quarantined object discarded.
    Discard,
    /// Job stopped.
    Cancel,
    /// Tried again.
    Retry,
    /// Export recalled (AC3.10).
    Recall,
    /// Ambiguous match or differing identity resolved by hand (AC8.1, DEC-G).
    Resolve,
    /// Participants merged or corrected (DEC-Q).
    Merge,
    /// Participant entered as withdrawn or opposed (R03).
    Withdraw,
}

/// One audited event. A new kind gets a new code; codes are never reused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum AuditEvent {
    /// An association was refused.
    AssociationRejected {
        /// Source address.
        peer: IpAddr,
        /// Calling AE title as sent.
        calling: Text<16>,
        /// Called AE title as sent.
        called: Text<16>,
        /// Why.
        reason: RejectionReason,
    },
    /// Further refusals that were counted, not written one by one.
    RejectionsSuppressed {
        /// Source address; none for the sum over the addresses that were too many to tell apart.
        peer: Option<IpAddr>,
        /// How many.
        count: u64,
    },
    /// A batch was anonymised or pseudonymised (ACX.2; HL7 EHR-S RI.1.1.10.1, RI.1.1.11.1).
    Deidentified {
        /// Short name of the project.
        project: Text<64>,
        /// Job the batch belongs to.
        job: Option<Uuid>,
        /// Own id of the participant; none in anonymise mode.
        participant: Option<Uuid>,
        /// Instances in the batch.
        instances: u64,
        /// Name and edition of the profile.
        profile: Text<64>,
        /// Its content hash: SHA-256 in hex.
        profile_hash: Text<64>,
        /// Version of the dossier.
        dossier_version: u32,
    },
    /// An identity was taken from the vault for a result or by two approvals (ACX.2; RI.1.1.12.1).
    Reidentified {
        /// Short name of the project.
        project: Text<64>,
        /// Job.
        job: Option<Uuid>,
        /// Own id of the participant.
        participant: Uuid,
        /// Instances that received the identity; 0 for a look-up by a person.
        instances: u64,
    },
    /// A named person saw originals of a job beside their pseudonymised form, or the identity that its result would carry (ACX.2).
    OriginalsShown {
        /// Short name of the project.
        project: Text<64>,
        /// Job.
        job: Uuid,
        /// Own id of the participant; none in anonymise mode.
        participant: Option<Uuid>,
        /// The person's reason; names no patient.
        reason: Text<200>,
    },
    /// A set left the site (step 3, 3L).
    Exported {
        /// Short name of the project.
        project: Text<64>,
        /// Job.
        job: Uuid,
        /// Partner or local destination.
        recipient: Text<64>,
        /// Instances acknowledged by the recipient.
        instances: u64,
        /// Hash of the gate's decision.
        decision: Text<64>,
    },
    /// A result set was confirmed by the clinical PACS (step 9).
    Returned {
        /// Short name of the project.
        project: Text<64>,
        /// Job.
        job: Uuid,
        /// Name of the clinical PACS.
        destination: Text<64>,
        /// Instances confirmed.
        instances: u64,
        /// Hash of the gate's decision.
        decision: Text<64>,
    },
    /// A result never goes back: of somebody else, of another project or partner, or with real UIDs (RC-04, RC-06).
    ResultRefused {
        /// Short name of the project.
        project: Text<64>,
        /// Job that it was fetched for.
        job: Uuid,
        /// Result set.
        result_set: Uuid,
        /// Partner it is from.
        partner: Text<64>,
        /// Words of the reasons.
        reasons: Text<200>,
    },
    /// A named person took a file out that came back with a result and is no DICOM object: nobody knows what is in it (flow table 8.3).
    SideResultTaken {
        /// Short name of the project.
        project: Text<64>,
        /// Job that it came back for.
        job: Uuid,
        /// The file, by own id.
        file: Uuid,
        /// SHA-256 of its bytes, in hex.
        sha256: Text<64>,
        /// The person's reason; names no patient.
        reason: Text<200>,
    },
    /// A named person decided; the person is the actor of the record.
    Decided {
        /// What.
        decision: DecisionKind,
        /// Job, result set, quarantined object or participant, by own id.
        subject: Uuid,
        /// The person's reason; names no patient.
        reason: Text<200>,
    },
    /// Zones were emptied (AC9.5, R07) or a refused participant's data purged (DEC-S).
    Purged {
        /// Zone, `Z1` … `Z6`.
        zone: Text<8>,
        /// Job or participant, by own id.
        subject: Option<Uuid>,
        /// Objects purged.
        objects: u64,
    },
    /// A participant was crypto-erased; a tombstone remains (R03).
    Erased {
        /// Own id of the participant.
        participant: Uuid,
    },
    /// The wrapping key of the vault was made or rotated.
    KeyChanged {
        /// Identifier of the new key, never the key.
        key: Text<64>,
    },
    /// The configuration or a dossier in it changed.
    ConfigurationChanged {
        /// Section, for example `project.trial.dossier`.
        section: Text<64>,
        /// SHA-256 before; none at the first start.
        before: Option<Text<64>>,
        /// SHA-256 after.
        after: Text<64>,
    },
}

impl AuditEvent {
    /// The code of the kind.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::AssociationRejected { .. } => "RPACS-AUDIT-0101",
            Self::RejectionsSuppressed { .. } => "RPACS-AUDIT-0102",
            Self::Deidentified { .. } => "RPACS-AUDIT-0201",
            Self::Reidentified { .. } => "RPACS-AUDIT-0202",
            Self::OriginalsShown { .. } => "RPACS-AUDIT-0203",
            Self::Exported { .. } => "RPACS-AUDIT-0301",
            Self::Returned { .. } => "RPACS-AUDIT-0302",
            Self::ResultRefused { .. } => "RPACS-AUDIT-0303",
            Self::SideResultTaken { .. } => "RPACS-AUDIT-0304",
            Self::Decided { .. } => "RPACS-AUDIT-0401",
            Self::Purged { .. } => "RPACS-AUDIT-0501",
            Self::Erased { .. } => "RPACS-AUDIT-0502",
            Self::KeyChanged { .. } => "RPACS-AUDIT-0601",
            Self::ConfigurationChanged { .. } => "RPACS-AUDIT-0602",
        }
    }
}
