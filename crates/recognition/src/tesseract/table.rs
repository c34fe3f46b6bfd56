//! The table that `tesseract … tsv` writes: one line for each page, block, paragraph, line and word.

use pixel::TextBox;

/// The level of a word.
const WORD: &str = "5";

/// The words with text; `None` when it is no such table.
pub(super) fn words(output: &[u8]) -> Option<Vec<TextBox>> {
    let mut reader =
        csv::ReaderBuilder::new().delimiter(b'\t').quoting(false).flexible(true).from_reader(output);
    let headers = reader.headers().ok()?;
    let column = |name: &str| headers.iter().position(|header| header == name);
    let columns = ["level", "left", "top", "width", "height", "conf", "text"].map(column);
    let [Some(level), Some(left), Some(top), Some(width), Some(height), Some(conf), Some(text)] = columns
    else {
        return None;
    };
    let mut words = Vec::new();
    for record in reader.records() {
        let record = record.ok()?;
        let field = |column: usize| record.get(column).unwrap_or_default();
        if field(level) != WORD || field(text).trim().is_empty() {
            continue;
        }
        words.push(TextBox {
            x: field(left).parse().ok()?,
            y: field(top).parse().ok()?,
            width: field(width).parse().ok()?,
            height: field(height).parse().ok()?,
            text: field(text).trim().to_owned(),
            confidence: field(conf).parse().ok()?,
        });
    }
    Some(words)
}
