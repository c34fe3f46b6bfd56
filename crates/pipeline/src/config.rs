//! Configuration of the line: who sends, which research study the instances belong to, and how they are treated.

use std::path::PathBuf;

use deidentification::{ClinicalTrial, Consent, Distribution};
use dicom_node::AeTitle;
use dicom_node::config::TlsClientConfig;
use ipnet::IpNet;
use pseudonym::Linkage;
use reconciliation::{TextPseudonym, TextRule};
use register::DossierConfig;
use serde::{Deserialize, Serialize};

/// A DICOM system on our site that may send to us, receive from us, or both.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeConfig {
    /// Name shown in lists and logs.
    pub name: String,
    /// Its own AE title: calling title when it sends, called title when we send.
    pub ae_title: AeTitle,
    /// Networks it may call from (AC1.1 b); empty: it may not send.
    #[serde(default)]
    pub addresses: Vec<IpNet>,
    /// Host name or address at which it listens, for sending to it.
    #[serde(default)]
    pub host: Option<String>,
    /// Port at which it listens.
    #[serde(default)]
    pub port: Option<u16>,
    /// SHA-256 of the DER form of its TLS client certificate, 64 hex digits; when set, no other certificate and no plain connection
    /// is accepted from this title.
    #[serde(default)]
    pub certificate_sha256: Option<String>,
    /// Domain of its Patient IDs (DEC-Q). Nodes of one domain name the same authority.
    #[serde(default = "default_authority")]
    pub assigning_authority: String,
    /// Values of Issuer of Patient ID (0010,0021) that name another authority than the node's own.
    #[serde(default)]
    pub issuer_aliases: Vec<IssuerAlias>,
    /// What it delivers (DEC-P).
    #[serde(default)]
    pub source_class: SourceClass,
    /// Our AE title towards it.
    #[serde(default = "default_calling")]
    pub called_by: AeTitle,
    /// TLS towards it.
    #[serde(default)]
    pub tls: Option<TlsClientConfig>,
    /// Whether it answers C-FIND: without it no identity can be checked and every release needs a person (table 8.1).
    #[serde(default = "yes")]
    pub query: bool,
    /// Whether it supports storage commitment: what was returned to it is then confirmed by its report (AC9.3), which it sends on the same
    /// association or to our listener, as `called_by`, from one of `addresses`. Without it, it is asked by C-FIND.
    #[serde(default)]
    pub storage_commitment: bool,
    /// SOP classes that PS3.4 does not list and that are accepted from it for storage.
    #[serde(default)]
    pub private_sop_classes: Vec<String>,
}

/// One value of Issuer of Patient ID and the authority it stands for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerAlias {
    /// Value of (0010,0021), compared as a whole.
    pub issuer: String,
    /// Assigning authority.
    pub assigning_authority: String,
}

/// What a node or token delivers (DEC-P).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourceClass {
    /// Identified data: de-identification is due.
    #[default]
    Identified,
    /// Phantoms, published sets, sets de-identified elsewhere: what carries (0012,0062) = YES, or comes from a source that the project
    /// declares free of identity, is searched and kept as it is (AC1.9). Everything else of it is de-identified. The marker alone is not
    /// believed: a name, a birth date, a document or pixels at risk hold the object, and so does the Patient ID of a participant.
    AlreadyDeidentified,
}

