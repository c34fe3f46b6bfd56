//! Talking to the node that results go back to: where it is, what it says about a study, what it holds (DEC-G, AC9.3).

use std::collections::BTreeSet;

use dicom_node::config::NodeConfig as Limits;
use dicom_node::presentation_context::ProposedContext;
use dicom_node::sop_class::STUDY_FIND;
use dicom_node::stream::NetStream;
use dicom_node::tls::ClientTls;
use dicom_node::{Association, AssociationError, RemoteNode};
use dicom_stream::charset::CharacterSet;
use dicom_stream::{Encoding, Lengths, Limits as ReadLimits, Reader, Tag, Token, TransferSyntax, VR, Writer};
use pseudonym::{Attribute, OwnRecord, Value};
use tokio_util::sync::CancellationToken;

use crate::config::NodeConfig;
use crate::line::StageError;

/// Rows of one question.
const ROWS: usize = 10_000;

/// What the identity check found (table 8.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IdentityCheck {
    /// One study, everything equal.
    Same,
    /// One study, and something differs: a person decides.
    Differs,
    /// The study is not there under this UID: a person decides.
    NotFound,
    /// The node answers no queries: release needs a person.
    NotChecked,
}

impl IdentityCheck {
    /// The word of rows and of the release.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Same => "identity-same",
            Self::Differs => "identity-differs",
            Self::NotFound => "identity-not-found",
            Self::NotChecked => "identity-not-checked",
        }
    }
}

/// Attributes that are compared: normalised for padding and character set.
const COMPARED: [(Tag, VR); 6] = [
    (Tag(0x0008, 0x0050), VR::SH), // Accession Number
    (Tag(0x0010, 0x0010), VR::PN), // Patient's Name
    (Tag(0x0010, 0x0020), VR::LO), // Patient ID
    (Tag(0x0010, 0x0021), VR::LO), // Issuer of Patient ID
    (Tag(0x0010, 0x0030), VR::DA), // Patient's Birth Date
    (Tag(0x0010, 0x0040), VR::CS), // Patient's Sex
];
const ISSUER: Tag = Tag(0x0010, 0x0021);
const SPECIFIC_CHARACTER_SET: Tag = Tag(0x0008, 0x0005);
const QUERY_LEVEL: Tag = Tag(0x0008, 0x0052);
const SOP_INSTANCE_UID: Tag = Tag(0x0008, 0x0018);
const STUDY_INSTANCE_UID: Tag = Tag(0x0020, 0x000D);
const SERIES_INSTANCE_UID: Tag = Tag(0x0020, 0x000E);

/// Opens an association to `node` with these contexts.
///
/// # Errors
/// [`StageError::Association`]: try again later.
pub(crate) async fn associate(
    node: &NodeConfig,
    contexts: &[ProposedContext],
) -> Result<Association<NetStream>, StageError> {
    let (Some(host), Some(port)) = (&node.host, node.port) else {
        return Err(StageError::NoNode(node.name.clone()));
    };
    let tls = node.tls.as_ref().map(|tls| ClientTls::load(tls, host)).transpose()?;
    let remote = RemoteNode {
        called: node.ae_title.clone(),
        calling: node.called_by.clone(),
        host: host.clone(),
        port,
        tls,
    };
    Ok(remote.associate(contexts, &Limits::default(), CancellationToken::new()).await?)
}

/// Compares the identity as received with what the node says now.
///
/// # Errors
/// [`StageError::Association`]: nothing can be pushed anyway, try again later.
pub(crate) async fn check_identity(node: &NodeConfig, own: &OwnRecord) -> Result<IdentityCheck, StageError> {
    if !node.query {
        return Ok(IdentityCheck::NotChecked);
    }
    let mut keys = vec![(QUERY_LEVEL, VR::CS, "STUDY"), (STUDY_INSTANCE_UID, VR::UI, own.study.as_str())];
    keys.extend(COMPARED.iter().map(|(tag, vr)| (*tag, *vr, "")));
    let rows = match find(node, keys).await {
        Err(StageError::Association(AssociationError::NoContext)) => return Ok(IdentityCheck::NotChecked),
        rows => rows?,
    };
    let of_study = |row: &&Row| row.text(STUDY_INSTANCE_UID, VR::UI) == own.study;
    let mut matching = rows.iter().filter(of_study);
    let (Some(row), None) = (matching.next(), matching.next()) else { return Ok(IdentityCheck::NotFound) };
    let same = COMPARED.iter().all(|(tag, vr)| {
        let theirs = row.text(*tag, *vr);
        let ours = own_text(own, *tag, *vr);
        // A node need not know the issuer; where it does, it has to be the same one.
        theirs == ours || (*tag == ISSUER && (theirs.is_empty() || ours.is_empty()))
    });
    Ok(if same { IdentityCheck::Same } else { IdentityCheck::Differs })
}

