//! The header of a CDA document (HL7 CDA R2, 4.2.2.13 recordTarget): whom it is about, and the way to say so anew. The rest of the document
//! stays byte for byte.

use std::borrow::Cow;
use std::ops::Range;

use dicom_stream::text::trim;
use dicom_stream::{Tag, VR};
use quick_xml::escape::{escape, resolve_xml_entity, unescape_with};
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;
use quick_xml::reader::NsReader;

use crate::attribute::{PATIENT_ID, PATIENT_NAME};
use crate::own_record::OwnRecord;

/// Encapsulated CDA Storage.
const SOP_CLASS: &str = "1.2.840.10008.5.1.4.1.1.104.2";
const HL7: &[u8] = b"urn:hl7-org:v3";
/// Deeper documents are not rewritten.
const DEPTH_MAX: usize = 256;
/// Patient ids of one role that are looked at.
const IDS_MAX: usize = 16;
/// Where the one role that is rewritten stands.
const ROLE: [&[u8]; 3] = [b"ClinicalDocument", b"recordTarget", b"patientRole"];

/// Whether objects of a class hold a clinical document.
pub(crate) fn is_clinical_document(sop_class: &str) -> bool {
    sop_class == SOP_CLASS
}

/// A body without the padding of its element.
pub(crate) fn unpadded(body: &[u8]) -> &[u8] {
    body.strip_suffix(&[0]).unwrap_or(body)
}

/// What a document says about its patient, and where.
pub(crate) struct ClinicalDocument {
    /// The content of the one patient role.
    role: Range<usize>,
    /// Prefix of the namespace there, with its colon; empty where it is the default one.
    prefix: String,
    /// Patient ids of the role.
    pub(crate) ids: Vec<String>,
    /// Names of the patient there, without markup.
    pub(crate) names: Vec<String>,
    /// Content that is no text: a picture, another format.
    pub(crate) has_opaque_parts: bool,
    /// Characters beyond ASCII may be written as they are.
    is_utf8: bool,
}

impl ClinicalDocument {
    /// Reads a document; `None` when it has no one patient role that can be written anew: it is not XML, in an encoding without ASCII, with
    /// instructions to a program, or about nobody or several patients.
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        let mut reader = NsReader::from_reader(body);
        let mut open: Vec<Vec<u8>> = Vec::new();
        let (mut found, mut name) = (None, 0);
        let mut document = Self {
            role: 0..0,
            prefix: String::new(),
            ids: Vec::new(),
            names: Vec::new(),
            has_opaque_parts: false,
            is_utf8: true,
        };
        loop {
            let start = usize::try_from(reader.buffer_position()).ok()?;
            let (namespace, event) = reader.read_resolved_event().ok()?;
            let is_hl7 = matches!(namespace, ResolveResult::Bound(namespace) if namespace.as_ref() == HL7);
            match event {
                Event::Decl(declaration) => {
                    let encoding = declaration.encoding().transpose().ok()?;
                    document.is_utf8 = is_utf8(encoding.as_deref())?;
                }
                Event::DocType(_) | Event::PI(_) => return None,
                Event::Empty(element) => {
                    open.push(element.local_name().as_ref().to_vec());
                    // a role without content is of nobody
                    (open.len() <= DEPTH_MAX && !is_role(&open, is_hl7)).then_some(())?;
                    document.note(&element, &open, is_hl7)?;
                    open.pop();
                }
                Event::Start(element) => {
                    open.push(element.local_name().as_ref().to_vec());
                    (open.len() <= DEPTH_MAX).then_some(())?;
                    document.note(&element, &open, is_hl7)?;
                    if is_name(&open) {
                        name = usize::try_from(reader.buffer_position()).ok()?;
                    }
                    if is_role(&open, is_hl7) {
                        found.is_none().then_some(())?;
                        let prefix = element.name().prefix().map(|prefix| prefix.as_ref().to_vec());
                        document.prefix = prefix
                            .map(String::from_utf8)
                            .transpose()
                            .ok()?
                            .map_or_else(String::new, |p| p + ":");
                        found = Some(usize::try_from(reader.buffer_position()).ok()?);
                    }
                }
                Event::End(_) => {
                    if is_name(&open) {
                        (document.names.len() < IDS_MAX).then_some(())?;
                        document.names.push(plain(body.get(name..start)?)?);
                    }
                    if is_role(&open, is_hl7) {
                        document.role = found?..start;
                    }
                    open.pop()?;
                }
                Event::Eof => break,
                _ => {}
            }
        }
        (open.is_empty() && found.is_some()).then_some(document)
    }

    fn note(&mut self, element: &BytesStart<'_>, open: &[Vec<u8>], is_hl7: bool) -> Option<()> {
        let attribute = |name: &str| -> Option<Option<String>> {
            let value = element.try_get_attribute(name).ok()?;
            value
                .map(|value| Some(text(std::str::from_utf8(&value.value).ok()?)?.into_owned()))
                .map_or(Some(None), |value| value.map(Some))
        };
        let is_base64 = attribute("representation")?.is_some_and(|value| value.eq_ignore_ascii_case("B64"));
        self.has_opaque_parts |= is_base64 || element.local_name().as_ref() == b"nonXMLBody";
        if let [role @ .., last] = open
            && last == b"id"
            && is_role(role, is_hl7)
        {
            (self.ids.len() < IDS_MAX).then_some(())?;
            self.ids.extend(attribute("extension")?);
        }
        Some(())
    }

    /// The document about the patient of `own`.
    pub(crate) fn about(&self, body: &[u8], own: &OwnRecord) -> Option<Vec<u8>> {
        let content = content(&self.prefix, own);
        let content = if self.is_utf8 { content } else { ascii(&content) };
        let (before, after) = (body.get(..self.role.start)?, body.get(self.role.end..)?);
        Some([before, content.as_bytes(), after].concat())
    }
}

