//! Encapsulated CDA documents that a profile inspects (AC2.8): what the new document says, and which documents wait for a person. Structure
//! and names of elements are those of HL7 CDA R2.

use std::io::Cursor;

use deidentification::DeidentificationOption::{
    self, CleanPixelData, RetainLongitudinalFullDates, RetainLongitudinalModifiedDates,
    RetainPatientCharacteristics,
};
use deidentification::pixels::{FoundText, PixelPolicy, TextPolicy};
use deidentification::verify::{Identity, Promise, Verifier};
use deidentification::{
    CDA_STORAGE, DocumentInspection, DocumentPolicy, DocumentReport, Known, Object, Profile, PseudonymSource,
    Survey, deidentify, inspect_clinical_document,
};
use dicom_stream::{Limits, TransferSyntax, VR};

use crate::support::{CODE, Element, INSTANCE, Source, data_set, elements, text, with_options};

const SYNTAX: TransferSyntax = TransferSyntax::EXPLICIT_LITTLE;
/// Words of identities that stand in the document and must not leave.
const NAMES: [&str; 13] = [
    "Canary",
    "canary",
    "Éloïse",
    "loïse",
    "Vautrin",
    "Basile",
    "Odette",
    "4711",
    "19570301",
    "Lilas",
    "0142",
    "Sainte-Rita",
    "secret",
];

fn profile(text: TextPolicy, options: &[DeidentificationOption]) -> Profile {
    Profile {
        documents: DocumentPolicy::Inspect,
        pixels: PixelPolicy { text, ..PixelPolicy::default() },
        ..with_options(&[&[CleanPixelData], options].concat())
    }
}

/// The header of a document whose patient, author and guardian have names; `narrative` is the text of its section.
fn document(narrative: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?><?xml-stylesheet href="http://secret.example/cda.xsl"?>
<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:s="urn:secret" xsi:schemaLocation="secret">
<realmCode code="FR"/><typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/>
<templateId root="1.2.250.1.213.1.1.1.1"/><templateId root="2.16.840.1.113883.10.20.22.1.1" extension="2015-08-01"/>
<templateId root="1.2.3" extension="Canarysson"/>
<id root="1.2.276.0.7.4.1" extension="DOC-4711-77"/><code code="18748-4" codeSystem="2.16.840.1.113883.6.1" displayName="Canarysson"/>
<title>CR de Mme Canarysson</title><effectiveTime value="20260301101500+0100"/>
<confidentialityCode code="N" codeSystem="2.16.840.1.113883.5.25"/><languageCode code="fr-FR"/>
<recordTarget><patientRole><id root="1.2.250.1.9" extension="MRN-4711-0042"/><addr><streetAddressLine>7 rue des Lilas</streetAddressLine></addr>
<telecom value="tel:+33142000017"/><patient><name><given>Éloïse</given><family>Canarysson</family></name>
<administrativeGenderCode code="F" codeSystem="2.16.840.1.113883.5.1"/><birthTime value="19570301"/>
<guardian><guardianPerson><name>Odette Canarysson</name></guardianPerson></guardian></patient>
<providerOrganization><name>Clinique Sainte-Rita</name></providerOrganization></patientRole></recordTarget>
<author><time value="20260301"/><assignedAuthor><id root="1.2.250.1.71.4.2.1" extension="899947110"/><assignedPerson><name>
<prefix>Dr</prefix><given>Basile</given><family>Vautrin</family></name></assignedPerson></assignedAuthor></author>
<dataEnterer><assignedEntity><id nullFlavor="UNK"/></assignedEntity></dataEnterer>
<custodian><assignedCustodian><representedCustodianOrganization><id root="1.2.250.1.71.4.2.2"/><name>Clinique Sainte-Rita</name>
</representedCustodianOrganization></assignedCustodian></custodian>
<s:person>Canarysson</s:person>
<component><structuredBody><component><section ID="Canarysson"><id root="1.2.9.9"/><code code="59776-5" codeSystem="2.16.840.1.113883.6.1" displayName="Findings"/>
<title>Findings</title><text>{narrative}</text>
<entry><observation classCode="OBS" moodCode="EVN"><id root="1.2.9.8"/><value>Canarysson</value></observation></entry>
<entry><observationMedia classCode="OBS" moodCode="EVN"><value representation="B64">secret</value></observationMedia></entry>
<component><section><title>Conclusion</title><text>Normal</text></section></component>
</section></component></structuredBody></component></ClinicalDocument>"#
    )
}

