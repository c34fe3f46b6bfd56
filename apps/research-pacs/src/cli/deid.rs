//! `deid`: the de-identification of the server, offline, for files and folders.
//!
//! Each object is de-identified into a file without a name and searched by the independent verifier ([`object`]). The run then gives it its
//! name, made from its new UID; the dry run and the comparison drop it. What cannot be done safely is left out, named, and makes the command
//! end with 1.

mod diff;
mod dry_run;
mod each;
mod object;
mod run;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use deidentification::{DeidentificationOption, Profile};
use indicatif::{ProgressBar, ProgressStyle};
use pseudonym::{Mapping, Secret, ShiftRange};

use super::changes;
use crate::exit::Outcome;
use diff::Look;
use each::Done;
use object::{Deidentifier, Left, Undone};
use run::{Records, Summary};

/// De-identify files or folders offline, by the same rules as the server.
#[derive(Debug, Args)]
pub(super) struct Deid {
    /// A DICOM file, or a folder that is searched through.
    input: PathBuf,
    /// Folder for the output; it is created, and files in it are replaced only by the same object.
    #[arg(required_unless_present_any = ["diff", "dry_run"])]
    output: Option<PathBuf>,
    /// Name of a profile that comes with the program (`profile list`), or a TOML file; without it the Basic Application
    /// Confidentiality Profile.
    #[arg(long, value_name = "NAME|FILE")]
    profile: Option<PathBuf>,
    /// An option of PS3.15 E.3 in addition to those of the profile, for example `clean_descriptors`; may be given several times.
    #[arg(long = "option", value_name = "OPTION", value_parser = super::profile::option)]
    options: Vec<DeidentificationOption>,
    /// 64 hex digits from which codes and UIDs follow, so that a later run gives the same ones. Without it the run has a key of its
    /// own, which is forgotten. The file may not be readable for everybody: who has it can join the sets.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    #[command(flatten)]
    records: Records,
    #[command(flatten)]
    look: Look,
    /// Say what would become of each object and why, and write nothing; ends with 1 if something would be held.
    #[arg(long, conflicts_with_all = ["output", "diff", "report", "uid_map", "patient_map"])]
    dry_run: bool,
    /// Answer as JSON lines.
    #[arg(long)]
    json: bool,
}