/// The text of a document as a reader sees it, character references resolved.
pub(crate) fn text(text: &str) -> Option<Cow<'_, str>> {
    unescape_with(text, resolve_xml_entity).ok()
}

/// What a reader sees of a piece of a document, a blank in the place of markup; what is more than elements and text is seen as it is written.
fn plain(piece: &[u8]) -> Option<String> {
    let piece = std::str::from_utf8(piece).ok()?;
    if piece.contains("<!") {
        return Some(piece.to_owned());
    }
    let seen: String =
        piece.split('<').map(|part| part.rsplit('>').next().unwrap_or(part)).collect::<Vec<_>>().join(" ");
    Some(text(&seen)?.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Whether a name of the patient begins here, whatever the namespace is.
fn is_name(open: &[Vec<u8>]) -> bool {
    open.iter().map(Vec::as_slice).eq(ROLE.into_iter().chain([b"patient".as_slice(), b"name"]))
}

fn is_role(open: &[Vec<u8>], is_hl7: bool) -> bool {
    is_hl7 && open.iter().map(Vec::as_slice).eq(ROLE)
}

/// Whether a declared encoding is UTF-8; `None` where its bytes are no ASCII.
fn is_utf8(encoding: Option<&[u8]>) -> Option<bool> {
    let Some(encoding) = encoding else { return Some(true) };
    let name = String::from_utf8_lossy(encoding).to_ascii_lowercase();
    match name.as_str() {
        "utf-8" => Some(true),
        "us-ascii" => Some(false),
        name if name.starts_with("iso-8859-") || name.starts_with("windows-125") => Some(false),
        _ => None,
    }
}

/// The same characters by numbers (XML 1.0, 4.1).
fn ascii(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii() { c.to_string() } else { format!("&#{};", u32::from(c)) }).collect()
}

/// What the patient role says: id, name, sex and birth date as the clinical PACS has them (PS3.20 9.1.3 names the attributes), and nothing of
/// what the partner wrote there.
fn content(prefix: &str, own: &OwnRecord) -> String {
    let value = |tag, vr| {
        let set = own.set();
        let text = set.decode(vr, trim(vr, own.bytes_of(tag))).into_owned();
        text.trim().to_owned()
    };
    let (id, issuer) = (value(PATIENT_ID, VR::LO), value(Tag(0x0010, 0x0021), VR::LO));
    let issuer =
        if issuer.is_empty() { issuer } else { format!(" assigningAuthorityName=\"{}\"", escape(&issuer)) };
    let sex = match value(Tag(0x0010, 0x0040), VR::CS).as_str() {
        sex @ ("F" | "M") => format!("code=\"{sex}\" codeSystem=\"2.16.840.1.113883.5.1\""),
        "O" => "code=\"UN\" codeSystem=\"2.16.840.1.113883.5.1\"".to_owned(),
        _ => "nullFlavor=\"UNK\"".to_owned(),
    };
    let birth = match value(Tag(0x0010, 0x0030), VR::DA) {
        birth if birth.is_empty() => "nullFlavor=\"UNK\"".to_owned(),
        birth => format!("value=\"{}\"", escape(&birth)),
    };
    let names = names(prefix, &value(PATIENT_NAME, VR::PN));
    let p = prefix;
    format!(
        "<{p}id extension=\"{}\"{issuer}/><{p}patient>{names}<{p}administrativeGenderCode {sex}/><{p}birthTime {birth}/></{p}patient>",
        escape(&id)
    )
}

/// A name in its one to three representations: alphabetic, ideographic, syllabic (PS3.5 6.2.1.2).
fn names(prefix: &str, name: &str) -> String {
    const PARTS: [&str; 5] = ["family", "given", "given", "prefix", "suffix"];
    let groups: Vec<&str> = name.split('=').collect();
    let mut names = String::new();
    for (group, represents) in groups.iter().zip(["ABC", "IDE", "SYL"]).filter(|(group, _)| !group.is_empty())
    {
        let usage = if groups.len() > 1 { format!(" use=\"{represents}\"") } else { String::new() };
        names.push_str(&format!("<{prefix}name{usage}>"));
        for (text, part) in group.split('^').zip(PARTS).filter(|(text, _)| !text.is_empty()) {
            names.push_str(&format!("<{prefix}{part}>{}</{prefix}{part}>", escape(text)));
        }
        names.push_str(&format!("</{prefix}name>"));
    }
    if names.is_empty() { format!("<{prefix}name nullFlavor=\"UNK\"/>") } else { names }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = "<?xml version=\"1.0\"?><c:ClinicalDocument xmlns:c=\"urn:hl7-org:v3\"><c:recordTarget><c:patientRole>\
                            <c:id root=\"1.2\" extension=\"P-7K3M9\"/></c:patientRole></c:recordTarget></c:ClinicalDocument>";

    fn reads(document: &str) -> bool {
        ClinicalDocument::read(document.as_bytes()).is_some()
    }

    #[test]
    fn one_role_in_a_readable_document_can_be_written_anew() {
        let document = ClinicalDocument::read(DOCUMENT.as_bytes()).unwrap();
        assert_eq!(
            (document.prefix.as_str(), document.ids.as_slice()),
            ("c:", ["P-7K3M9".to_owned()].as_slice())
        );
        assert_eq!(DOCUMENT.get(document.role.clone()), Some("<c:id root=\"1.2\" extension=\"P-7K3M9\"/>"));
        assert!(document.is_utf8 && !document.has_opaque_parts);
        let latin = DOCUMENT.replace("1.0\"", "1.0\" encoding=\"ISO-8859-1\"");
        assert!(!ClinicalDocument::read(latin.as_bytes()).unwrap().is_utf8);
        let picture =
            DOCUMENT.replace("</c:ClinicalD", "<c:value representation=\"B64\">AA</c:value></c:ClinicalD");
        assert!(ClinicalDocument::read(picture.as_bytes()).unwrap().has_opaque_parts);
    }

    #[test]
    fn any_other_document_cannot() {
        for (from, to) in [
            ("urn:hl7-org:v3", "urn:other"),
            ("</c:patientRole>", "</c:patientRole><c:patientRole></c:patientRole>"),
            ("</c:patientRole>", "</c:patientRole><c:patientRole/>"),
            ("<c:ClinicalD", "<!DOCTYPE x [<!ENTITY a \"b\">]><c:ClinicalD"),
            ("<c:ClinicalD", "<?xml-stylesheet href=\"x\"?><c:ClinicalD"),
            ("1.0\"", "1.0\" encoding=\"UTF-16\""),
            ("</c:recordTarget>", ""),
            ("recordTarget", "author"),
            ("P-7K3M9", "&unknown;"),
        ] {
            assert!(DOCUMENT.contains(from) && !reads(&DOCUMENT.replace(from, to)), "{to}");
        }
        assert!(!reads("") && !reads("%PDF-1.4"));
        let deep = format!("{}{}", "<c:a>".repeat(300), "</c:a>".repeat(300));
        assert!(!reads(&DOCUMENT.replace("</c:recordTarget>", &format!("</c:recordTarget>{deep}"))));
    }

    #[test]
    fn the_names_of_the_patient_are_seen_and_no_others() {
        let names = |patient: &str| {
            let role = format!(
                "extension=\"P-7K3M9\"/>{patient}<c:providerOrganization><c:name>H</c:name></c:providerOrganization>"
            );
            let document = DOCUMENT.replace("extension=\"P-7K3M9\"/>", &role);
            ClinicalDocument::read(document.as_bytes()).unwrap().names
        };
        let name = |name: &str| names(&format!("<c:patient><c:name>{name}</c:name></c:patient>"));
        assert_eq!(name("P-7K3M9"), ["P-7K3M9"]);
        assert_eq!(name("<c:family use=\"a\">P-7K3M&#57;</c:family> "), ["P-7K3M9"]);
        assert_eq!(name("<c:given>Bob</c:given><c:family>Dupont</c:family>"), ["Bob Dupont"]);
        assert_eq!(name("<![CDATA[Bob]]>"), ["<![CDATA[Bob]]>"]);
        assert!(names("<c:patient><c:name/></c:patient>").is_empty());
    }

    #[test]
    fn names_have_their_representations_and_nothing_of_them_is_markup() {
        assert_eq!(names("", "A^B&C"), "<name><family>A</family><given>B&amp;C</given></name>");
        assert_eq!(
            names("h:", "Y^T==や"),
            "<h:name use=\"ABC\"><h:family>Y</h:family><h:given>T</h:given></h:name><h:name use=\"SYL\"><h:family>や</h:family></h:name>"
        );
        assert_eq!(names("", ""), "<name nullFlavor=\"UNK\"/>");
        assert_eq!(ascii("é"), "&#233;");
    }
}
