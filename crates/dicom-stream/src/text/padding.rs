//! Padding to even length, and what of it is insignificant (PS3.5 6.2, Table 6.2-1).

use dicom_core::VR;

/// The byte that pads a value field of this VR to even length: a space in text, NUL in UI and in binary VRs.
#[must_use]
pub fn pad_byte(vr: VR) -> u8 {
    match vr {
        VR::AE | VR::AS | VR::CS | VR::DA | VR::DS | VR::DT | VR::IS | VR::LO | VR::LT => b' ',
        VR::PN | VR::SH | VR::ST | VR::TM | VR::UC | VR::UR | VR::UT => b' ',
        _ => 0,
    }
}

/// One value without its insignificant padding; binary values are returned whole.
///
/// Leading spaces are significant in ST, LT, UT, UC and UR only. NUL at the end is not allowed outside UI but common,
/// and is taken for padding in every text VR.
#[must_use]
pub fn trim(vr: VR, value: &[u8]) -> &[u8] {
    if pad_byte(vr) == 0 && vr != VR::UI {
        return value;
    }
    let mut value = value;
    while let [rest @ .., b' ' | 0] = value {
        value = rest;
    }
    if !matches!(vr, VR::ST | VR::LT | VR::UT | VR::UC | VR::UR) {
        while let [b' ', rest @ ..] = value {
            value = rest;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_padded_with_spaces_and_uids_with_nul() {
        assert_eq!((pad_byte(VR::LO), pad_byte(VR::UI), pad_byte(VR::OB), pad_byte(VR::UN)), (b' ', 0, 0, 0));
        assert_eq!(trim(VR::UI, b"1.2.840\0"), b"1.2.840");
        assert_eq!(trim(VR::LO, b"  left \0"), b"left");
        assert_eq!(trim(VR::LT, b"  kept  "), b"  kept");
        assert_eq!(trim(VR::OB, b"\0\0"), b"\0\0");
        assert_eq!(trim(VR::SH, b"   "), b"");
    }
}
