//! `profile`: what profiles there are, what they say and whether they can be used.

mod diff;
mod locale;
mod show;
mod test;

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, Subcommand};
use deidentification::{Advice, CompiledProfile, DeidentificationOption, Profile, SHIPPED};

use super::changes::answer;
use crate::exit::Outcome;
use locale::{Language, Locale};

/// Look at de-identification profiles.
#[derive(Debug, Subcommand)]
pub(super) enum ProfileCommand {
    /// List the profiles that come with the program.
    List(List),
    /// Explain what a profile does, attribute by attribute.
    Show(Show),
    /// Say everything that is wrong with a profile (exit 1), and what is most likely not meant.
    Check(One),
    /// Say what two profiles do differently; exit 1 when they differ.
    Diff(Diff),
    /// De-identify a file or a folder without keeping anything, and say what became of each object.
    Test(test::Test),
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// Language of the sentences.
    #[arg(long, default_value = "en")]
    lang: Language,
    /// Answer as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct One {
    /// Name of a profile that comes with the program, or a TOML file.
    #[arg(value_name = "NAME|FILE")]
    profile: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct Show {
    #[command(flatten)]
    one: One,
    /// Language of the explanation.
    #[arg(long, default_value = "en")]
    lang: Language,
    /// Answer as JSON, in no language.
    #[arg(long)]
    json: bool,
    /// Answer with the profile itself, as TOML: to start one of one's own.
    #[arg(long, conflicts_with = "json")]
    toml: bool,
}

#[derive(Debug, Args)]
pub(super) struct Diff {
    /// Name of a profile that comes with the program, or a TOML file.
    #[arg(value_name = "NAME|FILE")]
    first: PathBuf,
    /// The other one.
    #[arg(value_name = "NAME|FILE")]
    second: PathBuf,
    /// Language of the answer.
    #[arg(long, default_value = "en")]
    lang: Language,
}

#[allow(clippy::print_stdout, reason = "the command's answer")]
impl ProfileCommand {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        match self {
            Self::List(list) => list.run(),
            Self::Show(Show { one, toml: true, .. }) => {
                let text = text_of(&one.profile)?;
                answer(|out| out.write_all(text.as_bytes()))?;
                Ok(Outcome::Good)
            }
            Self::Show(show) => {
                let compiled = compile(&show.one.profile)?;
                let explanation = compiled.explain();
                let text = if show.json {
                    serde_json::to_string_pretty(&explanation)? + "\n"
                } else {
                    show::text(&explanation, &Locale::new(show.lang)?)
                };
                answer(|out| out.write_all(text.as_bytes()))?;
                Ok(Outcome::Good)
            }
            Self::Check(one) => one.check(),
            Self::Diff(diff) => {
                let locale = Locale::new(diff.lang)?;
                let names = [&diff.first, &diff.second].map(|of| of.display().to_string());
                let names = names.each_ref().map(String::as_str);
                let lines = diff::lines(&compile(&diff.first)?, &compile(&diff.second)?, names, &locale)?;
                if lines.is_empty() {
                    println!("{}", locale.text("diff", "same"));
                    return Ok(Outcome::Good);
                }
                answer(|out| lines.iter().try_for_each(|line| writeln!(out, "{line}")))?;
                Ok(Outcome::Bad)
            }
            Self::Test(test) => test.run(),
        }
    }
}

#[allow(clippy::print_stdout, reason = "the command's answer")]
impl List {
    fn run(self) -> anyhow::Result<Outcome> {
        for (name, text) in &SHIPPED {
            let profile = Profile::from_toml(text)?;
            let summary = profile.summary.as_ref().map_or("", |of| match self.lang {
                Language::En => of.en.as_str(),
                Language::Fr => of.fr.as_str(),
            });
            if self.json {
                let line = serde_json::json!({
                    "name": name, "version": profile.version, "hash": profile.hash()?, "summary": summary,
                });
                println!("{line}");
            } else {
                println!("{name:<22} {:<4} {summary}", profile.version);
            }
        }
        Ok(Outcome::Good)
    }
}

#[allow(clippy::print_stdout, reason = "the command's answer")]
impl One {
    fn check(self) -> anyhow::Result<Outcome> {
        let text = text_of(&self.profile)?;
        let problems = Profile::problems_of(&text);
        problems.iter().for_each(|problem| println!("{problem}"));
        if !problems.is_empty() {
            return Ok(Outcome::Bad);
        }
        let profile = Profile::from_toml(&text)?.compile(None)?;
        let advice = profile.advice().into_iter();
        let advice = advice.filter(|of| *of != Advice::OnlyRecogniser || is_without_recogniser(&profile));
        advice.for_each(|advice| println!("warning: {advice}"));
        println!("{} can be used, hash {}", profile.title(), profile.hash());
        Ok(Outcome::Good)
    }
}

fn is_without_recogniser(profile: &CompiledProfile) -> bool {
    crate::recognition::recogniser([profile]).is_none()
}

/// What is written of a profile.
fn text_of(profile: &Path) -> anyhow::Result<String> {
    let shown = || format!("{} is no profile of the program and cannot be read", profile.display());
    pipeline::line::profile_text(profile).with_context(shown)
}

fn compile(profile: &Path) -> anyhow::Result<CompiledProfile> {
    Ok(load(profile)?.compile(None)?)
}

/// The profile of this name that comes with the program, else the one in this file.
pub(super) fn load(profile: &Path) -> anyhow::Result<Profile> {
    let shown = || format!("{} is no profile of the program and cannot be read", profile.display());
    Ok(pipeline::line::load_profile(profile).with_context(shown)??)
}

/// An option by its word.
pub(super) fn option(word: &str) -> Result<DeidentificationOption, String> {
    DeidentificationOption::ALL.into_iter().find(|option| option.word() == word).ok_or_else(|| {
        let all: Vec<_> = DeidentificationOption::ALL.iter().map(|option| option.word()).collect();
        format!("no such option: {}", all.join(", "))
    })
}
