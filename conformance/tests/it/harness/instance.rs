//! Data sets made here, for the tests that need many.

/// CT Image Storage (PS3.4 Table B.5-1).
pub(crate) const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
/// Explicit VR Little Endian (PS3.5 A.2).
pub(crate) const EXPLICIT: &str = "1.2.840.10008.1.2.1";

/// One CT image with an invented identity.
pub(crate) struct Instance {
    pub(crate) uid: String,
    pub(crate) data_set: Vec<u8>,
}

impl Instance {
    /// The same numbers give the same bytes; `number` must be unique on a site.
    pub(crate) fn new(number: u64, pixel_bytes: usize) -> Self {
        let uid = format!("2.25.1{number:020}");
        let mut data_set = Vec::with_capacity(pixel_bytes + 512);
        let mut text = |group: u16, element: u16, vr: &[u8; 2], value: &str, padding: u8| {
            let mut value = value.as_bytes().to_vec();
            value.resize(value.len().next_multiple_of(2), padding);
            data_set.extend(group.to_le_bytes());
            data_set.extend(element.to_le_bytes());
            data_set.extend(vr);
            data_set.extend(u16::try_from(value.len()).unwrap().to_le_bytes());
            data_set.extend(value);
        };
        text(0x0008, 0x0016, b"UI", CT, 0);
        text(0x0008, 0x0018, b"UI", &uid, 0);
        text(0x0008, 0x0060, b"CS", "CT", b' ');
        text(0x0010, 0x0010, b"PN", "DOE^JANE", b' ');
        text(0x0010, 0x0020, b"LO", &format!("CONF-{:04}", number % 7), b' ');
        text(0x0020, 0x000D, b"UI", &format!("2.25.2{:020}", number % 7), 0);
        text(0x0020, 0x000E, b"UI", &format!("2.25.3{:020}", number % 21), 0);
        let pixel_bytes = pixel_bytes.next_multiple_of(2);
        data_set.extend([0xE0, 0x7F, 0x10, 0x00, b'O', b'W', 0, 0]);
        data_set.extend(u32::try_from(pixel_bytes).unwrap().to_le_bytes());
        let seed = number.to_le_bytes();
        data_set.extend((0..pixel_bytes).map(|index| seed[index % 8].wrapping_add((index >> 3) as u8)));
        Self { uid, data_set }
    }

    /// Digest as the program prints it.
    pub(crate) fn digest(&self) -> String {
        blake3::hash(&self.data_set).to_hex().to_string()
    }
}
