//! What every stage works with: stores, vault, projects, clock. Cheap to share.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use archive::ArchiveError;
use archive::blob::{BlobError, BlobStore};
use archive::ledger::{self, LedgerEvent};
use archive::spool::{Spool, SpoolError};
use database::{Database, DatabaseError};
use deidentification::{
    CompiledProfile, DeidentificationError, DeidentificationOption, Profile, ProfileError, RuleAction,
    SHIPPED,
};
use dicom_node::AssociationError;
use dicom_node::tls::TlsError;
use notification::NotificationConfig;
use partner::{Partner, PartnerError};
use pixel::{DocumentRenderer, TextRecogniser};
use pseudonym::{CodePrefix, CodeScheme, Linkage, Vault, VaultError};
use recognition::{DecryptionKey, DecryptionKeyError};
use register::{AuditTrail, Dossier, DossierError, Mode};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::clock::Clock;
use crate::config::{CodeOrigin, NodeConfig, ProjectConfig, ProjectMode};
use crate::deface::Defacing;
use crate::poll::Polls;
use crate::return_to_pacs::Turns;
use crate::sweep::Sweep;

/// Stores and rules of one server.
pub struct Line {
    /// Own ids and pseudonymised UIDs: jobs, ledger, index, audit.
    pub main: Database,
    /// Rows that identify people.
    pub buffer: Database,
    /// Z2.
    pub vault: Arc<Vault>,
    /// Z1.
    pub spool: Spool,
    /// Z3 to Z6.
    pub blobs: Arc<BlobStore>,
    /// Audit events.
    pub trail: AuditTrail,
    /// Research studies by their id.
    pub projects: BTreeMap<String, Project>,
    /// Ids of all projects of the configuration, also of those that only receive.
    pub configured: BTreeSet<String>,
    /// Partners by their id.
    pub partners: BTreeMap<String, Arc<Partner>>,
    /// Who is told what.
    pub notification: NotificationConfig,
    /// Time.
    pub clock: Clock,
    /// Wakes the workers when a job was enqueued.
    pub work: Wake,
    /// Wakes the dispatcher when a message was enqueued.
    pub messages: Arc<Notify>,
    /// Hours after which a quarantined object is purged if nobody decides.
    pub quarantine_hours: u32,
    /// Nodes by their name, for the way back.
    pub nodes: BTreeMap<String, NodeConfig>,
    /// Whose turn it is to bring results to a node.
    pub turns: Turns,
    /// Name of the site, for the access log of the vault.
    pub site: String,
    /// Reads text in pixels, if one is installed.
    pub recogniser: Option<Arc<dyn TextRecogniser>>,
    /// Renders documents, where a profile inspects them.
    pub renderer: Option<Arc<dyn DocumentRenderer>>,
    /// Takes faces out of series, if the site has a program for it.
    pub defacing: Option<Arc<Defacing>>,
    /// How the questions to the partners ended.
    pub polls: Arc<Polls>,
    /// What ended by a fault of the program.
    pub faults: Arc<Faults>,
    /// What an operator has to look at.
    pub warnings: Arc<Warnings>,
    /// How far the search for objects without rows came.
    pub sweep: Mutex<Sweep>,
    /// What the opposition list was like when Z1 was last searched for those on it.
    pub oppositions: Mutex<Option<(i64, i64)>>,
}

/// A research study that de-identifies, ready for use.
pub struct Project {
    /// As configured.
    pub config: ProjectConfig,
    /// Compiled profile with the values of the trial.
    pub profile: Arc<CompiledProfile>,
    /// Regulatory dossier.
    pub dossier: Dossier,
    /// Version of the dossier as rows show it.
    pub dossier_version: String,
    /// Where codes come from.
    pub codes: CodeScheme,
    /// First letters of its codes.
    pub code_prefix: CodePrefix,
    /// Whether its profile shifts dates.
    pub shifts_dates: bool,
    /// Opens Encrypted Attributes of its results (RC-15).
    pub encrypted_attributes_key: Option<DecryptionKey>,
}

