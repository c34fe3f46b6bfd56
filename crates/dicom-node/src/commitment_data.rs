//! The data sets of storage commitment (PS3.4 Tables J.3-1 and J.3-2) in implicit VR little endian, the only transfer
//! syntax that we negotiate for them. Depth is two by definition, length is bounded by the message layer.

/// One instance by its class and instance UID.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reference {
    /// Referenced SOP Class UID (0008,1150).
    pub sop_class: String,
    /// Referenced SOP Instance UID (0008,1155).
    pub sop_instance: String,
}

/// Asks a peer to take responsibility for instances (N-ACTION, action type 1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitmentRequest {
    /// Transaction UID (0008,1195), unique for each request.
    pub transaction: String,
    /// The instances; up to about 8,000 fit into one request.
    pub instances: Vec<Reference>,
}

/// The answer to a request (N-EVENT-REPORT, event type 1 or 2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitmentReport {
    /// Transaction UID of the request.
    pub transaction: String,
    /// Instances that the peer is now responsible for.
    pub committed: Vec<Reference>,
    /// Instances that it is not responsible for, with Failure Reason (0008,1197), PS3.3 §C.14.1.1.
    pub failed: Vec<(Reference, u16)>,
}

const REFERENCED_SOP_CLASS: u32 = 0x0008_1150;
const REFERENCED_SOP_INSTANCE: u32 = 0x0008_1155;
const TRANSACTION: u32 = 0x0008_1195;
const FAILURE_REASON: u32 = 0x0008_1197;
const FAILED_SEQUENCE: u32 = 0x0008_1198;
const REFERENCED_SEQUENCE: u32 = 0x0008_1199;
const ITEM: u32 = 0xFFFE_E000;
const ITEM_END: u32 = 0xFFFE_E00D;
const SEQUENCE_END: u32 = 0xFFFE_E0DD;
const UNDEFINED: u32 = u32::MAX;

impl CommitmentRequest {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        push_uid(&mut out, TRANSACTION, &self.transaction);
        push_sequence(&mut out, REFERENCED_SEQUENCE, self.instances.iter().map(|r| item(r, None)));
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let content = Content::read(bytes)?;
        let instances = content.referenced.into_iter().map(|(reference, _)| reference).collect();
        Some(Self { transaction: content.transaction?, instances })
    }
}

impl CommitmentReport {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        push_uid(&mut out, TRANSACTION, &self.transaction);
        if !self.failed.is_empty() {
            push_sequence(&mut out, FAILED_SEQUENCE, self.failed.iter().map(|(r, why)| item(r, Some(*why))));
        }
        if !self.committed.is_empty() {
            push_sequence(&mut out, REFERENCED_SEQUENCE, self.committed.iter().map(|r| item(r, None)));
        }
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let content = Content::read(bytes)?;
        let committed = content.referenced.into_iter().map(|(reference, _)| reference).collect();
        Some(Self { transaction: content.transaction?, committed, failed: content.failed })
    }
}

fn push_uid(out: &mut Vec<u8>, tag: u32, uid: &str) {
    let padding = uid.len() % 2;
    push_header(out, tag, uid.len() + padding);
    out.extend_from_slice(uid.as_bytes());
    out.extend(std::iter::repeat_n(0, padding));
}

fn push_header(out: &mut Vec<u8>, tag: u32, length: usize) {
    out.extend_from_slice(&((tag >> 16) as u16).to_le_bytes());
    out.extend_from_slice(&(tag as u16).to_le_bytes());
    out.extend_from_slice(&(length as u32).to_le_bytes());
}

fn push_sequence(out: &mut Vec<u8>, tag: u32, items: impl Iterator<Item = Vec<u8>>) {
    let content: Vec<u8> = items.flatten().collect();
    push_header(out, tag, content.len());
    out.extend_from_slice(&content);
}

fn item(reference: &Reference, reason: Option<u16>) -> Vec<u8> {
    let mut content = Vec::new();
    push_uid(&mut content, REFERENCED_SOP_CLASS, &reference.sop_class);
    push_uid(&mut content, REFERENCED_SOP_INSTANCE, &reference.sop_instance);
    if let Some(reason) = reason {
        push_header(&mut content, FAILURE_REASON, 2);
        content.extend_from_slice(&reason.to_le_bytes());
    }
    let mut out = Vec::new();
    push_header(&mut out, ITEM, content.len());
    out.append(&mut content);
    out
}

#[derive(Default)]
struct Content {
    transaction: Option<String>,
    referenced: Vec<(Reference, u16)>,
    failed: Vec<(Reference, u16)>,
}

