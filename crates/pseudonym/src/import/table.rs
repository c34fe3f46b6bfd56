//! The table behind each file: CSV with a header, comma or semicolon, UTF-8 with or without a byte order mark.

use std::io::Read;

use chrono::{Datelike, NaiveDate};

use super::{LineError, LineProblem};
use crate::subject::SubjectKey;

const LONGEST: u64 = 32 * 1024 * 1024;
const MOST_LINES: usize = 100_000;
const MOST_ERRORS: usize = 1000;
const LONGEST_FIELD: usize = 64;

/// A line with its fields in the order of the columns asked for; a missing optional column gives empty fields.
pub(super) struct Line {
    pub(super) number: u64,
    fields: Vec<String>,
}

/// Columns of a file.
#[derive(Clone, Copy)]
pub(super) struct Columns {
    pub(super) required: &'static [&'static str],
    pub(super) optional: &'static [&'static str],
}

impl Columns {
    fn all(self) -> impl Iterator<Item = &'static str> {
        self.required.iter().chain(self.optional).copied()
    }
}

/// Errors collected over a file, bounded.
#[derive(Default)]
pub(super) struct Errors(Vec<LineError>);

impl Errors {
    pub(super) fn add(&mut self, error: LineError) {
        if self.0.len() < MOST_ERRORS {
            self.0.push(error);
        }
    }

    /// Keeps the error of a result and gives its value.
    pub(super) fn keep<T>(&mut self, result: Result<T, LineError>) -> Option<T> {
        result.map_err(|error| self.add(error)).ok()
    }

    pub(super) fn finish<T>(self, value: T) -> Result<T, Vec<LineError>> {
        if self.0.is_empty() { Ok(value) } else { Err(self.0) }
    }
}

impl Line {
    pub(super) fn error(&self, column: &'static str, problem: LineProblem) -> LineError {
        LineError { line: self.number, column, problem }
    }

    /// The field of a column, without blanks around it; empty when absent.
    pub(super) fn get(&self, columns: Columns, column: &'static str) -> &str {
        let at = columns.all().position(|name| name == column);
        at.and_then(|at| self.fields.get(at)).map_or("", String::as_str)
    }

    /// As [`Self::get`], where something must stand.
    pub(super) fn need(&self, columns: Columns, column: &'static str) -> Result<&str, LineError> {
        match self.get(columns, column) {
            "" => Err(self.error(column, LineProblem::Empty)),
            field if field.chars().count() > LONGEST_FIELD => Err(self.error(column, LineProblem::LongField)),
            field => Ok(field),
        }
    }

    /// A day that is not in the future, as yyyymmdd.
    pub(super) fn day(&self, columns: Columns, column: &'static str, today: i64) -> Result<i64, LineError> {
        let wrong = self.error(column, LineProblem::Date);
        let date = NaiveDate::parse_from_str(self.need(columns, column)?, "%Y-%m-%d").map_err(|_| wrong)?;
        let day = i64::from(date.year()) * 10_000 + i64::from(date.month()) * 100 + i64::from(date.day());
        if (19000101..=today).contains(&day) { Ok(day) } else { Err(wrong) }
    }

    /// Columns `patient_id` and `issuer`; `authority` gives the assigning authority an issuer stands for (DEC-Q).
    pub(super) fn subject(
        &self,
        columns: Columns,
        project: &str,
        authority: &dyn Fn(&str) -> Option<String>,
    ) -> Result<SubjectKey, LineError> {
        let authority = authority(self.get(columns, "issuer"))
            .ok_or_else(|| self.error("issuer", LineProblem::UnknownIssuer))?;
        SubjectKey::new(project, &authority, self.get(columns, "patient_id"))
            .map_err(|problem| self.error("patient_id", LineProblem::Subject(problem)))
    }
}

/// Reads all lines; the first error of the file's form ends it.
pub(super) fn read(input: impl Read, columns: Columns) -> Result<Vec<Line>, Vec<LineError>> {
    read_lines(input, columns).map_err(|error| vec![error])
}

fn read_lines(input: impl Read, columns: Columns) -> Result<Vec<Line>, LineError> {
    let whole = |problem| LineError { line: 1, column: "", problem };
    let mut bytes = Vec::new();
    input.take(LONGEST + 1).read_to_end(&mut bytes).map_err(|_| whole(LineProblem::Encoding))?;
    if bytes.len() as u64 > LONGEST {
        return Err(whole(LineProblem::TooLong));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| whole(LineProblem::Encoding))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // what spreadsheets write where the comma is the decimal sign
    let semicolon = text.lines().next().is_some_and(|header| header.contains(';'));
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .delimiter(if semicolon { b';' } else { b',' })
        .from_reader(text.as_bytes());
    let mut records = reader.records();
    let header = records.next().transpose().ok().flatten().ok_or_else(|| whole(LineProblem::Encoding))?;
    let order = order(&header, columns)?;
    let mut lines = Vec::new();
    for record in records {
        let record = record.map_err(|_| whole(LineProblem::Encoding))?;
        let number = record.position().map_or(0, csv::Position::line);
        if lines.len() == MOST_LINES {
            return Err(LineError { line: number, column: "", problem: LineProblem::TooLong });
        }
        if record.len() != header.len() {
            return Err(LineError { line: number, column: "", problem: LineProblem::FieldCount });
        }
        let field = |at: &Option<usize>| at.and_then(|at| record.get(at)).unwrap_or_default().to_owned();
        lines.push(Line { number, fields: order.iter().map(field).collect() });
    }
    Ok(lines)
}

/// Where each column stands in the file.
fn order(header: &csv::StringRecord, columns: Columns) -> Result<Vec<Option<usize>>, LineError> {
    let error = |column, problem| LineError { line: 1, column, problem };
    if header.iter().any(|name| !columns.all().any(|known| known == name)) {
        return Err(error("", LineProblem::UnknownColumn));
    }
    let find = |column: &'static str| {
        let mut found = header.iter().enumerate().filter(|(_, name)| *name == column).map(|(at, _)| at);
        let first = found.next();
        let missing = first.is_none() && columns.required.contains(&column);
        if missing || found.next().is_some() {
            return Err(error(column, LineProblem::MissingColumn));
        }
        Ok(first)
    };
    columns.all().map(find).collect()
}
