//! Which images may show a face: heads of CT, MR and PET (PS3.15 E.3.2). A volume of slices can be rendered to one.
//!
//! Words decide, and where they say nothing the field of view does (docs/adr/0013).

use dicom_core::Tag;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::survey::Survey;

/// Modalities of volumes in which skin can be rendered.
const VOLUMES: [(&str, Volume); 6] = [
    ("CT", Volume::Fitted),
    ("MR", Volume::Fitted),
    ("MRI", Volume::Fitted),
    ("NM", Volume::Whole),
    ("PET", Volume::Whole),
    ("PT", Volume::Whole),
];
/// Their SOP classes (PS3.4 B.5), below 1.2.840.10008.5.1.4.1.1: an object is one by its class, too, whatever its modality says.
const CLASSES: [(&str, Volume); 12] = [
    ("2", Volume::Fitted),
    ("2.1", Volume::Fitted),
    ("2.2", Volume::Fitted),
    ("4", Volume::Fitted),
    ("4.1", Volume::Fitted),
    ("4.2", Volume::Fitted),
    ("4.3", Volume::Fitted),
    ("4.4", Volume::Fitted),
    ("20", Volume::Whole),
    ("128", Volume::Whole),
    ("128.1", Volume::Whole),
    ("130", Volume::Whole),
];
/// A head fits into a field of view of so many millimetres; that of a trunk is wider.
const HEAD_FIELD: f64 = 300.0;
/// Cosine between the normal of a slice and the long axis of the body from which on the slice is axial. Others run along the body and
/// may reach the head, however wide they are.
const AXIAL: f64 = 0.8;

const RECOGNIZABLE_VISUAL_FEATURES: Tag = Tag(0x0028, 0x0302);
const BODY_PART: Tag = Tag(0x0018, 0x0015);
const PROTOCOL: Tag = Tag(0x0018, 0x1030);
/// Study, Series and Performed Procedure Step Description: what they say of a head counts, what else they say clears nothing, for one study
/// has many parts.
const DESCRIPTIONS: [Tag; 3] = [Tag(0x0008, 0x1030), Tag(0x0008, 0x103E), Tag(0x0040, 0x0254)];

/// Words that mean a head or all of a body, also as a part of others; upper case, without accents.
const HEAD: [&str; 33] = [
    "BRAIN",
    "CEREBR",
    "CERVIC",
    "CERVEAU",
    "CORPS ENTIER",
    "CRANE",
    "CRANI",
    "ENCEPHAL",
    "FACIAL",
    "FLAIR",
    "HEAD",
    "HIPPOCAMP",
    "HYPOPHYS",
    "KOPF",
    "MANDIB",
    "MAXIL",
    "MENTON",
    "NECK",
    "NEURO",
    "OEIL",
    "OREILLE",
    "ORBIT",
    "PETROUS",
    "PITUIT",
    "ROCHER",
    "SCHADEL",
    "SELLA",
    "SINUS",
    "SKULL",
    "TEMPORAL",
    "TETE",
    "WHOLEBODY",
    "WHOLE BODY",
];

/// The same as whole words only: they are a part of `HEART`, `CARDIAC`, `SURFACE`, `INCIDENTAL`.
const HEAD_WORDS: [&str; 12] =
    ["DENTAIRE", "DENTAL", "EAR", "EARS", "EYE", "EYES", "FACE", "IAC", "JAW", "NOSE", "TMJ", "WB"];

/// Beginnings of words of a body part or protocol that mean something else.
const ELSEWHERE: [&str; 10] =
    ["ABDO", "CARDIA", "LOMBAIRE", "LSPINE", "LUMBAR", "PANCREA", "PELVI", "PROSTAT", "THORA", "TSPINE"];

/// The same as whole words, singular and plural only: others begin like them (`COLONNE`, `LEGACY`, `MAINTENANCE`).
const ELSEWHERE_WORDS: [&str; 40] = [
    "ANKLE", "ARM", "BASSIN", "BLADDER", "BREAST", "BUTTOCK", "CHEST", "CHEVILLE", "COEUR", "COLON", "COUDE",
    "CUISSE", "ELBOW", "EPAULE", "FEMUR", "FINGER", "FOIE", "FOOT", "GENOU", "HANCHE", "HAND", "HEART",
    "HIP", "KIDNEY", "KNEE", "LEG", "LIVER", "LUNG", "PIED", "POIGNET", "POUMON", "REIN", "SACRUM", "SEIN",
    "SHOULDER", "SPLEEN", "THIGH", "UTERUS", "WRIST", "GENOUX",
];