impl Content {
    /// `None` if the bytes are no such data set. Elements of no use here are skipped.
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut content = Self::default();
        let mut cursor = Cursor(bytes);
        while !cursor.0.is_empty() {
            let (tag, length) = cursor.header()?;
            match tag {
                TRANSACTION => content.transaction = Some(text(cursor.take(length)?)?),
                REFERENCED_SEQUENCE => content.referenced = cursor.sequence(length)?,
                FAILED_SEQUENCE => content.failed = cursor.sequence(length)?,
                _ => {
                    cursor.take(length)?;
                }
            }
        }
        Some(content)
    }
}

struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn header(&mut self) -> Option<(u32, u32)> {
        let ([g0, g1, e0, e1, l0, l1, l2, l3], rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some((u32::from_le_bytes([*e0, *e1, *g0, *g1]), u32::from_le_bytes([*l0, *l1, *l2, *l3])))
    }

    fn take(&mut self, length: u32) -> Option<&'a [u8]> {
        let (value, rest) = self.0.split_at_checked(length as usize)?;
        self.0 = rest;
        Some(value)
    }

    /// The items of a sequence of defined or undefined length.
    fn sequence(&mut self, length: u32) -> Option<Vec<(Reference, u16)>> {
        let mut items = Vec::new();
        if length != UNDEFINED {
            let mut inner = Self(self.take(length)?);
            while !inner.0.is_empty() {
                let (tag, length) = inner.header()?;
                items.push((tag == ITEM).then(|| inner.item(length))??);
            }
            return Some(items);
        }
        loop {
            match self.header()? {
                (SEQUENCE_END, _) => return Some(items),
                (ITEM, length) => items.push(self.item(length)?),
                _ => return None,
            }
        }
    }

    fn item(&mut self, length: u32) -> Option<(Reference, u16)> {
        if length != UNDEFINED {
            return Self(self.take(length)?).item_content(false);
        }
        self.item_content(true)
    }

    fn item_content(&mut self, delimited: bool) -> Option<(Reference, u16)> {
        let (mut class, mut instance, mut reason) = (None, None, 0);
        while delimited || !self.0.is_empty() {
            let (tag, length) = self.header()?;
            if delimited && tag == ITEM_END {
                break;
            }
            let value = self.take(length)?;
            match tag {
                REFERENCED_SOP_CLASS => class = text(value),
                REFERENCED_SOP_INSTANCE => instance = text(value),
                FAILURE_REASON => reason = value.first_chunk().map_or(0, |bytes| u16::from_le_bytes(*bytes)),
                _ => {}
            }
        }
        Some((Reference { sop_class: class?, sop_instance: instance? }, reason))
    }
}

fn text(value: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(value).ok()?.trim_matches(['\0', ' ']);
    crate::sop_class::is_uid(text).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(instance: &str) -> Reference {
        Reference { sop_class: "1.2.840.10008.5.1.4.1.1.2".to_owned(), sop_instance: instance.to_owned() }
    }

    #[test]
    fn what_is_written_is_read() {
        let report = CommitmentReport {
            transaction: "2.25.1".to_owned(),
            committed: vec![reference("2.25.20"), reference("2.25.3")],
            failed: vec![(reference("2.25.4"), 0x0112)],
        };
        assert_eq!(CommitmentReport::decode(&report.encode()), Some(report));
    }

    /// Written by hand from PS3.5 §7.5.2: both lengths undefined, an element of no use inside the item.
    #[test]
    fn undefined_lengths_are_read() {
        let bytes = b"\x08\0\x95\x11\x06\0\0\x002.25.9\
            \x08\0\x99\x11\xFF\xFF\xFF\xFF\
            \xFE\xFF\0\xE0\xFF\xFF\xFF\xFF\
            \x08\0\x50\x11\x04\0\0\x001.2\0\
            \x08\0\x55\x11\x04\0\0\x001.3\0\
            \x88\0\x30\x01\x02\0\0\0AB\
            \xFE\xFF\x0D\xE0\0\0\0\0\
            \xFE\xFF\xDD\xE0\0\0\0\0";
        let request = CommitmentRequest::decode(bytes).unwrap();
        assert_eq!(request.transaction, "2.25.9");
        assert_eq!(request.instances, [Reference { sop_class: "1.2".into(), sop_instance: "1.3".into() }]);
    }

    #[test]
    fn hostile_data_sets_are_refused() {
        for bad in [
            b"".as_slice(),
            b"\x08\0\x95\x11\xFF\xFF\xFF\x7F2.25.9".as_slice(),
            b"\x08\0\x95\x11\x06\0\0\x002.25.9\x08\0\x99\x11\xFF\xFF\xFF\xFF".as_slice(),
            b"\x08\0\x95\x11\x06\0\0\0../../".as_slice(),
            b"\x08\0\x95\x11\x06\0\0\x002.25.9\x08\0\x99\x11\x08\0\0\0\xFE\xFF\0\xE0\0\0\0\0".as_slice(),
        ] {
            assert_eq!(CommitmentRequest::decode(bad), None, "{bad:?}");
        }
    }
}
