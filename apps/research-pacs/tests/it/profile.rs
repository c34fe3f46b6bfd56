//! `profile`: what it says about shipped and own profiles.

use std::path::{Path, PathBuf};
use std::process::Command;

struct Said {
    code: i32,
    text: String,
}

fn profile(arguments: &[&str]) -> Said {
    let output =
        Command::new(env!("CARGO_BIN_EXE_research-pacs")).arg("profile").args(arguments).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    Said { code: output.status.code().unwrap(), text }
}

fn written(folder: &Path, name: &str, content: &str) -> PathBuf {
    let path = folder.join(name);
    let head = "name = \"own\"\nversion = \"1\"\nedition = \"2026d\"\n";
    std::fs::write(&path, format!("{head}{content}")).unwrap();
    path
}

/// The line of an attribute in `profile show`.
fn line<'a>(text: &'a str, tag: &str) -> &'a str {
    let found = text.lines().find(|line| line.trim_start().starts_with(tag));
    found.unwrap_or_else(|| panic!("no {tag} in\n{text}"))
}

const SHIPPED: [&str; 6] =
    ["basic", "longitudinal-research", "tcia", "full-dates", "teaching", "french-multicentre"];

#[test]
fn the_list_has_a_sentence_for_each_in_both_languages() {
    for lang in ["en", "fr"] {
        let list = profile(&["list", "--lang", lang]);
        assert_eq!(list.code, 0);
        for name in SHIPPED {
            let line = line(&list.text, name);
            assert!(line.len() > 50 && line.ends_with('.'), "{line}");
        }
    }
    assert!(profile(&["list", "--lang", "fr"]).text.contains("Plusieurs centres, un promoteur"));
}

/// Expected: rows of PS3.15 Table E.1-1 under these options.
#[test]
fn show_says_what_happens_to_an_attribute_and_why() {
    for (name, tag, en, fr) in [
        ("basic", "(0008,0020)", "emptied", "vidé"),
        ("basic", "(0008,0050)", "[Basic profile]", "[profil de base]"),
        ("basic", "(0008,1030)", "removed", "supprimé"),
        ("basic", "(0020,000D)", "new UID", "nouvel UID"),
        ("basic", "(0010,0020)", "the participant's code [always]", "code du participant [toujours]"),
        ("tcia", "(0008,0020)", "moved by the participant's shift", "décalé du décalage du participant"),
        ("tcia", "(0008,0030)", "kept", "conservé"),
        ("tcia", "(0018,1000)", "[Basic profile]", "[profil de base]"),
        ("tcia", "(0018,1200)", "[option retain_longitudinal_modified_dates]", "décalé"),
        ("full-dates", "(0008,0020)", "kept [option retain_longitudinal_full_dates]", "conservé"),
        ("full-dates", "(0010,0030)", "emptied", "vidé"),
        ("full-dates", "(0010,1010)", "over 89 years it becomes 090Y", "au-delà de 89 ans"),
        (
            "teaching",
            "(0008,103E)",
            "(rule 1 of the project is asked first)",
            "(la règle 1 du projet passe d’abord)",
        ),
    ] {
        for (lang, expected) in [("en", en), ("fr", fr)] {
            let show = profile(&["show", name, "--lang", lang]);
            assert_eq!(show.code, 0);
            let line = line(&show.text, tag);
            assert!(line.contains(expected), "{name} {lang}: {line}");
        }
    }
}

#[test]
fn show_names_the_decided_conflicts_of_the_profile() {
    let tcia = profile(&["show", "tcia"]).text.split_whitespace().collect::<Vec<_>>().join(" ");
    for expected in [
        "Ages over 89 years are written as 090Y.",
        "The time zone (0008,0201) is removed",
        "The birth date is neither kept nor moved",
        "the Basic profile holds for it",
    ] {
        assert!(tcia.contains(expected), "{expected}: {tcia}");
    }
    let folder = tempfile::tempdir().unwrap();
    let both = folder.path().join("both.toml");
    let options = "options = [\"retain_device_identity\", \"retain_longitudinal_modified_dates\"]\n";
    std::fs::write(&both, format!("name = \"both\"\nversion = \"1\"\nedition = \"2026d\"\n{options}"))
        .unwrap();
    let both =
        profile(&["show", both.to_str().unwrap()]).text.split_whitespace().collect::<Vec<_>>().join(" ");
    for expected in [
        "a device date kept beside moved dates tells the shift: (0014,407C), (0014,407E), (0018,1200)",
        "(300C,0127).",
    ] {
        assert!(both.contains(expected), "{expected}: {both}");
    }
    let basic = profile(&["show", "basic"]).text;
    assert!(!basic.contains("device date") && basic.contains("not even the year"), "{basic}");
}