/// How a volume's field of view comes about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Volume {
    /// Chosen for the part of the body.
    Fitted,
    /// That of the ring or the camera.
    Whole,
}

/// Which part of the body an object names.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Region {
    is_head: bool,
    is_elsewhere: bool,
}

impl Region {
    /// Whether the text of an element has to be told to [`Self::note`].
    pub(crate) fn concerns(tag: Tag) -> bool {
        [BODY_PART, PROTOCOL].contains(&tag) || DESCRIPTIONS.contains(&tag)
    }

    pub(crate) fn note(&mut self, tag: Tag, text: &str) {
        let plain = text.nfkd().filter(|c| !is_combining_mark(*c)).collect::<String>();
        let plain = plain.to_uppercase().replace('Œ', "OE");
        let words = || plain.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty());
        self.is_head |= HEAD.iter().any(|word| plain.contains(word));
        self.is_head |= words().any(|word| HEAD_WORDS.contains(&word));
        self.is_elsewhere |= !DESCRIPTIONS.contains(&tag)
            && words().any(|word| {
                ELSEWHERE.iter().any(|begin| word.starts_with(begin))
                    || [word, word.strip_suffix('S').unwrap_or(word)]
                        .iter()
                        .any(|word| ELSEWHERE_WORDS.contains(word))
            });
    }
}

impl Survey {
    /// Whether the image may show a face: a slice of a volume that names a head or says that it shows a face, or that names no other
    /// part of the body and is not too wide for a head. Never one whose face was taken out.
    #[must_use]
    pub fn may_show_face(&self) -> bool {
        self.volume().is_some()
            && self.defaced.is_none()
            && (self.region.is_head
                || self.text(RECOGNIZABLE_VISUAL_FEATURES) == "YES"
                || !self.region.is_elsewhere && !self.is_wide_axial_slice())
    }

    /// By modality or SOP class; the careful one of the two.
    fn volume(&self) -> Option<Volume> {
        let suffix = self.sop_class().strip_prefix("1.2.840.10008.5.1.4.1.1.");
        let by_class = CLASSES.iter().filter(|(class, _)| suffix == Some(*class));
        let modalities = self.modality().to_uppercase();
        let by_modality = VOLUMES
            .iter()
            .filter(|(name, _)| modalities.split('\\').any(|modality| modality.trim() == *name));
        let found: Vec<Volume> = by_class.chain(by_modality).map(|(_, volume)| *volume).collect();
        found.iter().find(|volume| **volume == Volume::Whole).or(found.first()).copied()
    }

    /// An axial slice of CT or MR that is wider or higher than a head. What does not say its geometry is none, an enhanced multi-frame
    /// image for one.
    fn is_wide_axial_slice(&self) -> bool {
        let number = |element| self.shorts(Tag(0x0028, element)).first().copied().map(f64::from);
        let (Some(rows), Some(columns)) = (number(0x0010), number(0x0011)) else { return false };
        // Between rows, then between columns (PS3.3 10.7.1.3).
        let Some([between_rows, between_columns]) = self.numbers(Tag(0x0028, 0x0030)) else { return false };
        let Some([x1, y1, _, x2, y2, _]) = self.numbers(Tag(0x0020, 0x0037)) else { return false };
        let field = (rows * between_rows).max(columns * between_columns);
        let along_body = x1 * y2 - y1 * x2;
        self.volume() == Some(Volume::Fitted) && field > HEAD_FIELD && along_body.abs() >= AXIAL
    }

    /// A value of so many decimal strings.
    fn numbers<const N: usize>(&self, tag: Tag) -> Option<[f64; N]> {
        let numbers: Option<Vec<f64>> =
            self.text(tag).split('\\').map(|number| number.trim().parse().ok()).collect();
        <[f64; N]>::try_from(numbers?).ok().filter(|numbers| numbers.iter().all(|number| number.is_finite()))
    }
}
