//! Transfer syntaxes: how the bytes of a data set are laid out (PS3.5 Annex A, UIDs of PS3.6 Table A-1).

/// Byte layout of element headers and binary values (PS3.5 7.1, 7.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// Implicit VR, little endian (PS3.5 A.1); also the inside of every UN sequence (PS3.5 6.2.2).
    ImplicitLittle,
    /// Explicit VR, little endian (PS3.5 A.2, A.4, A.5).
    ExplicitLittle,
    /// Explicit VR, big endian (retired; PS3.5 2016b A.3).
    ExplicitBig,
}

impl Encoding {
    /// Reads a 16-bit number in this byte order.
    pub fn u16(self, bytes: [u8; 2]) -> u16 {
        if self == Self::ExplicitBig { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }
    }

    /// Reads a 32-bit number in this byte order.
    pub fn u32(self, bytes: [u8; 4]) -> u32 {
        if self == Self::ExplicitBig { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    }

    /// Writes a 16-bit number in this byte order.
    pub fn u16_bytes(self, value: u16) -> [u8; 2] {
        if self == Self::ExplicitBig { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    /// Writes a 32-bit number in this byte order.
    pub fn u32_bytes(self, value: u32) -> [u8; 4] {
        if self == Self::ExplicitBig { value.to_be_bytes() } else { value.to_le_bytes() }
    }
}

/// What has to be known of a transfer syntax to walk a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TransferSyntax {
    /// UID of PS3.6 Table A-1, or of a known private alias.
    pub uid: &'static str,
    /// Layout of the elements.
    pub encoding: Encoding,
    /// The data set is one raw deflate stream (PS3.5 A.5).
    pub deflated: bool,
    /// Pixel data are encapsulated in fragments (PS3.5 A.4).
    pub encapsulated: bool,
}

impl TransferSyntax {
    /// Implicit VR Little Endian, the default of PS3.5 A.1.
    pub const IMPLICIT_LITTLE: Self = Self::native("1.2.840.10008.1.2", Encoding::ImplicitLittle);
    /// Explicit VR Little Endian.
    pub const EXPLICIT_LITTLE: Self = Self::native("1.2.840.10008.1.2.1", Encoding::ExplicitLittle);
    /// Explicit VR Big Endian (retired).
    pub const EXPLICIT_BIG: Self = Self::native("1.2.840.10008.1.2.2", Encoding::ExplicitBig);
    /// Deflated Explicit VR Little Endian.
    pub const DEFLATED: Self = Self::deflated("1.2.840.10008.1.2.1.99");

    const fn native(uid: &'static str, encoding: Encoding) -> Self {
        Self { uid, encoding, deflated: false, encapsulated: false }
    }

    const fn deflated(uid: &'static str) -> Self {
        Self { uid, encoding: Encoding::ExplicitLittle, deflated: true, encapsulated: false }
    }

    const fn encapsulated(uid: &'static str) -> Self {
        Self { uid, encoding: Encoding::ExplicitLittle, deflated: false, encapsulated: true }
    }

    /// The syntax with this UID (padding trimmed), or `None`: then the object can be kept as bytes, but not walked.
    pub fn from_uid(uid: &str) -> Option<&'static Self> {
        let uid = uid.trim_end_matches(['\0', ' ']);
        ALL.iter().find(|syntax| syntax.uid == uid)
    }

    /// Every syntax this crate can walk.
    pub fn all() -> &'static [Self] {
        ALL
    }
}

/// PS3.6 Table A-1, type *Transfer Syntax*, without the SMPTE ST 2110 syntaxes (streams, never files or messages).
static ALL: &[TransferSyntax] = &[
    TransferSyntax::IMPLICIT_LITTLE,
    TransferSyntax::EXPLICIT_LITTLE,
    TransferSyntax::EXPLICIT_BIG,
    TransferSyntax::DEFLATED,
    TransferSyntax::encapsulated("1.2.840.10008.1.2.1.98"), // Encapsulated Uncompressed
    TransferSyntax::encapsulated("1.2.840.10008.1.2.8.1"),  // Deflated Image Frame Compression
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.50"), // JPEG Baseline
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.51"), // JPEG Extended
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.52"), // retired JPEG processes
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.53"),
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.54"),
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.55"),
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.56"),
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.57"), // JPEG Lossless
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.58"),
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.59"),
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.60"),
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.61"),
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.62"),
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.63"),
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.64"),
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.65"),
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.66"),
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.70"), // JPEG Lossless, first order
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.80"), // JPEG-LS Lossless
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.81"), // JPEG-LS Near-lossless
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.90"), // JPEG 2000 Lossless
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.91"), // JPEG 2000
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.92"), // JPEG 2000 Part 2 Lossless
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.93"), // JPEG 2000 Part 2
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.94"), // JPIP Referenced
    TransferSyntax::deflated("1.2.840.10008.1.2.4.95"),     // JPIP Referenced Deflate
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.100"), // MPEG2 Main Level
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.100.1"),
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.101"), // MPEG2 High Level
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.101.1"),
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.102"), // MPEG-4 AVC/H.264
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.102.1"),
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.103"),
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.103.1"),
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.104"),
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.104.1"),
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.105"),
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.105.1"),
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.106"),
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.106.1"),
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.107"), // HEVC/H.265
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.108"),
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.110"), // JPEG XL Lossless
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.111"), // JPEG XL JPEG Recompression
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.112"), // JPEG XL
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.201"), // HTJ2K Lossless
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.202"), // HTJ2K Lossless RPCL
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.203"), // HTJ2K
    TransferSyntax::encapsulated("1.2.840.10008.1.2.4.204"), // JPIP HTJ2K Referenced
    TransferSyntax::deflated("1.2.840.10008.1.2.4.205"),     // JPIP HTJ2K Referenced Deflate
    TransferSyntax::encapsulated("1.2.840.10008.1.2.5"),     // RLE Lossless
    TransferSyntax::encapsulated("1.2.840.10008.1.2.6.1"),   // RFC 2557 MIME (retired)
    // Private syntaxes whose headers are read as a standard one; their pixel cells differ.
    TransferSyntax::native("1.2.840.113619.5.2", Encoding::ImplicitLittle), // GE, big-endian pixel cells
    TransferSyntax::native("1.3.46.670589.33.1.4.1", Encoding::ExplicitLittle), // Philips
];
