//! The dry run: what a profile would do to each object, and why a server would hold it. Nothing is written but a file without a name,
//! which goes with the program.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use deidentification::changes::explain;
use deidentification::{Report, Step};
use serde::Serialize;

use super::each::{Done, each};
use super::object::{Deidentifier, Left, Made, Undone};

/// What would become of one object. No value of it is in here.
#[derive(Debug, Serialize)]
pub(super) struct Would<'a> {
    file: &'a Path,
    /// Why it would not pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    held: Option<Left>,
    kept: u64,
    removed: u64,
    /// Emptied, replaced, cleaned, moved, or written by the de-identification.
    cleaned: u64,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    steps: BTreeMap<Step, u64>,
    /// Whether a part of the pixels would be masked by the profile, or where text is.
    masked: bool,
    /// Places with text that a recogniser found.
    texts: usize,
    pixels_not_inspected: bool,
}

impl<'a> Would<'a> {
    fn of(file: &'a Path, made: Result<&Made, &Left>) -> Self {
        let (report, held) = match made {
            Ok(made) => (Some(&made.report), made.found.as_ref().or(made.waits.as_ref()).cloned()),
            Err(left) => (None, Some(left.clone())),
        };
        let mut steps: BTreeMap<Step, u64> = BTreeMap::new();
        for change in report.iter().flat_map(|report| &report.changes) {
            *steps.entry(change.step).or_default() += change.count;
        }
        let pixels = report.and_then(|report| report.pixels.as_ref());
        Self {
            file,
            held,
            kept: report.map_or(0, |report| report.kept),
            removed: steps.get(&Step::Remove).copied().unwrap_or_default(),
            cleaned: steps.iter().filter(|(step, _)| **step != Step::Remove).map(|(_, count)| count).sum(),
            steps,
            masked: pixels.is_some_and(|pixels| pixels.masked),
            texts: pixels.map_or(0, |pixels| pixels.texts),
            pixels_not_inspected: made.is_ok_and(Made::pixels_not_inspected),
        }
    }
}

impl std::fmt::Display for Would<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(held) = &self.held {
            return write!(f, "{}: held: {}", self.file.display(), held.reason);
        }
        let Self { kept, removed, cleaned, texts, .. } = self;
        write!(f, "{}: kept {kept}, removed {removed}, cleaned {cleaned}", self.file.display())?;
        if self.masked {
            write!(f, ", pixels masked ({texts} texts found)")?;
        }
        if self.pixels_not_inspected { f.write_str(", pixels not inspected") } else { Ok(()) }
    }
}

/// What one rule would do, over all objects that would pass.
#[derive(Debug, Serialize)]
pub(super) struct ByRule {
    pub(super) rule: String,
    pub(super) explanation: String,
    pub(super) elements: u64,
    pub(super) objects: u64,
}

/// The whole.
#[derive(Debug, Default, Serialize)]
pub(super) struct Summary {
    pub(super) would_pass: u64,
    pub(super) would_be_held: u64,
    pub(super) not_dicom: u64,
    /// By code.
    pub(super) held: BTreeMap<&'static str, u64>,
    pub(super) rules: Vec<ByRule>,
}

/// Tries `files`; `told` hears of each object when it is through.
///
/// # Errors
/// Those of the file system.
pub(super) fn dry_run(
    files: &[PathBuf],
    with: &Deidentifier<'_>,
    mut told: impl FnMut(&Path, Option<&Would<'_>>),
) -> anyhow::Result<Summary> {
    let mut summary = Summary::default();
    let mut rules: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    let work = |path: &Path| -> Result<Made, Undone> { with.make(path, &mut tempfile::tempfile()?) };
    each(files, work, |path, done| {
        let would = match &done {
            Done::NotDicom => {
                summary.not_dicom += 1;
                told(path, None);
                return Ok(());
            }
            Done::Made(made) => Would::of(path, Ok(made)),
            Done::Left(left) => Would::of(path, Err(left)),
        };
        match (&would.held, &done) {
            (Some(held), _) => {
                summary.would_be_held += 1;
                *summary.held.entry(held.code).or_default() += 1;
            }
            (None, Done::Made(made)) => {
                summary.would_pass += 1;
                count(&mut rules, &made.report);
            }
            (None, _) => {}
        }
        told(path, Some(&would));
        Ok(())
    })?;
    let by_rule = rules.into_iter().map(|(rule, (elements, objects))| {
        let explanation = explain(&rule);
        ByRule { rule, explanation, elements, objects }
    });
    Ok(Summary { rules: by_rule.collect(), ..summary })
}

fn count(rules: &mut BTreeMap<String, (u64, u64)>, report: &Report) {
    let mut here: BTreeMap<String, u64> = BTreeMap::new();
    for change in &report.changes {
        *here.entry(change.rule.to_string()).or_default() += change.count;
    }
    for (rule, elements) in here {
        let (of_all, objects) = rules.entry(rule).or_default();
        *of_all += elements;
        *objects += 1;
    }
}
