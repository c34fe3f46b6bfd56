//! Ages over 89 (45 CFR 164.514(b)(2)(i)(C)).

use super::super::words::{Marks, Words};

/// Marks the number of each: `93-year-old`, `93 ans`, `093Y`, `age 94`. `90Y` is a nuclide, `090Y` the pooled age of this product.
pub(super) fn mark(words: &Words<'_>, marks: &mut Marks) {
    for index in 0..words.len() {
        let Some(digits) = words.digits(index).filter(|digits| matches!(digits.len(), 2 | 3)) else {
            continue;
        };
        let Some(age @ 90..=149) = digits.parse::<u16>().ok() else { continue };
        if (has_unit(words, index + 1, age) || is_said(words, index)) && !is_decimal(words, index) {
            marks.add(index..index + 1);
        }
    }
}

fn has_unit(words: &Words<'_>, index: usize, age: u16) -> bool {
    let is_near = matches!(words.gap(index), "" | " " | "-");
    match words.letters(index) {
        Some("year" | "years" | "yr" | "yrs" | "yo" | "ans") => is_near,
        Some("y") => age > 90 && words.gap(index).is_empty(),
        _ => false,
    }
}

/// `age 94`, `aged: 94`, `âgé de 94`.
fn is_said(words: &Words<'_>, index: usize) -> bool {
    let Some(mut before) = index.checked_sub(1) else { return false };
    let is_near = words.gap(index).len() <= 3 && !words.gap(index).contains('*');
    if matches!(words.letters(before), Some("de" | "is" | "of")) {
        before = before.wrapping_sub(1);
    }
    is_near && matches!(words.letters(before), Some("age" | "aged" | "agee"))
}

/// Whether the number is a part of a decimal number.
fn is_decimal(words: &Words<'_>, index: usize) -> bool {
    let is_dot = |at| words.gap(at) == ".";
    (is_dot(index) && index.checked_sub(1).is_some_and(|before| words.digits(before).is_some()))
        || (is_dot(index + 1) && words.digits(index + 1).is_some())
}
