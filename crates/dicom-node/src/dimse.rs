//! DIMSE command sets: PS3.7 §6.3 and Annex E. Implicit VR little endian, group 0000 only.

use crate::status::Status;

/// Longest command set that is accepted, in bytes. Real ones have some hundred.
pub(crate) const MAX_COMMAND: usize = 64 * 1024;

/// Values of Command Field (0000,0100), PS3.7 Table E.1-1.
pub(crate) mod field {
    pub(crate) const C_STORE_RQ: u16 = 0x0001;
    pub(crate) const C_GET_RQ: u16 = 0x0010;
    pub(crate) const C_FIND_RQ: u16 = 0x0020;
    pub(crate) const C_MOVE_RQ: u16 = 0x0021;
    pub(crate) const C_ECHO_RQ: u16 = 0x0030;
    pub(crate) const N_EVENT_REPORT_RQ: u16 = 0x0100;
    pub(crate) const N_ACTION_RQ: u16 = 0x0130;
    pub(crate) const C_CANCEL_RQ: u16 = 0x0FFF;
    /// Bit that makes a response out of a request.
    pub(crate) const RESPONSE: u16 = 0x8000;
}

/// Element numbers of group 0000, PS3.7 Table E.1-1.
pub(crate) mod element {
    pub(crate) const AFFECTED_SOP_CLASS: u16 = 0x0002;
    pub(crate) const REQUESTED_SOP_CLASS: u16 = 0x0003;
    pub(crate) const COMMAND_FIELD: u16 = 0x0100;
    pub(crate) const MESSAGE_ID: u16 = 0x0110;
    pub(crate) const RESPONDED_TO: u16 = 0x0120;
    pub(crate) const MOVE_DESTINATION: u16 = 0x0600;
    pub(crate) const PRIORITY: u16 = 0x0700;
    pub(crate) const DATA_SET_TYPE: u16 = 0x0800;
    pub(crate) const STATUS: u16 = 0x0900;
    pub(crate) const ERROR_COMMENT: u16 = 0x0902;
    pub(crate) const AFFECTED_SOP_INSTANCE: u16 = 0x1000;
    pub(crate) const REQUESTED_SOP_INSTANCE: u16 = 0x1001;
    pub(crate) const EVENT_TYPE: u16 = 0x1002;
    pub(crate) const ACTION_TYPE: u16 = 0x1008;
    pub(crate) const REMAINING: u16 = 0x1020;
    pub(crate) const COMPLETED: u16 = 0x1021;
    pub(crate) const FAILED: u16 = 0x1022;
    pub(crate) const WARNING: u16 = 0x1023;
    pub(crate) const ORIGINATOR_TITLE: u16 = 0x1030;
    pub(crate) const ORIGINATOR_MESSAGE_ID: u16 = 0x1031;
}

/// Command Data Set Type of a message without data set; every other value announces one (PS3.7 §6.3.1).
const NO_DATA_SET: u16 = 0x0101;

/// A command set: elements of group 0000 in ascending order.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Command {
    elements: Vec<(u16, Vec<u8>)>,
}

impl Command {
    /// A request or response without data set; [`with_data`](Self::with_data) changes that.
    pub(crate) fn new(command_field: u16) -> Self {
        Self::default()
            .number(element::COMMAND_FIELD, command_field)
            .number(element::DATA_SET_TYPE, NO_DATA_SET)
    }

    /// The response to `request`: same message, SOP class and instance, with `status`.
    pub(crate) fn response(request: &Self, status: u16) -> Self {
        let mut response = Self::new(request.command_field() | field::RESPONSE)
            .number(element::RESPONDED_TO, request.message_id())
            .number(element::STATUS, status);
        for (affected, requested) in [
            (element::AFFECTED_SOP_CLASS, element::REQUESTED_SOP_CLASS),
            (element::AFFECTED_SOP_INSTANCE, element::REQUESTED_SOP_INSTANCE),
        ] {
            if let Some(value) = request.value(affected).or_else(|| request.value(requested)) {
                response.set(affected, value.to_vec());
            }
        }
        response
    }

    /// The same, announcing a data set.
    pub(crate) fn with_data(self) -> Self {
        self.number(element::DATA_SET_TYPE, 0x0001)
    }

    /// The same, with a US element.
    pub(crate) fn number(mut self, element: u16, value: u16) -> Self {
        self.set(element, value.to_le_bytes().to_vec());
        self
    }

    /// The same, with a UI element, padded by NUL to even length.
    pub(crate) fn uid(mut self, element: u16, value: &str) -> Self {
        self.set(element, padded(value, 0));
        self
    }

    /// The same, with an AE or LO element, padded by a space to even length.
    pub(crate) fn text(mut self, element: u16, value: &str) -> Self {
        self.set(element, padded(value, b' '));
        self
    }

    fn set(&mut self, element: u16, value: Vec<u8>) {
        match self.elements.binary_search_by_key(&element, |(e, _)| *e) {
            Ok(at) => {
                if let Some(slot) = self.elements.get_mut(at) {
                    slot.1 = value;
                }
            }
            Err(at) => self.elements.insert(at, (element, value)),
        }
    }

    fn value(&self, element: u16) -> Option<&[u8]> {
        let at = self.elements.binary_search_by_key(&element, |(e, _)| *e).ok()?;
        self.elements.get(at).map(|(_, value)| value.as_slice())
    }

    /// The first value of a US element.
    pub(crate) fn get_number(&self, element: u16) -> Option<u16> {
        self.value(element)?.first_chunk().map(|bytes| u16::from_le_bytes(*bytes))
    }

    /// A UI, AE or LO element without padding; empty if absent or not ASCII.
    pub(crate) fn get_text(&self, element: u16) -> &str {
        let value = self.value(element).unwrap_or_default();
        std::str::from_utf8(value).unwrap_or_default().trim_matches(['\0', ' '])
    }

