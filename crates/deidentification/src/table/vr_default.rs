//! What happens to attributes that Table E.1-1 does not list (DI-30, DI-31): data with reasons, under an edition of their own.

use dicom_core::{Tag, VR};

use super::action::Action;

/// Edition of these defaults; it stands in every report beside the edition of the table.
pub const EDITION: &str = "2026-11";

/// One default beyond Table E.1-1.
#[derive(Debug, Clone, Copy)]
pub struct VrDefault {
    /// Rule id of the report.
    pub rule: &'static str,
    /// VRs of PS3.6 it holds for; empty for the rules about tags and groups.
    pub vrs: &'static [VR],
    /// Its action.
    pub action: Action,
    /// Why.
    pub reason: &'static str,
}

const fn by_vr(rule: &'static str, vrs: &'static [VR], action: Action, reason: &'static str) -> VrDefault {
    VrDefault { rule, vrs, action, reason }
}

/// Defaults by VR, each VR once.
pub static BY_VR: [VrDefault; 8] = [
    by_vr("beyond-name", &[VR::PN], Action::XZD, "every name identifies somebody"),
    by_vr(
        "beyond-uid",
        &[VR::UI],
        Action::U,
        "an instance UID leads back to its source; references have to hold",
    ),
    by_vr("beyond-date", &[VR::DA, VR::DT, VR::TM], Action::Z, "no date option: no date, no time"),
    by_vr("beyond-text", &[VR::LT, VR::ST, VR::UC, VR::UT], Action::XZD, "free text repeats identities"),
    by_vr(
        "beyond-term",
        &[VR::AE, VR::AS, VR::CS, VR::LO, VR::SH],
        Action::K,
        "device and protocol words have research value; the after-check searches them",
    ),
    by_vr(
        "beyond-address",
        &[VR::UR],
        Action::XZD,
        "an address leads to the site, most often with source UIDs in it",
    ),
    by_vr(
        "beyond-number",
        &[
            VR::AT,
            VR::DS,
            VR::FD,
            VR::FL,
            VR::IS,
            VR::OB,
            VR::OD,
            VR::OF,
            VR::OL,
            VR::OV,
            VR::OW,
            VR::SL,
            VR::SS,
            VR::SV,
            VR::UL,
            VR::US,
            VR::UV,
        ],
        Action::K,
        "numbers and samples",
    ),
    by_vr("beyond-sequence", &[VR::SQ], Action::K, "the items are walked"),
];

/// Defaults for single tags, before those by VR.
pub static BY_TAG: [(Tag, VrDefault); 8] = [
    (
        Tag(0x0008, 0x0119),
        by_vr(
            "beyond-code",
            &[],
            Action::KItem,
            "Long Code Value is a code of a vocabulary, and stands in an item",
        ),
    ),
    (
        Tag(0x0008, 0x0120),
        by_vr(
            "beyond-code",
            &[],
            Action::KItem,
            "URN Code Value is a code of a vocabulary, and stands in an item",
        ),
    ),
    (Tag(0x0008, 0x010C), CODED),
    (Tag(0x0008, 0x010D), CODED),
    (Tag(0x0008, 0x010E), CODED),
    (Tag(0x0008, 0x0117), CODED),
    (Tag(0x0008, 0x0118), CODED),
    (
        Tag(0x0400, 0x0500),
        by_vr(
            "beyond-encrypted",
            &[],
            Action::X,
            "Encrypted Attributes hold the identity, for whoever has the key; the vault is our way back",
        ),
    ),
];

/// UIDs and addresses that name a class, a syntax or a vocabulary.
pub static VOCABULARY: VrDefault =
    by_vr("beyond-vocabulary", &[], Action::K, "names a class, a syntax or a vocabulary, not an instance");

/// The same in the items of codes and coding schemes; nowhere else has an IOD a place for them.
const CODED: VrDefault =
    by_vr("beyond-vocabulary", &[], Action::KItem, "names a vocabulary, and stands in an item");

/// Odd groups (DI-40): the last row of Table E.1-1.
pub static PRIVATE: VrDefault =
    by_vr("private", &[], Action::X, "Table E.1-1, odd groups, creators and orphans included");

/// Groups 50xx: the curve row of Table E.1-1.
pub static CURVE: VrDefault = by_vr("curve", &[], Action::X, "Table E.1-1, (50xx,xxxx)");

/// Groups 60xx: the two rows of Table E.1-1, label and description, and what has no meaning without the data.
pub static OVERLAY: VrDefault = by_vr(
    "overlay",
    &[],
    Action::X,
    "Table E.1-1, (60xx,3000) and (60xx,4000); a plane without data is not valid",
);

/// Group lengths and groups that do not belong in a data set (DI-16, PS3.5 7.2).
pub static CONTAINER: VrDefault =
    by_vr("container", &[], Action::X, "group length, or a group of another container");

/// A tag that the dictionary does not know (DI-31).
pub static UNKNOWN: VrDefault = by_vr("unknown", &[], Action::X, "nothing is known about it");
