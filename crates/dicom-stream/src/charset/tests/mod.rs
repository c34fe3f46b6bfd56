//! What the standard and other implementations say about whole values.

mod properties;
mod tables;

use dicom_core::VR;

use super::{CharacterSet, Fidelity, Problem, Unencodable, byte_forms};

fn set(value: &str) -> CharacterSet {
    CharacterSet::parse(value.as_bytes()).0
}

/// (0008,0005), VR, bytes, text: the examples of PS3.5 Annexes H to K, and pydicom 3.0.2's character set files.
const EXAMPLES: &[(&str, VR, &[u8], &str)] = &[
    ("ISO_IR 100", VR::PN, b"Buc^J\xe9r\xf4me", "Buc^Jérôme"),
    ("ISO_IR 100", VR::PN, b"\xc4neas^R\xfcdiger", "Äneas^Rüdiger"),
    ("ISO_IR 126", VR::PN, b"\xc4\xe9\xef\xed\xf5\xf3\xe9\xef\xf2", "Διονυσιος"),
    ("ISO_IR 127", VR::PN, b"\xe2\xc8\xc7\xe6\xea^\xe4\xe6\xd2\xc7\xd1", "قباني^لنزار"),
    ("ISO_IR 138", VR::PN, b"\xf9\xf8\xe5\xef^\xe3\xe1\xe5\xf8\xe4", "שרון^דבורה"),
    ("ISO_IR 144", VR::PN, b"\xbb\xee\xdace\xdc\xd1yp\xd3", "Люкceмбypг"),
    // H.3-1
    (
        "\\ISO 2022 IR 87",
        VR::PN,
        b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B",
        "Yamada^Tarou=山田^太郎=やまだ^たろう",
    ),
    // H.3-2
    (
        "ISO 2022 IR 13\\ISO 2022 IR 87",
        VR::PN,
        b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J=\x1b$B$d$^$@\x1b(J^\x1b$B$?$m$&\x1b(J",
        "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう",
    ),
    // I.2-1
    (
        "\\ISO 2022 IR 149",
        VR::PN,
        b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf",
        "Hong^Gildong=洪^吉洞=홍^길동",
    ),
    // J.1-1 and J.3-1
    ("ISO_IR 192", VR::PN, b"Wang^XiaoDong=\xe7\x8e\x8b^\xe5\xb0\x8f\xe6\x9d\xb1=", "Wang^XiaoDong=王^小東="),
    ("GB18030", VR::PN, b"Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab=", "Wang^XiaoDong=王^小东="),
    ("GBK", VR::PN, b"Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab=", "Wang^XiaoDong=王^小东="),
    // K.2-1
    (
        "\\ISO 2022 IR 58",
        VR::PN,
        b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab=",
        "Zhang^XiaoDong=张^小东=",
    ),
    // JIS X 0212: codec iso2022_jp_2
    ("\\ISO 2022 IR 87\\ISO 2022 IR 159", VR::LO, b"\x1b$(D0!0\"\x1b$B;3\x1b(B", "丂丄山"),
    // a blank in between: pydicom 3 reads it in the default repertoire only
    (
        "\\ISO 2022 IR 87",
        VR::PN,
        b"=\x1b$B;3ED\x1b(B \x1b$BB@O:\x1b(B",
        "=山田 太郎",
    ),
    // GB18030, four bytes: codec gb18030
    ("GB18030", VR::LO, b"\x94\x39\xfc\x36", "😀"),
];

#[test]
fn examples_read_and_write() {
    for (declared, vr, bytes, text) in EXAMPLES {
        let (set, problems) = CharacterSet::parse(declared.as_bytes());
        assert_eq!(problems, [], "{declared}");
        assert_eq!(set.decode_checked(*vr, bytes), ((*text).into(), Fidelity::Exact), "{declared}");
        assert_eq!(set.encode(*vr, text).as_deref(), Ok(*bytes), "{declared}");
    }
}

#[test]
fn each_extended_row_is_designated_by_its_escape_sequence() {
    // PS3.3 Tables C.12-3 and C.12-4; characters from Python's codecs
    for (number, bytes, text) in [
        (100, &b"\x1b-A\xe9"[..], "é"),
        (101, b"\x1b-B\xb1", "ą"),
        (109, b"\x1b-C\xe6", "ĉ"),
        (110, b"\x1b-D\xa2", "ĸ"),
        (144, b"\x1b-L\xd6", "ж"),
        (127, b"\x1b-G\xe2", "ق"),
        (126, b"\x1b-F\xc4", "Δ"),
        (138, b"\x1b-H\xf9", "ש"),
        (148, b"\x1b-M\xfd", "ı"),
        (203, b"\x1b-b\xbd", "œ"),
        (13, b"\x1b)I\xd4", "ﾔ"),
        (166, b"\x1b-T\xa1", "ก"),
        (87, b"\x1b$B;3\x1b(B", "山"),
        (159, b"\x1b$(D0!\x1b(B", "丂"),
        (149, b"\x1b$)C\xc8\xab", "홍"),
        (58, b"\x1b$)A\xd5\xc5", "张"),
    ] {
        let declared = set(&format!("ISO 2022 IR 6\\ISO 2022 IR {number}"));
        assert_eq!(declared.decode_checked(VR::LO, bytes), (text.into(), Fidelity::Exact), "IR {number}");
        assert_eq!(declared.encode(VR::LO, text).as_deref(), Ok(bytes), "IR {number}");
    }
}

#[test]
fn the_state_is_reset_before_each_delimiter() {
    let korean = set("\\ISO 2022 IR 149");
    // I.3-1: designated anew on each line
    let text = "The first 한글.\r\nThe second 한글.\tand 한글";
    let bytes = korean.encode(VR::LT, text).unwrap();
    assert_eq!(bytes.windows(4).filter(|window| window == b"\x1b$)C").count(), 3);
    assert_eq!(korean.decode(VR::LT, &bytes), text);
    // what a reader sees after the delimiter, when G1 was not designated again: taken for it, but not trusted
    let forgotten = b"\x1b$)C\xc8\xab^\xb1\xe6\xb5\xbf";
    assert_eq!(korean.decode_checked(VR::PN, forgotten), ("홍^길동".into(), Fidelity::Assumed));
    // the circumflex is a delimiter in PN only
    assert_eq!(korean.encode(VR::LO, "홍^홍").unwrap(), b"\x1b$)C\xc8\xab^\xc8\xab");
    // a defined initial G1 is designated again before the delimiter
    let mixed = set("ISO 2022 IR 100\\ISO 2022 IR 126");
    let bytes = mixed.encode(VR::PN, "é^Δ^é").unwrap();
    assert_eq!(bytes, b"\xe9^\x1b-F\xc4\x1b-A^\xe9");
    assert_eq!(mixed.decode_checked(VR::PN, &bytes), ("é^Δ^é".into(), Fidelity::Exact));
}

#[test]
fn delimiters_inside_characters_do_not_separate() {
    let split = |set: &CharacterSet, vr, bytes: &[u8]| -> Vec<Vec<u8>> {
        set.split_values(vr, bytes).map(|range| bytes[range].to_vec()).collect()
    };
    // U+4E57 is 0x81 0x5C in the codec gbk
    assert_eq!(split(&set("GBK"), VR::LO, b"\x81\x5c\\b"), [&b"\x81\x5c"[..], b"b"]);
    assert_eq!(split(&set("GB18030"), VR::PN, b"\x81\x5c^x"), [b"\x81\x5c^x"]);
    assert_eq!(split(&set("ISO_IR 100"), VR::LO, b"\x81\x5cb"), [&b"\x81"[..], b"b"]);
    // row 0x5C of JIS X 0208
    let kanji = set("\\ISO 2022 IR 87");
    assert_eq!(split(&kanji, VR::LO, b"\x1b$B\x5c\x5c\x1b(B\\b"), [&b"\x1b$B\x5c\x5c\x1b(B"[..], b"b"]);
    // a broken sequence of four swallows neither the separator nor the digit before it
    assert_eq!(split(&set("GBK"), VR::LO, b"\x81\x37\\b"), [&b"\x81\x37"[..], b"b"]);
    assert_eq!(set("GBK").decode(VR::LO, b"\x81\x37"), "\u{FFFD}7");
    // other VRs are in the default repertoire; text VRs have one value
    assert_eq!(split(&set("GBK"), VR::CS, b"A\x81\x5cB"), [&b"A\x81"[..], b"B"]);
    assert_eq!(split(&kanji, VR::LT, b"a\\b"), [b"a\\b"]);
    assert_eq!(split(&kanji, VR::LO, b""), [b""]);
    assert_eq!(split(&kanji, VR::LO, b"\\"), [b"", b""]);
}

#[test]
fn yen_and_overline_of_romaji() {
    let romaji = set("ISO_IR 13");
    assert_eq!(romaji.decode(VR::LT, b"\x5c100 \x7e"), "¥100 ‾");
    assert_eq!(romaji.encode(VR::LT, "¥100 ‾").unwrap(), b"\x5c100 \x7e");
    assert_eq!(romaji.decode(VR::LO, b"a\x5cb"), "a\\b");
    assert_eq!(romaji.encode(VR::LO, "a\\b").unwrap(), b"a\x5cb");
    assert_eq!(romaji.encode(VR::LO, "a¥"), Err(Unencodable { offset: 1 }));
    assert_eq!(romaji.encode(VR::LT, "a~"), Err(Unencodable { offset: 1 }));
}

#[test]
fn what_is_not_declared_is_assumed_or_replaced() {
    let default = CharacterSet::default();
    assert_eq!(default.decode_checked(VR::PN, b"M\xfcller"), ("Müller".into(), Fidelity::Assumed));
    assert_eq!(default.decode_checked(VR::PN, b"\x1b$B;3\x1b(B"), ("山".into(), Fidelity::Assumed));
    assert_eq!(set("ISO_IR 100").decode_checked(VR::CS, b"\xe9"), ("é".into(), Fidelity::Assumed));
    // windows-1252 under the name of Latin-1
    assert_eq!(set("ISO_IR 100").decode_checked(VR::LO, b"\x92"), ("\u{92}".into(), Fidelity::Assumed));
    assert_eq!(set("ISO_IR 100").encode(VR::LO, "\u{92}"), Err(Unencodable { offset: 0 }));
    assert_eq!(
        set("ISO_IR 192").decode_checked(VR::LO, b"M\xfcller"),
        ("M\u{FFFD}ller".into(), Fidelity::Replaced)
    );
    assert_eq!(set("GB18030").decode_checked(VR::LO, b"a\xff").1, Fidelity::Replaced);
    // broken: unknown escape sequence, half a character, no such character
    for bytes in [&b"a\x1bZ"[..], b"\x1b$B;", b"\x1b$)C\xc8", b"\x1b$B\x29\x21"] {
        let (text, fidelity) = set("\\ISO 2022 IR 87\\ISO 2022 IR 149").decode_checked(VR::LO, bytes);
        assert!(text.contains('\u{FFFD}') && fidelity == Fidelity::Replaced, "{bytes:?} {text}");
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    for (declared, text, offset) in [
        ("", "aé", 1),
        ("ISO_IR 100", "é€", 2),
        ("ISO_IR 148", "Ð", 0),
        ("\\ISO 2022 IR 87", "山é", 3),
        ("GBK", "a€", 1),
        ("GBK", "a😀", 1),
        ("ISO_IR 100", "a\x1b(B", 1),
        ("\\ISO 2022 IR 87", "①", 0),
    ] {
        assert_eq!(set(declared).encode(VR::LO, text), Err(Unencodable { offset }), "{declared}");
    }
    assert_eq!(set("ISO_IR 100").encode(VR::CS, "é"), Err(Unencodable { offset: 0 }));
    assert_eq!(CharacterSet::utf8().encode(VR::PN, "山^é=€"), Ok("山^é=€".as_bytes().to_vec()));
}

#[test]
fn ascii_is_borrowed() {
    for declared in ["", "ISO_IR 100", "\\ISO 2022 IR 87", "ISO_IR 13", "ISO_IR 192", "GB18030"] {
        let text = set(declared).decode(VR::PN, b"Roe^Jane=");
        assert!(matches!(text, std::borrow::Cow::Borrowed("Roe^Jane=")), "{declared}");
    }
}

#[test]
fn terms_as_sent() {
    let misspelled = vec![Problem::Misspelled { value: 1 }];
    for (sent, value, problems) in [
        ("", "", vec![]),
        (" ", "", vec![]),
        ("ISO_IR 6", "", vec![]),
        ("ISO_IR 100 ", "ISO_IR 100", vec![]),
        ("ISO 2022 IR 100", "ISO_IR 100", vec![]),
        ("ISO-IR 100", "ISO_IR 100", misspelled.clone()),
        ("ISO_IR_100", "ISO_IR 100", misspelled.clone()),
        ("ISO IR 100", "ISO_IR 100", misspelled.clone()),
        ("iso_ir 144", "ISO_IR 144", misspelled.clone()),
        ("ISO 8859-15", "ISO_IR 203", misspelled.clone()),
        ("utf-8", "ISO_IR 192", misspelled.clone()),
        ("\\iso 2022 ir 87", "ISO 2022 IR 6\\ISO 2022 IR 87", vec![Problem::Misspelled { value: 2 }]),
        ("\\ISO 2022 IR 149\\ISO 2022 IR 149", "ISO 2022 IR 6\\ISO 2022 IR 149", vec![]),
        ("ISO_IR 100\\ISO 2022 IR 126", "ISO 2022 IR 100\\ISO 2022 IR 126", misspelled),
        ("ISO 2022 IR 149", "ISO 2022 IR 6\\ISO 2022 IR 149", vec![Problem::MultiByteFirst]),
        ("ISO_IR 192\\ISO 2022 IR 100", "ISO_IR 192", vec![Problem::NotCombinable { value: 1 }]),
        ("\\ISO_IR 192", "ISO_IR 192", vec![]),
        ("ISO 2022 IR 100\\GB18030", "ISO_IR 100", vec![Problem::NotCombinable { value: 2 }]),
        ("KLINGON", "", vec![Problem::UnknownTerm { value: 1 }]),
        (
            "ISO_IR 999\\ISO 2022 IR 87",
            "ISO 2022 IR 6\\ISO 2022 IR 87",
            vec![Problem::UnknownTerm { value: 1 }],
        ),
        ("ISO_IR 99999999999", "", vec![Problem::UnknownTerm { value: 1 }]),
    ] {
        let (set, found) = CharacterSet::parse(sent.as_bytes());
        assert_eq!((set.value().as_str(), found), (value, problems), "{sent}");
        assert_eq!(
            CharacterSet::parse(set.value().as_bytes()),
            (set, vec![]),
            "{sent}: the canonical value reads back"
        );
    }
}

#[test]
fn all_defined_terms_are_known() {
    for number in [6, 100, 101, 109, 110, 144, 127, 126, 138, 148, 203, 13, 166, 192] {
        assert_eq!(CharacterSet::parse(format!("ISO_IR {number}").as_bytes()).1, []);
    }
    for number in [6, 100, 101, 109, 110, 144, 127, 126, 138, 148, 203, 13, 166, 87, 159, 149, 58] {
        let (set, problems) = CharacterSet::parse(format!("ISO 2022 IR 6\\ISO 2022 IR {number}").as_bytes());
        assert_eq!((problems, set.value().contains(&number.to_string())), (vec![], number != 6));
    }
}

/// Python: `"Müller".encode(codec)`, `"山田".encode(codec)`.
#[test]
fn byte_forms_of_a_name() {
    let forms = byte_forms("Müller");
    for form in [
        &b"M\xfcller"[..],
        b"M\xc3\xbcller",
        b"M\x9fller",
        b"M\0\xfc\0l\0l\0e\0r\0",
        b"\0M\0\xfc\0l\0l\0e\0r",
    ] {
        assert!(forms.iter().any(|found| found == form), "{form:?}");
    }
    let forms = byte_forms("山田");
    for form in [
        &b"\x3b\x33\x45\x44"[..],
        b"\xe5\xb1\xb1\xe7\x94\xb0",
        b"\x8e\x52\x93\x63",
        b"\xbb\xb3\xc5\xc4",
        b"\xc9\xbd\xcc\xef",
    ] {
        assert!(forms.iter().any(|found| found == form), "{form:?}");
    }
    assert_eq!(byte_forms(""), Vec::<Vec<u8>>::new());
    assert!(byte_forms("Roe").contains(&b"Roe".to_vec()));
}
