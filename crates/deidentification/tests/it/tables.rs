//! The generated table is what the CSV gives.
//!
//! A new edition: replace `data/table_e1_1.csv`, then `UPDATE_TABLES=1 cargo test -p deidentification --test it`.

use std::fmt::Write;
use std::path::Path;

use deidentification::{Action, BASIC_PROFILE_2026D, EDITION};

const ROWS: usize = 657;
/// The patterns, which `rule.rs` answers by group.
const PATTERNS: [&str; 4] = ["(50xx,xxxx)", "(60xx,3000)", "(60xx,4000)", "(gggg,eeee) odd gggg"];

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

struct Row {
    tag: String,
    keyword: String,
    action: Action,
}

fn csv_rows() -> Vec<Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/table_e1_1.csv");
    let mut reader = csv::Reader::from_path(path).unwrap();
    let headers = reader.headers().unwrap().clone();
    let column = |name| headers.iter().position(|header| header == name).unwrap();
    let [tag, keyword, basic] = [column("tag"), column("keyword"), column("basic_profile")];
    reader
        .records()
        .map(|record| record.unwrap())
        .map(|record| Row {
            tag: record[tag].into(),
            keyword: record[keyword].into(),
            action: action(&record[basic]),
        })
        .collect()
}

fn number(tag: &str) -> u32 {
    let digits: String = tag.chars().filter(char::is_ascii_hexdigit).collect();
    u32::from_str_radix(&digits, 16).unwrap()
}

fn generated(rows: &[Row]) -> String {
    let single: Vec<_> = rows.iter().filter(|row| !PATTERNS.contains(&row.tag.as_str())).collect();
    let mut text = String::from(
        "//! PS3.15 Table E.1-1, edition 2026d, column Basic Profile. Generated from `data/table_e1_1.csv` by `tests/it/tables.rs`; do not\n\
         //! edit. The four rows that are patterns (50xx, 60xx twice, odd groups) are in `rule.rs`.\n\n\
         use crate::action::Action::{self, D, U, X, XD, XZ, XZD, XZU, Z, ZD};\n\n\
         /// Edition of Table E.1-1.\npub const EDITION: &str = \"2026d\";\n\n\
         /// Tag and Basic action of each row that is a single tag, sorted by tag.\n#[rustfmt::skip]\n",
    );
    writeln!(text, "pub static BASIC_PROFILE_2026D: [(u32, Action); {}] = [", single.len()).unwrap();
    for row in &single {
        writeln!(text, "    ({:#010X}, {:?}), // {}", number(&row.tag), row.action, row.keyword).unwrap();
    }
    text + "];\n"
}

#[test]
fn generated_table_is_current() {
    let rows = csv_rows();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/basic_profile.rs");
    let expected = generated(&rows);
    if std::env::var_os("UPDATE_TABLES").is_some() {
        std::fs::write(&path, &expected).unwrap();
    }
    assert!(
        std::fs::read_to_string(&path).unwrap() == expected,
        "basic_profile.rs is not what the CSV gives"
    );
}

#[test]
fn every_row_is_there() {
    let rows = csv_rows();
    assert_eq!(rows.len(), ROWS);
    assert_eq!(EDITION, "2026d");
    let patterns: Vec<_> =
        rows.iter().map(|row| row.tag.as_str()).filter(|tag| PATTERNS.contains(tag)).collect();
    assert_eq!(patterns.len(), PATTERNS.len());
    assert_eq!(BASIC_PROFILE_2026D.len(), ROWS - PATTERNS.len());
    assert!(BASIC_PROFILE_2026D.is_sorted_by_key(|(tag, _)| *tag));
    for row in rows.iter().filter(|row| !PATTERNS.contains(&row.tag.as_str())) {
        assert!(BASIC_PROFILE_2026D.contains(&(number(&row.tag), row.action)), "{}", row.tag);
    }
    assert!(
        rows.iter().filter(|row| PATTERNS.contains(&row.tag.as_str())).all(|row| row.action == Action::X)
    );
}

/// Counts of the Basic column as PS3.15 2026d prints them.
#[test]
fn counts_by_action() {
    let rows = csv_rows();
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
        assert_eq!(rows.iter().filter(|row| row.action == wanted).count(), count, "{wanted:?}");
    }
}
