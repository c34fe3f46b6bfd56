//! The programs that look at pixels: the recogniser of text, where a profile needs one, and the site's defacing program.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use deidentification::{CompiledProfile, DeidentificationOption, DocumentPolicy};
use pipeline::config::DefacingConfig;
use pipeline::deface::{Defacing, DefacingLimits};
use pixel::{DocumentRenderer, TextRecogniser};
use recognition::{ExternalDefacer, Pdf, Tesseract};

/// Longest time for one frame.
const TIME: Duration = Duration::from_secs(60);

/// The installed recogniser, if one of the profiles cleans pixels. Without one, what is at risk and has no mask is held.
pub(crate) fn recogniser<'a>(
    profiles: impl IntoIterator<Item = &'a CompiledProfile>,
) -> Option<Arc<dyn TextRecogniser>> {
    let cleans = |profile: &CompiledProfile| profile.options().has(DeidentificationOption::CleanPixelData);
    if !profiles.into_iter().any(cleans) {
        return None;
    }
    let at_once = std::thread::available_parallelism().map_or(1, usize::from);
    match Tesseract::detect(Path::new(Tesseract::PROGRAM), TIME, at_once) {
        Ok(tesseract) => {
            tracing::info!(recogniser = tesseract.name(), "text in pixels is recognised");
            Some(Arc::new(tesseract))
        }
        Err(error) => {
            tracing::warn!(%error, "text in pixels is not recognised: what is at risk and has no mask is held");
            None
        }
    }
}

/// The renderer of documents, if one of the profiles inspects them.
pub(crate) fn renderer<'a>(
    profiles: impl IntoIterator<Item = &'a CompiledProfile>,
) -> Option<Arc<dyn DocumentRenderer>> {
    let inspects = |profile: &CompiledProfile| profile.profile().documents == DocumentPolicy::Inspect;
    profiles.into_iter().any(inspects).then(|| Arc::new(Pdf::default()) as Arc<dyn DocumentRenderer>)
}

/// The configured defacing program, which works below `spool`: there is what identifies already.
///
/// # Errors
/// The program is no file, or its folder cannot be made.
pub(crate) fn defacing(
    config: Option<&DefacingConfig>,
    spool: &Path,
) -> anyhow::Result<Option<Arc<Defacing>>> {
    // The program is started elsewhere.
    let folder = spool.canonicalize()?.join("defacing");
    let Some(DefacingConfig { program, name, seconds, instances, bytes }) = config else {
        // What a run with a program left.
        return match std::fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(None),
        };
    };
    if !program.is_absolute() || !program.is_file() {
        anyhow::bail!("[defacing] program: {} is no file with an absolute path", program.display());
    }
    let program = ExternalDefacer {
        program: program.clone(),
        name: name.clone(),
        time: Duration::from_secs(u64::from(*seconds)),
    };
    let limits = DefacingLimits { instances: *instances, bytes: *bytes };
    let defacing = Defacing::open(Arc::new(program), folder, limits);
    let defacing = defacing.context("the folder of the defacing program")?;
    tracing::info!(program = name, "faces are removed where a profile asks for it");
    Ok(Some(Arc::new(defacing)))
}