/// One research study on this server (DEC-A).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProjectConfig {
    /// Short name, part of ids shown to people: 1 to 32 of `a`–`z`, `0`–`9`, `-`.
    pub id: String,
    /// Called AE titles that route to it (DEC-B, level 1).
    #[serde(default)]
    pub called_ae_titles: Vec<AeTitle>,
    /// Calling AE titles that route to it (DEC-B, level 2).
    #[serde(default)]
    pub calling_ae_titles: Vec<AeTitle>,
    /// Attributes that route to it (DEC-B, level 3): all of them have to match.
    #[serde(default)]
    pub query_rules: Vec<QueryRule>,
    /// What happens to what arrives (DEC-D).
    pub mode: ProjectMode,
    /// Idle time after which a study counts as complete, in seconds (AC1.5).
    #[serde(default = "default_stable_seconds")]
    pub stable_after_seconds: u32,
    /// How long originals stay in the receive buffer at most, in hours (F12.5).
    #[serde(default = "default_retention_hours")]
    pub retention_hours: u32,
    /// Nodes of class `already-deidentified` (by AE title) and import folders (by name) whose objects this project declares free of
    /// identity: their objects need no marker, and their names, birth dates, documents and pixels are taken for nobody's (AC1.9).
    #[serde(default)]
    pub sources_free_of_identity: Vec<String>,
    /// De-identification profile as TOML; without it the Basic Application Confidentiality Profile.
    #[serde(default)]
    pub profile: Option<PathBuf>,
    /// Share of its instances that a person looks at before they leave, 0 to 100 per cent (ADR 0010). They wait in quarantine with the
    /// reason `review`, de-identified and searched; the rest goes on.
    #[serde(default)]
    pub review_percent: Percent,
    /// Where the codes of its participants come from.
    #[serde(default)]
    pub codes: CodeOrigin,
    /// First letters of the codes that we draw.
    #[serde(default)]
    pub code_prefix: String,
    /// When step 3 starts (DEC-T).
    #[serde(default)]
    pub export_mode: ExportMode,
    /// Partners that get its data, by their id.
    #[serde(default)]
    pub partners: Vec<String>,
    /// Whether its partners share code, UIDs and date shift (DEC-J); see [`ProjectConfig::linkage`]. A partner keeps what it was first
    /// issued.
    #[serde(default)]
    pub linkage: Option<Linkage>,
    /// What a named person has seen and accepted of the checks that only warn.
    #[serde(default, rename = "acknowledgement")]
    pub acknowledgements: Vec<Acknowledgement>,
    /// The regulatory dossier; demanded by every mode but `receive-only`.
    #[serde(default)]
    pub dossier: Option<DossierConfig>,
    /// Values of the Clinical Trial modules (AC2.6).
    #[serde(default)]
    pub clinical_trial: Option<ClinicalTrialConfig>,
    /// Whether and how results come back; without it a job ends with the partner's acknowledgement.
    #[serde(default)]
    pub results: Option<ResultsConfig>,
}

impl ProjectConfig {
    /// The linkage of partners that were issued nothing yet: as configured, else `project` with one partner and `partner` with several.
    pub fn linkage(&self) -> Linkage {
        let several = self.partners.iter().any(|partner| Some(partner) != self.partners.first());
        self.linkage.unwrap_or(if several { Linkage::Partner } else { Linkage::Project })
    }
}

/// A share, 0 to 100 per cent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Percent(u8);

impl Percent {
    /// 0 to 100.
    #[must_use]
    pub fn get(self) -> u8 {
        self.0
    }
}

impl TryFrom<u8> for Percent {
    type Error = &'static str;

    fn try_from(percent: u8) -> Result<Self, Self::Error> {
        if percent <= 100 { Ok(Self(percent)) } else { Err("a share is 0 to 100 per cent") }
    }
}

impl From<Percent> for u8 {
    fn from(percent: Percent) -> Self {
        percent.0
    }
}

/// The acknowledgement of a check that warns (ACB2): who, when and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Acknowledgement {
    /// Id of the check: `C33` where several partners share one linkage, and can join their sets.
    pub check: String,
    /// Who accepts it.
    pub name: String,
    /// Day, `YYYY-MM-DD`.
    pub date: String,
    /// Why.
    pub reason: String,
}

