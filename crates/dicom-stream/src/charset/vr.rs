//! What the VR decides about text (PS3.5 6.1.2.3, 6.1.2.5.3 and Table 6.2-1).

use dicom_core::VR;

/// Whether (0008,0005) applies to values of this VR: SH, LO, ST, LT, UC, UT and PN. All others are in the default
/// repertoire.
#[must_use]
pub fn uses_character_set(vr: VR) -> bool {
    matches!(vr, VR::SH | VR::LO | VR::ST | VR::LT | VR::UC | VR::UT | VR::PN)
}

/// Whether a backslash separates values in this VR. It is an ordinary character in ST, LT, UT and UR, and a byte like
/// any other in binary VRs.
#[must_use]
pub fn separates_values(vr: VR) -> bool {
    matches!(
        vr,
        VR::AE
            | VR::AS
            | VR::CS
            | VR::DA
            | VR::DS
            | VR::DT
            | VR::IS
            | VR::LO
            | VR::PN
            | VR::SH
            | VR::TM
            | VR::UC
            | VR::UI
    )
}

/// Whether this code, in a single-byte state, is a delimiter before which the initial repertoire is active again
/// (PS3.5 6.1.2.5.3). Control characters are so in every VR and are not asked here.
pub(super) fn is_delimiter(vr: VR, code: u8) -> bool {
    match code {
        b'\\' => separates_values(vr),
        b'^' | b'=' => vr == VR::PN,
        _ => false,
    }
}