/// A text that is missing would be shown by its key.
#[test]
fn every_option_is_explained_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let all: Vec<serde_json::Value> = SHIPPED
        .iter()
        .map(|name| serde_json::from_str(&profile(&["show", name, "--json"]).text).unwrap())
        .collect();
    assert_eq!(all[0]["attributes"].as_array().unwrap().len(), 649);
    let options = [
        "clean_recognizable_visual_features",
        "retain_device_identity",
        "retain_uids",
        "retain_institution_identity",
        "retain_safe_private",
        "clean_pixel_data",
    ];
    let file = written(folder.path(), "own.toml", &format!("options = {options:?}\ndocuments = \"dummy\"\n"));
    let file = file.to_str().unwrap();
    for lang in ["en", "fr"] {
        for name in SHIPPED.into_iter().chain([file]) {
            let said = profile(&["show", name, "--lang", lang]).text;
            let keys = ["_cleaned", "_kept", "_or_", "beyond-", "items_", "-dates:", "{", "content-", "uid_"];
            let prose = said.replace("_over_", " ");
            assert!(!keys.iter().any(|key| prose.contains(key)), "{name} {lang}: {said}");
        }
    }
}

#[test]
fn show_tells_what_a_rule_writes() {
    let folder = tempfile::tempdir().unwrap();
    let file = written(
        folder.path(),
        "own.toml",
        "[[rules]]\nattributes = [\"root:View*Sequence[1]/CodeMeaning\"]\n\
         action = { hash = { digits = 12, words = true, ignore_case = true, prefix = \"ANON-\", scope = \"series\" } }\n\
         [[rules]]\nattributes = [\"ReceiveCoilName\"]\naction = { add = { value = \"HEAD\" } }\n\
         [[rules]]\nattributes = [\"ProtocolName\"]\naction = { add = { value = \"P-1\", overwrite = true } }\n",
    );
    let file = file.to_str().unwrap();
    for (lang, sentences) in [
        (
            "en",
            [
                "Rule 1: root:View*Sequence[1]/CodeMeaning is replaced by 12 hex digits",
                "Each word gets digits of its own. Capitals and small letters are the same. “ANON-” stands before them. Equal values stay equal within a series only.",
                "Rule 2: ReceiveCoilName is added with “HEAD”",
                "Rule 3: ProtocolName is “P-1” in the main data set, whatever was there.",
            ],
        ),
        (
            "fr",
            [
                "Règle 1 : root:View*Sequence[1]/CodeMeaning est remplacé par 12 chiffres",
                "Chaque mot reçoit ses propres chiffres. Majuscules et minuscules sont confondues. « ANON- » les précède. Des valeurs égales ne restent égales que dans une même série.",
                "Règle 2 : ReceiveCoilName est ajouté avec « HEAD »",
                "Règle 3 : ProtocolName vaut « P-1 » au niveau principal, quoi qu’il y ait eu.",
            ],
        ),
    ] {
        let said = profile(&["show", file, "--lang", lang]).text;
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        for sentence in sentences {
            assert!(said.contains(sentence), "{sentence}: {said}");
        }
    }
}

#[test]
fn check_names_every_error_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = written(
        folder.path(),
        "own.toml",
        "[[rules]]\nattributes = [\"NoSuchThing\"]\naction = \"X\"\n\
         [[rules]]\nattributes = [\"PatientBirthDate\"]\naction = \"K\"\n\
         [[rules]]\nattributes = [\"StudyDescription\"]\naction = { hash = 4 }\n\
         [pixels]\n[[pixels.masks]]\nmodalities = [\"US\"]\n",
    );
    let check = profile(&["check", file.to_str().unwrap()]);
    assert_eq!(check.code, 1);
    for expected in
        ["rule 1: \"NoSuchThing\"", "rule 2: \"PatientBirthDate\"", "rule 3: hash", "pixel mask 1: no area"]
    {
        assert!(check.text.contains(expected), "{expected}: {}", check.text);
    }
    let file = written(
        folder.path(),
        "rules.toml",
        "[[rules]]\nattributes = [\"NoSuchThing\", \"Nothing/Rows\"]\naction = \"X\"\nmodalities = [\"ct\"]\n\
         [[rules]]\nattributes = [\"Rows\"]\naction = \"Q\"\n\
         [[rules]]\nattributes = [\"Rows\"]\naction = \"X\"\nmodality = \"CT\"\n\
         [[rules]]\nattributes = [\"StudyDescription\"]\naction = { hash = 4 }\nlabels = [\"none\"]\n\
         [[labels]]\nname = \"a b\"\nwhen = \"\"\n",
    );
    let check = profile(&["check", file.to_str().unwrap()]);
    assert_eq!(check.code, 1);
    for expected in [
        "rule 1: \"NoSuchThing\" is no keyword",
        "rule 1: \"Nothing\" is no keyword",
        "rule 1: modalities: \"ct\"",
        "rule 2: unknown variant `Q`",
        "rule 3: unknown field `modality`",
        "rule 4: hash",
        "rule 4: no label \"none\"",
        "label \"a b\"",
    ] {
        assert!(check.text.contains(expected), "{expected}: {}", check.text);
    }
    let file = written(folder.path(), "syntax.toml", "optoins = []\n");
    let check = profile(&["check", file.to_str().unwrap()]);
    assert_eq!(check.code, 1);
    assert!(check.text.contains("line 4") && check.text.contains("optoins"), "{}", check.text);
}

