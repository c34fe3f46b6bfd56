//! Who is named in the header of a document: they are no more to be found in what leaves than those of the object itself.

use dicom_core::{Tag, VR};
use dicom_stream::charset::CharacterSet;

use super::tree::{self, Element, Node};
use crate::verify::Identity;

const PATIENT_NAME: Tag = Tag(0x0010, 0x0010);
const PATIENT_ID: Tag = Tag(0x0010, 0x0020);
const BIRTH_DATE: Tag = Tag(0x0010, 0x0030);
/// Patient's Address, Person's Address: of the patient and of others.
const ADDRESS: [Tag; 2] = [Tag(0x0010, 0x1040), Tag(0x0040, 0x1102)];
/// Patient's Telephone Numbers, Person's Telephone Numbers.
const TELEPHONE: [Tag; 2] = [Tag(0x0010, 0x2154), Tag(0x0040, 0x1103)];
const INSTITUTION: Tag = Tag(0x0008, 0x0080);
const SOP_INSTANCE_UID: Tag = Tag(0x0008, 0x0018);
const CONTENT_DATE: Tag = Tag(0x0008, 0x0023);
/// Characters of the shortest number that counts and is not the patient's own: others count from one.
const ID_MIN: usize = 6;

/// Adds those that the header of a document names. Nothing of a document that cannot be read: it is held.
pub(crate) fn add_people(body: &[u8], identity: &mut Identity) {
    let Ok(document) = tree::read(body) else { return };
    let mut people = People { identity, set: CharacterSet::utf8() };
    for element in document.elements() {
        match element.name.as_str() {
            "component" => {}
            "id" | "setId" => people.id(element, false, true),
            "recordTarget" => people.below(element, true),
            _ => people.element(element, false),
        }
    }
}

struct People<'a> {
    identity: &'a mut Identity,
    set: CharacterSet,
}

impl People<'_> {
    fn add(&mut self, tag: Tag, vr: VR, text: &str) {
        // The value of one attribute: a backslash parts two.
        let text = text.replace(['\\', '\0'], " ");
        self.identity.add_value(tag, vr, &self.set, text.as_bytes());
    }

    fn below(&mut self, element: &Element, is_patient: bool) {
        let is_organization = element.name.ends_with("Organization");
        // The organization that looks after the patient is not the patient.
        let is_patient = is_patient && !is_organization && element.name != "guardian";
        for part in element.elements() {
            match part.name.as_str() {
                "name" if is_organization || is_place(&element.name) => {
                    self.add(INSTITUTION, VR::LO, &part.text());
                }
                _ => self.element(part, is_patient),
            }
        }
    }

    fn element(&mut self, element: &Element, is_patient: bool) {
        let whose = |[patients, others]: [Tag; 2]| if is_patient { patients } else { others };
        match element.name.as_str() {
            "name" => self.name(element),
            "id" => self.id(element, is_patient, false),
            "addr" => self.add(whose(ADDRESS), VR::ST, &element.text()),
            "telecom" => {
                let value = element.attribute("value").unwrap_or_default();
                let value = value.split_once(':').map_or(value, |(_, number)| number);
                self.add(whose(TELEPHONE), VR::SH, value);
            }
            "birthTime" | "effectiveTime" | "time" | "low" | "high" | "center" => {
                let tag = if element.name == "birthTime" { BIRTH_DATE } else { CONTENT_DATE };
                let day: String = element.attribute("value").unwrap_or_default().chars().take(8).collect();
                self.add(tag, VR::DA, &day);
                self.below(element, is_patient);
            }
            _ => self.below(element, is_patient),
        }
    }

    /// A name in its parts, or one that is written as a text.
    fn name(&mut self, name: &Element) {
        let of = |part| name.all(part).map(Element::text).collect::<Vec<_>>().join(" ");
        let (family, given) = (of("family"), of("given"));
        // What stands beside the parts is no title: that has a part of its own.
        let beside = name.nodes.iter().filter_map(|node| match node {
            Node::Text(text) => Some(text.trim()),
            Node::Element(_) => None,
        });
        let given = beside.fold(given, |given, text| format!("{given} {text}").trim().to_owned());
        let name = if name.elements().next().is_none() { given } else { format!("{family}^{given}") };
        self.add(PATIENT_NAME, VR::PN, &name);
    }

    fn id(&mut self, id: &Element, is_patient: bool, is_of_document: bool) {
        let part = |name| id.attribute(name).unwrap_or_default();
        let (root, extension) = (part("root"), part("extension"));
        if is_patient || extension.chars().count() >= ID_MIN {
            self.add(PATIENT_ID, VR::LO, extension);
        }
        // Without an extension the root alone names what it is of; else it names who gave the numbers.
        if extension.is_empty() && root.contains('.') {
            self.add(SOP_INSTANCE_UID, VR::UI, root);
        } else if is_of_document || extension.is_empty() {
            self.add(PATIENT_ID, VR::LO, root);
        }
    }
}

/// Where something took place: wards and towns.
fn is_place(element: &str) -> bool {
    matches!(element, "location" | "place")
}
