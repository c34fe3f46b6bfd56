//! What is done with one value once its rule is known.

use std::io::Write;

use dicom_core::{Tag, VR};
use dicom_stream::charset::separates_values;
use dicom_stream::text::shift_date;
use dicom_stream::{Header, Token};

use super::{Done, ENCAPSULATED_DOCUMENT_LENGTH, NO_NUMBER, WRONG_VR, Walk, has_samples, is_number, is_time};
use crate::deidentify::{DeidentificationError, output};
use crate::option::DeidentificationOption;
use crate::profile::{Rule, RuleId, Treatment};
use crate::table::{Action, Step};
use crate::text::encode;
use crate::text_clean::Cleaned;

const NUMBER_OF_FRAMES: Tag = Tag(0x0028, 0x0008);
const ICC_PROFILE: Tag = Tag(0x0028, 0x2000);
/// Rule id of texts in a colour profile.
const ICC_TEXT: RuleId = RuleId::Named("icc-text");

impl<W: Write> Walk<'_, '_, W> {
    pub(super) fn treat(&mut self, token: &Token<'_>, header: &Header, rule: Rule, value: &[u8]) -> Done {
        let tag = header.tag;
        let rule = if header.vr == VR::UN { undeclared(rule) } else { rule };
        match rule.treatment {
            Treatment::Action(action) => self.by_action(token, header, rule, action, value),
            Treatment::KeepUid if !is_number(value) => self.no_number(tag),
            Treatment::KeepUid => {
                for uid in value.split(|byte| *byte == b'\\') {
                    self.context.source.retained_uid(&String::from_utf8_lossy(crate::dummy::trimmed(uid)));
                }
                self.keep(token, header, rule)
            }
            Treatment::Text | Treatment::Term => self.text(token, header, rule, value),
            Treatment::Date => self.date(token, header, rule, value),
            Treatment::Age => self.age(token, header, rule, value),
            Treatment::CleanItems | Treatment::Content if header.vr == VR::UN => {
                self.did(rule);
                self.un_sequence(tag, value)
            }
            Treatment::CleanItems | Treatment::Content => self.leave_out(tag, WRONG_VR),
        }
    }

    fn by_action(
        &mut self,
        token: &Token<'_>,
        header: &Header,
        rule: Rule,
        action: Action,
        value: &[u8],
    ) -> Done {
        let tag = header.tag;
        let (rule, step) = self.decide(tag, rule, action);
        if step != Step::Keep {
            return self.change(header, rule, step, value);
        }
        match rule.vr {
            VR::SQ if header.vr == VR::UN => {
                self.did(rule);
                self.un_sequence(tag, value)
            }
            VR::SQ => self.leave_out(tag, WRONG_VR),
            VR::IS if tag == NUMBER_OF_FRAMES && !is_plain_number(value) => self.no_number(tag),
            _ if !may_hold(rule.vr, value) || !may_hold(header.vr, value) => self.no_number(tag),
            _ if !is_binary(rule.vr, header.vr, value.len()) => self.no_number(tag),
            _ if tag == ICC_PROFILE => match pixel::icc::without_texts(value) {
                Ok(cleaned) if cleaned == value => self.keep(token, header, rule),
                Ok(cleaned) => {
                    self.write(tag, Rule { id: ICC_TEXT, vr: VR::OB, ..rule }, Step::Replace, &cleaned)
                }
                Err(_) => self.leave_out(tag, "icc-text"),
            },
            VR::UL if tag == ENCAPSULATED_DOCUMENT_LENGTH => match self.context.document_length {
                Some(length) => {
                    let bytes = self.out.encoding().u32_bytes(length);
                    output(self.out.value(tag, VR::UL, &bytes))
                }
                None => self.keep(token, header, rule),
            },
            _ => self.keep(token, header, rule),
        }
    }

    /// Letters where the standard has a number: nobody knows what they say. Frames cannot be told apart without their number.
    pub(super) fn no_number(&mut self, tag: Tag) -> Done {
        if tag == NUMBER_OF_FRAMES && self.is_root() {
            return Err(DeidentificationError::NoNumber(tag));
        }
        self.leave_out(tag, NO_NUMBER)
    }

    /// The Basic action, where the treatment can do nothing with the value.
    pub(super) fn fall_back(&mut self, token: &Token<'_>, header: &Header, rule: Rule, value: &[u8]) -> Done {
        let rule = rule.fallen_back();
        match rule.treatment {
            Treatment::Action(action) => self.by_action(token, header, rule, action, value),
            _ => self.leave_out(header.tag, WRONG_VR),
        }
    }

