//! `send`: C-STORE of files and folders to a node (PS3.4 Annex B), one association, each file in the syntax it has.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use dicom_node::config::NodeConfig;
use dicom_node::storage_scu::{OutgoingInstance, storage_contexts};
use dicom_stream::{FILE_START, FileMeta, FileStart};
use tokio_util::sync::CancellationToken;

use super::echo::Remote;
use super::small_runtime;
use crate::exit::Outcome;

/// Send files or folders to a DICOM node (C-STORE).
#[derive(Debug, Args)]
pub(super) struct Send {
    #[command(flatten)]
    remote: Remote,
    /// Files and folders; folders are searched through.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Answer as JSON lines.
    #[arg(long)]
    json: bool,
}

struct Outgoing {
    path: PathBuf,
    meta: FileMeta,
    transfer_syntax: &'static str,
    data_set: u64,
}

#[allow(clippy::print_stdout, reason = "the command's answer")]
impl Send {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let node = self.remote.node()?;
        let mut files = Vec::new();
        let mut skipped = 0_u64;
        for path in &self.paths {
            collect(path, &mut files, &mut skipped)?;
        }
        let pairs =
            files.iter().map(|file| (file.meta.media_storage_sop_class_uid.as_str(), file.transfer_syntax));
        let contexts = storage_contexts(pairs);
        let (mut sent, mut refused) = (0_u64, 0_u64);
        small_runtime()?.block_on(async {
            let mut association =
                node.associate(&contexts, &NodeConfig::default(), CancellationToken::new()).await?;
            for (number, file) in files.iter().enumerate() {
                let mut data = File::open(&file.path)?;
                data.seek(SeekFrom::Start(file.data_set))?;
                let instance = OutgoingInstance {
                    sop_class: &file.meta.media_storage_sop_class_uid,
                    sop_instance: &file.meta.media_storage_sop_instance_uid,
                    transfer_syntax: file.transfer_syntax,
                    move_originator: None,
                };
                let status = match association.store(&instance, &mut tokio::fs::File::from_std(data)).await {
                    Ok(status) => Some(status),
                    Err(dicom_node::AssociationError::NoContext) => None,
                    Err(error) => return Err(error.into()),
                };
                let done = status.is_some_and(|status| status.is_done());
                *(if done { &mut sent } else { &mut refused }) += 1;
                let word = status
                    .map_or("not accepted by the node".to_owned(), |status| format!("0x{:04X}", status.0));
                if self.json {
                    println!("{}", serde_json::json!({ "number": number + 1, "status": word }));
                } else if !done {
                    println!("{}: {word}", file.path.display());
                }
            }
            anyhow::Ok(association.release().await?)
        })?;
        if self.json {
            println!("{}", serde_json::json!({ "sent": sent, "refused": refused, "skipped": skipped }));
        } else {
            println!("{sent} sent, {refused} refused, {skipped} skipped (no DICOM file)");
        }
        Ok(if refused == 0 && sent > 0 { Outcome::Good } else { Outcome::Bad })
    }
}

fn collect(path: &Path, files: &mut Vec<Outgoing>, skipped: &mut u64) -> anyhow::Result<()> {
    let shown = || format!("cannot read {}", path.display());
    if path.is_dir() {
        let mut entries: Vec<PathBuf> = Vec::new();
        for entry in path.read_dir().with_context(shown)? {
            entries.push(entry?.path());
        }
        entries.sort();
        return entries.iter().try_for_each(|entry| collect(entry, files, skipped));
    }
    let mut head = Vec::new();
    File::open(path).with_context(shown)?.take(FILE_START as u64).read_to_end(&mut head)?;
    match FileStart::read(&head) {
        Ok(FileStart { data_set, meta: Some(meta), transfer_syntax }) => files.push(Outgoing {
            path: path.to_owned(),
            meta,
            transfer_syntax: transfer_syntax.uid,
            data_set: data_set as u64,
        }),
        _ => *skipped += 1,
    }
    Ok(())
}