/// Why a project cannot be used: correct the configuration.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProjectError {
    /// No dossier.
    #[error("project {0:?} has no dossier: only mode \"receive-only\" needs none")]
    NoDossier(String),
    /// The dossier says another mode than the project.
    #[error("project {0:?}: mode and dossier.mode differ")]
    Mode(String),
    /// What is anonymised cannot come back (DEC-D, C14).
    #[error("project {0:?}: results cannot come back in mode \"anonymise\"; take [project.results] away")]
    NoWayBack(String),
    /// The dossier cannot be used.
    #[error(transparent)]
    Dossier(#[from] DossierError),
    /// The profile cannot be read.
    #[error(
        "project {project:?}: profile {profile:?} is none of `profile list`, and no file that can be read: {source}"
    )]
    ProfileFile {
        /// Project.
        project: String,
        /// As configured.
        profile: PathBuf,
        /// Error of the file system.
        source: io::Error,
    },
    /// The profile cannot be used.
    #[error("project {project:?}: profile: {source}")]
    Profile {
        /// Project.
        project: String,
        /// What is wrong with it.
        source: ProfileError,
    },
    /// Under linkage `partner` two partners have no value in common that stands for the participant; the profile gives them one (DEC-J).
    #[error(
        "project {0:?}: {1} of the profile is the same for all partners, and contradicts linkage \"partner\", which several partners have \
         by default: take it away, or set linkage = \"project\""
    )]
    LinkageContradicted(String, &'static str),
    /// The key for Encrypted Attributes cannot be used.
    #[error("project {project:?}: results.encrypted_attributes_key: {source}")]
    EncryptedAttributesKey {
        /// Project.
        project: String,
        /// What is wrong with the file.
        source: DecryptionKeyError,
    },
    /// The prefix of the codes cannot be used.
    #[error("project {0:?}: code_prefix: {1}")]
    CodePrefix(String, pseudonym::CodeError),
}

impl Project {
    /// Prepares a project; `None` for one that only receives.
    ///
    /// # Errors
    /// Any [`ProjectError`].
    pub fn new(config: &ProjectConfig) -> Result<Option<Self>, ProjectError> {
        let id = || config.id.clone();
        let mode = match config.mode {
            ProjectMode::ReceiveOnly => return Ok(None),
            ProjectMode::Pseudonymise => Mode::Pseudonymise,
            ProjectMode::Anonymise => Mode::Anonymise,
        };
        if mode == Mode::Anonymise && config.results.is_some() {
            return Err(ProjectError::NoWayBack(id()));
        }
        let dossier = config.dossier.clone().ok_or_else(|| ProjectError::NoDossier(id()))?;
        if dossier.mode != mode {
            return Err(ProjectError::Mode(id()));
        }
        let dossier = Dossier::new(&config.id, dossier)?;
        let profile = match &config.profile {
            Some(profile) => load_profile(profile)
                .map_err(|source| ProjectError::ProfileFile {
                    project: id(),
                    profile: profile.clone(),
                    source,
                })?
                .map_err(|source| ProjectError::Profile { project: id(), source })?,
            None => Profile::basic(),
        };
        if let (Linkage::Partner, Some(common)) = (config.linkage(), common_to_partners(&profile)) {
            return Err(ProjectError::LinkageContradicted(id(), common));
        }
        let trial = config.clinical_trial.as_ref().map(crate::config::ClinicalTrialConfig::values);
        let prefix = match config.code_prefix.as_str() {
            "" => CodePrefix::default(),
            text => CodePrefix::new(text).map_err(|error| ProjectError::CodePrefix(id(), error))?,
        };
        let key = config.results.as_ref().and_then(|results| results.encrypted_attributes_key.as_deref());
        let unusable = |source| ProjectError::EncryptedAttributesKey { project: id(), source };
        let encrypted_attributes_key = key.map(DecryptionKey::open).transpose().map_err(unusable)?;
        let compiled =
            profile.compile(trial).map_err(|source| ProjectError::Profile { project: id(), source })?;
        Ok(Some(Self {
            encrypted_attributes_key,
            shifts_dates: compiled.shifts_dates(),
            profile: Arc::new(compiled),
            dossier_version: dossier.version.to_string(),
            dossier,
            codes: match config.codes {
                CodeOrigin::Random => CodeScheme::Random(prefix.clone()),
                CodeOrigin::Assigned => CodeScheme::Assigned,
            },
            code_prefix: prefix,
            config: config.clone(),
        }))
    }
}

