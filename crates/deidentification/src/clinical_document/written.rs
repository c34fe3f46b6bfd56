//! The new document as it is written: elements of HL7, attributes and text, and nothing else.

use quick_xml::escape::escape;

pub(super) struct Written(String);

impl Written {
    pub(super) fn new() -> Self {
        Self("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned())
    }

    fn tag(&mut self, name: &str, attributes: &[(&str, &str)], end: &str) {
        self.0.push('<');
        self.0.push_str(name);
        for (name, value) in attributes {
            self.0.push_str(&format!(" {name}=\"{}\"", escape(*value)));
        }
        self.0.push_str(end);
    }

    pub(super) fn start(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.tag(name, attributes, ">");
    }

    pub(super) fn end(&mut self, name: &str) {
        self.0.push_str("</");
        self.0.push_str(name);
        self.0.push('>');
    }

    pub(super) fn empty(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.tag(name, attributes, "/>");
    }

    pub(super) fn text(&mut self, text: &str) {
        self.0.push_str(&escape(text));
    }

    /// What HL7 demands here and the new document does not say: masked (null flavor MSK).
    pub(super) fn masked(&mut self, name: &str) {
        self.empty(name, &[("nullFlavor", "MSK")]);
    }

    /// An even number of bytes.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.0.push('\n');
        if !self.0.len().is_multiple_of(2) {
            self.0.push('\n');
        }
        self.0.into_bytes()
    }
}
