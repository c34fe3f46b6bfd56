//! What is sent, and what is answered about it.

use std::fmt;
use std::io::{self, Read};

use uuid::Uuid;

/// Instances of one job that go together, best those of one series (ARC-19).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Our own id of the job; names the folder of an export.
    pub job: Uuid,
    /// The instances.
    pub instances: Vec<OutgoingInstance>,
    /// With the last batch of a job, which may be empty; only the folder transport has something to do.
    pub closing: Option<Closing>,
}

/// Ends an export: what the manifest says beside the list of files (ACL.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closing {
    /// Instances that the job has in all; the folder must hold as many.
    pub instances: u64,
    /// Version of the dossier under which the set leaves.
    pub dossier_version: String,
    /// Statement that goes with the set (D-10).
    pub statement: String,
}

/// An instance of the pseudonymised archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutgoingInstance {
    /// Our own id; names the file of an export.
    pub id: Uuid,
    /// SOP Class UID.
    pub sop_class: String,
    /// SOP Instance UID, the pseudonymised one.
    pub sop_instance: String,
    /// Transfer syntax of the data set. It is sent as it is stored.
    pub transfer_syntax: String,
    /// Bytes of the data set without file meta information; none where it is derived while it is read. A source that ends
    /// elsewhere is unreadable.
    pub length: Option<u64>,
}

/// Gives the data sets of outgoing instances. Called and read on threads where blocking is allowed.
pub trait InstanceSource: Send + Sync + 'static {
    /// Opens the data set of `instance`, without file meta information.
    ///
    /// # Errors
    /// The instance is then answered as [`Outcome::Unreadable`].
    fn open(&self, instance: &OutgoingInstance) -> io::Result<Box<dyn Read + Send>>;
}

/// What became of one instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Our own id of the instance.
    pub id: Uuid,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The partner has it. `status` is 0, or what it remarked: a warning, or that it had it before.
    Acknowledged {
        /// DIMSE status, or Warning Reason (0008,1196).
        status: u16,
    },
    /// The partner does not want it. Sending it again unchanged is of no use: tell a person.
    Refused(Reason),
    /// It did not work this time. Send it again later; after some tries tell a person.
    Deferred(Reason),
    /// Our own data set could not be read, or is not as long as it should be: tell a person.
    Unreadable,
}

/// Why an instance is not at the partner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// Status of C-STORE, or Failure Reason (0008,1197) of STOW-RS: the same table (PS3.4 §B.2.3, PS3.18 §I.2.2).
    Status(u16),
    /// HTTP status of a request with this instance alone.
    Http(u16),
    /// The partner's answer does not speak of it.
    NotMentioned,
    /// No presentation context was accepted for its SOP class and transfer syntax.
    NoContext,
    /// The connection broke while it was sent.
    Broken,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "status 0x{status:04X}"),
            Self::Http(status) => write!(f, "HTTP status {status}"),
            Self::NotMentioned => f.write_str("not mentioned in the answer"),
            Self::NoContext => f.write_str("SOP class or transfer syntax not accepted"),
            Self::Broken => f.write_str("connection broken"),
        }
    }
}

/// "Had it before", which is success (AC3.3): Duplicate SOP Instance of PS3.7 §C.5.7, and the code that the Azure DICOM service
/// documents for it.
const DUPLICATE: [u16; 2] = [0x0111, 0xB00E];
/// Failures that pass: out of resources (PS3.4 §B.2.3), processing failure, resource limitation, cancel, and "being created by
/// another process" of the Azure DICOM service.
const PASSING: [u16; 4] = [0x0110, 0x0213, 0xFE00, 0xB00F];

impl Outcome {
    /// The outcome of a failure status.
    pub(crate) fn of_failure(status: u16) -> Self {
        if DUPLICATE.contains(&status) {
            Self::Acknowledged { status }
        } else if PASSING.contains(&status) || matches!(status, 0xA700..=0xA7FF) {
            Self::Deferred(Reason::Status(status))
        } else {
            Self::Refused(Reason::Status(status))
        }
    }
}
