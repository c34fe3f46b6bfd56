//! What rules write of their own: attributes that are added, and tokens in all their forms (`docs/profile-rules.md`).

use deidentification::{Profile, PseudonymSource, RuleId, Step};
use dicom_stream::{Limits, Tag, Token, TokenSource, TransferSyntax, VR};

use crate::rules::{profile, rule, run};
use crate::support::{CT, Element, NATIVE, Output, Source, data_set, sequence, text, try_run_profile};

const COIL: &str = "(0018,1250)";

fn add(attribute: &str, value: &str) -> String {
    rule(attribute, &format!("{{ add = {{ value = \"{value}\" }} }}"))
}

fn overwrite(attribute: &str, value: &str) -> String {
    rule(attribute, &format!("{{ add = {{ value = \"{value}\", overwrite = true }} }}"))
}

fn steps(output: &Output, tag: Tag) -> Vec<(RuleId, Step)> {
    let here = output.report.changes.iter().filter(|change| change.path == [tag]);
    here.map(|change| (change.rule, change.step)).collect()
}

#[test]
fn an_attribute_is_added_where_nothing_is_left_of_it() {
    let coil = Tag(0x0018, 0x1250);
    let added = run(&add("ReceiveCoilName", "HEAD"), vec![]);
    assert_eq!(added.text(COIL).as_deref(), Some("HEAD"));
    assert_eq!(steps(&added, coil), [(RuleId::Project(1), Step::Add)]);
    let there = || vec![text(0x0018_1250, VR::SH, "BODY")];
    let kept = run(&add("ReceiveCoilName", "HEAD"), there());
    assert_eq!(kept.text(COIL).as_deref(), Some("BODY"));
    assert_eq!(steps(&kept, coil), []);
    let overwritten = run(&overwrite("ReceiveCoilName", "HEAD"), there());
    assert_eq!(overwritten.text(COIL).as_deref(), Some("HEAD"));
    assert_eq!(steps(&overwritten, coil), [(RuleId::Project(1), Step::Replace)]);
    // of items it says nothing
    let nested = run(
        &overwrite("CodeMeaning", "X"),
        vec![sequence(0x0008_2218, vec![vec![text(0x0008_0104, VR::LO, "Thorax")]])],
    );
    assert_eq!(nested.text("(0008,2218)[1](0008,0104)").as_deref(), Some("Thorax"));
    assert_eq!(nested.text("(0008,0104)").as_deref(), Some("X"));
}

/// PS3.15 Table E.1-1: Study Description X. What is removed is removed before something is added.
#[test]
fn what_the_profile_or_a_rule_removes_is_missing_and_what_is_emptied_is_there() {
    let study = || vec![text(0x0008_1030, VR::LO, "Thorax of Ann")];
    let removed = run(&add("StudyDescription", "Study A"), study());
    assert_eq!(removed.text("(0008,1030)").as_deref(), Some("Study A"));
    let long = || vec![Element::Value(0x0008_1030, VR::LO, vec![b'a'; 100_000])];
    assert_eq!(
        run(&add("StudyDescription", "Study A"), long()).text("(0008,1030)").as_deref(),
        Some("Study A")
    );
    let by_rule = rule("ReceiveCoilName", "\"X\"") + &add("ReceiveCoilName", "HEAD");
    let there = || vec![text(0x0018_1250, VR::SH, "BODY")];
    assert_eq!(run(&by_rule, there()).text(COIL).as_deref(), Some("HEAD"));
    let emptied = rule("ReceiveCoilName", "\"Z\"") + &add("ReceiveCoilName", "HEAD");
    assert_eq!(run(&emptied, there()).text(COIL).as_deref(), Some(""));
    // a sequence where PS3.6 has a text is left out
    let wrong = vec![sequence(0x0018_1250, vec![])];
    assert_eq!(run(&add("ReceiveCoilName", "HEAD"), wrong).text(COIL).as_deref(), Some("HEAD"));
}

#[test]
fn elements_ascend_whatever_is_added_in_each_encoding() {
    let profile = profile(
        &[
            add("ReceiveCoilName", "HEAD"),
            add("BodyPartExamined", "CHEST"),
            add("ClinicalTrialSeriesDescription", "baseline"),
            add("SeriesDescription", "after"),
        ]
        .concat(),
    );
    let compiled = profile.compile(None).unwrap();
    for syntax in &NATIVE {
        let pixels = Element::Value(0x7FE0_0010, VR::OW, vec![0; 100_000]);
        let input = data_set(syntax.encoding, CT, vec![text(0x0018_0015, VR::CS, "HEAD"), pixels]);
        let output = try_run_profile(&compiled, syntax, CT, Limits::INSTANCE, &input).unwrap();
        assert_eq!(output.text("(0018,0015)").as_deref(), Some("HEAD"));
        for path in [COIL, "(0012,0072)", "(0008,103E)"] {
            assert!(output.has(path), "{path}");
        }
        assert!(root_tags(syntax, &output.bytes).is_sorted());
    }
}

