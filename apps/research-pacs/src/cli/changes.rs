//! A comparison of before and after, for a terminal or as JSON lines.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::{self, BufWriter, IsTerminal, Write, stdout};

use deidentification::changes::{Changes, Done, Row};
use uuid::Uuid;

/// Columns where there is no terminal to ask.
const WIDTH: usize = 120;
/// Fewer are not worth a table.
const WIDTH_MIN: usize = 60;

/// Writes a long answer to standard output; a reader that has seen enough, such as a pager, ends it.
pub(super) fn answer(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut out = BufWriter::new(stdout().lock());
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// One JSON line per row, each with the instance that it is `of`, if there are several.
pub(super) fn write_json(out: &mut dyn Write, changes: &Changes, of: Option<Uuid>) -> io::Result<()> {
    for row in &changes.rows {
        let mut line = serde_json::to_value(row)?;
        if let (Some(of), Some(line)) = (of, line.as_object_mut()) {
            line.insert("instance".to_owned(), of.to_string().into());
        }
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// A table, what the rules in it mean, and totals.
pub(super) fn write_table(out: &mut dyn Write, changes: &Changes) -> io::Result<()> {
    let table = Table::new(changes);
    let mut inside = "";
    for row in &changes.rows {
        let at = row.path.rfind('(').and_then(|at| row.path.split_at_checked(at));
        let (sequences, tag) = at.unwrap_or_default();
        if sequences != inside {
            inside = sequences;
            if !inside.is_empty() {
                writeln!(out, "in {inside}")?;
            }
        }
        writeln!(out, "{}", table.line(row, tag, !inside.is_empty()))?;
    }
    let causes = changes.rows.iter().flat_map(|row| &row.causes);
    let rules: BTreeMap<&str, &str> =
        causes.map(|cause| (cause.rule.as_str(), cause.explanation.as_str())).collect();
    writeln!(out)?;
    for (rule, explanation) in rules {
        writeln!(out, "{rule:width$}  {explanation}", width = table.rule)?;
    }
    writeln!(out, "{}", totals(changes))
}

/// `12 kept, 3 removed`
fn totals(changes: &Changes) -> String {
    let mut words: Vec<String> =
        changes.totals.iter().map(|(done, count)| format!("{count} {}", done.word())).collect();
    if changes.rows_not_listed > 0 {
        words.push(format!("{} of them not listed", changes.rows_not_listed));
    }
    words.join(", ")
}

/// Widths of the columns.
struct Table {
    attribute: usize,
    rule: usize,
    value: usize,
    is_coloured: bool,
}

const VR: usize = 2;
/// The longest word is `text cleaned`.
const DONE: usize = 12;
const RULE_MAX: usize = 22;

impl Table {
    fn new(changes: &Changes) -> Self {
        let is_terminal = stdout().is_terminal();
        let window = rustix::termios::tcgetwinsize(stdout()).ok().filter(|_| is_terminal);
        let width = window.map(|window| usize::from(window.ws_col)).filter(|columns| *columns > 0);
        let width = width.unwrap_or(WIDTH).max(WIDTH_MIN);
        let rule = changes.rows.iter().map(|row| rule(row).chars().count()).max().unwrap_or_default();
        let rule = rule.min(RULE_MAX);
        let rest = width.saturating_sub(VR + DONE + rule + 5);
        let attribute = (rest * 2 / 5).max(14);
        let value = (rest.saturating_sub(attribute) / 2).max(8);
        let is_coloured = is_terminal && std::env::var_os("NO_COLOR").is_none();
        Self { attribute, rule, value, is_coloured }
    }

    fn line(&self, row: &Row, tag: &str, is_nested: bool) -> String {
        let indent = if is_nested { "  " } else { "" };
        let value = |shown: Option<&dyn Display>| shown.map(ToString::to_string).unwrap_or_default();
        let old = value(row.old.as_ref().map(|old| old as &dyn Display));
        let new = value(row.new.as_ref().map(|new| new as &dyn Display));
        let cells = [
            cell(&format!("{indent}{tag} {}", row.keyword), self.attribute),
            cell(row.vr, VR),
            cell(row.done.word(), DONE),
            cell(&rule(row), self.rule),
            cell(&old, self.value),
            cell(&new, self.value),
        ];
        let line = cells.join(" ");
        let line = line.trim_end();
        if self.is_coloured { format!("\x1b[{}m{line}\x1b[0m", colour(row.done)) } else { line.to_owned() }
    }
}

fn rule(row: &Row) -> String {
    row.causes.iter().map(|cause| cause.rule.as_str()).collect::<Vec<_>>().join(" or ")
}

/// Red goes, green comes, yellow changes; what stays is as other text.
fn colour(done: Done) -> &'static str {
    match done {
        Done::Kept => "0",
        Done::Removed => "31",
        Done::Added => "32",
        _ => "33",
    }
}

/// The text in so many columns. What could move a terminal's cursor is shown as a point.
fn cell(text: &str, width: usize) -> String {
    let mut cell: String =
        text.chars().map(|c| if c.is_control() { '·' } else { c }).take(width + 1).collect();
    if cell.chars().count() > width {
        cell = cell.chars().take(width.saturating_sub(1)).chain(['…']).collect();
    }
    format!("{cell:width$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_cut_padded_and_moves_no_cursor() {
        assert_eq!(cell("abc", 5), "abc  ");
        assert_eq!(cell("abcdef", 5), "abcd…");
        assert_eq!(cell("\x1b[2Jé\n", 6), "·[2Jé·");
    }
}
