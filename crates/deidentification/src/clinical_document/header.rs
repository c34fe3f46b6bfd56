//! The header (HL7 CDA R2, 4.2): what kind of document it is and whose code it has; of everybody else that somebody was there.

use dicom_stream::text::{DateTime, shift_date};

use super::tree::Element;
use super::{Made, Maker};
use crate::option::DeidentificationOption as O;

/// Code system of HL7 AdministrativeGender.
const GENDER: &str = "2.16.840.1.113883.5.1";
const TEMPLATES_MAX: usize = 64;
/// Characters of a code or an object identifier.
const TOKEN_MAX: usize = 64;
/// Letters of a code: those of vocabularies are numbers with one or two (`LA9633-4`, `G-C036`, `C34.1`); more may be a word.
const LETTERS_MAX: usize = 2;

impl Maker<'_> {
    pub(super) fn header(&mut self, original: &Element) -> Made<()> {
        let role = original.only("recordTarget").and_then(|target| target.only("patientRole"));
        let role = role.ok_or("the document is about nobody, or about several patients")?;
        let code = |name| original.first(name).and_then(|element| element.attribute("code"));
        if let Some(realm) = code("realmCode").filter(|realm| is_realm(realm)) {
            self.out.empty("realmCode", &[("code", realm)]);
        }
        self.out.empty("typeId", &[("root", "2.16.840.1.113883.1.3"), ("extension", "POCD_HD000040")]);
        self.templates(original);
        self.document_id(original)?;
        self.code("code", original.first("code"));
        self.title(original)?;
        self.effective_time(original);
        self.code("confidentialityCode", original.first("confidentialityCode"));
        self.language(original);
        self.record_target(role);
        self.out.start("author", &[]);
        self.out.masked("time");
        self.out.start("assignedAuthor", &[]);
        self.out.masked("id");
        self.out.end("assignedAuthor");
        self.out.end("author");
        for name in ["custodian", "assignedCustodian", "representedCustodianOrganization"] {
            self.out.start(name, &[]);
        }
        self.out.masked("id");
        for name in ["representedCustodianOrganization", "assignedCustodian", "custodian"] {
            self.out.end(name);
        }
        Ok(())
    }

    /// What the document or section conforms to: an object identifier. Its version is a day, and nobody can tell of what.
    pub(super) fn templates(&mut self, of: &Element) {
        for template in of.all("templateId").take(TEMPLATES_MAX) {
            let Some(root) = template.attribute("root").filter(|root| self.is_oid(root)) else { continue };
            self.out.empty("templateId", &[("root", root)]);
        }
    }

    fn document_id(&mut self, original: &Element) -> Made<()> {
        let id = original.only("id").ok_or("the document has no id, or several")?;
        let part = |name| id.attribute(name).unwrap_or_default();
        // The same document has the same id; one without is nobody's.
        match (part("root"), part("extension")) {
            ("", "") => self.out.masked("id"),
            (root, extension) => {
                // written as HL7 Instance Identifier (0040,E001) is (PS3.3 C.12.1.1.6)
                let id = self.source.uid([root, extension].join("^").trim_matches('^'));
                self.out.empty("id", &[("root", &id)]);
            }
        }
        Ok(())
    }

    /// A code of a vocabulary; masked where it is none, or says more than that.
    pub(super) fn code(&mut self, name: &str, coded: Option<&Element>) {
        let attribute = |name| coded.and_then(|coded| coded.attribute(name));
        let code = attribute("code").filter(|code| is_token(code) && self.judge.is_nobodys(code));
        let system = attribute("codeSystem").filter(|system| self.is_oid(system));
        let (Some(code), Some(system)) = (code, system) else { return self.out.masked(name) };
        let mut attributes = vec![("code", code), ("codeSystem", system)];
        attributes.extend(
            attribute("displayName").filter(|text| self.judge.keeps(text)).map(|text| ("displayName", text)),
        );
        self.out.empty(name, &attributes);
    }

    pub(super) fn title(&mut self, of: &Element) -> Made<()> {
        let Some(title) = of.first("title").map(Element::text).filter(|title| !title.is_empty()) else {
            return Ok(());
        };
        let title = self.judge.text(&title)?.unwrap_or(title);
        self.out.start("title", &[]);
        self.out.text(&title);
        self.out.end("title");
        Ok(())
    }

    /// By the profile's option for dates (PS3.15 E.3.6): as it was, moved, or not at all.
    fn effective_time(&mut self, original: &Element) {
        let value = original.first("effectiveTime").and_then(|time| time.attribute("value"));
        let value = value.filter(|value| DateTime::parse(value.as_bytes()).is_some());
        let kept = match value {
            Some(value) if self.options.has(O::RetainLongitudinalFullDates) => Some(value.to_owned()),
            Some(value) if self.options.has(O::RetainLongitudinalModifiedDates) => {
                let moved = self.source.shift_days().and_then(|days| shift_date(value.as_bytes(), days));
                let moved = moved.and_then(|moved| String::from_utf8(moved).ok());
                if let Some(moved) = &moved {
                    self.source.shifted(moved.as_bytes());
                }
                moved
            }
            _ => None,
        };
        match kept {
            Some(value) => self.out.empty("effectiveTime", &[("value", &value)]),
            None => self.out.masked("effectiveTime"),
        }
    }

    pub(super) fn language(&mut self, of: &Element) {
        let language = of.first("languageCode").and_then(|language| language.attribute("code"));
        if let Some(language) = language.filter(|language| is_language(language)) {
            self.out.empty("languageCode", &[("code", language)]);
        }
    }

    /// The code, and the sex where the profile lets it stay.
    fn record_target(&mut self, role: &Element) {
        let code = self.source.code().to_owned();
        self.out.start("recordTarget", &[]);
        self.out.start("patientRole", &[]);
        self.out.empty("id", &[("extension", &code)]);
        let sex = role.first("patient").and_then(|patient| patient.first("administrativeGenderCode"));
        let sex = sex.and_then(|sex| sex.attribute("code")).filter(|sex| matches!(*sex, "F" | "M" | "UN"));
        if let Some(sex) = sex.filter(|_| self.options.has(O::RetainPatientCharacteristics)) {
            self.out.start("patient", &[]);
            self.out.empty("administrativeGenderCode", &[("code", sex), ("codeSystem", GENDER)]);
            self.out.end("patient");
        }
        self.out.end("patientRole");
        self.out.end("recordTarget");
    }

    /// An object identifier without a number of the patient or study; the after-check looks for their UIDs.
    fn is_oid(&self, text: &str) -> bool {
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        text.len() <= TOKEN_MAX
            && text.contains('.')
            && text.split('.').all(|part| is_number(part) && self.judge.is_nobodys(part))
    }
}

fn is_token(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    let letters = text.bytes().filter(u8::is_ascii_alphabetic).count();
    (1..=TOKEN_MAX).contains(&text.len()) && letters <= LETTERS_MAX && text.bytes().all(is_part)
}

/// ISO 3166 country codes, and `UV` for the whole world.
fn is_realm(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// RFC 5646: a language, and a region.
fn is_language(text: &str) -> bool {
    let (language, region) = text.split_once('-').unwrap_or((text, "XX"));
    let is_alphabetic = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphabetic());
    matches!(language.len(), 2 | 3) && region.len() == 2 && is_alphabetic(language) && is_alphabetic(region)
}
