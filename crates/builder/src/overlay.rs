//! Variables over the document: `RESEARCH_PACS__SECTION__KEY` (house rule 17), so that a container needs no file of its own.

use toml::{Table, Value};

use crate::site::ConfigError;

/// Prefix of the variables that replace keys of `site.toml`.
pub const VARIABLE_PREFIX: &str = "RESEARCH_PACS__";

/// Lays one variable over the document; others than those with the prefix are ignored. Lists of tables have no variables.
pub(crate) fn apply(table: &mut Table, name: &str, value: &str) -> Result<(), ConfigError> {
    let Some(rest) = name.strip_prefix(VARIABLE_PREFIX) else { return Ok(()) };
    let wrong = |reason: &str| ConfigError::Variable { variable: name.to_owned(), reason: reason.to_owned() };
    let keys: Vec<String> = rest.split("__").map(str::to_ascii_lowercase).collect();
    let Some((key, sections)) = keys.split_last().filter(|(_, sections)| !sections.is_empty()) else {
        return Err(wrong("expected RESEARCH_PACS__SECTION__KEY"));
    };
    let mut place = table;
    for section in sections {
        let entry = place.entry(section.clone()).or_insert_with(|| Value::Table(Table::new()));
        place = entry.as_table_mut().ok_or_else(|| wrong("its section is no table"))?;
    }
    place.insert(key.clone(), literal(value));
    Ok(())
}

/// A number, a truth value or a list as TOML writes it; everything else is text.
fn literal(text: &str) -> Value {
    let typed = format!("value = {text}").parse::<Table>().ok().and_then(|mut table| table.remove("value"));
    match typed {
        Some(value @ (Value::Integer(_) | Value::Boolean(_) | Value::Array(_) | Value::Float(_))) => value,
        _ => Value::String(text.to_owned()),
    }
}