fn object(body: &[u8]) -> Vec<u8> {
    let elements = vec![
        text(0x0008_0060, VR::CS, "DOC"),
        text(0x0010_0010, VR::PN, "Canarysson^Eloise"),
        text(0x0010_0020, VR::LO, "4711"),
        Element::Value(0x0042_0011, VR::OB, body.to_vec()),
        Element::Value(0x0042_0015, VR::UL, u32::try_from(body.len()).unwrap().to_le_bytes().to_vec()),
    ];
    data_set(SYNTAX.encoding, CDA_STORAGE, elements)
}

struct Made {
    body: String,
    report: DocumentReport,
    object: Vec<u8>,
    identity: Identity,
}

fn made(profile: &Profile, body: &[u8]) -> Result<Made, String> {
    let profile = profile.compile(None).unwrap();
    let input = object(body);
    let mut identity = Identity::default();
    let survey =
        Survey::read(&profile, Cursor::new(&input), &SYNTAX, Limits::INSTANCE, &mut identity).unwrap();
    let cleaner = profile.cleaner(&identity).unwrap();
    let looked = inspect_clinical_document(
        &profile,
        &cleaner,
        &Source,
        &SYNTAX,
        Limits::INSTANCE,
        Cursor::new(&input),
    );
    let kept = match looked.unwrap() {
        DocumentInspection::Held(why) => return Err(why),
        DocumentInspection::Kept(kept) => kept,
    };
    let survey = survey.with_document(kept);
    let known = Known { survey: &survey, cleaner: &cleaner, pixels: None };
    let announced =
        Object { sop_class: CDA_STORAGE, sop_instance: INSTANCE, transfer_syntax: &SYNTAX, length: None };
    let mut out = Vec::new();
    let report =
        deidentify(&profile, &announced, &Source, known, Limits::INSTANCE, Cursor::new(&input), &mut out)
            .unwrap();
    let mut written = elements(&SYNTAX, &out);
    let body = written.remove("(0042,0011)").unwrap().1;
    let length = u32::from_le_bytes(written["(0042,0015)"].1.as_slice().try_into().unwrap());
    assert_eq!(length as usize, body.len());
    Ok(Made {
        body: String::from_utf8(body).unwrap(),
        report: report.document.unwrap(),
        object: out,
        identity,
    })
}

fn identity_made(narrative: &str) -> Made {
    made(&profile(TextPolicy::Identity, &[]), document(narrative).as_bytes()).unwrap()
}

/// What stands between the tags of the first narrative.
fn narrative(made: &Made) -> &str {
    made.body.split("<text>").nth(1).unwrap().split("</text>").next().unwrap()
}

fn verified(made: &Made, options: &[DeidentificationOption]) -> bool {
    let promise = Promise {
        options: options.iter().copied().collect(),
        shift_days: options.contains(&RetainLongitudinalModifiedDates).then_some(crate::support::SHIFT),
        given: [Source.uid("1.2.276.0.7.4.1^DOC-4711-77")].into(),
    };
    let verifier = Verifier::new(&made.identity, &[CODE]).unwrap().promising(promise);
    let found = verifier.verify_clinical_document(Cursor::new(&made.object), &SYNTAX, Limits::INSTANCE);
    found.unwrap().is_none()
}

