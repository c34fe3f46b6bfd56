//! Texts that people see. Where a data set is misaligned, what reads as the tag of an element may be letters of a name: only tags that
//! PS3.6 knows are shown.

use dicom_core::Tag;
use dicom_core::dictionary::DataDictionary;
use dicom_dictionary_std::StandardDataDictionary;

/// Length of `(gggg,eeee)`.
const LENGTH: usize = 11;

/// `text` with every tag that is not of the standard taken out of it.
pub(crate) fn shown(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('(') {
        let (before, from) = rest.split_at(at);
        safe.push_str(before);
        match from.get(..LENGTH).and_then(|written| Some((written, tag(written)?))) {
            Some((written, tag)) => {
                let is_known =
                    StandardDataDictionary.by_tag(tag).is_some_and(|entry| entry.tag.inner() == tag);
                safe.push_str(if is_known { written } else { "(unknown)" });
                rest = from.get(LENGTH..).unwrap_or_default();
            }
            None => {
                safe.push('(');
                rest = from.get(1..).unwrap_or_default();
            }
        }
    }
    safe.push_str(rest);
    safe
}

fn tag(written: &str) -> Option<Tag> {
    let inner = written.strip_prefix('(')?.strip_suffix(')')?;
    let (group, element) = inner.split_once(',')?;
    let number = |text: &str| (text.len() == 4).then(|| u16::from_str_radix(text, 16).ok()).flatten();
    Some(Tag(number(group)?, number(element)?))
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn tags_that_may_be_letters_are_not_shown() {
        for (text, expected) in [
            ("(0010,0010): value is cut at 132", "(0010,0010): value is cut at 132"),
            // "DOE^JANE" read as tags: 444F 455E 4A41 4E45
            ("(0008,1140)(4F44,5E45) ends", "(0008,1140)(unknown) ends"),
            ("(0009,1001)", "(unknown)"),
            ("2 (two) places (", "2 (two) places ("),
            ("(é0010,0010)", "(é0010,0010)"),
        ] {
            assert_eq!(shown(text), expected);
        }
    }
}
