//! The narrative of a section (HL7 CDA R2, 4.3.5): its blocks stay, the text of each is judged as a reader sees it.

use super::tree::{Element, Node};
use super::{Made, Maker};

/// Elements that stand apart from the text around them.
const BLOCKS: [&str; 13] = [
    "text",
    "paragraph",
    "list",
    "item",
    "caption",
    "table",
    "thead",
    "tbody",
    "tfoot",
    "tr",
    "th",
    "td",
    "footnote",
];
/// Elements within a line of text.
const INLINE: [&str; 4] = ["content", "linkHtml", "sub", "sup"];
/// Elements without text: columns, which say nothing.
const COLUMNS: [&str; 2] = ["colgroup", "col"];
/// References to pictures and notes: they are left out.
const REFERENCES: [&str; 2] = ["renderMultiMedia", "footnoteRef"];
/// Styles that HL7 names (4.3.5.11) and that show in a text or a table.
const STYLES: [&str; 8] =
    ["Bold", "Underline", "Italics", "Emphasis", "Lrule", "Rrule", "Toprule", "Botrule"];
/// Stands for the end of a line while a text is judged.
const LINE: char = '\u{2028}';

impl Maker<'_> {
    /// An element of the narrative that stands apart, and what is in it.
    pub(super) fn narrative(&mut self, block: &Element) -> Made<()> {
        let name = self.start(block)?;
        let mut line: Vec<&Node> = Vec::new();
        for node in &block.nodes {
            match node {
                Node::Element(element) if !is_in_line(element) => {
                    self.line(&std::mem::take(&mut line))?;
                    self.part(element)?;
                }
                _ => line.push(node),
            }
        }
        self.line(&line)?;
        self.out.end(name);
        Ok(())
    }

    /// Writes the start of an element; the name that its end has.
    fn start<'e>(&mut self, element: &'e Element) -> Made<&'e str> {
        let attributes = attributes_of(element)?;
        let attributes: Vec<(&str, &str)> =
            attributes.iter().map(|(name, value)| (*name, value.as_str())).collect();
        // A link leads nowhere any more.
        let name = if element.name == "linkHtml" { "content" } else { element.name.as_str() };
        self.out.start(name, &attributes);
        Ok(name)
    }

    fn part(&mut self, element: &Element) -> Made<()> {
        match element.name.as_str() {
            name if COLUMNS.contains(&name) => Ok(()),
            name if BLOCKS.contains(&name) || INLINE.contains(&name) => self.narrative(element),
            _ => Err("an element of the narrative is not one of HL7 CDA R2"),
        }
    }

    /// Text and the elements in it, judged as one: a name may begin in one of them and end in the next.
    fn line(&mut self, nodes: &[&Node]) -> Made<()> {
        let mut whole = String::new();
        for node in nodes {
            gather(node, &mut whole)?;
        }
        let lines = whole.split(LINE).map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
        let seen = lines.collect::<Vec<_>>().join(LINE.encode_utf8(&mut [0; 4]));
        match self.judge.text(&seen)? {
            None => nodes.iter().try_for_each(|node| self.as_it_is(node)),
            Some(cleaned) => {
                for (number, line) in cleaned.split(LINE).enumerate() {
                    if number > 0 {
                        self.out.empty("br", &[]);
                    }
                    self.out.text(line);
                }
                Ok(())
            }
        }
    }

    fn as_it_is(&mut self, node: &Node) -> Made<()> {
        match node {
            Node::Text(text) => self.out.text(&text.replace(LINE, " ")),
            Node::Element(element) if element.name == "br" => self.out.empty("br", &[]),
            Node::Element(element) if REFERENCES.contains(&element.name.as_str()) => self.left_out += 1,
            Node::Element(element) => {
                let name = self.start(element)?;
                element.nodes.iter().try_for_each(|node| self.as_it_is(node))?;
                self.out.end(name);
            }
        }
        Ok(())
    }
}

/// The text that a reader sees.
fn gather(node: &Node, text: &mut String) -> Made<()> {
    match node {
        Node::Text(own) => text.extend(own.chars().map(|c| if c == LINE { ' ' } else { c })),
        Node::Element(element) if element.name == "br" => text.push(LINE),
        Node::Element(element) if REFERENCES.contains(&element.name.as_str()) => {}
        Node::Element(element) => {
            attributes_of(element)?;
            element.nodes.iter().try_for_each(|node| gather(node, text))?;
        }
    }
    Ok(())
}

/// Whether an element, and all that is in it, is part of a line.
fn is_in_line(element: &Element) -> bool {
    match element.name.as_str() {
        "br" => true,
        name if REFERENCES.contains(&name) => true,
        name => INLINE.contains(&name) && element.elements().all(is_in_line),
    }
}

/// The attributes that shape a text and say nothing else.
fn attributes_of(element: &Element) -> Made<Vec<(&'static str, String)>> {
    if element.attribute("revised").is_some_and(|revised| revised != "insert") {
        return Err("the narrative has text that was deleted");
    }
    let mut kept = Vec::new();
    if let Some(kind) = element.attribute("listType").filter(|kind| matches!(*kind, "ordered" | "unordered"))
    {
        kept.push(("listType", kind.to_owned()));
    }
    for span in ["colspan", "rowspan"] {
        let value = element.attribute(span).and_then(|value| value.parse::<u16>().ok());
        kept.extend(value.map(|value| (span, value.to_string())));
    }
    let styles = element.attribute("styleCode").unwrap_or_default();
    let styles: Vec<&str> = styles.split_whitespace().filter(|style| STYLES.contains(style)).collect();
    if !styles.is_empty() {
        kept.push(("styleCode", styles.join(" ")));
    }
    Ok(kept)
}