fn root_tags(syntax: &TransferSyntax, bytes: &[u8]) -> Vec<Tag> {
    let mut tokens = TokenSource::new(bytes, syntax, Limits::INSTANCE, None);
    let (mut tags, mut depth) = (Vec::new(), 0);
    while let Some(token) = tokens.next_token().unwrap() {
        match token {
            Token::Value { header, .. } | Token::BulkStart { header } if depth == 0 => tags.push(header.tag),
            Token::SequenceStart { header } => {
                if depth == 0 {
                    tags.push(header.tag);
                }
                depth += 1;
            }
            Token::SequenceEnd { .. } => depth -= 1,
            _ => {}
        }
    }
    tags
}

#[test]
fn the_first_rule_that_holds_for_the_object_adds() {
    let rules = |modality: &str| {
        let first = add("ReceiveCoilName", "FIRST") + "modalities = [\"MR\"]\n";
        run(&(first + &add("ReceiveCoilName", "SECOND")), vec![text(0x0008_0060, VR::CS, modality)])
    };
    assert_eq!(rules("MR").text(COIL).as_deref(), Some("FIRST"));
    assert_eq!(rules("CT").text(COIL).as_deref(), Some("SECOND"));
}

/// (0012,0064) says what left something of the original: an added value is none of it.
#[test]
fn no_option_is_named_for_what_a_rule_wrote() {
    let device = "options = [\"retain_device_identity\"]\n";
    let there = || vec![text(0x0018_1000, VR::LO, "4711")];
    let codes = |more: &str| run(&format!("{device}{more}"), there()).report.method_codes;
    assert_eq!(codes(""), ["113100", "113109"]);
    assert_eq!(codes(&overwrite("DeviceSerialNumber", "none")), ["113100"]);
    assert_eq!(codes(&add("DeviceSerialNumber", "none")), ["113100", "113109"]);
}

#[test]
fn what_may_not_be_added_is_refused_when_the_profile_is_read() {
    for (attribute, value, what) in [
        ("PatientID", "X", "describes the patient"),
        ("PatientWeight", "70", "describes the patient"),
        ("StudyInstanceUID", "1.2", "writes this attribute itself"),
        ("FrameOfReferenceUID", "1.2", "UIDs come from"),
        ("AccessionNumber", "1", "says whose the object is"),
        ("StudyID", "1", "says whose the object is"),
        ("OperatorsName", "Grey", "names a person"),
        ("ClinicalTrialProtocolID", "T-1", "writes this attribute itself"),
        ("PatientIdentityRemoved", "NO", "writes this attribute itself"),
        ("SpecificCharacterSet", "ISO_IR 192", "writes this attribute itself"),
        ("NumberOfFrames", "1", "describes the pixels"),
        ("PixelData", "", "writes this attribute itself"),
        ("(0019,1001)", "X", "private"),
        ("(0018,FFF1)", "X", "PS3.6 does not know it"),
        ("(0002,0016)", "X", "does not stand in a data set"),
        ("Protocol*", "X", "one attribute of the main data set"),
        ("vr:LO", "X", "one attribute of the main data set"),
        ("nested:ReceiveCoilName", "X", "one attribute of the main data set"),
        ("RequestAttributesSequence/ReceiveCoilName", "X", "one attribute of the main data set"),
        ("StudyDate", "yesterday", "the attribute is DA"),
        ("ReceiveCoilName", "longer than sixteen", "the attribute is SH"),
        ("ReceiveCoilName", "a\\\\b", "the attribute is SH"),
        ("RequestAttributesSequence", "", "the attribute is SQ"),
    ] {
        let error = profile(&add(attribute, value)).compile(None).unwrap_err().to_string();
        assert!(error.contains(what), "{attribute}: {error}");
    }
    let vr = rule("ReceiveCoilName", "{ add = { value = \"A\", vr = \"LO\" } }");
    assert!(profile(&vr).compile(None).unwrap_err().to_string().contains("is SH: correct vr"));
    let looks = add("ReceiveCoilName", "A") + "value = \"x\"\n";
    assert!(profile(&looks).compile(None).unwrap_err().to_string().contains("take value out"));
    assert!(profile(&add("root:ReceiveCoilName", "A")).compile(None).is_ok());
}

