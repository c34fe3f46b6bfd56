//! The sections (HL7 CDA R2, 4.3): code, title, narrative, and sections in them. Entries, authors and subjects are not in the new document.

use super::tree::Element;
use super::{Made, Maker};

impl Maker<'_> {
    pub(super) fn body(&mut self, original: &Element) -> Made<()> {
        let component = original.only("component").ok_or("the document has no body, or several")?;
        if component.first("nonXMLBody").is_some() {
            return Err("the body of the document is of another format (nonXMLBody)");
        }
        let body = component.only("structuredBody").ok_or("the document has no structured body")?;
        self.out.start("component", &[]);
        self.out.start("structuredBody", &[]);
        self.sections(body)?;
        self.out.end("structuredBody");
        self.out.end("component");
        if self.sections == 0 { Err("the document has no section") } else { Ok(()) }
    }

    fn sections(&mut self, of: &Element) -> Made<()> {
        for section in of.all("component").flat_map(|component| component.all("section")) {
            self.out.start("component", &[]);
            self.out.start("section", &[]);
            self.section(section)?;
            self.out.end("section");
            self.out.end("component");
        }
        Ok(())
    }

    fn section(&mut self, section: &Element) -> Made<()> {
        self.sections += 1;
        self.left_out += section.all("entry").count();
        self.templates(section);
        if let Some(code) = section.first("code") {
            self.code("code", Some(code));
        }
        self.title(section)?;
        for text in section.all("text").take(1) {
            self.narrative(text)?;
        }
        if let Some(code) = section.first("confidentialityCode") {
            self.code("confidentialityCode", Some(code));
        }
        self.language(section);
        self.sections(section)
    }
}
