//! The generated tables are what the CSVs give.
//!
//! A new edition: replace the file in `data/`, then `UPDATE_TABLES=1 cargo test -p deidentification --test it`.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use deidentification::{Action, EDITION, TABLE_E1_1};

const ROWS: usize = 657;
/// The patterns, which `rule.rs` answers by group.
const PATTERNS: [&str; 4] = ["(50xx,xxxx)", "(60xx,3000)", "(60xx,4000)", "(gggg,eeee) odd gggg"];
/// Column of an option, and its name in the generated files.
const OPTIONS: [(&str, &str); 10] = [
    ("clean_graphics", "GRAPHICS"),
    ("clean_structured_content", "CONTENT"),
    ("clean_descriptors", "DESCRIPTORS"),
    ("rtn_long_full_dates", "FULL_DATES"),
    ("rtn_long_modified_dates", "MODIFIED_DATES"),
    ("rtn_patient_chars", "PATIENT"),
    ("rtn_device_identity", "DEVICE"),
    ("rtn_uids", "UIDS"),
    ("rtn_safe_private", "PRIVATE"),
    ("rtn_institution_identity", "INSTITUTION"),
];

type Row = BTreeMap<String, String>;

fn action(text: &str) -> Action {
    match text {
        "X" => Action::X,
        "Z" => Action::Z,
        "D" => Action::D,
        "U" => Action::U,
        "X/Z" => Action::XZ,
        "X/D" => Action::XD,
        "Z/D" => Action::ZD,
        "X/Z/D" => Action::XZD,
        "X/Z/U*" => Action::XZU,
        other => panic!("action {other} in the CSV"),
    }
}

fn csv_rows(name: &str) -> Vec<Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join(name);
    let mut reader = csv::Reader::from_path(path).unwrap();
    let headers = reader.headers().unwrap().clone();
    let text = |field: &str| field.to_owned();
    reader
        .records()
        .map(|record| headers.iter().map(text).zip(record.unwrap().iter().map(text)).collect())
        .collect()
}

fn single_tags(rows: &[Row]) -> Vec<&Row> {
    rows.iter().filter(|row| !PATTERNS.contains(&row["tag"].as_str())).collect()
}

fn number(tag: &str) -> u32 {
    let digits: String = tag.chars().filter(char::is_ascii_hexdigit).collect();
    u32::from_str_radix(&digits, 16).unwrap()
}

/// The options of a row that say `letter`, as the generated files write them.
fn options(row: &Row, letter: &str) -> String {
    let names = OPTIONS.iter().filter(|(column, _)| row.get(*column).is_some_and(|cell| cell == letter));
    names
        .map(|(_, name)| (*name).to_owned())
        .reduce(|all, name| format!("{all}.and({name})"))
        .unwrap_or_else(|| "NONE".to_owned())
}

fn table_e1_1(rows: &[Row]) -> String {
    let single = single_tags(rows);
    let mut text = String::from(
        "//! PS3.15 Table E.1-1, edition 2026d. Generated from `data/table_e1_1.csv` by `tests/it/tables.rs`; do not edit. The four rows that\n\
         //! are patterns (50xx, 60xx twice, odd groups) are in `rule.rs`.\n\n\
         use super::action::Action::{D, U, X, XD, XZ, XZD, XZU, Z, ZD};\n\
         use super::option_column::{\n    CONTENT, DESCRIPTORS, DEVICE, FULL_DATES, GRAPHICS, INSTITUTION, MODIFIED_DATES, NONE, PATIENT, Row, UIDS,\n};\n\n\
         /// Edition of Table E.1-1.\npub const EDITION: &str = \"2026d\";\n\n\
         /// Each row that is a single tag, sorted by tag: Basic action, options that keep, options that clean.\n#[rustfmt::skip]\n",
    );
    writeln!(text, "pub static TABLE_E1_1: [Row; {}] = [", single.len()).unwrap();
    for row in &single {
        writeln!(
            text,
            "    Row::new({:#010X}, {:?}, {}, {}), // {}",
            number(&row["tag"]),
            action(&row["basic_profile"]),
            options(row, "K"),
            options(row, "C"),
            row["keyword"]
        )
        .unwrap();
    }
    text + "];\n"
}

fn safe_private(rows: &[Row]) -> String {
    let mut sorted: Vec<_> = rows
        .iter()
        .map(|row| {
            let hex = |column: &str| u16::from_str_radix(&row[column], 16).unwrap();
            let vr = match row["vr"].split('/').next().unwrap() {
                "" => "None".to_owned(),
                vr => format!("Some(VR::{vr})"),
            };
            (row["private_creator"].clone(), hex("group"), hex("element_in_block"), vr)
        })
        .collect();
    sorted.sort();
    let mut text = String::from(
        "//! PS3.15 Table E.3.10-1, safe private attributes. Generated from `data/safe_private.csv` by `tests/it/tables.rs`; do not edit.\n\n\
         use dicom_core::VR;\n\n\
         /// Creator, group, low byte of the element, VR; sorted. Without a VR in the table the element is not known well enough (DI-46).\n\
         #[rustfmt::skip]\n",
    );
    writeln!(text, "pub static SAFE_PRIVATE: [(&str, u16, u8, Option<VR>); {}] = [", sorted.len()).unwrap();
    for (creator, group, element, vr) in &sorted {
        writeln!(text, "    ({creator:?}, {group:#06X}, {element:#04X}, {vr}),").unwrap();
    }
    text + "];\n"
}