/// The profile of this name that comes with the program, else the one in this file.
///
/// # Errors
/// That of the file system; inside, that of the profile.
pub fn load_profile(profile: &Path) -> io::Result<Result<Profile, ProfileError>> {
    Ok(Profile::from_toml(&profile_text(profile)?))
}

/// Its text.
///
/// # Errors
/// That of the file system.
pub fn profile_text(profile: &Path) -> io::Result<String> {
    match SHIPPED.iter().find(|(name, _)| profile.to_str() == Some(*name)) {
        Some((_, text)) => Ok((*text).to_owned()),
        None => std::fs::read_to_string(profile),
    }
}

/// What a profile leaves or makes of an identifier that linkage `partner` does not derive anew.
fn common_to_partners(profile: &Profile) -> Option<&'static str> {
    let has = |option| profile.options.contains(&option);
    if has(DeidentificationOption::RetainUids) {
        Some("option retain_uids")
    } else if has(DeidentificationOption::RetainLongitudinalFullDates) {
        Some("option retain_longitudinal_full_dates")
    } else if profile.rules.iter().any(|rule| matches!(rule.action, RuleAction::Hash(_))) {
        Some("the action hash")
    } else {
        None
    }
}

/// Why a stage did not end its work; the kind decides what the driver does.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StageError {
    /// Rows of the archive.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// A database.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The vault; when locked, the work waits.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// An object of Z3 to Z6.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// An original of Z1.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// A file of one of the zones cannot be read or written: try again, or look at the volume.
    #[error("an object cannot be read or written: {0}")]
    Io(#[from] io::Error),
    /// The de-identification could not read or write.
    #[error(transparent)]
    Deidentification(#[from] DeidentificationError),
    /// The after-check could not be made.
    #[error(transparent)]
    Verify(#[from] deidentification::verify::VerifyError),
    /// An identifier, or what the archive has in its place, is in an object as derived for a partner: nothing of it was sent. Correct the
    /// profile, and have the study sent again.
    #[error("instance {instance}: an identifier is left at {place} of what would leave; nothing was sent")]
    IdentifierLeft {
        /// Own id.
        instance: Uuid,
        /// Path of the first finding.
        place: String,
    },
    /// An object of the archive cannot be derived for a partner: look at it.
    #[error("instance {instance} cannot be derived for the partner: {reason}")]
    NotDerived {
        /// Own id.
        instance: Uuid,
        /// What is in the way, and where.
        reason: String,
    },
    /// What is kept as received has no secret that a partner's pseudonyms could follow from: cancel the job, or send it in a project with
    /// linkage `project` (DEC-P).
    #[error(
        "objects that are kept as received cannot be sent under linkage \"partner\": every partner would get the same UIDs"
    )]
    NothingToDeriveFrom,
    /// The partner did not take everything.
    #[error(transparent)]
    Partner(#[from] PartnerError),
    /// So many instances were deferred by the partner: they are sent again.
    #[error("{0} instances were deferred by the partner")]
    Incomplete(u64),
    /// The gate is closed for these reasons: complete the dossier, then retry the job.
    #[error("the gate is closed: {0}")]
    GateClosed(String),
    /// The configuration no longer has the project: bring it back, or cancel the work.
    #[error("project {0:?} is not configured")]
    NoProject(String),
    /// The clinical PACS cannot be talked to now: try again.
    #[error(transparent)]
    Association(#[from] AssociationError),
    /// TLS towards the clinical PACS cannot be set up: correct the configuration.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// An answer or object that cannot be read, or an answer that does not say which patient.
    #[error(
        "an answer of the clinical PACS or an object on its way to it cannot be read, or the answer names no patient"
    )]
    Answer,
    /// So many instances are not found at the clinical PACS yet.
    #[error("{0} instances are not yet found at the clinical PACS")]
    NotConfirmed(u64),
    /// The clinical PACS has no room for a query now: try again.
    #[error("node {0:?} has no resources for a query now")]
    Busy(String),
    /// What the clinical PACS holds cannot be asked for: let it answer queries, or declare that it supports storage commitment.
    #[error("node {0:?} refuses queries, so that what was pushed cannot be confirmed")]
    NoQuery(String),
    /// Storage commitment was asked for again and again without a report.
    #[error(
        "node {0:?} does not report on storage commitment: see that it can reach this program, or declare storage_commitment = false"
    )]
    NoReport(String),
    /// So many instances were taken and lost, each time that they were pushed.
    #[error("{0} instances were taken by the clinical PACS and are not kept there: mend it, then retry")]
    Lost(u64),
    /// The node has no host and port, or is not declared.
    #[error("node {0:?} cannot be sent to: declare it with host and port")]
    NoNode(String),
    /// The configuration does not have the partner: declare it, then retry the job.
    #[error("partner {0:?} is not configured")]
    NoPartner(String),
    /// The program ended each time that it worked on this: what it works on may be made to end it.
    #[error(
        "the program ended {0} times while it worked on this: look at its log and memory before it is tried again"
    )]
    EndsProgram(i32),
    /// The stage ended by a fault of the program: report it with the log; the job can be tried again.
    #[error("the stage ended by a fault of the program")]
    Fault,
    /// The program stops; the work is repeated after the restart.
    #[error("interrupted by the shutdown")]
    Interrupted,
}

