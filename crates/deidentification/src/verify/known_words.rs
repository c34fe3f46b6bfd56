//! Words that are names of people and words of everyday imaging at once: alone they prove nothing (DI-54), and words that stand for
//! "no name". Folded, sorted.

/// Whether `word`, folded, is such a word.
pub(super) fn is_known_word(word: &str) -> bool {
    WORDS.binary_search(&word).is_ok()
}

#[rustfmt::skip]
static WORDS: [&str; 425] = [
    "abdomen", "absolute", "academic", "acquisition", "active", "adult", "agfa", "algo", "algorithm", "allee",
    "alpha", "angio", "angle", "ankle", "anon", "anonym", "anonyme", "anonymisation", "anonymized",
    "anonymous", "aorta", "apartment", "approved", "april", "arm", "arterial", "august", "automatic",
    "avenue", "average", "axial", "baby", "back", "basic", "bella", "black", "bladder", "blanc", "blood",
    "bmode", "body", "bone", "boulevard", "brain", "breast", "brightness", "brown", "bruker", "bucky",
    "building", "canon", "card", "cardiac", "carestream", "carotid", "case", "center", "centre", "cerebral",
    "cervical", "chemin", "chest", "child", "cine", "circle", "city", "clear", "clinic", "closed", "code",
    "cold", "collection", "colon", "color", "company", "complete", "composite", "computed", "container",
    "contains", "content", "continuous", "contrast", "converted", "coronal", "couch", "counts", "county",
    "cranial", "cross", "data", "date", "datetime", "day", "decubitus", "deep", "default", "deidentified",
    "delay", "demo", "density", "dental", "derived", "detector", "device", "diffusion", "digital", "display",
    "doppler", "dose", "drive", "dual", "dummy", "early", "east", "echo", "elbow", "emission", "enhanced",
    "erect", "esaote", "exam", "example", "fast", "female", "femoral", "field", "file", "film", "finger",
    "first", "flair", "floor", "fluoro", "fluoroscopy", "foot", "foto", "frame", "france", "front", "fuji",
    "fujifilm", "full", "gender", "general", "generic", "geometry", "germany", "gold", "gradient", "grand",
    "gray", "green", "ground", "hand", "hard", "head", "heart", "helical", "high", "hitachi", "hologic",
    "home", "hospital", "ident", "image", "imaging", "impasse", "index", "inferred", "instance",
    "institution", "inversion", "kidney", "king", "knee", "konica", "lane", "late", "lateral", "left",
    "legacy", "legrand", "level", "light", "limb", "linear", "lips", "liver", "local", "localizer", "long",
    "lossless", "lossy", "low", "lumbar", "lung", "magnetic", "main", "male", "mammo", "mammography",
    "manual", "marker", "mars", "mask", "matrix", "max", "maximum", "medical", "medium", "memory", "middle",
    "mini", "minimum", "minolta", "mixed", "mmode", "mobile", "mode", "model", "mono", "monochrome", "morgan",
    "mosaic", "multi", "multiplanar", "name", "nasal", "neck", "neuro", "new", "nominal", "none", "normal",
    "north", "nuclear", "null", "object", "open", "orbit", "orientation", "original", "other", "page",
    "palette", "pancreas", "panoramic", "paris", "partial", "patient", "patterns", "pelvis", "pending",
    "percent", "perfusion", "person", "petit", "petite", "phantom", "phase", "philips", "phone", "pixel",
    "place", "plan", "planar", "plane", "point", "portable", "portal", "position", "positron", "post",
    "power", "pre", "primary", "process", "processed", "product", "program", "projection", "prone",
    "properties", "prostate", "protocol", "pulse", "quality", "quantity", "radiography", "range", "rapid",
    "raw", "recovery", "rectum", "red", "reference", "reformatted", "rejected", "relative", "removed",
    "resampled", "research", "resonance", "rest", "resting", "rich", "right", "ring", "road", "rose", "route",
    "routine", "roux", "rue", "sagittal", "saint", "sample", "samsung", "saturation", "save", "scan", "scout",
    "screen", "second", "secondary", "section", "selected", "separate", "sequence", "series", "service",
    "sharp", "sharpness", "shimadzu", "short", "shoulder", "siemens", "signed", "single", "sinus", "site",
    "skull", "slice", "small", "smooth", "soft", "source", "south", "space", "spectral", "spin", "spine",
    "spiral", "spleen", "springs", "standard", "standing", "star", "state", "station", "steady", "step",
    "stomach", "stone", "storage", "street", "stress", "strong", "study", "subject", "summer", "supine",
    "survey", "system", "table", "technique", "test", "testing", "tests", "text", "thoracic", "thorax",
    "time", "tissue", "tomo", "tomography", "toshiba", "track", "trial", "tube", "turbo", "ultra",
    "ultrasound", "unapproved", "unit", "unknown", "unnamed", "unsigned", "unverified", "upper", "user",
    "uterus", "vascular", "venous", "verified", "version", "vertex", "view", "volume", "volumetric", "warm",
    "water", "waveform", "weight", "weighted", "west", "white", "window", "winter", "wood", "work", "wrist",
    "young", "zone",
];

#[cfg(test)]
mod tests {
    #[test]
    fn sorted() {
        assert!(super::WORDS.is_sorted());
    }
}