    /// Command Field (0000,0100); 0 if absent, which is no command.
    pub(crate) fn command_field(&self) -> u16 {
        self.get_number(element::COMMAND_FIELD).unwrap_or(0)
    }

    /// Message ID (0000,0110); 0 if absent.
    pub(crate) fn message_id(&self) -> u16 {
        self.get_number(element::MESSAGE_ID).unwrap_or(0)
    }

    /// Status (0000,0900); a response without one counts as a processing failure.
    pub(crate) fn status(&self) -> Status {
        self.get_number(element::STATUS).map_or(Status::PROCESSING_FAILURE, Status)
    }

    /// Whether a data set follows.
    pub(crate) fn has_data(&self) -> bool {
        self.get_number(element::DATA_SET_TYPE).unwrap_or(NO_DATA_SET) != NO_DATA_SET
    }

    /// The bytes of the command set, with its group length (0000,0000).
    pub(crate) fn encode(&self) -> Vec<u8> {
        let length: usize = self.elements.iter().map(|(_, value)| 8 + value.len()).sum();
        let mut out = Vec::with_capacity(length + 12);
        let mut push = |element: u16, value: &[u8]| {
            out.extend_from_slice(&[0, 0]);
            out.extend_from_slice(&element.to_le_bytes());
            out.extend_from_slice(&(value.len() as u32).to_le_bytes());
            out.extend_from_slice(value);
        };
        push(0, &(length as u32).to_le_bytes());
        for (element, value) in &self.elements {
            push(*element, value);
        }
        out
    }

    /// Reads a command set. The group length and the order of elements are not relied on.
    ///
    /// # Errors
    /// A description, when an element runs beyond the end, there is no Command Field, or an element of a request is of another group.
    /// (Orthanc puts the Failed SOP Instance UID List, (0008,0058), into the command set of a C-GET-RSP.)
    pub(crate) fn decode(mut bytes: &[u8]) -> Result<Self, &'static str> {
        const RESPONSE: u16 = 0x8000;
        let mut command = Self::default();
        let mut foreign = false;
        while !bytes.is_empty() {
            let Some(([g0, g1, e0, e1, l0, l1, l2, l3], rest)) = bytes.split_first_chunk() else {
                return Err("command set ends inside an element");
            };
            let length = u32::from_le_bytes([*l0, *l1, *l2, *l3]) as usize;
            let Some((value, rest)) = rest.split_at_checked(length) else {
                return Err("command set with an element beyond its end");
            };
            let element = u16::from_le_bytes([*e0, *e1]);
            if [*g0, *g1] != [0, 0] {
                foreign = true;
            } else if element != 0 {
                command.set(element, value.to_vec());
            }
            bytes = rest;
        }
        match command.get_number(element::COMMAND_FIELD) {
            None => Err("command set without Command Field"),
            Some(field) if foreign && field & RESPONSE == 0 => {
                Err("command set with an element that is not of group 0000")
            }
            Some(_) => Ok(command),
        }
    }
}

fn padded(value: &str, pad: u8) -> Vec<u8> {
    let mut bytes = value.as_bytes().to_vec();
    if bytes.len() % 2 == 1 {
        bytes.push(pad);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// C-ECHO-RQ, message 1, as pynetdicom 3.0.4 encodes it.
    const ECHO_RQ: &[u8] = b"\0\0\0\0\x04\0\0\0\x38\0\0\0\
        \0\0\x02\0\x12\0\0\x001.2.840.10008.1.1\0\
        \0\0\0\x01\x02\0\0\0\x30\0\
        \0\0\x10\x01\x02\0\0\0\x01\0\
        \0\0\0\x08\x02\0\0\0\x01\x01";

    #[test]
    fn a_command_as_another_implementation_writes_it() {
        let command = Command::decode(ECHO_RQ).unwrap();
        assert_eq!(command.command_field(), field::C_ECHO_RQ);
        assert_eq!(command.message_id(), 1);
        assert!(!command.has_data());
        assert_eq!(command.get_text(element::AFFECTED_SOP_CLASS), "1.2.840.10008.1.1");
        assert_eq!(command.encode(), ECHO_RQ);
    }

    #[test]
    fn the_response_answers_the_request() {
        let request = Command::new(field::N_ACTION_RQ)
            .uid(element::REQUESTED_SOP_CLASS, "1.2.840.10008.1.20.1")
            .uid(element::REQUESTED_SOP_INSTANCE, "1.2.840.10008.1.20.1.1")
            .number(element::MESSAGE_ID, 7);
        let response = Command::response(&request, 0x0122);
        assert_eq!(response.command_field(), 0x8130);
        assert_eq!(response.get_number(element::RESPONDED_TO), Some(7));
        assert_eq!(response.get_number(element::STATUS), Some(0x0122));
        assert_eq!(response.get_text(element::AFFECTED_SOP_CLASS), "1.2.840.10008.1.20.1");
        assert_eq!(response.get_text(element::AFFECTED_SOP_INSTANCE), "1.2.840.10008.1.20.1.1");
    }

    #[test]
    fn hostile_command_sets_are_refused() {
        for bad in [
            b"".as_slice(),
            b"\0\0\0\x01\x02\0\0".as_slice(),
            b"\0\0\0\x01\xFF\xFF\xFF\xFF\x30\0".as_slice(),
            b"\x08\0\0\x01\x02\0\0\0\x30\0".as_slice(),
            b"\0\0\x10\x01\x02\0\0\0\x01\0".as_slice(),
            b"\0\0\0\x01\x01\0\0\0\x30".as_slice(),
        ] {
            assert!(Command::decode(bad).is_err(), "{bad:?}");
        }
    }
}