#[test]
fn check_warns_of_what_is_hardly_meant() {
    let folder = tempfile::tempdir().unwrap();
    let file = written(
        folder.path(),
        "own.toml",
        "options = [\"retain_device_identity\"]\nsafe_harbour = true\npool_ages_over_89 = true\n\
         [[rules]]\nattributes = [\"Series*\", \"StudyDescription\"]\naction = \"X\"\n\
         [[rules]]\nattributes = [\"StudyDescription\"]\nmodalities = [\"CT\"]\naction = \"Z\"\n\
         [[rules]]\nattributes = [\"SeriesDescription\"]\naction = \"Z\"\n",
    );
    let check = profile(&["check", file.to_str().unwrap()]);
    assert_eq!(check.code, 0);
    for expected in [
        "safe_harbour and retain_device_identity contradict each other",
        "pool_ages_over_89 never acts: it needs the option retain_patient_characteristics",
        "rule 2 never acts: rule 1",
        "rule 3 never acts: rule 1",
        "own, version 1, PS3.15 2026d can be used",
    ] {
        assert!(check.text.contains(expected), "{expected}: {}", check.text);
    }
    let clean = profile(&["check", "basic"]);
    assert!(clean.code == 0 && !clean.text.contains("warning"), "{}", clean.text);
}

#[test]
fn diff_says_what_differs_and_nothing_else() {
    let same = profile(&["diff", "tcia", "tcia"]);
    assert_eq!((same.code, same.text.as_str()), (0, "Both profiles do the same.\n"));
    let diff = profile(&["diff", "longitudinal-research", "tcia", "--lang", "fr"]);
    assert_eq!(diff.code, 1);
    for expected in [
        "Seulement dans tcia : options clean_pixel_data",
        "(0040,0555) AcquisitionContextSequence : conservé",
    ] {
        assert!(diff.text.contains(expected), "{expected}: {}", diff.text);
    }
    assert!(!diff.text.contains("(0008,0020)"), "{}", diff.text);
}

/// A report without pixels, by its attributes (PS3.5 §7.1).
fn object() -> Vec<u8> {
    let mut bytes = vec![0; 128];
    bytes.extend(b"DICM");
    let mut element = |group: u16, element: u16, vr: &[u8; 2], value: &str| {
        let mut value = value.as_bytes().to_vec();
        if value.len() % 2 == 1 {
            value.push(if vr == b"UI" { 0 } else { b' ' });
        }
        bytes.extend(group.to_le_bytes());
        bytes.extend(element.to_le_bytes());
        bytes.extend(vr);
        bytes.extend(u16::try_from(value.len()).unwrap().to_le_bytes());
        bytes.extend(value);
    };
    element(0x0002, 0x0002, b"UI", "1.2.840.10008.5.1.4.1.1.2");
    element(0x0002, 0x0003, b"UI", "1.2.276.0.777.1.1.1");
    element(0x0002, 0x0010, b"UI", "1.2.840.10008.1.2.1");
    element(0x0008, 0x0016, b"UI", "1.2.840.10008.5.1.4.1.1.2");
    element(0x0008, 0x0018, b"UI", "1.2.276.0.777.1.1.1");
    element(0x0008, 0x0060, b"CS", "CT");
    element(0x0010, 0x0010, b"PN", "Canarysson^Wilma");
    element(0x0010, 0x0020, b"LO", "4711");
    element(0x0020, 0x000D, b"UI", "1.2.276.0.777.1");
    element(0x0020, 0x000E, b"UI", "1.2.276.0.777.1.1");
    bytes
}

#[test]
fn test_says_what_would_become_of_each_object_and_keeps_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("in");
    std::fs::create_dir(&input).unwrap();
    std::fs::write(input.join("one.dcm"), object()).unwrap();
    std::fs::write(input.join("two.txt"), "no object").unwrap();
    let input = input.to_str().unwrap();
    let test = profile(&["test", "basic", input]);
    assert_eq!(test.code, 0, "{}", test.text);
    assert!(test.text.contains("1 would pass, 0 would be held, 1 other files skipped"), "{}", test.text);
    assert!(!test.text.contains("Canarysson") && !test.text.contains("4711"), "{}", test.text);
    assert_eq!(std::fs::read_dir(input).unwrap().count(), 2);
}
