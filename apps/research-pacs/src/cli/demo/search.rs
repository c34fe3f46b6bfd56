//! Looks for identities where none may be: every place but the vault, the buffer database and the zones Z1, Z2, Z5 and Z6 (ACX.1).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use aho_corasick::AhoCorasick;

use super::world::World;

/// Places below the data folder that may hold identities: receive buffer, vault, buffer database, return buffer.
const ALLOWED: [&str; 4] = ["spool", "vault.sqlite", "buffer.sqlite", "return-buffer"];

/// How many of `tokens` stand in any of the places that must not have them: files and their names below the data folder, the log, what
/// the partners hold, messages, and the given pages.
pub(super) fn identifiers_found(
    world: &World,
    folder: &Path,
    pages: &[String],
    tokens: &[String],
) -> anyhow::Result<usize> {
    let mut places: Vec<Vec<u8>> = Vec::new();
    let mut names = String::new();
    for file in files(folder)? {
        let relative = file.strip_prefix(folder).unwrap_or(&file).display().to_string();
        names.push_str(&relative);
        names.push('\n');
        if !ALLOWED.iter().any(|allowed| relative.contains(allowed)) {
            places.push(std::fs::read(&file)?);
        }
    }
    places.push(names.into_bytes());
    places.extend(pages.iter().map(|page| page.clone().into_bytes()));
    places.extend(world.mails.messages().iter().map(|mail| format!("{mail:?}").into_bytes()));
    places.extend(world.webhooks.messages().iter().map(|message| format!("{message:?}").into_bytes()));
    for partner in &world.partners {
        for study in partner.studies() {
            places.push(study.clone().into_bytes());
            places.extend(partner.instances(&study).iter().map(|object| object.data.to_vec()));
        }
    }
    let search = AhoCorasick::new(tokens)?;
    let found: BTreeSet<_> = places
        .iter()
        .flat_map(|place| search.find_overlapping_iter(place))
        .map(|hit| hit.pattern())
        .collect();
    Ok(found.len())
}

fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    Ok(found)
}
