//! Which images may show a face: heads of CT, MR and PET (PS3.15 E.3.2). A volume of slices can be rendered to one.

use crate::survey::Survey;

/// Modalities of volumes in which skin can be rendered.
const VOLUMES: [&str; 4] = ["CT", "MR", "PT", "NM"];

/// Words of body part and protocol that mean a head, or all of a body; upper case, without accents.
const HEAD: [&str; 41] = [
    "BRAIN",
    "CEREBR",
    "CERVEAU",
    "CONVENTIONAL HEAD",
    "CRANE",
    "CRANI",
    "CRANIO",
    "DENTAL",
    "EAR",
    "ENCEPHAL",
    "EYE",
    "FACE",
    "FACIAL",
    "FLAIR",
    "HEAD",
    "HIPPOCAMP",
    "HYPOPHYS",
    "IAC",
    "JAW",
    "KOPF",
    "MANDIB",
    "MAXIL",
    "MENTON",
    "NECK",
    "NEURO",
    "NOSE",
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
    "TMJ",
    "WHOLEBODY",
    "WHOLE BODY",
];

/// Words of a body part or protocol that mean something else.
const ELSEWHERE: [&str; 50] = [
    "ABDO", "ANKLE", "ARM", "BASSIN", "BLADDER", "BREAST", "BUTTOCK", "CARDIA", "CHEST", "CHEVILLE", "COEUR",
    "COLON", "COUDE", "CUISSE", "ELBOW", "EPAULE", "FEMUR", "FINGER", "FOIE", "FOOT", "GENOU", "HAND",
    "HANCHE", "HEART", "HIP", "KIDNEY", "KNEE", "LEG", "LIVER", "LOMBAIRE", "LSPINE", "LUMBAR", "LUNG",
    "MAIN", "PANCREAS", "PELVI", "PIED", "POIGNET", "POUMON", "PROSTAT", "REIN", "SACRUM", "SEIN",
    "SHOULDER", "SPLEEN", "THIGH", "THORA", "TSPINE", "UTERUS", "WRIST",
];

impl Survey {
    /// Whether the image may show a face: a slice of a volume whose body part and protocol speak of a head, or of nothing known.
    #[must_use]
    pub fn may_show_face(&self) -> bool {
        if !VOLUMES.contains(&self.modality()) {
            return false;
        }
        let says = format!("{} {}", self.body_part(), self.protocol()).to_uppercase();
        let is_head = HEAD.iter().any(|word| says.contains(word));
        let begins = |part: &str| ELSEWHERE.iter().any(|word| part.starts_with(word));
        is_head || !says.split(|c: char| !c.is_alphabetic()).any(begins)
    }
}
