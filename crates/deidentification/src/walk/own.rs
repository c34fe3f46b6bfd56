//! The elements that the de-identifier writes itself, at their place in the main data set.

use std::io::Write;

use dicom_core::{Tag, VR};

use super::{Done, OWN, Walk};
use crate::deidentify::{DeidentificationError, output};
use crate::dummy;
use crate::option::BASIC_PROFILE_CODE;
use crate::profile::RuleId;
use crate::report::Place;
use crate::table::Step;
use crate::text::encode;
use crate::text_clean::Cleaned;
use crate::trial::Own;

impl<W: Write> Walk<'_, '_, W> {
    /// Writes our own elements that stand before `tag`, and the one that stands at it; `true` when it takes the original's place.
    pub(super) fn take_own(&mut self, tag: Tag, original: &[u8]) -> Result<bool, DeidentificationError> {
        self.write_own_before(Some(tag))?;
        let Ok(row) = self.context.own.binary_search_by_key(&tag, |(own, _)| *own) else { return Ok(false) };
        if row == self.own_written {
            // Whether it is missing shows once the profile has done its work.
            if self.may_add(tag) {
                return Ok(false);
            }
            self.own_written += 1;
            self.write_own(row, original)?;
        }
        Ok(true)
    }

    /// Whether a rule adds this element where it is missing.
    pub(super) fn may_add(&self, tag: Tag) -> bool {
        let row = self.context.own.binary_search_by_key(&tag, |(own, _)| *own).ok();
        let own = row.and_then(|row| self.context.own.get(row));
        matches!(own, Some((_, Own::Added { overwrite: false, .. })))
    }

    pub(super) fn write_own_before(&mut self, tag: Option<Tag>) -> Done {
        while let Some((own, _)) = self.context.own.get(self.own_written)
            && tag.is_none_or(|tag| *own < tag)
        {
            let row = self.own_written;
            self.own_written += 1;
            self.write_own(row, b"")?;
        }
        Ok(())
    }

    fn write_own(&mut self, row: usize, original: &[u8]) -> Done {
        let Some((tag, own)) = self.context.own.get(row).cloned() else { return Ok(()) };
        match &own {
            Own::Added { vr, text, overwrite, rule } => {
                return self.add(tag, *vr, text, *overwrite, RuleId::Project(*rule));
            }
            Own::Text(vr, text) => output(self.out.value(tag, *vr, &encode(&self.character_set, *vr, text)))?,
            Own::Short(number) => {
                let bytes = self.out.encoding().u16_bytes(*number);
                output(self.out.value(tag, VR::US, &bytes))?;
            }
            Own::AppendText(text) => {
                let before = self.method_before(original);
                let before = before.as_slice();
                let separator: &[u8] = if before.is_empty() { b"" } else { b"\\" };
                output(self.out.value(tag, VR::LO, &[before, separator, text.as_bytes()].concat()))?;
            }
            Own::AppendMethodCodes => {
                output(self.out.start_sequence(tag))?;
                self.write_method_codes()?;
                output(self.out.end_sequence())?;
            }
            Own::Consent(consent, protocol) => {
                output(self.out.start_sequence(tag))?;
                output(self.out.start_item())?;
                for (tag, vr, text) in consent.elements(protocol) {
                    output(self.out.value(tag, vr, &encode(&self.character_set, vr, &text)))?;
                }
                output(self.out.end_item())?;
                output(self.out.end_sequence())?;
            }
        }
        self.context.tally.change(Place::ROOT, tag, OWN, Step::Replace);
        Ok(())
    }

    /// An element that a rule adds, unless it may not take the place of what was left.
    fn add(&mut self, tag: Tag, vr: VR, text: &str, overwrite: bool, rule: RuleId) -> Done {
        let is_new = !self.seen.contains(&tag);
        if !is_new && !overwrite && !self.gone.contains(&tag) {
            return Ok(());
        }
        output(self.out.value(tag, vr, &encode(&self.character_set, vr, text)))?;
        let step = if is_new { Step::Add } else { Step::Replace };
        self.context.tally.change(Place::ROOT, tag, rule, step);
        Ok(())
    }

    /// The methods that were there, without what identifies: a sender may have written anything.
    fn method_before(&self, original: &[u8]) -> Vec<u8> {
        let text = self.character_set.decode(VR::LO, dummy::trimmed(original));
        let cleaned =
            text.split('\\').filter_map(|value| match self.context.cleaner.without_identity(value, false) {
                Cleaned::Unchanged => Some(value.to_owned()),
                Cleaned::Cut { text, .. } => Some(text),
                Cleaned::Nothing => None,
            });
        let values: Vec<Vec<u8>> = cleaned.map(|value| encode(&self.character_set, VR::LO, &value)).collect();
        values.join(&b'\\')
    }

    pub(super) fn write_method_codes(&mut self) -> Done {
        let meaning = "Basic Application Confidentiality Profile";
        output(dummy::write_code(&mut self.out, BASIC_PROFILE_CODE, "DCM", meaning))?;
        for option in self.context.applied.iter() {
            output(dummy::write_code(&mut self.out, option.code(), "DCM", option.meaning()))?;
        }
        Ok(())
    }
}
