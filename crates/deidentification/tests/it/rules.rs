//! Rules of the project: what each action makes of a value, what they reach, and which the profile's reader refuses.

use deidentification::{Profile, PseudonymSource};
use dicom_stream::VR;

use crate::support::{CT, Element, Output, Source, run_profile, sequence, text};

pub(crate) fn profile(more: &str) -> Profile {
    let head = "name = \"own\"\nversion = \"1\"\nedition = \"2026d\"\n";
    Profile::from_toml(&format!("{head}{more}")).unwrap()
}

pub(crate) fn run(more: &str, elements: Vec<Element>) -> Output {
    run_profile(&profile(more), CT, elements)
}

pub(crate) fn rule(attribute: &str, action: &str) -> String {
    format!("[[rules]]\nattributes = [\"{attribute}\"]\naction = {action}\n")
}

const SAFE: &str = "options = [\"retain_safe_private\"]\n";

/// Two elements of Table E.3.10-1.
fn private() -> Vec<Element> {
    vec![
        text(0x0019_0010, VR::LO, "SIEMENS MR HEADER"),
        text(0x0019_100C, VR::IS, "1000"),
        text(0x0019_100D, VR::CS, "NONE"),
    ]
}

#[test]
fn rules_reach_private_elements_that_an_option_retains() {
    let plain = run(SAFE, private());
    assert_eq!(plain.text("(0019,100C)").as_deref(), Some("1000"));
    for about in ["creator:SIEMENS MR HEADER", "(0019,10xx)", "(0019,100C)", "vr:IS"] {
        let output = run(&format!("{SAFE}{}", rule(about, "\"X\"")), private());
        assert!(!output.has("(0019,100C)"), "{about}");
        assert_eq!(output.has("(0019,100D)"), about == "vr:IS" || about == "(0019,100C)", "{about}");
    }
    let other = run(&format!("{SAFE}{}", rule("creator:ACME", "\"X\"")), private());
    assert!(other.has("(0019,100C)"));
    let replaced = run(&format!("{SAFE}{}", rule("(0019,100D)", "{ replace = \"SOME\" }")), private());
    assert_eq!(replaced.text("(0019,100D)").as_deref(), Some("SOME"));
    assert_eq!(replaced.text("(0019,0010)").as_deref(), Some("SIEMENS MR HEADER"));
    // what the profile removes, no rule brings back
    let none = run(&rule("(0019,100D)", "{ replace = \"SOME\" }"), private());
    assert!(!none.has("(0019,100D)") && !none.has("(0019,0010)"));
}

#[test]
fn rules_reach_values_that_are_too_long_to_be_read() {
    let table = || vec![Element::Value(0x0028_3006, VR::OW, vec![7; 100_000])];
    assert!(run("", table()).has("(0028,3006)"));
    assert!(!run(&rule("LUTData", "\"X\""), table()).has("(0028,3006)"));
    let emptied = run(&rule("LUTData", "\"Z\""), table());
    assert_eq!(emptied.text("(0028,3006)").as_deref(), Some(""));
    let shielded = format!("{}{}", rule("LUTData", "\"K\""), rule("vr:OW", "\"X\""));
    assert!(run(&shielded, table()).has("(0028,3006)"));
}

#[test]
fn a_rule_about_a_sequence_takes_it_whole_and_a_pattern_does_not() {
    let codes = || vec![sequence(0x0008_2218, vec![vec![text(0x0008_0104, VR::LO, "Thorax")]])];
    assert!(!run(&rule("(0008,2218)", "\"X\""), codes()).has("(0008,2218)[1](0008,0104)"));
    let pattern = "[[rules]]\nattributes = [\"(0008,22xx)\"]\nvalue = \"Abdomen\"\naction = \"X\"\n";
    assert!(run(pattern, codes()).has("(0008,2218)[1](0008,0104)"));
}

/// A backslash parts values (PS3.5 §6.4): each is judged and rewritten by itself.
#[test]
fn values_are_rewritten_one_by_one() {
    let kinds = || vec![text(0x0008_0008, VR::CS, "ORIGINAL\\PRIMARY\\AXIAL")];
    let image_type = |action: &str| run(&rule("ImageType", action), kinds()).text("(0008,0008)");
    assert_eq!(image_type("{ truncate = 4 }").as_deref(), Some("ORIG\\PRIM\\AXIA"));
    let upper = image_type("{ regex = { find = \"^AX.*$\", with = \"OTHER\" } }");
    assert_eq!(upper.as_deref(), Some("ORIGINAL\\PRIMARY\\OTHER"));
    let map = "{ map = { ORIGINAL = \"DERIVED\", PRIMARY = \"PRIMARY\", AXIAL = \"AXIAL\" } }";
    assert_eq!(image_type(map).as_deref(), Some("DERIVED\\PRIMARY\\AXIAL"));
    assert_eq!(image_type("{ map = { ORIGINAL = \"DERIVED\" } }"), None, "what is not in the table goes");
    let one_of = "[[rules]]\nattributes = [\"ImageType\"]\nvalue = \"^PRIMARY$\"\naction = \"X\"\n";
    assert!(!run(one_of, kinds()).has("(0008,0008)"));
}

