//! A clinical document that leaves (HL7 CDA R2): it is one that may have been made, and names nobody in text or attribute.

use std::io::{Read, Seek};

use dicom_core::{Tag, VR};
use dicom_stream::{ElementPath, Limits, TransferSyntax};

use super::document_text::{ENCAPSULATED_DOCUMENT, document};
use super::markup::{Markup, Piece};
use super::{Finding, FindingKind, Promise, Verifier, VerifyError};
use crate::option::DeidentificationOption as O;

const CONTENT_DATE: Tag = Tag(0x0008, 0x0023);
/// Elements of the header, and of sections.
const HEADER: [&str; 24] = [
    "ClinicalDocument",
    "administrativeGenderCode",
    "assignedAuthor",
    "assignedCustodian",
    "author",
    "code",
    "component",
    "confidentialityCode",
    "custodian",
    "effectiveTime",
    "id",
    "languageCode",
    "patient",
    "patientRole",
    "realmCode",
    "recordTarget",
    "representedCustodianOrganization",
    "section",
    "structuredBody",
    "templateId",
    "text",
    "time",
    "title",
    "typeId",
];
/// Elements of the narrative that stand apart.
const APART: [&str; 13] = [
    "br",
    "caption",
    "footnote",
    "item",
    "list",
    "paragraph",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
];
/// Elements within a line.
const IN_LINE: [&str; 3] = ["content", "sub", "sup"];
const ATTRIBUTES: [&str; 12] = [
    "code",
    "codeSystem",
    "colspan",
    "displayName",
    "extension",
    "listType",
    "nullFlavor",
    "root",
    "rowspan",
    "styleCode",
    "value",
    "xmlns",
];

impl Verifier {
    /// Reads the clinical document of an object as it leaves, for this identity. For documents that were made anew.
    ///
    /// # Errors
    /// [`VerifyError::Source`], [`VerifyError::Document`]: nobody knows what is in it, so the object must not leave.
    pub fn verify_clinical_document<R: Read + Seek>(
        &self,
        input: R,
        syntax: &TransferSyntax,
        limits: Limits,
    ) -> Result<Option<Finding>, VerifyError> {
        let body = document(input, syntax, limits)?;
        let text = std::str::from_utf8(body.strip_suffix(&[0]).unwrap_or(&body)).ok();
        let found = text.and_then(|text| self.in_markup(text)).ok_or(VerifyError::Document)?;
        Ok(found.map(|kind| Finding { path: ElementPath::root(ENCAPSULATED_DOCUMENT), kind }))
    }

    /// `None` where the document is none that may have been made.
    fn in_markup(&self, text: &str) -> Option<Option<FindingKind>> {
        let mut markup = Markup::new(text)?;
        let (mut open, mut found) = (Vec::new(), None);
        // with a blank for each tag, and with those within a line taken out
        let (mut apart, mut joined) = (String::new(), String::new());
        while let Some(piece) = markup.next()? {
            let (Piece::Start { name, .. } | Piece::End(name)) = &piece else {
                if let Piece::Text(text) = &piece {
                    apart.push_str(text);
                    joined.push_str(text);
                }
                continue;
            };
            apart.push(' ');
            if !IN_LINE.contains(name) {
                joined.push('\n');
            }
            match piece {
                Piece::Start { name, attributes } => {
                    let is_known = HEADER.contains(&name) || APART.contains(&name) || IN_LINE.contains(&name);
                    is_known.then_some(())?;
                    open.push(name);
                    for (attribute, value) in &attributes {
                        ATTRIBUTES.contains(attribute).then_some(())?;
                        found = found.or_else(|| self.in_attribute(&open, attribute, value));
                    }
                    found = found.or_else(|| self.in_element(name));
                }
                Piece::End(name) => (open.pop()? == name).then_some(())?,
                Piece::Text(_) => {}
            }
        }
        open.is_empty().then_some(())?;
        Some(
            found
                .or_else(|| self.terms.in_text(&apart, false))
                .or_else(|| joined.lines().find_map(|line| self.terms.in_text(line, false))),
        )
    }

    /// What is only there where the profile lets it stay.
    fn in_element(&self, name: &str) -> Option<FindingKind> {
        let is_promised =
            |promise: &Promise| name != "patient" || promise.options.has(O::RetainPatientCharacteristics);
        self.promise.as_ref().filter(|promise| !is_promised(promise)).map(|_| FindingKind::Marker)
    }

    fn in_attribute(&self, open: &[&str], attribute: &str, value: &str) -> Option<FindingKind> {
        let promise = self.promise.as_ref();
        let special = match (open, attribute) {
            ([_, "effectiveTime"], "value") => match promise {
                Some(promise) => promise.date(&self.terms, CONTENT_DATE, VR::DT, value),
                None => self.terms.in_date(value),
            },
            (_, "value") => Some(FindingKind::DateNotAllowed),
            ([_, "id"], "root") => {
                promise.filter(|promise| !promise.given.contains(value)).map(|_| FindingKind::UidNotGiven)
            }
            // the code, and nobody else's number
            ([.., "patientRole", "id"], "extension") if self.terms.is_ours(value) => return None,
            ([.., "id"], "extension" | "root") => Some(FindingKind::Identifier),
            _ => None,
        };
        special.or_else(|| self.terms.in_text(value, false))
    }
}
