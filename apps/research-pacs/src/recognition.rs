//! The recogniser of text in pixels, where a profile needs one.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use deidentification::{CompiledProfile, DeidentificationOption};
use pixel::TextRecogniser;
use recognition::Tesseract;

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