/// Dates move by -100 days (SHIFT of the test source), beside what the profile does with others.
#[test]
fn each_action_does_what_it_says() {
    let values = || vec![text(0x0018_1030, VR::LO, "Thorax"), text(0x0018_1200, VR::DA, "20240310")];
    let made = |about: &str, action: &str, path: &str| run(&rule(about, action), values()).text(path);
    let protocol = |action: &str| made("ProtocolName", action, "(0018,1030)");
    assert_eq!(protocol("{ replace = \"A\" }").as_deref(), Some("A"));
    assert_eq!(protocol("\"Z\"").as_deref(), Some(""));
    assert_eq!(protocol("\"D\"").as_deref(), Some("REMOVED"));
    assert_eq!(protocol("{ hash = 8 }").as_deref(), Source.token("Thorax").get(..8));
    assert_eq!(protocol("\"X\""), None);
    let model = |action: &str| {
        let values = vec![text(0x0008_1090, VR::LO, "Aquilion Lefevre")];
        run(&rule("ManufacturerModelName", action), values).text("(0008,1090)")
    };
    assert_eq!(model("\"K\"").as_deref(), Some("Aquilion Lefevre"));
    assert!(!model("\"C\"").unwrap_or_default().contains("Lefevre"));
    let retained = "options = [\"retain_uids\"]\n";
    let uid = |more: &str| {
        let values = vec![text(0x0020_0052, VR::UI, "1.2.3.9")];
        run(&format!("{retained}{more}"), values).text("(0020,0052)").unwrap()
    };
    assert_eq!(uid(""), "1.2.3.9");
    assert!(uid(&rule("FrameOfReferenceUID", "\"U\"")).starts_with("2.25."));
}

#[test]
fn what_an_attribute_cannot_hold_is_refused_when_the_profile_is_read() {
    for (about, action, what) in [
        ("Rows", "{ replace = \"abc\" }", "VR of the attribute is US"),
        ("StudyDate", "{ replace = \"hello\" }", "VR of the attribute is DA"),
        ("StudyDate", "{ hash = 8 }", "hash fits"),
        ("AccessionNumber", "{ hash = 32 }", "16 digits"),
        ("Rows", "{ regex = { find = \"1\", with = \"2\" } }", "for texts"),
        ("ManufacturerModelName", "\"shift\"", "DA and DT"),
        ("StudyInstanceUID", "\"X\"", "writes this attribute itself"),
        ("SOPInstanceUID", "\"D\"", "writes this attribute itself"),
        ("SpecificCharacterSet", "{ replace = \"ISO_IR 192\" }", "writes this attribute itself"),
        ("PatientName", "\"Z\"", "writes this attribute itself"),
        ("RequestAttributesSequence", "{ replace = \"a\" }", "VR of the attribute is SQ"),
        ("PixelData", "\"X\"", "write a mask"),
        ("BodyPartExamined", "{ map = { HEAD = \"head\" } }", "VR of the attribute is CS"),
        ("vr:US", "{ truncate = 2 }", "for texts"),
        ("Rows", "\"U\"", "new UID is for UI"),
        ("Rows", "\"C\"", "are cleaned"),
    ] {
        let error = profile(&rule(about, action)).compile(None).unwrap_err().to_string();
        assert!(error.contains(what), "{about} {action}: {error}");
    }
    for (more, what) in
        [("sop_classes = [\"CT Image Storage\"]", "is no UID"), ("modalities = [\"ct\"]", "in capitals")]
    {
        let error = profile(&format!("{}{more}\n", rule("ProtocolName", "\"X\""))).compile(None);
        assert!(error.unwrap_err().to_string().contains(what));
    }
    let full = format!("options = [\"retain_longitudinal_full_dates\"]\n{}", rule("SeriesDate", "\"shift\""));
    assert!(profile(&full).compile(None).unwrap_err().to_string().contains("can be computed"));
    let trusting = "options = [\"retain_safe_private\"]\n[[trusted_equipment]]\nmanufacturer = \" \"\n";
    assert!(profile(trusting).compile(None).unwrap_err().to_string().contains("manufacturer"));
}

