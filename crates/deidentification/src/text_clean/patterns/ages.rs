//! Ages over 89 (45 CFR 164.514(b)(2)(i)(C)).

use super::super::words::{Marks, Words};

/// Marks the number of each: `93-year-old`, `93 y.o.`, `93 ans`, `093Y`, `age 94`; where `any` date goes also `93F`, `M/93` and `93 A`, which
/// elsewhere may be parts of a model's or a kernel's name. `90Y` is a nuclide, `090Y` the pooled age of this product.
pub(super) fn mark(words: &Words<'_>, any: bool, marks: &mut Marks) {
    for index in 0..words.len() {
        let Some(digits) = words.digits(index).filter(|digits| matches!(digits.len(), 2 | 3)) else {
            continue;
        };
        let Some(age @ 90..=149) = digits.parse::<u16>().ok() else { continue };
        let is_age = has_unit(words, index + 1, age) || is_said(words, index);
        if (is_age || any && is_beside_sex(words, index)) && !is_decimal(words, index) {
            marks.add(index..index + 1);
        }
    }
}

fn has_unit(words: &Words<'_>, index: usize, age: u16) -> bool {
    let is_near = matches!(words.gap(index), "" | " " | "-");
    match words.letters(index) {
        Some("year" | "years" | "yr" | "yrs" | "yo" | "ans") => is_near,
        Some("y") if matches!(words.gap(index + 1), "." | "/") => {
            is_near && words.letters(index + 1) == Some("o")
        }
        Some("y") => age > 90 && words.gap(index).is_empty(),
        _ => false,
    }
}

/// `93F`, `93/M`, `93, F`, `93 A` (ans), `F93`, `M/93`, each a word by itself.
fn is_beside_sex(words: &Words<'_>, index: usize) -> bool {
    let is_sex = |at: usize, gap: &str| match gap {
        // Glued, in capitals: `95h` is a time, `95f` a kernel.
        "" => matches!(words.written(at), "F" | "M"),
        "/" | "-" | ", " | " / " => matches!(words.letters(at), Some("f" | "h" | "m")),
        _ => false,
    };
    let ends = |at: usize| !words.is_glued(at);
    let after = ends(index + 2) && is_sex(index + 1, words.gap(index + 1));
    let is_years = matches!(words.written(index + 1), "a" | "A") && matches!(words.gap(index + 1), "" | " ");
    let before = index.checked_sub(1).is_some_and(|first| ends(first) && is_sex(first, words.gap(index)));
    let begins = ends(index) || before;
    begins && (after || is_years && ends(index + 2)) || before && ends(index + 1)
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
