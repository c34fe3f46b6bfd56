//! `profile show`: a profile in words.

use std::fmt::Write;

use deidentification::pixels::{FoundText, PixelMask, PixelPolicy, TextPolicy};
use deidentification::{
    Add, AttributeEffect, DeidentificationOption, Effect, Explanation, Hash, ProjectRule, RuleAction, RuleId,
    Scope, Topic,
};
use pixel::risk::MODALITIES_AT_RISK;

use super::locale::{Language, Locale};

/// Columns before the lines are broken.
const WIDTH: usize = 110;

/// The whole text.
pub(super) fn text(explanation: &Explanation<'_>, locale: &Locale) -> String {
    let mut page = Page { locale, out: String::new() };
    page.head(explanation);
    page.options(explanation);
    page.decisions(explanation);
    page.rules(explanation);
    page.labels(explanation);
    page.pixels(explanation.pixels);
    page.documents(explanation);
    page.private(explanation);
    page.defaults(explanation);
    page.written(explanation);
    page.attributes(explanation);
    page.out
}

/// What is done, as a phrase.
pub(super) fn effect(effect: Effect, locale: &Locale) -> String {
    locale.text("effect", word(&serde_json::json!(effect)))
}

/// What an attribute's line says after its keyword.
pub(super) fn of_attribute(attribute: &AttributeEffect, locale: &Locale) -> String {
    let mut said = format!("{} [{}]", effect(attribute.effect, locale), because(attribute.rule, locale));
    if !attribute.project_rules.is_empty() {
        let numbers = joined(&attribute.project_rules);
        let key = if attribute.project_rules.len() == 1 { "project" } else { "projects" };
        let _ = write!(said, " ({})", locale.say("because", key, &[("numbers", &numbers)]));
    }
    said
}

fn because(rule: RuleId, locale: &Locale) -> String {
    match rule {
        RuleId::Table | RuleId::TableRequired => locale.text("because", "table"),
        RuleId::Option(option) => locale.say("because", "option", &[("option", option.word())]),
        RuleId::Named("own") => locale.text("because", "own"),
        _ => locale.text("because", "default"),
    }
}

fn word(value: &serde_json::Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn joined<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
}

struct Page<'a> {
    locale: &'a Locale,
    out: String,
}

