//! Cleaned profiles hold none of their texts and, for LittleCMS, the same colours (`profiles.py`).

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use pixel::icc::{IccError, without_texts};

const TEXT: &str = "Dupont Jean 1961";

/// A profile with the given tags behind each other.
fn profile(tags: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    let mut table = u32::try_from(tags.len()).unwrap().to_be_bytes().to_vec();
    let mut data = Vec::new();
    for (signature, content) in tags {
        let offset = 128 + 4 + 12 * tags.len() + data.len();
        table.extend(*signature);
        table.extend(u32::try_from(offset).unwrap().to_be_bytes());
        table.extend(u32::try_from(content.len()).unwrap().to_be_bytes());
        data.extend(content);
    }
    let mut header = vec![0; 128];
    header[..4].copy_from_slice(&u32::try_from(132 + 12 * tags.len() + data.len()).unwrap().to_be_bytes());
    header[12..16].copy_from_slice(b"mntr");
    header[36..40].copy_from_slice(b"acsp");
    header[80..84].copy_from_slice(b"JEAN");
    [header, table, data].concat()
}

/// `text`, `desc` of version 2, `mluc`.
fn texts() -> [Vec<u8>; 3] {
    let plain = [b"text\0\0\0\0", TEXT.as_bytes(), &[0]].concat();
    let count = u32::try_from(TEXT.len() + 1).unwrap().to_be_bytes();
    let described = [b"desc\0\0\0\0".as_slice(), &count, TEXT.as_bytes(), &[0; 79], TEXT.as_bytes()].concat();
    let wide: Vec<u8> = TEXT.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let length = u32::try_from(wide.len()).unwrap().to_be_bytes();
    let multi = [b"mluc\0\0\0\0\0\0\0\x01\0\0\0\x0CenUS".as_slice(), &length, &[0, 0, 0, 28], &wide].concat();
    [plain, described, multi]
}

fn tells(profile: &[u8]) -> bool {
    let wide: Vec<u8> = TEXT.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let holds = |text: &[u8]| profile.windows(text.len()).any(|window| window == text);
    holds(TEXT.as_bytes()) || holds(&wide) || holds(b"JEAN")
}

#[test]
fn texts_and_private_tags_go_and_colours_stay() {
    for text in texts() {
        let curve = b"curv\0\0\0\0\0\0\0\x01\x02\x33".to_vec();
        let before = profile(&[
            (b"desc", text.clone()),
            (b"cprt", text.clone()),
            (b"rTRC", curve.clone()),
            (b"dmnd", text.clone()),
            (b"priv", text.clone()),
            (b"wtpt", text.clone()),
        ]);
        assert!(tells(&before));
        let after = without_texts(&before).unwrap();
        assert!(!tells(&after));
        assert_eq!(after.len(), before.len());
        assert_eq!(after[128..132], [0, 0, 0, 3]);
        assert_eq!(&after[132..136], b"desc");
        let place = 132 + 12 * 6 + 2 * text.len();
        assert_eq!(after[place..place + curve.len()], curve);
    }
}

#[test]
fn bytes_that_no_tag_holds_go() {
    let mut before = profile(&[(b"wtpt", [b"XYZ \0\0\0\0".as_slice(), &[1; 12]].concat())]);
    let length = before.len();
    before.extend(TEXT.as_bytes());
    let after = without_texts(&before).unwrap();
    assert!(!tells(&after));
    assert_eq!(after[144..length], before[144..length]);
}

#[test]
fn damaged_profiles_are_refused() {
    let whole = profile(&[(b"desc", texts()[1].clone())]);
    for end in 0..whole.len() {
        assert_eq!(without_texts(&whole[..end]), Err(IccError::Damaged), "{end}");
    }
    let mut outside = whole.clone();
    outside[136] = 0xFF;
    assert_eq!(without_texts(&outside), Err(IccError::Damaged));
    let mut named = whole;
    named[12..16].copy_from_slice(b"nmcl");
    assert_eq!(without_texts(&named), Err(IccError::NamedColours));
}

#[test]
fn another_colour_engine_reads_the_same_colours() {
    let Some(folder) = std::env::var_os("RESEARCH_PACS_PYDICOM_FILES").map(PathBuf::from) else {
        eprintln!("skipped: RESEARCH_PACS_PYDICOM_FILES is not set");
        return;
    };
    let python = folder.ancestors().nth(5).unwrap().join("bin/python");
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/profiles.py");
    let output = Command::new(&python).arg(&script).arg("make").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let before = output.stdout;
    let after = without_texts(&before).unwrap();
    let mut child = Command::new(&python)
        .arg(&script)
        .arg("compare")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&[before, after].concat()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    // The description that is left.
    let described = String::from_utf8(output.stdout).unwrap();
    assert!(described.trim().chars().all(|c| c == '-') && !described.trim().is_empty(), "{described}");
}
