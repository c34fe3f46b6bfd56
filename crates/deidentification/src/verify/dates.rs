//! Notations of an identifying date (DI-51), in the normal forms of [`super::normal`].

use dicom_stream::text::Date;

/// Month names, English and French, folded: full, then short forms.
const MONTHS: [[&str; 5]; 12] = [
    ["january", "jan", "janvier", "janv", "jan"],
    ["february", "feb", "fevrier", "fev", "fevr"],
    ["march", "mar", "mars", "mars", "mars"],
    ["april", "apr", "avril", "avr", "avr"],
    ["may", "may", "mai", "mai", "mai"],
    ["june", "jun", "juin", "juin", "juin"],
    ["july", "jul", "juillet", "juil", "juil"],
    ["august", "aug", "aout", "aout", "aou"],
    ["september", "sep", "septembre", "sept", "sep"],
    ["october", "oct", "octobre", "oct", "oct"],
    ["november", "nov", "novembre", "nov", "nov"],
    ["december", "dec", "decembre", "dec", "dec"],
];

/// The forms a search in normal text looks for; separators are blanks or nothing there.
pub(super) fn notations(date: Date) -> Vec<String> {
    let (year, month, day) = (date.year(), date.month(), date.day());
    let mut forms = vec![
        format!("{year:04}{month:02}{day:02}"),
        format!("{day:02}{month:02}{year:04}"),
        format!("{month:02}{day:02}{year:04}"),
        format!("{year:04} {month:02} {day:02}"),
        format!("{day:02} {month:02} {year:04}"),
        format!("{month:02} {day:02} {year:04}"),
        format!("{day} {month} {year:04}"),
        format!("{month} {day} {year:04}"),
        format!("{year:04}年{month}月{day}日"),
        format!("{year:04}年{month:02}月{day:02}日"),
    ];
    let names = MONTHS.get(usize::from(month).saturating_sub(1)).into_iter().flatten();
    for name in names {
        for day in [format!("{day}"), format!("{day:02}")] {
            forms.extend([
                format!("{day} {name} {year:04}"),
                format!("{day}{name}{year:04}"),
                format!("{name} {day} {year:04}"),
                format!("{name}{day}{year:04}"),
            ]);
        }
    }
    forms.sort_unstable();
    forms.dedup();
    forms
}
