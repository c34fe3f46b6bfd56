//! `find`: C-FIND of the Study Root information model (PS3.4 §C.6.2), one line per match. The answers go to standard output alone.

mod keys;

use std::io::Write;

use clap::{Args, ValueEnum};
use dicom_node::AssociationError;
use dicom_node::config::NodeConfig;
use dicom_node::presentation_context::ProposedContext;
use dicom_node::sop_class::STUDY_FIND;
use dicom_node::status::Category;
use dicom_node::transfer_syntax::{EXPLICIT_LITTLE, IMPLICIT_LITTLE};
use dicom_stream::TransferSyntax;
use tokio_util::sync::CancellationToken;

use super::echo::Remote;
use super::small_runtime;
use crate::exit::Outcome;
use keys::{Key, Match};

/// Ask a DICOM node what it has (C-FIND, Study Root).
#[derive(Debug, Args)]
pub(super) struct Find {
    #[command(flatten)]
    remote: Remote,
    /// What is looked for; below study, many nodes want the UIDs of the levels above as keys.
    #[arg(long, value_enum, default_value_t = Level::Study)]
    level: Level,
    /// An attribute, by keyword or as GGGG,EEEE, that has to match, or (without =VALUE) only to be answered. Wildcards and ranges
    /// as in PS3.4 §C.2.2.2. May be repeated.
    #[arg(long = "key", value_name = "KEY[=VALUE]")]
    keys: Vec<Key>,
    /// Matches after which the query is cancelled; if there were more, the command ends with 1.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    limit: u32,
    /// Answer as JSON lines; an attribute that the node did not answer is null.
    #[arg(long)]
    json: bool,
}

/// Query/Retrieve Level (0008,0052).
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Level {
    Study,
    Series,
    Image,
}

#[allow(clippy::print_stdout, reason = "the command's answer")]
impl Find {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let node = self.remote.node()?;
        let asked = keys::asked(self.level, &self.keys);
        let contexts = [ProposedContext::new(STUDY_FIND, &[EXPLICIT_LITTLE, IMPLICIT_LITTLE])];
        let (mut found, mut unreadable) = (0_u64, 0_u64);
        let (status, cut) = small_runtime()?.block_on(async {
            let mut association =
                node.associate(&contexts, &NodeConfig::default(), CancellationToken::new()).await?;
            let context = association.context_for(STUDY_FIND, None).ok_or(AssociationError::NoContext)?;
            let syntax =
                TransferSyntax::from_uid(&context.transfer_syntax).ok_or(AssociationError::NoContext)?;
            let identifier = keys::identifier(self.level, &asked, syntax)?;
            let mut matches = association.find(STUDY_FIND, &identifier, self.limit as usize).await?;
            while let Some(row) = matches.next().await? {
                let Some(row) = Match::read(&row, syntax) else {
                    unreadable += 1;
                    continue;
                };
                found += 1;
                let line = if self.json { row.json(&asked).to_string() } else { row.line(&asked) };
                writeln!(std::io::stdout(), "{line}")?; // many lines, and a reader may have seen enough
            }
            let end = (matches.status(), matches.is_cut());
            association.release().await?;
            anyhow::Ok(end)
        })?;
        let word = status.map_or_else(String::new, |status| status.to_string());
        if self.json {
            let line =
                serde_json::json!({ "matches": found, "unreadable": unreadable, "cut": cut, "status": word });
            println!("{line}");
        } else {
            let more = if cut { ", and there are more: raise --limit or narrow the keys" } else { "" };
            println!("{found} found{more}");
            if unreadable > 0 {
                println!("{unreadable} answers cannot be understood");
            }
        }
        let whole = status.is_some_and(|status| status.category() == Category::Success);
        if !whole && !cut && !self.json {
            println!("the node ended the query with {word}");
        }
        Ok(if whole && !cut && unreadable == 0 { Outcome::Good } else { Outcome::Bad })
    }
}
