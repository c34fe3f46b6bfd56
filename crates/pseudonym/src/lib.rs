//! The vault: the only crate that sees both identities (zone Z2; ARC-15, ARC-15b, ARC-16).
//!
//! It keeps who a participant is, the code, the secret from which UIDs and dates follow, what was given out to which partner, and
//! the lists of consent and opposition. It reads no data set, opens no socket, writes no log line, and knows no clock: the time
//! (`now`, epoch milliseconds) is a parameter. It stands on `database` alone.
//!
//! Read first: [`Vault`] (open, locked), [`Mapping`] (original → pseudonym, pure), [`Reidentification`] (the one way back).
//!
//! | Sealed under | what | lost by |
//! |---|---|---|
//! | wrapping key (file, variable, credential) | root secret; secret of each participant | losing the key: the vault is locked |
//! | keys derived from the root secret | lookup hashes, list entries, reasons in the access log | – |
//! | a key derived from the participant's secret | identity as received, original UIDs | erasing the participant: one row |

mod access_log;
mod batch;
mod code;
mod config;
mod derive;
mod erase;
mod error;
mod for_partner;
mod identity_check;
mod import;
mod issued;
mod key;
mod known_code;
mod list;
mod map;
mod mapped;
mod merge;
mod original;
mod participant;
mod prf;
mod record;
mod reidentify;
mod rotation;
mod seal;
mod subject;
mod vault;

pub use access_log::{AccessEntry, Purpose};
pub use code::{Code, CodeError, CodePrefix, CodeScheme, is_well_formed};
pub use config::Config;
pub use derive::{Mapping, Secret, ShiftRange};
pub use error::{LockReason, VaultError};
pub use for_partner::StudyPseudonyms;
pub use identity_check::KnownIdentity;
pub use import::{
    Correspondence, Holder, ImportSummary, InclusionList, LineError, LineProblem, Numbers, OppositionList,
};
pub use issued::{ExportRecord, Issued, IssuedUid, Linkage, PartnerMapping, Recognition};
pub use key::{KeyError, KeyRing, KeySource, WrappingKey};
pub use known_code::KnownCode;
pub use list::{Inclusion, ListEntry, Opposition, OppositionKind, PastData, Standing};
pub use map::ReplacedUid;
pub use mapped::{MappedUid, UidKind};
pub use participant::{Admission, Participant, ParticipantId};
pub use record::{Attribute, OwnRecord, Receipt, Value};
pub use reidentify::{IssuedDates, Reidentification};
pub use rotation::Rotation;
pub use subject::{SubjectError, SubjectKey};
pub use vault::{MIGRATIONS, Vault};