#[allow(clippy::print_stdout, reason = "the command's answer")]
impl Deid {
    /// The dry run of a profile over a file or folder.
    pub(super) fn dry_run_of(profile: PathBuf, input: PathBuf) -> Self {
        Self {
            input,
            output: None,
            profile: Some(profile),
            options: Vec::new(),
            key_file: None,
            records: Records::default(),
            look: Look::default(),
            dry_run: true,
            json: false,
        }
    }

    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let mut profile = match &self.profile {
            Some(profile) => super::profile::load(profile)?,
            None => Profile::basic(),
        };
        profile.options.extend(&self.options);
        let profile = profile.compile(None)?;
        let secret = match &self.key_file {
            Some(path) => read_key(path)?,
            None => Secret::random()?,
        };
        let mapping = Mapping::new(secret, ShiftRange::default());
        let recogniser = crate::recognition::recogniser([&profile]);
        let with = Deidentifier { profile: &profile, mapping: &mapping, recogniser: recogniser.as_deref() };
        match &self.output {
            _ if self.look.diff => self.diff(&with),
            Some(output) if !self.dry_run => self.write(&with, output),
            _ => self.dry_run(&with),
        }
    }

    fn write(&self, with: &Deidentifier<'_>, output: &Path) -> anyhow::Result<Outcome> {
        let files = self.files()?;
        std::fs::create_dir_all(output).with_context(|| format!("cannot create {}", output.display()))?;
        let (input, into) = (self.input.canonicalize()?, output.canonicalize()?);
        anyhow::ensure!(
            !into.starts_with(&input),
            "{} is in what is de-identified: name a folder elsewhere, so that results do not lie among originals",
            output.display()
        );
        let bar = progress_bar(files.len() as u64, self.json);
        let summary = run::run(&files, output, with, &self.records, |path, done| {
            match done {
                Done::Made(_) => {}
                Done::Left(left) => bar.suspend(|| say_left(path, left, self.json)),
                Done::NotDicom => bar.suspend(|| say_skipped(path, self.json)),
            }
            bar.inc(1);
        })?;
        bar.finish_and_clear();
        self.say(&summary);
        Ok(if summary.left_out == 0 { Outcome::Good } else { Outcome::Bad })
    }

    fn dry_run(&self, with: &Deidentifier<'_>) -> anyhow::Result<Outcome> {
        let files = self.files()?;
        let bar = progress_bar(files.len() as u64, self.json);
        let summary = dry_run::dry_run(&files, with, |path, would| {
            match would {
                Some(would) if self.json => println!("{}", serde_json::json!(would)),
                Some(would) => bar.suspend(|| println!("{would}")),
                None => bar.suspend(|| say_skipped(path, self.json)),
            }
            bar.inc(1);
        })?;
        bar.finish_and_clear();
        if self.json {
            println!("{}", serde_json::json!(summary));
        } else {
            let dry_run::Summary { would_pass, would_be_held, not_dicom, rules, .. } = &summary;
            for of in rules {
                println!(
                    "{:22} {:8} elements in {} objects: {}",
                    of.rule, of.elements, of.objects, of.explanation
                );
            }
            println!(
                "{would_pass} would pass, {would_be_held} would be held, {not_dicom} other files skipped"
            );
        }
        Ok(if summary.would_be_held == 0 { Outcome::Good } else { Outcome::Bad })
    }

    fn diff(&self, with: &Deidentifier<'_>) -> anyhow::Result<Outcome> {
        anyhow::ensure!(self.input.is_file(), "{} is no file: --diff compares one", self.input.display());
        let (changes, found) = match diff::diff(with, &self.input, &self.look) {
            Ok(compared) => compared,
            Err(Undone::NotDicom) => bail!("{} is no DICOM file", self.input.display()),
            Err(Undone::Left(left)) => {
                say_left(&self.input, &left, self.json);
                return Ok(Outcome::Bad);
            }
            Err(Undone::Failed(error)) => return Err(error),
        };
        let profile = with.profile.title();
        let summary = serde_json::json!({
            "profile": profile,
            "totals": changes.totals,
            "rows_not_listed": changes.rows_not_listed,
            "held": found,
            "identity_shown": self.look.reason,
        });
        changes::answer(|out| {
            if self.json {
                changes::write_json(out, &changes, None)?;
                return writeln!(out, "{summary}");
            }
            writeln!(out, "profile {profile}")?;
            if let Some(reason) = &self.look.reason {
                writeln!(out, "original values are shown: {}", reason.escape_debug())?;
            }
            changes::write_table(out, &changes)?;
            match &found {
                Some(found) => writeln!(out, "held, so no new value is shown: {}", found.reason),
                None => Ok(()),
            }
        })?;
        Ok(if found.is_none() { Outcome::Good } else { Outcome::Bad })
    }

    fn files(&self) -> anyhow::Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        collect(&self.input, &mut files)?;
        Ok(files)
    }

    fn say(&self, summary: &Summary) {
        if self.json {
            println!("{}", serde_json::json!(summary));
            return;
        }
        let Summary { done, left_out, not_dicom, pixels_not_inspected } = summary;
        println!("{done} de-identified, {left_out} left out, {not_dicom} other files skipped");
        if *pixels_not_inspected > 0 {
            println!("pixel data of {pixels_not_inspected} were not inspected for burned-in text");
        }
    }
}

#[allow(clippy::print_stdout, reason = "the command's answer")]
fn say_skipped(path: &Path, json: bool) {
    if json {
        println!("{}", serde_json::json!({ "skipped": path }));
    } else {
        println!("skipped: {}: no DICOM file", path.display());
    }
}

#[allow(clippy::print_stdout, reason = "the command's answer")]
fn say_left(path: &Path, left: &Left, json: bool) {
    if json {
        println!("{}", serde_json::json!({ "left_out": path, "code": left.code, "reason": left.reason }));
    } else {
        println!("left out: {}: {}", path.display(), left.reason);
    }
}

fn read_key(path: &Path) -> anyhow::Result<Secret> {
    let text = crate::secret::of_file(path).with_context(|| format!("cannot read {}", path.display()))?;
    let digits = text.trim().as_bytes();
    let mut key = [0_u8; 32];
    let pairs = digits.chunks_exact(2);
    if digits.len() != 64 {
        bail!("{}: a key has 64 hex digits", path.display());
    }
    for (byte, pair) in key.iter_mut().zip(pairs) {
        let pair = std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok());
        *byte = pair.with_context(|| format!("{}: a key has 64 hex digits", path.display()))?;
    }
    Ok(Secret::from_bytes(&key))
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let shown = || format!("cannot read {}", path.display());
    if !path.is_dir() {
        path.metadata().with_context(shown)?;
        files.push(path.to_owned());
        return Ok(());
    }
    let mut entries = Vec::new();
    for entry in path.read_dir().with_context(shown)? {
        entries.push(entry?.path());
    }
    entries.sort();
    entries.iter().try_for_each(|entry| collect(entry, files))
}

fn progress_bar(length: u64, json: bool) -> ProgressBar {
    if json || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(length);
    match ProgressStyle::with_template("{bar:30} {pos}/{len} {per_sec} {eta} left") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
