//! The rules of the profile's author, before the profile's own.

use std::collections::HashMap;
use std::io::Write;

use dicom_core::{Tag, VR};
use dicom_stream::charset::separates_values;
use dicom_stream::{Header, Token};

use super::{Done, Walk};
use crate::profile::{
    CompiledProfile, Rewritten, Rule, RuleId, SPECIFIC_CHARACTER_SET, TokenKeys, Treatment, can_hold,
    is_out_of_reach, is_text,
};
use crate::survey::Survey;
use crate::table::{Action, Step};
use crate::text::encode;

/// The rules that can hold for one object.
pub(crate) struct ActiveRules<'a> {
    profile: &'a CompiledProfile,
    numbers: Vec<u16>,
    /// By public tag and the VR it came with: which of them are about it, wherever it stands.
    of_tag: HashMap<(Tag, VR), Vec<u16>>,
    /// Whether one of them asks where an element stands.
    is_placed: bool,
}

impl<'a> ActiveRules<'a> {
    pub(crate) fn new(profile: &'a CompiledProfile, sop_class: &str, survey: &Survey) -> Self {
        let numbers = profile.project_rules.of_object(sop_class, survey.modality(), survey.labels());
        let is_placed = numbers.iter().any(|number| profile.project_rules.is_placed(*number));
        Self { profile, numbers, of_tag: HashMap::new(), is_placed }
    }

    /// Numbers of the rules about an element; a private one is known by its creator, which is not the same in all data sets.
    fn about(&mut self, tag: Tag, vr: VR, creator: Option<&str>) -> Vec<u16> {
        let (profile, numbers) = (self.profile, &self.numbers);
        let about = |number: &&u16| profile.project_rules.is_about(**number, tag, vr, creator);
        if tag.group() % 2 == 1 {
            return numbers.iter().filter(about).copied().collect();
        }
        self.of_tag
            .entry((tag, vr))
            .or_insert_with(|| numbers.iter().filter(about).copied().collect())
            .clone()
    }
}

impl<W: Write> Walk<'_, '_, W> {
    /// The rules about this element, first the first.
    fn rules_about(&mut self, tag: Tag, vr: VR) -> Vec<u16> {
        if self.context.project_rules.numbers.is_empty()
            || self.is_root() && is_out_of_reach(tag)
            || tag == SPECIFIC_CHARACTER_SET
        {
            return Vec::new();
        }
        let is_private = tag.group() % 2 == 1;
        let creator = self.level().filter(|_| is_private).and_then(|level| level.creators.of(tag));
        let creator = creator.map(|(name, _)| name.to_owned());
        let mut about = self.context.project_rules.about(tag, vr, creator.as_deref());
        if !about.is_empty() && self.context.project_rules.is_placed {
            let (path, rules) = (self.path(), &self.context.profile.project_rules);
            about.retain(|number| rules.is_about_there(*number, (tag, vr, creator.as_deref()), &path));
        }
        about
    }

    /// Sequences around the next element, the outermost first, each with the number of its open item.
    pub(super) fn path(&self) -> Vec<(Tag, u64)> {
        let levels = self.levels.iter().filter_map(|level| Some((level.tag?, level.items)));
        self.around.iter().copied().chain(levels).collect()
    }

    /// What the first rule that is about this value makes of it. `rule` is what the profile does without rules.
    pub(super) fn rewritten(
        &mut self,
        header: &Header,
        rule: Rule,
        value: &[u8],
    ) -> Option<(Rule, Rewritten)> {
        let vr = if rule.vr == VR::UN { header.vr } else { rule.vr };
        let rules = self.rules_about(header.tag, vr);
        if rules.is_empty() {
            return None;
        }
        let text = self.character_set.decode(vr, value);
        let text = text.trim_end_matches([' ', '\0']);
        let values: Vec<&str> = if separates_values(vr) { text.split('\\').collect() } else { vec![text] };
        let context = &self.context;
        let keys = TokenKeys {
            source: context.source,
            uids: context.original_uids,
            sop_instance: context.object.sop_instance,
        };
        rules.into_iter().find_map(|number| {
            let rewritten = context.profile.project_rules.apply(number, &rule, &values, &keys)?;
            Some((Rule { id: RuleId::Project(number + 1), vr, ..rule }, rewritten))
        })
    }