    /// Text in the object's character set, each value by itself.
    fn text(&mut self, token: &Token<'_>, header: &Header, rule: Rule, value: &[u8]) -> Done {
        let vr = if rule.vr == VR::UN { header.vr } else { rule.vr };
        let decoded = self.character_set.decode(vr, value);
        let parts: Vec<&str> =
            if separates_values(vr) { decoded.split('\\').collect() } else { vec![decoded.as_ref()] };
        let (mut changed, mut kept) = (false, Vec::with_capacity(parts.len()));
        for part in parts {
            let cleaned = match rule.treatment {
                Treatment::Text => self.context.cleaner.keep_known(part),
                _ => self.context.cleaner.without_identity(part, vr == VR::PN),
            };
            match cleaned {
                Cleaned::Unchanged => kept.push(part.to_owned()),
                Cleaned::Cut { text, .. } if vr != VR::CS && vr != VR::AE => {
                    changed = true;
                    kept.push(text);
                }
                // A code string or title with a part cut out is another one.
                Cleaned::Cut { .. } | Cleaned::Nothing => {
                    changed = true;
                    kept.push(String::new());
                }
            }
        }
        if !changed {
            return self.keep(token, header, rule);
        }
        if kept.iter().all(|part| part.trim().is_empty()) {
            return self.fall_back(token, header, rule, value);
        }
        let values: Vec<Vec<u8>> = kept.iter().map(|part| encode(&self.character_set, vr, part)).collect();
        let step = if rule.treatment == Treatment::Text { Step::CleanText } else { Step::CleanTerm };
        self.write(header.tag, rule, step, &values.join(&b'\\'))
    }

    /// Every date of the value moved by the same days; times, offsets and padding as received.
    fn date(&mut self, token: &Token<'_>, header: &Header, rule: Rule, value: &[u8]) -> Done {
        if crate::dummy::trimmed(value).is_empty() {
            return self.keep(token, header, rule);
        }
        let source = self.context.source;
        let moved = source.shift_days().and_then(|days| {
            let dates = value.split(|byte| *byte == b'\\').map(|date| {
                if crate::dummy::trimmed(date).is_empty() {
                    Some(date.to_vec())
                } else {
                    shift_date(date, days)
                }
            });
            dates.collect::<Option<Vec<_>>>()
        });
        let Some(moved) = moved else { return self.fall_back(token, header, rule, value) };
        for date in &moved {
            source.shifted(date);
        }
        self.write(header.tag, rule, Step::Shift, &moved.join(&b'\\'))
    }

    pub(super) fn write(&mut self, tag: Tag, rule: Rule, step: Step, value: &[u8]) -> Done {
        output(self.out.value(tag, rule.vr, value))?;
        self.did(rule);
        self.count(tag, rule.id, step);
        Ok(())
    }
}

/// Digits and padding: readers differ about anything else.
fn is_plain_number(value: &[u8]) -> bool {
    crate::dummy::trimmed(value).iter().all(u8::is_ascii_digit)
}

/// Whether a VR of numbers or times can have this value. The VR as received counts too: whoever reads the output goes by it.
fn may_hold(vr: VR, value: &[u8]) -> bool {
    match vr {
        VR::DS | VR::IS | VR::UI => is_number(value),
        VR::AS | VR::DA | VR::DT | VR::TM => is_time(value),
        _ => true,
    }
}

/// Whether a value that is kept is binary where the standard has a binary number, or samples: a text VR there, or half a number, holds
/// what somebody wrote. `known` is the VR of the standard or of the list of private elements.
fn is_binary(known: VR, received: VR, length: usize) -> bool {
    let size = |vr| match vr {
        VR::US | VR::SS => Some(2),
        VR::AT | VR::FL | VR::SL | VR::UL => Some(4),
        VR::FD | VR::SV | VR::UV => Some(8),
        _ => None,
    };
    let is_whole = |vr| size(vr).is_none_or(|size| length.is_multiple_of(size));
    let is_text = received != VR::UN && !has_samples(received);
    let is_text_known = matches!(known, VR::DS | VR::IS) || !has_samples(known);
    let is_any = length == 0 || is_text_known;
    is_any || !is_text && is_whole(received) && (size(received).is_some() || is_whole(known))
}

/// The rule for a value stored as UN: an option retains what the equipment declared it to be, so the Basic action holds for it.
fn undeclared(rule: Rule) -> Rule {
    let is_retained =
        matches!(rule.treatment, Treatment::Action(Action::K) | Treatment::KeepUid | Treatment::Term);
    let is_public = rule.vr != VR::SQ && rule.option() != Some(DeidentificationOption::RetainSafePrivate);
    // Nothing of what is done then is the option's.
    let basic = Rule { id: RuleId::Table, ..rule.fallen_back() };
    if is_retained && is_public && rule.option().is_some() { basic } else { rule }
}
