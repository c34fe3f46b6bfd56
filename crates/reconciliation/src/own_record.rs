//! The own record: patient and study attributes as received from the clinical PACS (flow table 8.2), as this crate needs them.

use std::fmt;

use dicom_stream::charset::CharacterSet;
use dicom_stream::{Tag, VR};

/// A value as received: three cases that a return keeps apart (AC8.10).
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// The element was not there.
    Absent,
    /// The element was there, without a value.
    Empty,
    /// The bytes of the value, in little endian, with their padding, in the character set of the record. Of a sequence its items, in
    /// explicit VR little endian.
    Bytes(Vec<u8>),
}

/// One attribute as received.
#[derive(Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Tag, of the main data set.
    pub tag: Tag,
    /// Value representation.
    pub vr: VR,
    /// The value.
    pub value: Value,
}

/// Patient and study attributes of one DICOM study as received. Holds an identity: prints nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct OwnRecord {
    /// Study Instance UID (0020,000D) as received, without padding.
    pub study: String,
    /// Specific Character Set (0008,0005) as received.
    pub character_set: Value,
    /// Attributes of the modules Patient, Patient Study and General Study (PS3.3 C.7.1.1, C.7.2.1, C.7.2.2): what is not among them was
    /// absent, too.
    pub attributes: Vec<Attribute>,
}

impl OwnRecord {
    /// The character set that its values are in.
    pub(crate) fn set(&self) -> CharacterSet {
        CharacterSet::parse(self.character_set.bytes()).0
    }

    /// The value of an attribute as received; empty when absent.
    pub(crate) fn bytes_of(&self, tag: Tag) -> &[u8] {
        self.attributes
            .iter()
            .find(|attribute| attribute.tag == tag)
            .map_or(&[], |attribute| attribute.value.bytes())
    }
}

impl Value {
    /// The bytes; none when absent or empty.
    pub(crate) fn bytes(&self) -> &[u8] {
        if let Self::Bytes(bytes) = self { bytes } else { &[] }
    }
}

impl fmt::Debug for OwnRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OwnRecord({} attributes)", self.attributes.len())
    }
}

impl fmt::Debug for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Attribute({:04X},{:04X})", self.tag.group(), self.tag.element())
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Absent => "Absent",
            Self::Empty => "Empty",
            Self::Bytes(_) => "Bytes(..)",
        })
    }
}