#[test]
fn the_header_is_made_anew_and_names_nobody() {
    let made = identity_made("Normal");
    let (header, body) = made.body.split_once("<component>").unwrap();
    let id = Source.uid("1.2.276.0.7.4.1^DOC-4711-77");
    assert_eq!(
        header,
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ClinicalDocument xmlns=\"urn:hl7-org:v3\"><realmCode code=\"FR\"/>\
             <typeId root=\"2.16.840.1.113883.1.3\" extension=\"POCD_HD000040\"/><templateId root=\"1.2.250.1.213.1.1.1.1\"/>\
             <templateId root=\"2.16.840.1.113883.10.20.22.1.1\"/><templateId root=\"1.2.3\"/><id root=\"{id}\"/>\
             <code code=\"18748-4\" codeSystem=\"2.16.840.1.113883.6.1\"/><title>CR de Mme ***</title>\
             <effectiveTime nullFlavor=\"MSK\"/><confidentialityCode code=\"N\" codeSystem=\"2.16.840.1.113883.5.25\"/>\
             <languageCode code=\"fr-FR\"/><recordTarget><patientRole><id extension=\"{CODE}\"/></patientRole></recordTarget>\
             <author><time nullFlavor=\"MSK\"/><assignedAuthor><id nullFlavor=\"MSK\"/></assignedAuthor></author>\
             <custodian><assignedCustodian><representedCustodianOrganization><id nullFlavor=\"MSK\"/>\
             </representedCustodianOrganization></assignedCustodian></custodian>"
        )
    );
    assert_eq!(
        body.trim_end(),
        "<structuredBody><component><section><code code=\"59776-5\" codeSystem=\"2.16.840.1.113883.6.1\" displayName=\"Findings\"/>\
         <title>Findings</title><text>Normal</text><component><section><title>Conclusion</title><text>Normal</text></section></component>\
         </section></component></structuredBody></component></ClinicalDocument>"
    );
    assert_eq!(made.report, DocumentReport::Clinical { sections: 2, cuts: 1, left_out: 2 });
    assert!(verified(&made, &[]));
}

/// A code is a number of a vocabulary: anything else may be a name. What stands beside the parts of a name is one.
#[test]
fn a_name_in_a_code_or_beside_its_parts_does_not_leave() {
    let whole = document("Normal. Bachmann").replace("code=\"59776-5\"", "code=\"Bachmann_Ruth_1961\"");
    let of_code = made(&profile(TextPolicy::Identity, &[]), whole.as_bytes()).unwrap();
    assert!(!of_code.body.contains("Ruth"), "{}", of_code.body);
    let beside = document("Vu par Zebedee").replace("<given>Basile</given>", "Zebedee ");
    let made = made(&profile(TextPolicy::Identity, &[]), beside.as_bytes()).unwrap();
    assert!(!made.body.contains("Zebedee"), "{}", made.body);
}

/// However a name is written, its reader sees it as one.
#[test]
fn names_go_from_the_narrative_and_its_blocks_stay() {
    let made = identity_made(
        "<paragraph>Mme &#201;lo&#xEF;se CANARYSSON, vue par le Dr Vautrin</paragraph>\
         <paragraph>Thorax normal: &lt; 3 mm &amp; net</paragraph><paragraph><content styleCode=\"Bold Canarysson\">Canary</content>sson</paragraph>\
         <paragraph>Canary<!-- secret -->sson, <![CDATA[Odette]]></paragraph>\
         <list listType=\"ordered\" ID=\"Vautrin\"><item><content styleCode=\"Bold\">Foie</content> normal</item><item>Eloise</item></list>\
         <table summary=\"Vautrin\" border=\"1\"><colgroup><col width=\"9\"/></colgroup><thead><tr><th>Mesure</th><th>Valeur</th></tr></thead>\
         <tbody><tr><td colspan=\"2\">Basile</td></tr><tr><td>LVEF</td><td>60 %</td></tr></tbody></table>\
         <linkHtml href=\"http://secret.example/canarysson\">voir</linkHtml><renderMultiMedia referencedObject=\"secret\"/>: tel. 01 42 00 00 17<br/>IPP MRN-4711-0042, le 01/03/1957<br/>normal",
    );
    assert_eq!(
        narrative(&made),
        "<paragraph>Mme ***, vue par le Dr ***</paragraph><paragraph>Thorax normal: &lt; 3 mm &amp; net</paragraph>\
         <paragraph>***</paragraph><paragraph>***</paragraph>\
         <list listType=\"ordered\"><item><content styleCode=\"Bold\">Foie</content> normal</item><item>***</item></list>\
         <table><thead><tr><th>Mesure</th><th>Valeur</th></tr></thead><tbody><tr><td colspan=\"2\">***</td></tr>\
         <tr><td>LVEF</td><td>60 %</td></tr></tbody></table>voir: tel. ***<br/>IPP ***, le ***<br/>normal"
    );
    for name in NAMES {
        assert!(!made.body.contains(name), "{name}: {}", made.body);
    }
    assert!(verified(&made, &[]));
}

