//! Talking to the node that results go back to: where it is, what it answers to a query, what it holds (AC9.3). What its answers mean for
//! the identity of a result is the matter of `identity_check`.

use std::collections::BTreeSet;

use dicom_node::config::NodeConfig as Limits;
use dicom_node::presentation_context::ProposedContext;
use dicom_node::sop_class::STUDY_FIND;
use dicom_node::status::{Category, Status};
use dicom_node::stream::NetStream;
use dicom_node::tls::ClientTls;
use dicom_node::{Association, RemoteNode};
use dicom_stream::charset::CharacterSet;
use dicom_stream::{Encoding, Lengths, Limits as ReadLimits, Reader, Tag, Token, TransferSyntax, VR, Writer};
use pseudonym::Value;
use tokio_util::sync::CancellationToken;

use crate::config::NodeConfig;
use crate::line::StageError;

/// Rows of one question.
const ROWS: usize = 10_000;
/// Refused: out of resources (PS3.4 C.4.1.1.4). Every other failure is a refusal of the query itself.
const OUT_OF_RESOURCES: Status = Status(0xA700);

const SPECIFIC_CHARACTER_SET: Tag = Tag(0x0008, 0x0005);
pub(crate) const QUERY_LEVEL: Tag = Tag(0x0008, 0x0052);
const SOP_INSTANCE_UID: Tag = Tag(0x0008, 0x0018);
pub(crate) const STUDY_INSTANCE_UID: Tag = Tag(0x0020, 0x000D);
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

/// Those of the instances of one series that the node holds.
///
/// # Errors
/// [`StageError::Association`]: try again later; [`StageError::NoQuery`].
pub(crate) async fn held_instances(
    node: &NodeConfig,
    study: &str,
    series: &str,
) -> Result<BTreeSet<String>, StageError> {
    let keys = [
        (SOP_INSTANCE_UID, VR::UI, ""),
        (QUERY_LEVEL, VR::CS, "IMAGE"),
        (STUDY_INSTANCE_UID, VR::UI, study),
        (SERIES_INSTANCE_UID, VR::UI, series),
    ];
    let keys = keys.map(|(tag, vr, value)| (tag, vr, value.as_bytes().to_vec()));
    let Some(found) = find(node, keys.to_vec(), &Value::Absent).await? else {
        return Err(StageError::NoQuery(node.name.clone()));
    };
    Ok(found.rows.iter().map(|row| row.text(SOP_INSTANCE_UID, VR::UI)).collect())
}

/// The series of a study that a node has.
pub(crate) struct HeldSeries {
    /// Their UIDs.
    pub(crate) series: BTreeSet<String>,
    /// There were more than [`ROWS`].
    pub(crate) is_cut: bool,
}

/// The series of one study that the node has; `None` when it does not answer.
///
/// # Errors
/// [`StageError::Association`], [`StageError::Busy`]: try again later.
pub(crate) async fn held_series(node: &NodeConfig, study: &str) -> Result<Option<HeldSeries>, StageError> {
    let keys = [
        (QUERY_LEVEL, VR::CS, "SERIES"),
        (STUDY_INSTANCE_UID, VR::UI, study),
        (SERIES_INSTANCE_UID, VR::UI, ""),
    ];
    let keys = keys.map(|(tag, vr, value)| (tag, vr, value.as_bytes().to_vec()));
    let found = find(node, keys.to_vec(), &Value::Absent).await?;
    Ok(found.map(|Found { rows, is_cut }| HeldSeries {
        series: rows.iter().map(|row| row.text(SERIES_INSTANCE_UID, VR::UI)).collect(),
        is_cut,
    }))
}

/// The matches of a query.
pub(crate) struct Found {
    pub(crate) rows: Vec<Row>,
    /// There were more than [`ROWS`].
    pub(crate) is_cut: bool,
}

/// One match: raw values and their character set.
pub(crate) struct Row {
    pub(crate) character_set: CharacterSet,
    values: Vec<(Tag, Vec<u8>)>,
}

impl Row {
    /// A match as a node would answer it, in ASCII.
    #[cfg(test)]
    pub(crate) fn of(values: &[(Tag, &str)]) -> Self {
        let values = values.iter().map(|(tag, value)| (*tag, value.as_bytes().to_vec())).collect();
        Self { character_set: CharacterSet::default(), values }
    }

    /// The bytes of a value as they came; `None` where the node does not know the attribute.
    pub(crate) fn bytes(&self, tag: Tag) -> Option<&[u8]> {
        self.values.iter().find(|(of, _)| *of == tag).map(|(_, value)| value.as_slice())
    }

    /// A value as text that compares.
    pub(crate) fn text(&self, tag: Tag, vr: VR) -> String {
        normal(&self.character_set, vr, self.bytes(tag).unwrap_or_default())
    }
}

/// Asks the node; `None` when it offers no query service or refuses the query. Values are in `character_set`, which is sent with them
/// whenever they are not ASCII (PS3.4 C.2.2.2).
///
/// # Errors
/// [`StageError::Association`], [`StageError::Busy`]: try again later.
pub(crate) async fn find(
    node: &NodeConfig,
    mut keys: Vec<(Tag, VR, Vec<u8>)>,
    character_set: &Value,
) -> Result<Option<Found>, StageError> {
    let syntaxes = [TransferSyntax::EXPLICIT_LITTLE.uid, TransferSyntax::IMPLICIT_LITTLE.uid];
    let mut association = associate(node, &[ProposedContext::new(STUDY_FIND, &syntaxes)]).await?;
    let Some(context) = association.context_for(STUDY_FIND, None) else { return Ok(None) };
    let explicit = context.transfer_syntax == TransferSyntax::EXPLICIT_LITTLE.uid;
    let encoding = if explicit { Encoding::ExplicitLittle } else { Encoding::ImplicitLittle };
    if let Value::Bytes(declared) = character_set {
        let set = CharacterSet::parse(declared).0;
        if keys.iter().any(|(_, vr, value)| !set.decode(*vr, value).is_ascii()) {
            keys.push((SPECIFIC_CHARACTER_SET, VR::CS, declared.clone()));
        }
    }
    keys.sort_by_key(|(tag, ..)| *tag);
    let mut writer = Writer::new(Vec::new(), encoding, Lengths::Undefined);
    for (tag, vr, value) in &keys {
        writer.value(*tag, *vr, value)?;
    }
    let identifier = writer.finish()?;
    let mut rows = Vec::new();
    let mut matches = association.find(STUDY_FIND, &identifier, ROWS).await?;
    while let Some(row) = matches.next().await? {
        rows.push(parse(&row, encoding)?);
    }
    let (status, is_cut) = (matches.status(), matches.is_cut());
    association.release().await?;
    match status {
        Some(status) if status.category() != Category::Failure => Ok(Some(Found { rows, is_cut })),
        Some(OUT_OF_RESOURCES) => Err(StageError::Busy(node.name.clone())),
        _ => Ok(None),
    }
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

/// Text without what differs between systems for the same value: padding, and empty groups and components of a name.
pub(crate) fn normal(set: &CharacterSet, vr: VR, value: &[u8]) -> String {
    let text = set.decode(vr, value);
    let text = text.trim_matches([' ', '\0']);
    if vr != VR::PN {
        return text.to_owned();
    }
    let group = |group: &str| group.trim_end_matches(['^', ' ']).to_owned();
    let groups: Vec<String> = text.split('=').map(group).collect();
    groups.join("=").trim_end_matches('=').to_owned()
}