/// Steps 6 to 10: what comes back from the partners of a project.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResultsConfig {
    /// Name of the node that results are returned to.
    pub return_to: String,
    /// Seconds between two questions to a partner; up to a tenth is added at random.
    #[serde(default = "default_poll_seconds")]
    pub poll_seconds: u32,
    /// Seconds without a new instance after which a result set counts as complete.
    #[serde(default = "default_idle_seconds")]
    pub idle_seconds: u32,
    /// Days within which a result is expected (AC5.2).
    #[serde(default = "default_expected_days")]
    pub expected_days: u32,
    /// Days after that until the job expires.
    #[serde(default = "default_expected_days")]
    pub grace_days: u32,
    /// Who lets results into the clinical record (DEC-E).
    #[serde(default)]
    pub release: ReleaseMode,
    /// Status of the partner's software (DEC-M, C29); without it every release needs a person.
    #[serde(default)]
    pub software_status: Option<SoftwareStatus>,
    /// What Series Description begins with, without the blank after it (AC8.9).
    #[serde(default = "default_series_prefix")]
    pub series_prefix: String,
    /// Whether Clinical Trial Time Point and Clinical Trial Series (PS3.3 C.7.2.3, C.7.3.2) that a partner wrote go into the clinical PACS.
    #[serde(default)]
    pub keep_time_point: bool,
    /// Private key, a file in PEM without a passphrase that not everybody may read: opens Encrypted Attributes (0400,0500) of a result, which must
    /// confirm the identity as received; without it a result that has any is held (RC-15). Needs `openssl`.
    #[serde(default)]
    pub encrypted_attributes_key: Option<PathBuf>,
    /// Hours that a set may wait for a person or for the gate; then it expires.
    #[serde(default = "default_decide_hours")]
    pub decide_within_hours: u32,
    /// Hours after the confirmation, the rejection or the expiry until the identified copy is purged (AC9.5).
    #[serde(default = "default_purge_hours")]
    pub purge_after_hours: u32,
    /// Days that files which are no DICOM objects are kept beside, after the last job of their study at the partner ended.
    #[serde(default = "default_beside_days")]
    pub beside_days: u32,
}

/// The reviewed rules for text from a partner (RR-3).
///
/// # Errors
/// The path that is none.
pub fn text_rules(limits: &partner::ResultLimits) -> Result<Vec<TextRule>, String> {
    let rule = |rule: &partner::TextRuleConfig| {
        let of = |what: &partner::TextPseudonym| match what {
            partner::TextPseudonym::Uid => TextPseudonym::Uid,
            partner::TextPseudonym::Code => TextPseudonym::Code,
        };
        let replaces: Vec<TextPseudonym> = rule.replaces.iter().map(of).collect();
        TextRule::parse(&rule.path, &replaces).ok_or_else(|| rule.path.clone())
    };
    limits.text_rules.iter().map(rule).collect()
}

/// Where the codes of participants come from (F6.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CodeOrigin {
    /// The inclusion list, and a drawn one for whom it gives none.
    #[default]
    Random,
    /// The inclusion list or an imported correspondence alone: whoever has none there waits for a person.
    Assigned,
}

/// Who lets results into the clinical record (DEC-E).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReleaseMode {
    /// A named person.
    #[default]
    Person,
    /// This policy, where DEC-E allows it.
    Automatic,
}

/// Status of the software that made a result (DEC-M).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SoftwareStatus {
    /// A CE-marked medical device.
    CeMarked,
    /// For research only; its results are marked as such.
    ResearchOnly,
}

fn default_poll_seconds() -> u32 {
    300
}

fn default_idle_seconds() -> u32 {
    120
}

fn default_expected_days() -> u32 {
    30
}

fn default_series_prefix() -> String {
    "RESEARCH:".to_owned()
}

pub(crate) fn default_decide_hours() -> u32 {
    30 * 24
}

pub(crate) fn default_purge_hours() -> u32 {
    24
}

pub(crate) fn default_beside_days() -> u32 {
    180
}

/// When step 3 starts (DEC-T).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExportMode {
    /// When the study is stable.
    #[default]
    Stable,
    /// Batch by batch, as soon as it is cleared.
    Eager,
}