impl Page<'_> {
    fn heading(&mut self, key: &str) {
        self.out.push('\n');
        self.out.push_str(&self.locale.text("heading", key));
        self.out.push('\n');
    }

    /// A sentence, broken into lines under each other.
    fn line(&mut self, text: &str) {
        let mut length = 0;
        for word in text.split(' ') {
            let wide = word.chars().count();
            if length == 0 {
                self.out.push_str("  ");
            } else if length + 1 + wide > WIDTH {
                self.out.push_str("\n    ");
                length = 2;
            } else {
                self.out.push(' ');
                length += 1;
            }
            self.out.push_str(word);
            length += wide;
        }
        self.out.push('\n');
    }

    fn say(&mut self, section: &str, key: &str, words: &[(&str, &str)]) {
        let said = self.locale.say(section, key, words);
        self.line(&said);
    }

    fn head(&mut self, of: &Explanation<'_>) {
        let locale = self.locale;
        let title = locale.say("heading", "title", &[("name", of.name), ("version", of.version)]);
        let facts = [("hash", of.hash), ("edition", of.edition), ("defaults", of.defaults_edition)];
        let _ = writeln!(self.out, "{title}");
        if let Some(summary) = of.summary {
            self.line(if locale.language == Language::Fr { &summary.fr } else { &summary.en });
        }
        self.say("heading", "facts", &facts);
    }

    fn options(&mut self, of: &Explanation<'_>) {
        self.heading("options");
        if of.options.is_empty() {
            self.say("heading", "no_options", &[]);
        }
        for word in &of.options {
            let option = DeidentificationOption::ALL.into_iter().find(|option| option.word() == *word);
            let code = option.map_or("", DeidentificationOption::code);
            let sentence = self.locale.text("option", word);
            self.line(&format!("{word} ({code}): {sentence}"));
        }
    }

    fn decisions(&mut self, of: &Explanation<'_>) {
        self.heading("decisions");
        for decision in &of.decisions {
            self.say("decision", decision.name, &[("attributes", &joined(&decision.attributes))]);
        }
        if !of.words.is_empty() {
            self.say("decision", "words", &[("words", &joined(of.words))]);
        }
    }

    fn attributes(&mut self, of: &Explanation<'_>) {
        self.heading("attributes");
        self.say("heading", "attributes_note", &[]);
        for topic in Topic::ALL {
            let mut attributes = of.attributes.iter().filter(|of| of.topic == topic).peekable();
            if attributes.peek().is_none() {
                continue;
            }
            let name = self.locale.text("topic", word(&serde_json::json!(topic)));
            let _ = writeln!(self.out, "\n  {name}");
            for attribute in attributes {
                let said = of_attribute(attribute, self.locale);
                let _ = writeln!(self.out, "    {} {:<44} {said}", attribute.tag, attribute.keyword);
            }
        }
    }

    fn defaults(&mut self, of: &Explanation<'_>) {
        self.heading("defaults");
        for default in &of.defaults {
            let done = effect(default.effect, self.locale);
            let (vrs, attributes) = (joined(&default.vrs), joined(&default.attributes));
            let words = [("vrs", vrs.as_str()), ("attributes", &attributes), ("effect", &done)];
            self.say("default", default.default, &words);
        }
    }

    fn private(&mut self, of: &Explanation<'_>) {
        self.heading("private");
        if of.safe_private_elements == 0 {
            return self.say("private", "none", &[]);
        }
        self.say("private", "table", &[("count", &of.safe_private_elements.to_string())]);
        for site in of.private_elements {
            let elements = joined(site.elements.iter().map(|(element, vr)| format!("xx{element} {vr}")));
            let words = [("creator", site.creator.as_str()), ("group", &site.group), ("elements", &elements)];
            self.say("private", "site", &words);
        }
        for equipment in of.trusted_equipment {
            let words = [("manufacturer", equipment.manufacturer.as_str()), ("model", &equipment.model)];
            self.say("private", "trusted", &words);
        }
    }

    fn documents(&mut self, of: &Explanation<'_>) {
        self.heading("documents");
        self.say("documents", word(&serde_json::json!(of.documents)), &[]);
    }

    fn written(&mut self, of: &Explanation<'_>) {
        self.heading("written");
        let has = |option: DeidentificationOption| of.options.contains(&option.word());
        let dates = if has(DeidentificationOption::RetainLongitudinalModifiedDates) {
            "dates_modified"
        } else if has(DeidentificationOption::RetainLongitudinalFullDates) {
            "dates_unmodified"
        } else {
            "dates_removed"
        };
        self.say("written", "method", &[]);
        self.say("written", dates, &[]);
        if of.pixels.is_some() {
            self.say("written", "burned_in", &[]);
        }
        self.say("written", "trial", &[]);
    }

    fn rules(&mut self, of: &Explanation<'_>) {
        self.heading("rules");
        if of.rules.is_empty() {
            self.say("heading", "no_rules", &[]);
        }
        for (number, rule) in of.rules.iter().enumerate() {
            self.rule(number + 1, rule);
        }
    }

    fn rule(&mut self, number: usize, rule: &ProjectRule) {
        let (key, argument) = match &rule.action {
            RuleAction::X => ("X", String::new()),
            RuleAction::Z => ("Z", String::new()),
            RuleAction::D => ("D", String::new()),
            RuleAction::K => ("K", String::new()),
            RuleAction::U => ("U", String::new()),
            RuleAction::C => ("C", String::new()),
            RuleAction::Replace(text) => ("replace", text.clone()),
            RuleAction::Hash(hash) => ("hash", hash.digits.to_string()),
            RuleAction::Add(Add { overwrite: false, value, .. }) => ("add", value.clone()),
            RuleAction::Add(Add { value, .. }) => ("add_overwrite", value.clone()),
            RuleAction::Map(table) => ("map", table.len().to_string()),
            RuleAction::Truncate(length) => ("truncate", length.to_string()),
            RuleAction::Regex { find, .. } => ("regex", find.clone()),
            RuleAction::Shift => ("shift", String::new()),
        };
        let (number, attributes) = (number.to_string(), joined(&rule.attributes));
        let words = [("number", number.as_str()), ("attributes", &attributes), ("argument", &argument)];
        let mut said = self.locale.say("rule", key, &words);
        if let RuleAction::Hash(hash) = &rule.action {
            said.push_str(&self.of_hash(hash));
        }
        let conditions = self.conditions(&[
            ("value", joined(&rule.value)),
            ("sop_classes", joined(&rule.sop_classes)),
            ("modalities", joined(&rule.modalities)),
            ("labels", joined(&rule.labels)),
            ("except_labels", joined(&rule.except_labels)),
        ]);
        if !conditions.is_empty() {
            said = format!("{said} {}", self.locale.say("rule", "when", &[("conditions", &conditions)]));
        }
        if !rule.reason.is_empty() {
            said = format!("{said} {}", self.locale.say("rule", "reason", &[("reason", &rule.reason)]));
        }
        self.line(&said);
    }

    /// What else is said of a token, each in a sentence with a blank before it.
    fn of_hash(&self, hash: &Hash) -> String {
        let scope = match hash.scope {
            Scope::Patient => "hash_patient",
            Scope::Study => "hash_study",
            Scope::Series => "hash_series",
            Scope::Instance => "hash_instance",
        };
        let said = [
            (hash.words, "hash_words"),
            (hash.ignore_case, "hash_ignore_case"),
            (!hash.prefix.is_empty(), "hash_prefix"),
            (true, scope),
        ];
        let said = said.into_iter().filter(|(is_said, _)| *is_said);
        let words = [("prefix", hash.prefix.as_str())];
        said.map(|(_, key)| format!(" {}", self.locale.say("rule", key, &words))).collect()
    }

    fn conditions(&self, of: &[(&str, String)]) -> String {
        let set = of.iter().filter(|(_, values)| !values.is_empty());
        let said = set.map(|(key, values)| self.locale.say("condition", key, &[("values", values)]));
        let both = |first: String, second: String| {
            self.locale.say("condition", "and", &[("first", &first), ("second", &second)])
        };
        said.reduce(both).unwrap_or_default()
    }

    fn labels(&mut self, of: &Explanation<'_>) {
        self.heading("labels");
        for label in of.labels {
            self.say("label", "label", &[("name", &label.name), ("when", &label.when)]);
        }
        for (name, labels) in of.categories {
            self.say("label", "category", &[("name", name), ("labels", &joined(labels))]);
        }
        let Some(forward) = of.forward else { return self.say("label", "all", &[]) };
        let wanted = joined(forward.labels.iter().chain(&forward.categories));
        match wanted.as_str() {
            "" => self.say("label", "none", &[]),
            wanted => self.say("label", "forward", &[("labels", wanted)]),
        }
        if !forward.except.is_empty() {
            self.say("label", "except", &[("labels", &joined(&forward.except))]);
        }
    }

    fn pixels(&mut self, policy: Option<&PixelPolicy>) {
        self.heading("pixels");
        let Some(policy) = policy else { return self.say("pixels", "off", &[]) };
        let at_risk = joined(MODALITIES_AT_RISK);
        let not_stated = joined(&policy.risk_when_not_stated);
        self.say("pixels", "risk", &[("modalities", &at_risk)]);
        if !not_stated.is_empty() {
            self.say("pixels", "risk_when_not_stated", &[("modalities", &not_stated)]);
        }
        if policy.inspect_all {
            self.say("pixels", "inspect_all", &[]);
        }
        match policy.frames {
            0 => self.say("pixels", "all_frames", &[]),
            frames => self.say("pixels", "some_frames", &[("frames", &frames.to_string())]),
        }
        let counts = match policy.text {
            TextPolicy::Identity => "text_identity",
            TextPolicy::Unknown => "text_unknown",
            TextPolicy::Any => "text_any",
        };
        self.say("pixels", counts, &[]);
        let found = match policy.found {
            FoundText::Mask => "found_mask",
            FoundText::Hold => "found_hold",
        };
        self.say("pixels", found, &[]);
        if policy.masks.is_empty() {
            self.say("pixels", "no_masks", &[]);
        }
        for (number, mask) in policy.masks.iter().enumerate() {
            self.mask(number + 1, mask);
        }
    }

    fn mask(&mut self, number: usize, mask: &PixelMask) {
        let conditions = self.conditions(&[
            ("manufacturers", joined(&mask.manufacturers)),
            ("models", joined(&mask.models)),
            ("software", joined(&mask.software)),
            ("stations", joined(&mask.stations)),
            ("modalities", joined(&mask.modalities)),
            ("sop_classes", joined(&mask.sop_classes)),
            ("image_type", joined(&mask.image_type)),
            ("rows", joined(mask.rows)),
            ("columns", joined(mask.columns)),
        ]);
        let mut areas = Vec::new();
        if mask.outside_ultrasound_regions {
            areas.push(self.locale.text("pixels", "outside_regions"));
        }
        for [left, top, width, height] in
            mask.rectangles.iter().map(|sides| sides.map(|side| side.to_string()))
        {
            let words = [("left", &*left), ("top", &*top), ("width", &*width), ("height", &*height)];
            areas.push(self.locale.say("pixels", "rectangle", &words));
        }
        for corners in &mask.polygons {
            areas.push(self.locale.say("pixels", "polygon", &[("corners", &corners.len().to_string())]));
        }
        let key = if conditions.is_empty() { "mask_always" } else { "mask" };
        let (number, areas) = (number.to_string(), areas.join("; "));
        self.say("pixels", key, &[("number", &number), ("conditions", &conditions), ("areas", &areas)]);
    }
}