fn structured_content(rows: &[Row]) -> String {
    let mut sorted: Vec<_> =
        rows.iter().map(|row| (&row["scheme"], &row["code"], &row["value_type"], row)).collect();
    sorted.sort();
    let mut text = String::from(
        "//! PS3.15 Table E.3.4-1, content items. Generated from `data/structured_content_e3_4_1.csv` by `tests/it/tables.rs`; do not edit.\n\n\
         use super::action::Action::{D, X, XD};\n\
         use super::option_column::{\n    ContentRow, DESCRIPTORS, DEVICE, FULL_DATES, INSTITUTION, MODIFIED_DATES, NONE, PATIENT, UIDS,\n};\n\n\
         /// Scheme, code and value type of the concept, sorted: Basic action, options that keep, options that clean.\n#[rustfmt::skip]\n",
    );
    writeln!(text, "pub static STRUCTURED_CONTENT: [ContentRow; {}] = [", sorted.len()).unwrap();
    for (scheme, code, value_type, row) in &sorted {
        writeln!(
            text,
            "    ContentRow::new({scheme:?}, {code:?}, {value_type:?}, {:?}, {}, {}), // {}",
            action(&row["basic_profile"]),
            options(row, "K"),
            options(row, "C"),
            row["meaning"]
        )
        .unwrap();
    }
    text + "];\n"
}

#[test]
fn generated_tables_are_current() {
    for (name, expected) in [
        ("table_e1_1", table_e1_1(&csv_rows("table_e1_1.csv"))),
        ("safe_private", safe_private(&csv_rows("safe_private.csv"))),
        ("structured_content", structured_content(&csv_rows("structured_content_e3_4_1.csv"))),
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/table/{name}.rs"));
        if std::env::var_os("UPDATE_TABLES").is_some() {
            std::fs::write(&path, &expected).unwrap();
        }
        assert!(std::fs::read_to_string(&path).unwrap() == expected, "{name}.rs is not what the CSV gives");
    }
}

#[test]
fn every_row_is_there() {
    let rows = csv_rows("table_e1_1.csv");
    assert_eq!(rows.len(), ROWS);
    assert_eq!(EDITION, "2026d");
    let single = single_tags(&rows);
    assert_eq!(single.len(), ROWS - PATTERNS.len());
    assert_eq!(TABLE_E1_1.len(), single.len());
    assert!(TABLE_E1_1.is_sorted_by_key(|row| row.tag));
    for (row, made) in single.iter().zip(&TABLE_E1_1) {
        assert_eq!((number(&row["tag"]), action(&row["basic_profile"])), (made.tag, made.action));
    }
    let patterns = rows.iter().filter(|row| PATTERNS.contains(&row["tag"].as_str()));
    assert!(patterns.map(|row| action(&row["basic_profile"])).all(|action| action == Action::X));
}

/// Counts as PS3.15 2026d prints them.
#[test]
fn counts_by_action_and_option() {
    let rows = csv_rows("table_e1_1.csv");
    for (wanted, count) in [
        (Action::X, 417),
        (Action::D, 93),
        (Action::U, 55),
        (Action::Z, 42),
        (Action::XD, 23),
        (Action::XZ, 11),
        (Action::XZD, 8),
        (Action::ZD, 6),
        (Action::XZU, 2),
    ] {
        assert_eq!(
            rows.iter().filter(|row| action(&row["basic_profile"]) == wanted).count(),
            count,
            "{wanted:?}"
        );
    }
    for (column, kept, cleaned) in [
        ("rtn_uids", 60, 0),
        ("rtn_device_identity", 48, 11),
        ("rtn_institution_identity", 10, 0),
        ("rtn_patient_chars", 14, 5),
        ("rtn_long_full_dates", 169, 0),
        ("rtn_long_modified_dates", 0, 169),
        ("clean_descriptors", 0, 140),
        ("clean_structured_content", 0, 4),
        ("clean_graphics", 0, 4),
        ("rtn_safe_private", 0, 1),
    ] {
        let count = |letter| rows.iter().filter(|row| row[column] == letter).count();
        assert_eq!((count("K"), count("C")), (kept, cleaned), "{column}");
    }
    assert_eq!(csv_rows("safe_private.csv").len(), 479);
    assert_eq!(csv_rows("structured_content_e3_4_1.csv").len(), 211);
}