/// Longer than a value that is read as a whole.
#[test]
fn a_long_document_is_made_anew_as_well() {
    let made = identity_made(&format!("<paragraph>{}Dr Vautrin</paragraph>", "Foie normal. ".repeat(20_000)));
    assert!(made.body.len() > 240_000 && made.body.contains("Foie normal. Dr ***</paragraph>"));
    assert!(verified(&made, &[]));
}

/// With the default only what is known to be harmless stays.
#[test]
fn unknown_text_goes_under_the_default_policy() {
    let body = document("<paragraph>Normal liver. Mrs Somebody of Nowhere</paragraph>");
    let made = made(&profile(TextPolicy::Unknown, &[]), body.as_bytes()).unwrap();
    assert!(!made.body.contains("Somebody") && made.body.contains("Normal liver"), "{}", made.body);
    assert!(verified(&made, &[]));
}

#[test]
fn text_that_the_profile_does_not_let_pass_holds_the_document() {
    let any = profile(TextPolicy::Any, &[]);
    let hold = PixelPolicy { found: FoundText::Hold, text: TextPolicy::Identity, ..PixelPolicy::default() };
    let hold = Profile { pixels: hold, ..profile(TextPolicy::Identity, &[]) };
    let without = Profile { options: [].into(), ..profile(TextPolicy::Identity, &[]) };
    for (profile, why) in
        [(any, "text in the document"), (hold, "text in the document"), (without, "Clean Pixel Data")]
    {
        let held = made(&profile, document("Canarysson").as_bytes()).err().unwrap();
        assert!(held.contains(why) && !held.contains("anary"), "{held}");
    }
}

/// PS3.15 E.3.6, E.3.7: dates and the sex of the patient are retained by options alone.
#[test]
fn options_retain_the_date_of_the_document_and_the_sex() {
    for (option, kept) in [
        (RetainLongitudinalFullDates, "<effectiveTime value=\"20260301101500+0100\"/>"),
        // 100 days before
        (RetainLongitudinalModifiedDates, "<effectiveTime value=\"20251121101500+0100\"/>"),
        (
            RetainPatientCharacteristics,
            "<patient><administrativeGenderCode code=\"F\" codeSystem=\"2.16.840.1.113883.5.1\"/></patient>",
        ),
    ] {
        let made = made(&profile(TextPolicy::Identity, &[option]), document("Normal").as_bytes()).unwrap();
        assert!(made.body.contains(kept), "{}", made.body);
        assert!(verified(&made, &[option]));
        assert!(!verified(&made, &[]), "the after-check lets nothing of it leave without the option");
    }
}

#[test]
fn other_encodings_of_the_same_document_are_read() {
    let narrative = "<paragraph>Vue par Éloïse</paragraph>";
    let latin = document(narrative).replacen("UTF-8", "ISO-8859-1", 1);
    let latin: Vec<u8> = latin.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let with_mark = [b"\xEF\xBB\xBF", document(narrative).as_bytes()].concat();
    for body in [latin, with_mark] {
        let made = made(&profile(TextPolicy::Identity, &[]), &body).unwrap();
        assert!(made.body.contains("<paragraph>Vue par ***</paragraph>"), "{}", made.body);
    }
}

