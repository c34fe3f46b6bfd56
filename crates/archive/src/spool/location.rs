//! Where a record lies: the stable text that a database row keeps.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Place of one record of the spool.
///
/// Text form, stable between versions (also its serde form): `segment/N/OFFSET/DATA/LENGTH`,
/// `own/JOURNAL/ID/DATA/LENGTH` or `held/ID/DATA/LENGTH`; numbers are decimal bytes, ids are ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct RecordLocation {
    pub(super) place: Place,
    pub(super) data_offset: u64,
    pub(super) data_length: u64,
}

/// The file that holds the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Place {
    /// In a segment, at an offset.
    Segment { number: u32, offset: u64 },
    /// In a file of its own, acknowledged while segment `journal` was the active one.
    Own { journal: u32, file: Uuid },
    /// In a file of its own, moved there from a segment that should go.
    Held { file: Uuid },
}

impl RecordLocation {
    /// Length of the data set, bytes.
    pub fn data_length(&self) -> u64 {
        self.data_length
    }

    /// Number of the segment that the record pins; `None` when it lies in a file of its own.
    pub fn segment(&self) -> Option<u32> {
        match self.place {
            Place::Segment { number, .. } => Some(number),
            Place::Own { .. } | Place::Held { .. } => None,
        }
    }

    /// Offset of the record's frame in its file.
    pub(super) fn offset(&self) -> u64 {
        match self.place {
            Place::Segment { offset, .. } => offset,
            Place::Own { .. } | Place::Held { .. } => 0,
        }
    }

    /// Place in the order of acknowledgement; `None` for held records, which were acknowledged long before.
    pub(super) fn journal(&self) -> Option<Checkpoint> {
        match self.place {
            Place::Segment { number, offset } => Some(Checkpoint { segment: number, offset }),
            Place::Own { journal, .. } => Some(Checkpoint { segment: journal, offset: 0 }),
            Place::Held { .. } => None,
        }
    }
}

impl fmt::Display for RecordLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Place::Segment { number, offset } => write!(f, "segment/{number}/{offset}")?,
            Place::Own { journal, file } => write!(f, "own/{journal}/{file}")?,
            Place::Held { file } => write!(f, "held/{file}")?,
        }
        write!(f, "/{}/{}", self.data_offset, self.data_length)
    }
}

impl From<RecordLocation> for String {
    fn from(location: RecordLocation) -> Self {
        location.to_string()
    }
}

impl TryFrom<String> for RecordLocation {
    type Error = InvalidLocation;

    fn try_from(text: String) -> Result<Self, InvalidLocation> {
        text.parse()
    }
}

/// The text is not a location or checkpoint of this spool: the row is damaged or from another program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a spool location")]
pub struct InvalidLocation;

impl FromStr for RecordLocation {
    type Err = InvalidLocation;

    fn from_str(text: &str) -> Result<Self, InvalidLocation> {
        fn number<N: FromStr>(part: Option<&str>) -> Result<N, InvalidLocation> {
            part.and_then(|text| text.parse().ok()).ok_or(InvalidLocation)
        }
        let mut parts = text.split('/');
        let place = match parts.next() {
            Some("segment") => {
                Place::Segment { number: number(parts.next())?, offset: number(parts.next())? }
            }
            Some("own") => Place::Own { journal: number(parts.next())?, file: number(parts.next())? },
            Some("held") => Place::Held { file: number(parts.next())? },
            _ => return Err(InvalidLocation),
        };
        let location = Self { place, data_offset: number(parts.next())?, data_length: number(parts.next())? };
        if parts.next().is_some() { Err(InvalidLocation) } else { Ok(location) }
    }
}

/// Place in the order of acknowledgement before which every record is indexed; text form `SEGMENT/OFFSET`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Checkpoint {
    pub(super) segment: u32,
    pub(super) offset: u64,
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.segment, self.offset)
    }
}

impl FromStr for Checkpoint {
    type Err = InvalidLocation;

    fn from_str(text: &str) -> Result<Self, InvalidLocation> {
        let (segment, offset) = text.split_once('/').ok_or(InvalidLocation)?;
        let segment = segment.parse().map_err(|_| InvalidLocation)?;
        let offset = offset.parse().map_err(|_| InvalidLocation)?;
        Ok(Self { segment, offset })
    }
}

impl From<Checkpoint> for String {
    fn from(checkpoint: Checkpoint) -> Self {
        checkpoint.to_string()
    }
}

impl TryFrom<String> for Checkpoint {
    type Error = InvalidLocation;

    fn try_from(text: String) -> Result<Self, InvalidLocation> {
        text.parse()
    }
}
