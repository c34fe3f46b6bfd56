//! `profile`: what profiles there are and what they say.

use std::path::Path;

use anyhow::Context;
use deidentification::{DeidentificationOption, Profile};

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
