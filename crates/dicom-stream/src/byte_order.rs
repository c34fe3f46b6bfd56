//! Values in the other byte order (PS3.5 7.3).

use dicom_core::VR;

/// The value with the bytes of each of its numbers reversed; text and bytes of no number as they are. An attribute tag (AT) is two
/// numbers (PS3.5 Table 6.2-1), and UN is in little endian everywhere (PS3.5 6.2.2). Whatever stands after the last whole number stays.
#[must_use]
pub fn swap_bytes(vr: VR, value: &[u8]) -> Vec<u8> {
    let size = match vr {
        VR::US | VR::SS | VR::AT | VR::OW => 2,
        VR::UL | VR::SL | VR::FL | VR::OL | VR::OF => 4,
        VR::FD | VR::UV | VR::SV | VR::OD | VR::OV => 8,
        _ => 1,
    };
    let (numbers, rest) = value.split_at(value.len() - value.len() % size);
    numbers.chunks(size).flat_map(|number| number.iter().rev()).chain(rest).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_reversed_and_text_is_not() {
        assert_eq!(swap_bytes(VR::US, &[1, 2, 3, 4]), [2, 1, 4, 3]);
        assert_eq!(swap_bytes(VR::AT, &[0x10, 0, 0x20, 0]), [0, 0x10, 0, 0x20], "group, then element");
        assert_eq!(swap_bytes(VR::FL, &[1, 2, 3, 4]), [4, 3, 2, 1]);
        assert_eq!(swap_bytes(VR::FD, &[1, 2, 3, 4, 5, 6, 7, 8]), [8, 7, 6, 5, 4, 3, 2, 1]);
        assert_eq!(swap_bytes(VR::US, &[1, 2, 3]), [2, 1, 3], "irregular: the rest stays");
        for vr in [VR::LO, VR::UN, VR::OB] {
            assert_eq!(swap_bytes(vr, &[1, 2]), [1, 2]);
        }
    }
}
