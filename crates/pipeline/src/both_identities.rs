//! Both values of table 8.1 for the holder of the table: the identity as received, and what the clinical PACS says now. And what the partner
//! wrote in the place of the code (RC-04).
//!
//! The caller has opened the vault with a purpose (`pseudonym::Vault::reidentify`), which its access log has; nothing of this goes anywhere
//! but to the person who asked.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::Path;

use archive::blob::{BlobError, BlobKey, BlobStore};
use archive::zone::Zone;
use dicom_stream::charset::CharacterSet;
use dicom_stream::{Limits, Tag, Token, TokenSource, TransferSyntax, VR};
use pseudonym::OwnRecord;
use uuid::Uuid;

use crate::clinical_pacs::{Row, normal};
use crate::config::NodeConfig;
use crate::identity_check::{COMPARED, is_same_value, of_study, text_of};
use crate::line::StageError;
use crate::stored_object::at_data_set;

const SPECIFIC_CHARACTER_SET: Tag = Tag(0x0008, 0x0005);
/// Where a partner has the code that it was given.
const WRITTEN: [(Tag, VR); 3] = [
    (Tag(0x0010, 0x0010), VR::PN), // Patient's Name
    (Tag(0x0010, 0x0020), VR::LO), // Patient ID
    (Tag(0x0012, 0x0040), VR::LO), // Clinical Trial Subject ID
];
const LAST_WRITTEN: Tag = Tag(0x0012, 0x0040);
/// Different values of one attribute that are shown: in a set of one patient there is one.
const VALUES_MAX: usize = 20;

/// One attribute that the identity check compares, decoded and without padding. Holds an identity, so it has no `Debug`.
pub struct Compared {
    /// The attribute.
    pub tag: Tag,
    /// As received, once for each identity that the study was received with.
    pub received: Vec<String>,
    /// As the clinical PACS says it now, once for each study that it has under the Study Instance UID; `None` when it cannot be asked.
    pub pacs: Option<Vec<String>>,
    /// Whether the check finds more than one value.
    pub differs: bool,
}

/// The attributes that are compared. `node` is where the results of the project go back to; `received` are the records of one study.
///
/// # Errors
/// [`StageError::Association`], [`StageError::Busy`]: the clinical PACS does not answer now, try again later.
pub async fn both_identities(
    node: Option<&NodeConfig>,
    received: &[OwnRecord],
) -> Result<Vec<Compared>, StageError> {
    let rows = match (node, received.first()) {
        (Some(node), Some(own)) => of_study(node, own).await?,
        _ => None,
    };
    Ok(COMPARED.iter().map(|(tag, vr)| compared(*tag, *vr, received, rows.as_deref())).collect())
}

fn compared(tag: Tag, vr: VR, received: &[OwnRecord], rows: Option<&[Row]>) -> Compared {
    let ours: Vec<String> = received.iter().map(|own| text_of(own, tag, vr)).collect();
    let pacs: Option<Vec<String>> = rows.map(|rows| rows.iter().map(|row| row.text(tag, vr)).collect());
    let differs = ours.windows(2).any(|pair| pair.first() != pair.last())
        || received
            .iter()
            .any(|own| rows.unwrap_or_default().iter().any(|row| !is_same_value(own, row, tag, vr)));
    Compared { tag, received: ours, pacs, differs }
}

/// What the partner wrote where it was given the code (RC-04): the different values of these objects of Z4 below `objects`, at most
/// 20 of each attribute. An object that is purged shows nothing.
///
/// # Errors
/// Those of the volume, and of an object that cannot be read.
pub fn as_written(
    objects: &Path,
    instances: impl IntoIterator<Item = Uuid>,
) -> Result<BTreeMap<Tag, BTreeSet<String>>, StageError> {
    let mut found: BTreeMap<Tag, BTreeSet<String>> = BTreeMap::new();
    for id in instances {
        let file = match BlobStore::open_beside(objects, BlobKey::new(Zone::Inbound, id)?) {
            Err(BlobError::NotFound(_)) => continue,
            file => file?,
        };
        let (file, syntax) = at_data_set(file)?;
        for (tag, text) in values_of(file, syntax)? {
            let values = found.entry(tag).or_default();
            if values.len() < VALUES_MAX {
                values.insert(text);
            }
        }
    }
    Ok(found)
}

fn values_of(file: File, syntax: &TransferSyntax) -> Result<Vec<(Tag, String)>, StageError> {
    let mut tokens = TokenSource::skimming(file, syntax, Limits::INSTANCE).map_err(|_| StageError::Answer)?;
    let (mut set, mut found) = (CharacterSet::default(), Vec::new());
    loop {
        let depth = tokens.depth();
        match tokens.next_token().map_err(|_| StageError::Answer)? {
            Some(Token::Value { header, .. } | Token::SequenceStart { header })
                if depth == 0 && header.tag > LAST_WRITTEN =>
            {
                break;
            }
            Some(Token::Value { header, value }) if depth == 0 => {
                if header.tag == SPECIFIC_CHARACTER_SET {
                    set = CharacterSet::parse(value).0;
                }
                let vr = WRITTEN.iter().find(|(tag, _)| *tag == header.tag).map(|(_, vr)| *vr);
                found.extend(vr.map(|vr| (header.tag, normal(&set, vr, value))));
            }
            Some(_) => {}
            None => break,
        }
    }
    Ok(found)
}
