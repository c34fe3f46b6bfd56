//! The rules of the profile's author, before the profile's own.

use std::collections::HashMap;
use std::io::Write;

use dicom_core::{Tag, VR};
use dicom_stream::{Header, Token};

use super::{Done, Walk};
use crate::profile::{CompiledProfile, Rewritten, Rule, RuleId, Treatment};
use crate::survey::Survey;
use crate::table::{Action, Step};
use crate::text::encode;

/// The rules that can hold for one object.
pub(crate) struct ActiveRules<'a> {
    profile: &'a CompiledProfile,
    numbers: Vec<u16>,
    /// By public tag: which of them are about it.
    of_tag: HashMap<Tag, Vec<u16>>,
}

impl<'a> ActiveRules<'a> {
    pub(crate) fn new(profile: &'a CompiledProfile, sop_class: &str, survey: &Survey) -> Self {
        let numbers = profile.project_rules.of_object(sop_class, survey.modality(), survey.labels());
        Self { profile, numbers, of_tag: HashMap::new() }
    }

    fn about(&mut self, tag: Tag, vr: VR) -> Vec<u16> {
        let (profile, numbers) = (self.profile, &self.numbers);
        let of_tag = self.of_tag.entry(tag).or_insert_with(|| {
            let about = |number: &&u16| profile.project_rules.is_about(**number, tag, vr, None);
            numbers.iter().filter(about).copied().collect()
        });
        of_tag.clone()
    }
}

impl<W: Write> Walk<'_, '_, W> {
    /// Lets the first rule act that is about this value; `true` when one did.
    pub(super) fn project(
        &mut self,
        header: &Header,
        rule: Rule,
        value: &[u8],
    ) -> Result<bool, super::DeidentificationError> {
        if self.context.project_rules.numbers.is_empty() {
            return Ok(false);
        }
        let vr = if rule.vr == VR::UN { header.vr } else { rule.vr };
        for number in self.context.project_rules.about(header.tag, vr) {
            let text = self.character_set.decode(vr, value);
            let text = text.trim_end_matches([' ', '\0']);
            let rewritten =
                self.context.profile.project_rules.apply(number, &rule, text, self.context.source);
            if let Some(rewritten) = rewritten {
                let by = Rule { id: RuleId::Project(number + 1), vr, ..rule };
                self.rewrite(header, by, rewritten, value)?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn rewrite(&mut self, header: &Header, rule: Rule, rewritten: Rewritten, value: &[u8]) -> Done {
        let tag = header.tag;
        match rewritten {
            Rewritten::Removed => self.change(header, rule, Step::Remove, value),
            Rewritten::Emptied => self.change(header, rule, Step::Empty, value),
            Rewritten::Dummy => self.change(header, rule, Step::Dummy, value),
            Rewritten::Text(text) => {
                let bytes = encode(&self.character_set, rule.vr, &text);
                self.write(tag, rule, Step::Replace, &bytes)
            }
            Rewritten::AsProfile => {
                let rule = self.rule(tag);
                self.treat(&Token::Value { header: *header, value }, header, rule, value)
            }
            Rewritten::Then(text) => {
                let bytes = encode(&self.character_set, rule.vr, &text);
                let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
                let header = Header::new(tag, rule.vr, length, self.out.encoding());
                self.treat(&Token::Value { header, value: &bytes }, &header, rule, &bytes)
            }
            Rewritten::Shifted => {
                let rule = Rule { treatment: Treatment::Date, basic: Action::Z, ..rule };
                self.treat(&Token::Value { header: *header, value }, header, rule, value)
            }
        }
    }

    /// What a rule does with a whole sequence: removed or emptied; other actions do not fit one.
    pub(super) fn project_sequence(&mut self, tag: Tag) -> Option<(Rule, Step)> {
        if self.context.project_rules.numbers.is_empty() {
            return None;
        }
        let rule = self.rule(tag);
        let source = self.context.source;
        self.context.project_rules.about(tag, VR::SQ).into_iter().find_map(|number| {
            let by = Rule { id: RuleId::Project(number + 1), vr: VR::SQ, ..rule };
            match self.context.profile.project_rules.apply(number, &rule, "", source)? {
                Rewritten::Removed => Some((by, Step::Remove)),
                Rewritten::Emptied => Some((by, Step::Empty)),
                Rewritten::Dummy => Some((by, Step::Dummy)),
                _ => None,
            }
        })
    }
}