#[test]
fn what_is_not_understood_waits_for_a_person() {
    let whole = document("Normal");
    let with = |from: &str, to: &str| {
        assert!(whole.contains(from), "{from}");
        whole.replacen(from, to, 1)
    };
    let root = "<ClinicalDocument";
    let deep = format!("{}{}", "<content>".repeat(100), "</content>".repeat(100));
    let laughs = "<!DOCTYPE l [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">]><ClinicalDocument";
    let attributes = |count: usize, name: &str| {
        (0..count).map(|number| format!("{name}n{number}=\"u\"")).collect::<Vec<_>>().join(" ")
    };
    let external = "<!DOCTYPE l [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><ClinicalDocument";
    let cases = [
        (with(root, laughs), "DTD"),
        (with(root, external), "DTD"),
        (with(root, "<?php secret ?><ClinicalDocument"), "instructions"),
        (with(">Normal<", ">&x;<"), "entity"),
        (with(">Normal<", &format!(">{deep}<")), "deep"),
        (with(">Normal<", &format!(">{}<", "<br/>".repeat(200_001))), "too many parts"),
        (
            with(">Normal<", &format!("><content {}>Normal</content><", attributes(65, "a"))),
            "too many attributes",
        ),
        (with("<s:person>", &format!("<s:person {}>", attributes(65, "a"))), "too many attributes"),
        (
            with(">Normal<", &format!(">{}<", format!("<content {}/>", attributes(40, "xmlns:")).repeat(2))),
            "namespaces",
        ),
        (with(">Normal<", "><iframe>Normal</iframe><"), "narrative"),
        (with(">Normal<", "><content revised=\"delete\">Normal</content><"), "deleted"),
        (with(">Normal<", ">Dr Vautrin <content revised=\"delete\">Normal</content><"), "deleted"),
        (with("UTF-8", "UTF-16"), "encoding"),
        (with("urn:hl7-org:v3", "urn:other"), "no ClinicalDocument"),
        (with("</ClinicalDocument>", ""), "well-formed"),
        (with("<recordTarget>", "<recordTarget/><recordTarget>"), "several patients"),
        (
            with(
                "<structuredBody>",
                "<nonXMLBody><text mediaType=\"application/pdf\"/></nonXMLBody><structuredBody>",
            ),
            "nonXMLBody",
        ),
        (whole.replace("section", "act"), "no section"),
        ("%PDF-1.4".to_owned(), "no ClinicalDocument"),
        (with(">Normal<", &format!(">{}<", "Normal ".repeat(700_000))), "4 MiB"),
    ];
    for (body, why) in cases {
        let held = made(&profile(TextPolicy::Identity, &[]), body.as_bytes()).err();
        assert!(held.as_ref().is_some_and(|held| held.contains(why)), "{why}: {held:?}");
    }
}

/// The after-check reads what leaves with a reader and search terms of its own.
#[test]
fn the_after_check_reads_the_document_that_leaves() {
    let made = identity_made("<paragraph>Normal</paragraph>");
    let check = |from: &str, to: &str| {
        assert!(made.body.contains(from), "{from}");
        let input = object(made.body.replacen(from, to, 1).as_bytes());
        let verifier = Verifier::new(&made.identity, &[CODE]).unwrap();
        verifier.verify_clinical_document(Cursor::new(input), &SYNTAX, Limits::INSTANCE)
    };
    assert!(check("Normal", "Normal").unwrap().is_none());
    for (from, to) in [
        ("Normal", "Canarysson"),
        ("Normal", "<content>Canary</content>sson"),
        ("Normal", "Vautrin &amp; Odette"),
        ("<paragraph>", "<paragraph styleCode=\"Canarysson\">"),
        ("displayName=\"Findings\"", "displayName=\"M. Vautrin\""),
        (CODE, "MRN-4711-0042"),
        ("<effectiveTime nullFlavor=\"MSK\"/>", "<effectiveTime value=\"19570301\"/>"),
    ] {
        assert!(check(from, to).unwrap().is_some(), "{to}");
    }
    for (from, to) in [
        ("Normal", "<name>Normal</name>"),
        ("<paragraph>", "<paragraph ID=\"a\">"),
        ("<paragraph>", "<!-- --><paragraph>"),
        ("Normal", "&#78;ormal"),
        ("</paragraph>", ""),
        ("<?xml", "<?xmm"),
    ] {
        assert!(check(from, to).is_err(), "it fails closed: {to}");
    }
}
