//! Names of months, English and French, folded.

const MONTHS: [&[&str]; 12] = [
    &["january", "jan", "janvier", "janv"],
    &["february", "feb", "fevrier", "fev", "fevr"],
    &["march", "mar", "mars"],
    &["april", "apr", "avril", "avr"],
    &["may", "mai"],
    &["june", "jun", "juin"],
    &["july", "jul", "juillet", "juil"],
    &["august", "aug", "aout", "aou"],
    &["september", "sept", "sep", "septembre"],
    &["october", "oct", "octobre"],
    &["november", "nov", "novembre"],
    &["december", "dec", "decembre"],
];

/// The number of a month, from 1.
pub(super) fn month(name: &str) -> Option<u16> {
    (3..=9).contains(&name.len()).then_some(())?;
    MONTHS.iter().zip(1..).find(|(names, _)| names.contains(&name)).map(|(_, number)| number)
}
