//! What we write into a drop once everything that we take of it is durable (flow step 6, adapter 3; AC7.5): `received.json`, which names the
//! manifest by its hash and nothing else. A partner that finds the hash of its manifest there need not wait for us any longer.

use std::io::Read;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::export::folder;
use super::plain::StudyFolder;
use crate::error::PartnerError;

const RECEIPT: &str = "received.json";
const TEMPORARY: &str = ".received.json.part";

/// `received.json` of a drop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DropReceipt {
    /// Version of this format: 1.
    pub format: u32,
    /// SHA-256 of the bytes of `manifest.json`, hexadecimal in lower case.
    pub manifest_sha256: String,
}

/// Writes the receipt, unless it is there; a drop that is not there any more needs none.
///
/// # Errors
/// [`PartnerError`], as a rule of a folder that we may not write into.
pub(super) fn write(results: &Path, study: &str, manifest: [u8; 32]) -> Result<(), PartnerError> {
    let Some(drop) = StudyFolder::open(results, study)? else { return Ok(()) };
    let manifest_sha256: String = manifest.iter().map(|byte| format!("{byte:02x}")).collect();
    let receipt = DropReceipt { format: 1, manifest_sha256 };
    let text = serde_json::to_vec(&receipt).map_err(|error| folder("write a receipt")(error.into()))?;
    let mut found = Vec::new();
    if let Ok(Some((file, _))) = drop.file(RECEIPT)
        && file.take(text.len() as u64 + 1).read_to_end(&mut found).is_ok()
        && found == text
    {
        return Ok(());
    }
    drop.write(RECEIPT, TEMPORARY, &text).map_err(folder("write a receipt"))
}