    /// The same for an element whose value is too long to be read.
    pub(super) fn rewritten_unread(&mut self, tag: Tag, rule: Rule) -> Option<(Rule, Step)> {
        let rules = self.rules_about(tag, rule.vr);
        // Whether a value keeps a rule from it that is not read cannot be told: the next one has its say.
        let number =
            rules.into_iter().find(|number| self.context.profile.project_rules.reaches_unread(*number))?;
        let step = match self.context.profile.project_rules.unread(number) {
            Rewritten::AsProfile => return None,
            Rewritten::Emptied => Step::Empty,
            Rewritten::Dummy => Step::Dummy,
            _ => Step::Remove,
        };
        Some((Rule { id: RuleId::Project(number + 1), ..rule }, step))
    }

    /// What a rule does with a whole sequence.
    pub(super) fn project_sequence(&mut self, tag: Tag, rule: Rule) -> Option<(Rule, Step)> {
        self.rules_about(tag, VR::SQ).into_iter().find_map(|number| {
            let step = self.context.profile.project_rules.of_sequence(number)?;
            Some((Rule { id: RuleId::Project(number + 1), vr: VR::SQ, ..rule }, step))
        })
    }

    /// Carries out what a rule of the project made of a value; `floor` is what the profile does without it.
    pub(super) fn rewrite(
        &mut self,
        header: &Header,
        floor: Rule,
        (rule, rewritten): (Rule, Rewritten),
        value: &[u8],
    ) -> Done {
        let tag = header.tag;
        let fits = match &rewritten {
            Rewritten::Then(_) | Rewritten::Cleaned => is_text(rule.vr),
            Rewritten::NewUid => rule.vr == VR::UI,
            Rewritten::Shifted => matches!(rule.vr, VR::DA | VR::DT),
            _ => true,
        };
        // Only a pattern reaches another VR: the rule means none of it.
        if !fits {
            return self.treat(&Token::Value { header: *header, value }, header, floor, value);
        }
        match rewritten {
            // Nobody declared what it is: nothing made of it stays.
            Rewritten::Then(_) | Rewritten::Cleaned | Rewritten::Shifted if header.vr == VR::UN => {
                self.change(header, rule, Step::Remove, value)
            }
            Rewritten::Removed => self.change(header, rule, Step::Remove, value),
            Rewritten::Emptied => self.change(header, rule, Step::Empty, value),
            Rewritten::Dummy => self.change(header, rule, Step::Dummy, value),
            Rewritten::Texts(texts) if texts.iter().any(|text| !can_hold(rule.vr, text)) => {
                self.change(header, rule, Step::Remove, value)
            }
            Rewritten::Texts(texts) => {
                let bytes = self.encoded(rule.vr, &texts);
                self.write(tag, rule, Step::Replace, &bytes)
            }
            Rewritten::AsProfile => {
                self.treat(&Token::Value { header: *header, value }, header, floor, value)
            }
            Rewritten::Then(texts) => {
                let mut bytes = self.encoded(rule.vr, &texts);
                if !bytes.is_empty() {
                    self.did(floor);
                }
                // What stays as it is now is copied: it is padded here (PS3.5 7.1.1).
                bytes.extend((bytes.len() % 2 == 1).then_some(b' '));
                let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
                let header = Header::new(tag, rule.vr, length, self.out.encoding());
                self.treat(&Token::Value { header, value: &bytes }, &header, rule, &bytes)
            }
            Rewritten::NewUid => self.change(header, rule, Step::NewUid, value),
            Rewritten::Cleaned => {
                let rule = Rule { treatment: Treatment::Text, basic: Action::XZD, ..rule };
                self.treat(&Token::Value { header: *header, value }, header, rule, value)
            }
            Rewritten::Shifted => {
                self.did(floor);
                let rule = Rule { treatment: Treatment::Date, basic: Action::Z, ..rule };
                self.treat(&Token::Value { header: *header, value }, header, rule, value)
            }
        }
    }

    fn encoded(&self, vr: VR, texts: &[String]) -> Vec<u8> {
        let values: Vec<Vec<u8>> = texts.iter().map(|text| encode(&self.character_set, vr, text)).collect();
        values.join(&b'\\')
    }
}
