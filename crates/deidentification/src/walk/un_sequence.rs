//! Sequences stored as UN with a defined length (PS3.5 6.2.2): walked like any other, written back as UN.

use std::io::Write;

use dicom_core::{Tag, VR};
use dicom_stream::charset::{CharacterSet, CharacterSets};
use dicom_stream::{Encoding, Header, Lengths, Limits, Reader, Writer};

use super::pixels::Passing;
use super::{Done, Walk};
use crate::deidentify::output;
use crate::level::{Kind, Level};

/// Rule id of a UN value that should be a sequence and cannot be parsed.
const UN_SEQUENCE: &str = "un-sequence";

impl<W: Write> Walk<'_, '_, W> {
    /// A sequence stored as UN: implicit VR little endian whatever the data set is (PS3.5 6.2.2). What cannot be parsed is left out.
    pub(super) fn un_sequence(&mut self, tag: Tag, value: &[u8]) -> Done {
        let Ok(length) = u32::try_from(value.len()) else { return self.leave_out(tag, UN_SEQUENCE) };
        let head = Header::new(tag, VR::SQ, length, Encoding::ImplicitLittle);
        let bytes = [head.raw(), value].concat();
        let depth = self.context.limits.depth.saturating_sub(self.outer + self.levels.len());
        let mut reader = Reader::new(Encoding::ImplicitLittle, Limits { depth, ..self.context.limits });
        let (node, place) = self.here();
        let kind = self.level().map_or(Kind::Plain, |level| level.kind);
        // The content item around it says what its values are.
        let concept = self.level().map(|level| level.concept.clone()).unwrap_or_default();
        let value_type = self.level().map(|level| level.value_type.clone()).unwrap_or_default();
        let around = self.path();
        let mut inner = Walk {
            out: Writer::new(Vec::new(), Encoding::ImplicitLittle, Lengths::Undefined),
            context: &mut *self.context,
            levels: vec![Level { node, place, kind, concept, value_type, ..Level::default() }],
            outer: self.outer + self.levels.len(),
            around,
            own_written: usize::MAX,
            character_set: CharacterSets::inside(CharacterSet::clone(&self.character_set)),
            skipped: 0,
            skip_bulk: false,
            passing: Passing::default(),
            has_overlay_bits: false,
            masked: Vec::new(),
            entered: None,
            seen: Vec::new(),
            gone: Vec::new(),
            greatest: None,
        };
        let mut rest = bytes.as_slice();
        loop {
            match reader.next_token(&mut rest) {
                Ok(Some(token)) => inner.token(&token)?,
                Ok(None) => break,
                Err(_) => return self.leave_out(tag, UN_SEQUENCE),
            }
        }
        let written = inner.finish()?;
        let ends = head.raw().len();
        let content = written.get(ends..written.len().saturating_sub(ends));
        match (reader.finish(), content) {
            (Ok(()), Some(content)) => output(self.out.value(tag, VR::UN, content)),
            _ => self.leave_out(tag, UN_SEQUENCE),
        }
    }
}
