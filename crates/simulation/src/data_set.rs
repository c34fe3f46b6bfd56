//! A small data set in memory: built element by element, written, and read back without its bulk.

use std::collections::BTreeMap;
use std::fmt;

use dicom_dictionary_std::tags;
use dicom_stream::charset::CharacterSet;
use dicom_stream::{
    Encoding, Lengths, Limits, Tag, Token, TokenSource, TransferSyntax, VR, Writer, dictionary_vr,
};

use crate::error::SimulationError;

/// Elements in the order of their tags. The VR is that of PS3.6 unless it is named. It may hold identities: `Debug` shows none.
#[derive(Clone, Default, PartialEq)]
pub struct DataSet(BTreeMap<Tag, Value>);

#[derive(Clone, PartialEq)]
enum Value {
    Text(VR, String),
    Bytes(VR, Vec<u8>),
    Items(Vec<DataSet>),
}

impl fmt::Debug for DataSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} elements", self.0.len())
    }
}

impl DataSet {
    /// With a text, in the Specific Character Set of the data set; several values are divided by backslashes.
    #[must_use]
    pub fn put(mut self, tag: Tag, text: impl Into<String>) -> Self {
        self.set(tag, text);
        self
    }

    /// Sets a text, as [`put`](Self::put).
    pub fn set(&mut self, tag: Tag, text: impl Into<String>) {
        self.0.insert(tag, Value::Text(dictionary_vr(tag), text.into()));
    }

    /// With 16-bit numbers (US).
    #[must_use]
    pub fn numbers<const N: usize>(self, tag: Tag, values: [u16; N]) -> Self {
        self.bytes(tag, VR::US, values.iter().flat_map(|value| value.to_le_bytes()).collect())
    }

    /// With 32-bit numbers (UL).
    #[must_use]
    pub fn longs<const N: usize>(self, tag: Tag, values: [u32; N]) -> Self {
        self.bytes(tag, VR::UL, values.iter().flat_map(|value| value.to_le_bytes()).collect())
    }

    /// With a tag as value (AT).
    #[must_use]
    pub fn pointer(self, tag: Tag, to: Tag) -> Self {
        let parts = [to.group(), to.element()];
        self.bytes(tag, VR::AT, parts.iter().flat_map(|part| part.to_le_bytes()).collect())
    }

    /// With a value of bytes in little endian.
    #[must_use]
    pub fn bytes(mut self, tag: Tag, vr: VR, value: Vec<u8>) -> Self {
        self.0.insert(tag, Value::Bytes(vr, value));
        self
    }

    /// With a sequence.
    #[must_use]
    pub fn items(mut self, tag: Tag, items: impl IntoIterator<Item = Self>) -> Self {
        self.0.insert(tag, Value::Items(items.into_iter().collect()));
        self
    }

    /// With a sequence of one coded entry (PS3.3 §8): value, scheme, meaning.
    #[must_use]
    pub fn code(self, tag: Tag, code: Code) -> Self {
        self.items(tag, [code.item()])
    }

    /// With those of these elements that `from` has.
    #[must_use]
    pub fn copy(mut self, from: &Self, wanted: impl Fn(Tag) -> bool) -> Self {
        self.0
            .extend(from.0.iter().filter(|(tag, _)| wanted(**tag)).map(|(tag, value)| (*tag, value.clone())));
        self
    }

    /// Whether there is such an element.
    pub fn has(&self, tag: Tag) -> bool {
        self.0.contains_key(&tag)
    }

    /// The tags of the data set.
    pub fn tags(&self) -> impl Iterator<Item = Tag> {
        self.0.keys().copied()
    }

    /// VR of an element.
    pub fn vr(&self, tag: Tag) -> Option<VR> {
        self.0.get(&tag).map(|value| match value {
            Value::Text(vr, _) | Value::Bytes(vr, _) => *vr,
            Value::Items(_) => VR::SQ,
        })
    }

    /// The text of an element without padding; empty when it is absent.
    pub fn text(&self, tag: Tag) -> String {
        let text = match self.0.get(&tag) {
            Some(Value::Text(_, text)) => text.clone(),
            Some(Value::Bytes(vr, bytes)) => self.character_set().decode(*vr, bytes).into_owned(),
            Some(Value::Items(_)) | None => String::new(),
        };
        text.trim_matches([' ', '\0']).to_owned()
    }

    /// The first 16-bit number of an element.
    pub fn number(&self, tag: Tag) -> Option<u16> {
        match self.0.get(&tag)? {
            Value::Bytes(_, bytes) => bytes.first_chunk().map(|bytes| u16::from_le_bytes(*bytes)),
            _ => None,
        }
    }

    /// The items of a sequence; none when it is absent.
    pub fn items_of(&self, tag: Tag) -> &[Self] {
        match self.0.get(&tag) {
            Some(Value::Items(items)) => items,
            _ => &[],
        }
    }

    /// The character set that is declared.
    pub fn character_set(&self) -> CharacterSet {
        let declared = match self.0.get(&tags::SPECIFIC_CHARACTER_SET) {
            Some(Value::Text(_, text)) => text.as_bytes(),
            Some(Value::Bytes(_, bytes)) => bytes,
            _ => &[],
        };
        CharacterSet::parse(declared).0
    }

