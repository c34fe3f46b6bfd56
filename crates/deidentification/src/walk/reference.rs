//! A content item whose reference Table E.3.4-1 takes away becomes a text item with a dummy: it stays readable, and so do the items that
//! name others by their position.

use std::io::Write;

use dicom_core::{Tag, VR};

use super::{Done, Walk};
use crate::deidentify::{DeidentificationError, output};
use crate::dummy;
use crate::profile::RuleId;
use crate::table::Step;

const REFERENCED_SOP_SEQUENCE: Tag = Tag(0x0008, 0x1199);
const VALUE_TYPE: Tag = Tag(0x0040, 0xA040);
const TEXT_VALUE: Tag = Tag(0x0040, 0xA160);
/// Rule id of Table E.3.4-1.
const CONTENT_TABLE: RuleId = RuleId::Named("E.3.4-1");

impl<W: Write> Walk<'_, '_, W> {
    /// Whether the element of such an item was replaced.
    pub(super) fn take_reference(&mut self, tag: Tag) -> Result<bool, DeidentificationError> {
        if !self.level().is_some_and(|level| level.text_is_due) {
            return Ok(false);
        }
        match tag {
            REFERENCED_SOP_SEQUENCE => {
                self.count(tag, CONTENT_TABLE, Step::Remove);
                Ok(true)
            }
            VALUE_TYPE => {
                output(self.out.value(tag, VR::CS, b"TEXT"))?;
                self.count(tag, CONTENT_TABLE, Step::Replace);
                Ok(true)
            }
            _ => {
                self.dummy_text(Some(tag))?;
                Ok(false)
            }
        }
    }

    /// Writes the dummy when its place is before `next`, or at the end of the item.
    pub(super) fn dummy_text(&mut self, next: Option<Tag>) -> Done {
        let is_here = next.is_none_or(|next| next > TEXT_VALUE);
        let Some(level) = self.levels.last_mut().filter(|level| level.text_is_due && is_here) else {
            return Ok(());
        };
        level.text_is_due = false;
        output(self.out.value(TEXT_VALUE, VR::UT, dummy::value(VR::UT, b"")))?;
        self.count(TEXT_VALUE, CONTENT_TABLE, Step::Dummy);
        Ok(())
    }
}