/// What the sender stored as UN is not left as it came because a rule cannot read it as what it should be.
#[test]
fn a_rule_holds_for_a_value_stored_as_un() {
    let un = || vec![Element::Value(0x0008_1090, VR::UN, b"Aquilion Zwei ".to_vec())];
    for action in [
        "\"X\"",
        "\"Z\"",
        "\"D\"",
        "\"C\"",
        "{ replace = \"A\" }",
        "{ hash = 8 }",
        "{ map = { a = \"b\" } }",
        "{ truncate = 4 }",
        "{ regex = { find = \"Zwei\", with = \"\" } }",
    ] {
        let output = run(&rule("ManufacturerModelName", action), un());
        assert!(!output.holds(b"Zwei"), "{action}");
    }
    let replaced = run(&rule("ManufacturerModelName", "{ replace = \"A\" }"), un());
    assert_eq!(replaced.text("(0008,1090)").as_deref(), Some("A"));
}

/// A private element behind the pixel data counts for the codes as any other.
#[test]
fn codes_name_what_stays_behind_the_pixel_data() {
    let site = "options = [\"retain_safe_private\"]\n[[private_elements]]\ncreator = \"ACME\"\ngroup = \"7FE1\"\nelements = { \"01\" = \"CS\" }\n";
    let elements = vec![
        Element::Value(0x7FE0_0010, VR::OW, vec![7; 200_000]),
        text(0x7FE1_0010, VR::LO, "ACME"),
        text(0x7FE1_1001, VR::CS, "SAFE"),
    ];
    let output = run(site, elements);
    assert_eq!(output.text("(7FE1,1001)").as_deref(), Some("SAFE"));
    assert_eq!(output.text("(0012,0064)[2](0008,0100)").as_deref(), Some("113111"));
}

/// What a rule cuts or leaves as it was is padded like any value (PS3.5 7.1.1); the harness looks at every length.
#[test]
fn cut_values_have_an_even_length() {
    let label = || vec![text(0x0008_1030, VR::LO, "Thorax")];
    for (action, left) in [
        ("{ truncate = 3 }", "Tho"),
        ("{ truncate = 7 }", "Thorax"),
        ("{ regex = { find = \"ax\", with = \"\" } }", "Thor"),
        ("{ regex = { find = \"x\", with = \"\" } }", "Thora"),
    ] {
        let more = format!("options = [\"clean_descriptors\"]\n{}", rule("(0008,1030)", action));
        let cut = run(&more, label()).text("(0008,1030)");
        // what is no known word any more is cut by the profile
        assert!(
            cut.as_deref().is_none_or(|cut| cut.is_empty() || cut == left || cut.contains('[')),
            "{cut:?}"
        );
    }
    for (length, left) in [(3, "ORI"), (20, "ORIGINAL")] {
        let kept = run(
            &rule("(0008,0008)", &format!("{{ truncate = {length} }}")),
            vec![text(0x0008_0008, VR::CS, "ORIGINAL")],
        );
        assert_eq!(kept.text("(0008,0008)").as_deref(), Some(left));
    }
}

/// A value of another VR under the same tag does not keep a rule from the next.
#[test]
fn a_rule_by_vr_holds_whatever_came_before() {
    let maker = || text(0x0008_0070, VR::LO, "SECRETMAKER");
    let poison = || sequence(0x0008_0006, vec![vec![sequence(0x0008_0070, vec![])]]);
    for options in ["", "options = [\"retain_device_identity\"]\n"] {
        let more = format!("{options}{}", rule("vr:LO", "\"X\""));
        assert!(!run(&more, vec![maker()]).holds(b"SECRETMAKER"));
        assert!(!run(&more, vec![poison(), maker()]).holds(b"SECRETMAKER"));
    }
}

/// A rule that keeps some values keeps none that nobody reads from the rules behind it.
#[test]
fn a_pattern_keeps_no_rule_from_a_value_that_is_too_long() {
    let table = || vec![Element::Value(0x0028_3006, VR::OW, vec![7; 100_000])];
    let keep = "[[rules]]\nattributes = [\"(0028,3006)\"]\nvalue = \"^SAFE$\"\naction = \"K\"\n";
    assert!(!run(&format!("{keep}{}", rule("(0028,3006)", "\"X\"")), table()).has("(0028,3006)"));
    assert!(run(keep, table()).has("(0028,3006)"));
}