    /// The bytes of the data set in a little endian encoding.
    ///
    /// # Errors
    /// [`SimulationError::Encode`] when a text does not fit the character set.
    pub fn encode(&self, encoding: Encoding) -> Result<Vec<u8>, SimulationError> {
        let mut writer = Writer::new(Vec::new(), encoding, Lengths::AsReceived);
        self.write(&mut writer, &self.character_set())?;
        writer.finish().map_err(|_| SimulationError::Unreadable)
    }

    fn write(
        &self,
        writer: &mut Writer<Vec<u8>>,
        character_set: &CharacterSet,
    ) -> Result<(), SimulationError> {
        for (&tag, value) in &self.0 {
            let failed = |_| SimulationError::Encode(tag);
            match value {
                Value::Text(vr, text) => {
                    let bytes = character_set.encode(*vr, text).map_err(|_| SimulationError::Encode(tag))?;
                    writer.value(tag, *vr, &bytes).map_err(failed)?;
                }
                Value::Bytes(vr, bytes) => writer.value(tag, *vr, bytes).map_err(failed)?,
                Value::Items(items) => {
                    writer.start_sequence(tag).map_err(failed)?;
                    for item in items {
                        writer.start_item().map_err(failed)?;
                        item.write(writer, character_set)?;
                        writer.end_item().map_err(failed)?;
                    }
                    writer.end_sequence().map_err(failed)?;
                }
            }
        }
        Ok(())
    }

    /// Reads a data set; values of bulk (pixel data, what is longer than 64 KiB) are passed over.
    ///
    /// # Errors
    /// [`SimulationError::Unreadable`] when it is no data set, or big endian.
    pub fn read(bytes: &[u8], syntax: &TransferSyntax) -> Result<Self, SimulationError> {
        if syntax.encoding == Encoding::ExplicitBig {
            return Err(SimulationError::Unreadable);
        }
        let mut source = TokenSource::new(bytes, syntax, Limits::INSTANCE, Some(bytes.len() as u64));
        let mut open = Self::default();
        let mut outer: Vec<Open> = Vec::new();
        while let Some(token) = source.next_token().map_err(|_| SimulationError::Unreadable)? {
            match token {
                Token::Value { header, value } => {
                    let vr = if header.vr == VR::UN { dictionary_vr(header.tag) } else { header.vr };
                    open.0.insert(header.tag, Value::Bytes(vr, value.to_vec()));
                }
                Token::SequenceStart { header } => {
                    outer.push(Open {
                        tag: header.tag,
                        around: std::mem::take(&mut open),
                        items: Vec::new(),
                    });
                }
                Token::ItemEnd { .. } => {
                    if let Some(sequence) = outer.last_mut() {
                        sequence.items.push(std::mem::take(&mut open));
                    }
                }
                Token::SequenceEnd { .. } => {
                    if let Some(Open { tag, around, items }) = outer.pop() {
                        open = around.items(tag, items);
                    }
                }
                _ => {}
            }
        }
        Ok(open)
    }
}

/// A sequence that is being read, and the data set around it.
struct Open {
    tag: Tag,
    around: DataSet,
    items: Vec<DataSet>,
}

/// A coded entry (PS3.3 §8): Code Value, Coding Scheme Designator, Code Meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code(pub &'static str, pub &'static str, pub &'static str);

impl Code {
    /// The item of a code sequence.
    pub fn item(self) -> DataSet {
        DataSet::default()
            .put(tags::CODE_VALUE, self.0)
            .put(tags::CODING_SCHEME_DESIGNATOR, self.1)
            .put(tags::CODE_MEANING, self.2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_in_both_encodings() {
        let item = DataSet::default().put(tags::CODE_VALUE, "1").items(
            tags::REFERENCED_SERIES_SEQUENCE,
            [DataSet::default().put(tags::SERIES_INSTANCE_UID, "1.2.3")],
        );
        let set = DataSet::default()
            .put(tags::SPECIFIC_CHARACTER_SET, "\\ISO 2022 IR 87")
            .put(tags::PATIENT_NAME, "Yamada^Tarou=山田^太郎=やまだ^たろう")
            .numbers(tags::ROWS, [64])
            .items(tags::PROCEDURE_CODE_SEQUENCE, [item.clone(), item]);
        for syntax in [&TransferSyntax::EXPLICIT_LITTLE, &TransferSyntax::IMPLICIT_LITTLE] {
            let bytes = set.encode(syntax.encoding).unwrap();
            let read = DataSet::read(&bytes, syntax).unwrap();
            assert_eq!(read.text(tags::PATIENT_NAME), "Yamada^Tarou=山田^太郎=やまだ^たろう");
            assert_eq!(read.number(tags::ROWS), Some(64));
            let items = read.items_of(tags::PROCEDURE_CODE_SEQUENCE);
            assert_eq!(items.len(), 2);
            assert_eq!(
                items[1].items_of(tags::REFERENCED_SERIES_SEQUENCE)[0].text(tags::SERIES_INSTANCE_UID),
                "1.2.3"
            );
            assert_eq!(read.encode(syntax.encoding).unwrap(), bytes);
        }
    }

    #[test]
    fn what_does_not_fit_the_character_set_is_named_by_its_tag_only() {
        let error =
            DataSet::default().put(tags::PATIENT_NAME, "é").encode(Encoding::ExplicitLittle).unwrap_err();
        assert_eq!(error.to_string(), "(0010,0010) cannot be encoded");
    }
}
