//! Whether what a rule does fits the attribute that it is about (PS3.5 Table 6.2-1): said when the profile is read, not object by object.

use dicom_core::{Tag, VR};
use dicom_stream::text::{Age, Date};

use super::project_rule::RuleAction;

/// Attributes of the main data set that the program writes itself, or without which nobody can tell what the object is.
const OWN: [Tag; 12] = [
    Tag(0x0008, 0x0005),
    Tag(0x0008, 0x0016),
    Tag(0x0008, 0x0018),
    Tag(0x0010, 0x0010),
    Tag(0x0010, 0x0020),
    Tag(0x0012, 0x0062),
    Tag(0x0012, 0x0063),
    Tag(0x0012, 0x0064),
    Tag(0x0020, 0x000D),
    Tag(0x0020, 0x000E),
    Tag(0x0028, 0x0302),
    Tag(0x0028, 0x0303),
];

/// Whether no rule reaches this attribute of the main data set.
pub(crate) fn is_out_of_reach(tag: Tag) -> bool {
    OWN.binary_search(&tag).is_ok() || tag.group() == 0x7FE0
}

/// What items say in it decides how they are read.
pub(crate) const SPECIFIC_CHARACTER_SET: Tag = Tag(0x0008, 0x0005);

/// Why the action cannot be carried out on this attribute; `in_root` is whether the rule reaches that of the main data set, `vr` is `None`
/// where the dictionary does not know it.
pub(super) fn refusal(tag: Tag, in_root: bool, vr: Option<VR>, action: &RuleAction) -> Option<String> {
    if tag.group() == 0x7FE0 {
        return Some("the pixels are not for a rule: write a mask under [pixels]".to_owned());
    }
    if in_root && OWN.binary_search(&tag).is_ok() || tag == SPECIFIC_CHARACTER_SET {
        return Some("the program writes this attribute itself: no rule reaches it".to_owned());
    }
    by_vr(vr?, action)
}

/// Why the action cannot be carried out on any attribute of this VR.
pub(super) fn by_vr(vr: VR, action: &RuleAction) -> Option<String> {
    let fits = match action {
        RuleAction::X | RuleAction::Z | RuleAction::D | RuleAction::K => true,
        RuleAction::Replace(text) => can_hold(vr, text),
        RuleAction::Map(table) => table.values().all(|text| can_hold(vr, text)),
        RuleAction::Hash(hash) => hash.fits(vr),
        RuleAction::U => vr == VR::UI,
        RuleAction::C => matches!(vr, VR::LO | VR::LT | VR::SH | VR::ST | VR::UC | VR::UT),
        RuleAction::Truncate(_) | RuleAction::Regex { .. } => is_text(vr),
        RuleAction::Shift => matches!(vr, VR::DA | VR::DT),
        RuleAction::Add(_) => true,
    };
    let what = match action {
        RuleAction::U => "a new UID is for UI",
        RuleAction::C => "LO, SH, ST, LT, UC and UT are cleaned",
        RuleAction::Shift => "shift moves DA and DT",
        RuleAction::Hash(_) => {
            "hash fits LO, ST, LT, UC and UT, and SH with 16 digits at most, the prefix among them"
        }
        RuleAction::Truncate(_) | RuleAction::Regex { .. } => "truncate and regex are for texts",
        _ => "it cannot hold what the rule writes",
    };
    (!fits).then(|| format!("the VR of the attribute is {vr}: {what}", vr = vr.to_string()))
}

/// Whether a value of this VR is text.
pub(crate) fn is_text(vr: VR) -> bool {
    longest(vr).is_some()
}

/// Characters of a value of a VR of text.
fn longest(vr: VR) -> Option<usize> {
    Some(match vr {
        VR::AE | VR::CS | VR::SH => 16,
        VR::LO => 64,
        VR::PN => 3 * 64 + 2,
        VR::ST => 1_024,
        VR::LT => 10_240,
        VR::UC | VR::UR | VR::UT => usize::MAX,
        _ => return None,
    })
}

/// Whether the text is a value of this VR; no value is.
pub(crate) fn can_hold(vr: VR, text: &str) -> bool {
    let all = |holds: fn(u8) -> bool| text.bytes().all(holds);
    if text.is_empty() {
        return vr != VR::SQ;
    }
    match vr {
        VR::CS => text.len() <= 16 && all(|b| matches!(b, b'A'..=b'Z' | b'0'..=b'9' | b' ' | b'_')),
        VR::UI => text.len() <= 64 && all(|b| matches!(b, b'0'..=b'9' | b'.')),
        VR::DA => text.len() == 8 && Date::parse(text.as_bytes()).is_some(),
        VR::DT => text.get(..8).is_some_and(|day| Date::parse(day.as_bytes()).is_some()) && text.len() <= 26,
        VR::TM => {
            (2..=14).contains(&text.len())
                && all(|b| matches!(b, b'0'..=b'9' | b'.'))
                && !text.starts_with('.')
        }
        VR::AS => Age::parse(text.as_bytes()).is_some(),
        VR::IS => text.parse::<i32>().is_ok(),
        VR::DS => text.len() <= 16 && text.parse::<f64>().is_ok_and(f64::is_finite),
        _ => longest(vr).is_some_and(|longest| text.chars().count() <= longest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values and limits of PS3.5 Table 6.2-1.
    #[test]
    fn values_of_a_vr() {
        for (vr, good, bad) in [
            (VR::CS, "HEAD_2", "head"),
            (VR::DA, "20240229", "20230229"),
            (VR::TM, "101112.5", "ten"),
            (VR::DT, "20240131101112.5+0100", "yesterday"),
            (VR::UI, "1.2.3", "1.2.x"),
            (VR::IS, "-12", "1.5"),
            (VR::DS, "1.5", "many"),
            (VR::AS, "018Y", "18"),
            (VR::SH, "0123456789abcdef", "0123456789abcdefg"),
            (VR::US, "", "512"),
        ] {
            assert!(can_hold(vr, good), "{vr:?} {good}");
            assert!(!can_hold(vr, bad), "{vr:?} {bad}");
        }
        assert!(OWN.is_sorted());
    }
}