/// What ended by a fault of the program and does not come back before a restart: `/readyz` is red.
#[derive(Debug, Default)]
pub struct Faults(Mutex<BTreeSet<&'static str>>);

impl Faults {
    /// Notes that this part of the program works no more.
    pub fn note(&self, part: &'static str) {
        tracing::error!(part, "a part of the program works no more: restart");
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(part);
    }

    /// Every part that was noted.
    pub fn parts(&self) -> Vec<&'static str> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect()
    }
}

/// What an operator has to look at while everything else goes on: a figure of `/metrics`, the reason is in the log.
#[derive(Debug, Default)]
pub struct Warnings(Mutex<BTreeMap<&'static str, u64>>);

impl Warnings {
    /// Notes how many objects or rows `what` concerns, 0: it is over; answers whether it was not noted before, for the log.
    pub fn set(&self, what: &'static str, count: u64) -> bool {
        let mut warnings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if count == 0 {
            warnings.remove(what);
            return false;
        }
        warnings.insert(what, count).is_none()
    }

    /// Everything that was noted and is not over.
    pub fn all(&self) -> Vec<(&'static str, u64)> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .map(|(what, count)| (*what, *count))
            .collect()
    }
}

/// Wakes one idle worker of each group of [`crate::driver`].
#[derive(Debug, Default)]
pub struct Wake {
    pub(crate) deidentifying: Arc<Notify>,
    pub(crate) results: Arc<Notify>,
    pub(crate) partners: Arc<Notify>,
    pub(crate) clinical_pacs: Arc<Notify>,
    pub(crate) defacing: Arc<Notify>,
}

impl Wake {
    /// Tells that there may be work; kept for a worker that is busy now.
    pub fn notify_one(&self) {
        self.deidentifying.notify_one();
        self.results.notify_one();
        self.partners.notify_one();
        self.clinical_pacs.notify_one();
        self.defacing.notify_one();
    }
}

impl From<sqlx::Error> for StageError {
    fn from(error: sqlx::Error) -> Self {
        DatabaseError::from(error).into()
    }
}

impl StageError {
    /// Whether the work waits for room on the volume of the objects: nothing is wrong with it.
    pub(crate) fn waits_for_room(&self) -> bool {
        let is_full = |error: &io::Error| {
            matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
        };
        match self {
            Self::Blob(BlobError::NoRoom) => true,
            Self::Blob(BlobError::Io { source, .. }) => is_full(source),
            Self::Io(error) | Self::Deidentification(DeidentificationError::Output(error)) => is_full(error),
            _ => false,
        }
    }

    /// Whether only a person can help.
    pub fn needs_person(&self) -> bool {
        matches!(
            self,
            Self::NoProject(_)
                | Self::NoPartner(_)
                | Self::NoNode(_)
                | Self::NoQuery(_)
                | Self::NoReport(_)
                | Self::Lost(_)
                | Self::Tls(_)
                | Self::GateClosed(_)
                | Self::IdentifierLeft { .. }
                | Self::NotDerived { .. }
                | Self::NothingToDeriveFrom
                | Self::Fault
                | Self::EndsProgram(_)
                | Self::Verify(_)
                | Self::Vault(
                    VaultError::Contradiction(_)
                        | VaultError::Tampered(_)
                        | VaultError::Unknown(_)
                        | VaultError::Limit(_)
                )
                | Self::Partner(PartnerError::Permanent { .. } | PartnerError::Configuration { .. })
                | Self::Spool(SpoolError::Corrupt(_) | SpoolError::NotFound(_))
        )
    }
}

impl Line {
    /// The project with this id.
    ///
    /// # Errors
    /// [`StageError::NoProject`].
    pub fn project(&self, id: &str) -> Result<&Project, StageError> {
        self.projects.get(id).ok_or_else(|| StageError::NoProject(id.to_owned()))
    }

    /// Version of the dossier of a project as rows show it; `none` for one that has no dossier or is not configured.
    pub(crate) fn dossier_version(&self, project: &str) -> &str {
        self.projects.get(project).map_or("none", |project| project.dossier_version.as_str())
    }

    /// The partner with this id.
    ///
    /// # Errors
    /// [`StageError::NoPartner`].
    pub fn partner(&self, id: &str) -> Result<Arc<Partner>, StageError> {
        self.partners.get(id).cloned().ok_or_else(|| StageError::NoPartner(id.to_owned()))
    }

    /// The node that results of a project go back to.
    ///
    /// # Errors
    /// [`StageError::NoNode`].
    pub fn return_node(&self, project: &Project) -> Result<&NodeConfig, StageError> {
        let name = project.config.results.as_ref().map_or("", |results| results.return_to.as_str());
        self.nodes.get(name).ok_or_else(|| StageError::NoNode(name.to_owned()))
    }

    /// A ledger line about an instance that goes nowhere.
    pub(crate) fn ledger_line<'a>(
        &'a self,
        event: LedgerEvent,
        project: &'a str,
        instance: Uuid,
        bytes: u64,
        at: i64,
    ) -> ledger::Line<'a> {
        ledger::Line {
            event,
            project,
            job: None,
            result_set: None,
            instance,
            destination: "",
            hash: "",
            bytes,
            dossier_version: self.dossier_version(project),
            gate_hash: None,
            cause: "",
            at,
        }
    }

    /// When something quarantined now is purged, epoch milliseconds.
    pub fn quarantine_until(&self, now: i64) -> i64 {
        now + i64::from(self.quarantine_hours) * 3_600_000
    }
}
