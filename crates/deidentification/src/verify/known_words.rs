//! Words that are names of people and words of everyday imaging at once: alone they prove nothing (DI-54), and words that stand for
//! "no name". Folded, sorted.

/// Whether `word`, folded, is such a word.
pub(crate) fn is_known_word(word: &str) -> bool {
    WORDS.binary_search(&word).is_ok()
}

/// Whether `word`, folded, is one that many people bear: as a whole value, of a patient called so, it is the name (DI-54).
pub(crate) fn is_surname(word: &str) -> bool {
    SURNAMES.binary_search(&word).is_ok()
}

#[rustfmt::skip]
static SURNAMES: [&str; 33] = [
    "black", "blanc", "field", "gold", "grand", "gray", "green", "king", "lane", "long", "mars", "max",
    "page", "petit", "petite", "power", "rich", "road", "rose", "saint", "sharp", "short", "small", "springs",
    "star", "stone", "strong", "summer", "west", "white", "winter", "wood", "young",
];

#[rustfmt::skip]
static WORDS: [&str; 461] = [
    "abdomen", "absolute", "academic", "accuray", "acquisition", "active", "admin", "adult", "agfa", "algo",
    "algorithm", "allee", "alpha", "angio", "angle", "ankle", "annex", "anon", "anonym", "anonyme",
    "anonymisation", "anonymized", "anonymous", "aorta", "apartment", "application", "approved", "april",
    "arm", "arterial", "august", "automatic", "avenue", "average", "axial", "baby", "back", "barco", "basic",
    "black", "bladder", "blanc", "blood", "bmode", "body", "bone", "boulevard", "brain", "brainlab", "breast",
    "brightness", "bruker", "bucky", "building", "canon", "card", "cardiac", "carestream", "carotid", "case",
    "center", "centre", "cerebral", "cervical", "chemin", "chest", "child", "cine", "circle", "city", "clear",
    "clinic", "closed", "code", "cold", "collection", "colon", "color", "comment", "company", "complete",
    "composite", "computed", "confidentiality", "console", "container", "contains", "content", "continuous",
    "contrast", "converted", "coronal", "couch", "counts", "county", "cranial", "cross", "data", "date",
    "datetime", "day", "dcmtk", "decubitus", "deep", "default", "deidentified", "delay", "demo", "density",
    "dental", "derived", "detector", "device", "dicom", "diffusion", "digital", "display", "doctor",
    "doppler", "dose", "drive", "dual", "dummy", "early", "east", "echo", "elbow", "elekta", "emission",
    "enhanced", "erect", "esaote", "exam", "example", "fast", "female", "femoral", "field", "file", "film",
    "finger", "first", "flair", "floor", "fluoro", "fluoroscopy", "foot", "foto", "frame", "france", "front",
    "fuji", "fujifilm", "full", "gender", "general", "generic", "geometry", "germany", "gold", "gradient",
    "grand", "gray", "green", "ground", "guest", "hand", "hard", "head", "heart", "helical", "high",
    "highdicom", "hitachi", "hologic", "home", "horos", "hospital", "ident", "image", "imaging", "impasse",
    "index", "inferred", "instance", "institution", "inversion", "kidney", "king", "knee", "konica", "lane",
    "late", "lateral", "left", "legacy", "level", "light", "limb", "linear", "lips", "liver", "local",
    "localizer", "long", "lossless", "lossy", "low", "lumbar", "lung", "magnetic", "main", "male", "mammo",
    "mammography", "manual", "marker", "mars", "mask", "matlab", "matrix", "max", "maximum", "medical",
    "medium", "memory", "mevis", "middle", "mindray", "mini", "minimum", "minolta", "mixed", "mmode",
    "mobile", "mode", "model", "mono", "monochrome", "mosaic", "multi", "multiplanar", "name", "nasal",
    "neck", "neuro", "new", "nobody", "nominal", "none", "normal", "north", "nuclear", "null", "nurse",
    "object", "open", "operator", "orbit", "orientation", "original", "orthanc", "osirix", "other", "page",
    "palette", "pancreas", "panoramic", "paris", "partial", "patient", "patterns", "pelvis", "pending",
    "percent", "perfusion", "person", "petit", "petite", "phantom", "phase", "philips", "phone", "physician",
    "physicist", "pixel", "place", "plan", "planar", "plane", "planmeca", "point", "portable", "portal",
    "position", "positron", "post", "power", "pre", "primary", "process", "processed", "product", "program",
    "projection", "prone", "properties", "prostate", "protocol", "pulse", "pydicom", "python", "quality",
    "quantity", "radiography", "radiologist", "radiology", "range", "rapid", "raw", "recovery", "rectum",
    "red", "reference", "reformatted", "rejected", "relative", "removed", "resampled", "research", "resident",
    "resonance", "rest", "resting", "rich", "right", "ring", "road", "rose", "route", "routine", "rue",
    "sagittal", "saint", "sample", "samsung", "saturation", "save", "scan", "scanner", "scout", "screen",
    "second", "secondary", "section", "sectra", "selected", "separate", "sequence", "series", "service",
    "sharp", "sharpness", "shimadzu", "short", "shoulder", "siemens", "signed", "single", "sinus", "site",
    "skull", "slice", "slicer", "small", "smooth", "soft", "source", "south", "space", "spectral", "spin",
    "spine", "spiral", "spleen", "springs", "staff", "standard", "standing", "star", "state", "station",
    "steady", "step", "stomach", "stone", "storage", "street", "stress", "strong", "student", "study",
    "subject", "summer", "supine", "survey", "system", "table", "tech", "technique", "technologist", "test",
    "testing", "tests", "text", "thoracic", "thorax", "time", "tissue", "tomo", "tomography", "toshiba",
    "track", "trial", "tube", "turbo", "ultra", "ultrasound", "unapproved", "unit", "unknown", "unnamed",
    "unsigned", "unverified", "upper", "user", "uterus", "varian", "vascular", "venous", "verified",
    "version", "vertex", "view", "volume", "volumetric", "warm", "water", "waveform", "weight", "weighted",
    "west", "white", "window", "winter", "wood", "work", "wrist", "young", "ziehm", "zone",
];

#[cfg(test)]
mod tests {
    #[test]
    fn sorted() {
        assert!(super::WORDS.is_sorted() && super::SURNAMES.is_sorted());
        assert!(super::SURNAMES.iter().all(|word| super::is_known_word(word)));
    }
}
