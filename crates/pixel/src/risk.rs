//! Whose pixels are at risk of burned-in text (flow AC2.7).

/// SOP classes at risk (PS3.4 B.5 and, of retired ones, PS3.6 A).
const CLASSES: &[Risk] = &[
    // Secondary Capture, single and multi-frame
    Risk::Class("1.2.840.10008.5.1.4.1.1.7"),
    Risk::Below("1.2.840.10008.5.1.4.1.1.7."),
    // Ultrasound, with its retired classes and the volume
    Risk::Class("1.2.840.10008.5.1.4.1.1.3"),
    Risk::Below("1.2.840.10008.5.1.4.1.1.3."),
    Risk::Class("1.2.840.10008.5.1.4.1.1.6"),
    Risk::Below("1.2.840.10008.5.1.4.1.1.6."),
    // X-Ray Angiographic and Radiofluoroscopic
    Risk::Below("1.2.840.10008.5.1.4.1.1.12."),
    // Visible light: photographs, endoscopy, microscopy, video, with their retired classes
    Risk::Below("1.2.840.10008.5.1.4.1.1.77.1."),
    Risk::Class("1.2.840.10008.5.1.4.1.1.77.1"),
    Risk::Class("1.2.840.10008.5.1.4.1.1.77.2"),
    // Hardcopy: printed films (retired)
    Risk::Class("1.2.840.10008.5.1.1.29"),
    Risk::Class("1.2.840.10008.5.1.1.30"),
];

/// Modalities (PS3.3 C.7.3.1.1.1) of the same, and those of scanned documents and screens.
pub static MODALITIES_AT_RISK: [&str; 11] =
    ["DOC", "ES", "HC", "IVUS", "OT", "RF", "SC", "SM", "US", "XA", "XC"];

enum Risk {
    Class(&'static str),
    Below(&'static str),
}

/// Whether the pixels of a SOP class are at risk, whatever its modality says.
#[must_use]
pub fn is_class_at_risk(sop_class: &str) -> bool {
    CLASSES.iter().any(|risk| match risk {
        Risk::Class(class) => sop_class == *class,
        Risk::Below(root) => sop_class.starts_with(root),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_at_risk_are_those_of_ac2_7_and_no_others() {
        let at_risk = |class: &str| is_class_at_risk(&format!("1.2.840.10008.5.1.4.1.1.{class}"));
        for class in ["7", "7.4", "6.1", "6.2", "3.1", "12.1", "12.2.1", "77.1.4", "77.1.6"] {
            assert!(at_risk(class), "{class}");
        }
        for class in ["2", "4", "20", "66.4", "128", "481.3", "13.1.3"] {
            assert!(!at_risk(class), "{class}");
        }
    }
}