/// A token of the participant's key.
fn token(of: &str) -> String {
    Source.token(of).chars().take(8).collect()
}

#[test]
fn words_get_a_token_each() {
    let hashed = |how: &str, value: &str| {
        let rule = rule("ProtocolName", &format!("{{ hash = {how} }}"));
        run(&rule, vec![text(0x0018_1030, VR::LO, value)]).text("(0018,1030)")
    };
    let words = "{ digits = 8, words = true }";
    let two = format!("{} {}", token("Ann"), token("Lee"));
    assert_eq!(hashed(words, "Ann  Lee,"), Some(two));
    assert_ne!(hashed(words, "ANN"), hashed(words, "Ann"));
    let folded = "{ digits = 8, words = true, ignore_case = true }";
    assert_eq!(hashed(folded, "ANN-lee"), Some(format!("{} {}", token("ann"), token("lee"))));
    let prefixed = "{ digits = 8, prefix = \"ANON-\" }";
    assert_eq!(hashed(prefixed, "Ann Lee"), Some(format!("ANON-{}", token("Ann Lee"))));
    // LO has 64 characters: eight words of eight digits are 71
    assert_eq!(hashed(words, "a b c d e f g h"), None);
}

#[test]
fn a_scope_parts_what_is_equal_outside_of_it() {
    let hashed = |scope: &str, study: &str, series: &str| {
        let rule = rule("ProtocolName", &format!("{{ hash = {{ digits = 16, scope = \"{scope}\" }} }}"));
        let mut elements = vec![text(0x0018_1030, VR::LO, "Thorax"), text(0x0020_000D, VR::UI, study)];
        if !series.is_empty() {
            elements.push(text(0x0020_000E, VR::UI, series));
        }
        run(&rule, elements).text("(0018,1030)")
    };
    let distinct = |scope: &str| {
        let places = [("1.1", "1.1.1"), ("1.1", "1.1.2"), ("1.2", "1.2.1")];
        let tokens = places.map(|(study, series)| hashed(scope, study, series).unwrap());
        tokens.iter().collect::<std::collections::BTreeSet<_>>().len()
    };
    assert_eq!(["patient", "study", "series", "instance"].map(distinct), [1, 2, 3, 1]);
    assert_eq!(hashed("patient", "1.1", "1.1.1").as_deref(), Source.token("Thorax").get(..16));
    assert_eq!(hashed("study", "1.1", "1.1.1"), hashed("study", "1.1", "1.1.2"));
    assert_ne!(hashed("study", "1.1", "1.1.1"), hashed("series", "1.1", "1.1.1"));
    // without a UID of the scope nobody can tell what is equal
    assert_eq!(hashed("series", "1.1", ""), None);
}

#[test]
fn forms_of_hash_that_cannot_be_used_are_refused() {
    for (about, how, what) in [
        ("ProtocolName", "{ digits = 7 }", "8 to 32 digits"),
        ("ProtocolName", "33", "8 to 32 digits"),
        ("ProtocolName", "{ digits = 8, prefix = \"a\\\\b\" }", "prefix"),
        ("StationName", "{ digits = 12, prefix = \"ANON-\" }", "SH with 16 digits"),
    ] {
        let error =
            profile(&rule(about, &format!("{{ hash = {how} }}"))).compile(None).unwrap_err().to_string();
        assert!(error.contains(what), "{how}: {error}");
    }
    let read = |how: &str| {
        let rule = rule("ProtocolName", &format!("{{ hash = {how} }}"));
        Profile::from_toml(&format!("name = \"a\"\nversion = \"1\"\nedition = \"2026d\"\n{rule}"))
    };
    for (how, what) in [
        ("300", "8 to 32 digits"),
        ("{ digits = 8, scope = \"world\" }", "unknown variant"),
        ("{ word = true }", "unknown field"),
    ] {
        let error = read(how).unwrap_err().to_string();
        assert!(error.contains(what), "{how}: {error}");
    }
    // one thing, written twice: the same profile, and the same as before there were tables
    assert_eq!(read("8").unwrap(), read("{ digits = 8 }").unwrap());
    assert!(read("{ digits = 8 }").unwrap().to_toml().unwrap().contains("hash = 8"));
    let whole =
        read("{ digits = 9, words = true, ignore_case = true, prefix = \"A\", scope = \"series\" }").unwrap();
    assert_eq!(Profile::from_toml(&whole.to_toml().unwrap()).unwrap(), whole);
}