/// Those of the instances of one series that the node holds.
///
/// # Errors
/// [`StageError::Association`]: try again later.
pub(crate) async fn held_instances(
    node: &NodeConfig,
    study: &str,
    series: &str,
) -> Result<BTreeSet<String>, StageError> {
    let keys = vec![
        (SOP_INSTANCE_UID, VR::UI, ""),
        (QUERY_LEVEL, VR::CS, "IMAGE"),
        (STUDY_INSTANCE_UID, VR::UI, study),
        (SERIES_INSTANCE_UID, VR::UI, series),
    ];
    let rows = find(node, keys).await?;
    Ok(rows.iter().map(|row| row.text(SOP_INSTANCE_UID, VR::UI)).collect())
}

/// One match: raw values and their character set.
struct Row {
    character_set: CharacterSet,
    values: Vec<(Tag, Vec<u8>)>,
}

impl Row {
    fn text(&self, tag: Tag, vr: VR) -> String {
        let value = self.values.iter().find(|(of, _)| *of == tag).map_or(&[][..], |(_, value)| value);
        normal(&self.character_set, vr, value)
    }
}

async fn find(node: &NodeConfig, keys: Vec<(Tag, VR, &str)>) -> Result<Vec<Row>, StageError> {
    let syntaxes = [TransferSyntax::EXPLICIT_LITTLE.uid, TransferSyntax::IMPLICIT_LITTLE.uid];
    let mut association = associate(node, &[ProposedContext::new(STUDY_FIND, &syntaxes)]).await?;
    let context = association.context_for(STUDY_FIND, None).ok_or(AssociationError::NoContext)?;
    let explicit = context.transfer_syntax == TransferSyntax::EXPLICIT_LITTLE.uid;
    let encoding = if explicit { Encoding::ExplicitLittle } else { Encoding::ImplicitLittle };
    let mut writer = Writer::new(Vec::new(), encoding, Lengths::Undefined);
    let mut sorted = keys;
    sorted.sort_by_key(|(tag, ..)| *tag);
    for (tag, vr, value) in &sorted {
        writer.value(*tag, *vr, value.as_bytes())?;
    }
    let identifier = writer.finish()?;
    let mut rows = Vec::new();
    let mut matches = association.find(STUDY_FIND, &identifier, ROWS).await?;
    while let Some(row) = matches.next().await? {
        rows.push(parse(&row, encoding)?);
    }
    association.release().await?;
    Ok(rows)
}

fn parse(row: &[u8], encoding: Encoding) -> Result<Row, StageError> {
    let mut reader = Reader::new(encoding, ReadLimits::IDENTIFIER);
    let mut input = row;
    let mut values = Vec::new();
    loop {
        let depth = reader.depth();
        match reader.next_token(&mut input).map_err(|_| StageError::Answer)? {
            Some(Token::Value { header, value }) if depth == 0 => values.push((header.tag, value.to_vec())),
            Some(_) => {}
            None => break,
        }
    }
    let set = values.iter().find(|(tag, _)| *tag == SPECIFIC_CHARACTER_SET);
    let character_set = set.map_or_else(CharacterSet::default, |(_, value)| CharacterSet::parse(value).0);
    Ok(Row { character_set, values })
}

fn own_text(own: &OwnRecord, tag: Tag, vr: VR) -> String {
    let set = match &own.character_set {
        Value::Bytes(value) => CharacterSet::parse(value).0,
        Value::Absent | Value::Empty => CharacterSet::default(),
    };
    let number = u32::from(tag.group()) << 16 | u32::from(tag.element());
    match own.attributes.iter().find(|attribute| attribute.tag == number) {
        Some(Attribute { value: Value::Bytes(value), .. }) => normal(&set, vr, value),
        _ => String::new(),
    }
}

/// Text without what differs between systems for the same value: padding, and empty groups and components of a name.
fn normal(set: &CharacterSet, vr: VR, value: &[u8]) -> String {
    let text = set.decode(vr, value);
    let text = text.trim_matches([' ', '\0']);
    if vr != VR::PN {
        return text.to_owned();
    }
    let group = |group: &str| group.trim_end_matches(['^', ' ']).to_owned();
    let groups: Vec<String> = text.split('=').map(group).collect();
    groups.join("=").trim_end_matches('=').to_owned()
}