/// Values that the dossier states about the trial.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClinicalTrialConfig {
    /// (0012,0010)
    pub sponsor_name: String,
    /// (0012,0020)
    pub protocol_id: String,
    /// (0012,0021)
    #[serde(default)]
    pub protocol_name: String,
    /// (0012,0030)
    #[serde(default)]
    pub site_id: String,
    /// (0012,0031)
    #[serde(default)]
    pub site_name: String,
    /// (0012,0081)
    #[serde(default)]
    pub ethics_committee_name: Option<String>,
    /// (0012,0082)
    #[serde(default)]
    pub ethics_committee_approval_number: Option<String>,
    /// (0012,0083): what the participants' consent says about distribution.
    #[serde(default)]
    pub consent_for_distribution: Option<Distribution>,
}

impl ClinicalTrialConfig {
    /// The values as the de-identifier takes them.
    pub fn values(&self) -> ClinicalTrial {
        ClinicalTrial {
            sponsor_name: self.sponsor_name.clone(),
            protocol_id: self.protocol_id.clone(),
            protocol_name: self.protocol_name.clone(),
            site_id: self.site_id.clone(),
            site_name: self.site_name.clone(),
            time_point_id: None,
            ethics_committee_name: self.ethics_committee_name.clone(),
            ethics_committee_approval_number: self.ethics_committee_approval_number.clone(),
            consent: self.consent_for_distribution.map(|distribution| Consent { distribution }),
        }
    }
}

/// One attribute of the main data set and the values that match.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueryRule {
    /// Keyword of PS3.6, for example `Modality`.
    pub attribute: String,
    /// Values, one of which the attribute's first value must equal; `*` at the end matches any rest. Case-sensitive.
    pub values: Vec<String>,
}

/// What happens to the instances of a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProjectMode {
    /// Step 1 alone: instances stay in Z1 until their timer.
    ReceiveOnly,
    /// Reversible through the vault only; results can come back.
    Pseudonymise,
    /// Irreversible: codes, UIDs and shift come from a random secret of the job, which is destroyed with it; nothing comes back.
    Anonymise,
}

/// Folders that are read like a sender (AC1.7).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportConfig {
    /// Name of the door, recorded as the calling side.
    pub name: String,
    /// Folder to read.
    pub folder: PathBuf,
    /// Project the files belong to.
    pub project: String,
    /// Domain of the Patient IDs (DEC-Q).
    #[serde(default = "default_authority")]
    pub assigning_authority: String,
    /// What lies there (DEC-P).
    #[serde(default)]
    pub source_class: SourceClass,
}

/// The program of the site that takes faces out of the images of a head (PS3.15 E.3.2), for profiles that say `faces = "deface"`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DefacingConfig {
    /// Its absolute path. It is called with two folders: in the first the images of one series lie, identified, with native little endian
    /// samples; in the second, which is empty, it leaves each of them under any name with its SOP Instance UID, size and geometry.
    pub program: PathBuf,
    /// Its name and version, as reports and (0012,0063) show them.
    pub name: String,
    /// Longest time for one series, seconds.
    #[serde(default = "default_defacing_seconds")]
    pub seconds: u32,
    /// Most instances of one series.
    #[serde(default = "default_defacing_instances")]
    pub instances: u32,
    /// Most bytes of one series, as received and with its samples decoded; the volume of the receive buffer needs three times as many.
    #[serde(default = "default_defacing_bytes")]
    pub bytes: u64,
}

fn default_defacing_seconds() -> u32 {
    1800
}

fn default_defacing_instances() -> u32 {
    4000
}

fn default_defacing_bytes() -> u64 {
    4 << 30
}

fn yes() -> bool {
    true
}

fn default_calling() -> AeTitle {
    AeTitle::own()
}

fn default_authority() -> String {
    "site".to_owned()
}

fn default_stable_seconds() -> u32 {
    60
}

pub(crate) fn default_retention_hours() -> u32 {
    24 * 30
}
