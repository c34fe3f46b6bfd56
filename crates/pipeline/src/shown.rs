//! Texts that people see. Where a data set is misaligned, what reads as the tag of an element may be letters of a name: only tags that
//! PS3.6 knows are shown, and those of private elements that cannot be text.

use dicom_core::Tag;
use dicom_core::dictionary::DataDictionary;
use dicom_dictionary_std::StandardDataDictionary;

/// Length of `(gggg,eeee)`.
const LENGTH: usize = 11;

/// `text` with every tag taken out of it that may be letters.
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
                safe.push_str(if is_known || is_private(tag) { written } else { "(unknown)" });
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

/// Whether it is the tag of a private element as they are used (PS3.5 7.8.1): a group that is no two letters, and the element of a creator or of
/// one of the blocks 10 to 1F, whose bytes no text has but for an escape.
fn is_private(tag: Tag) -> bool {
    let [high, low] = tag.group().to_be_bytes();
    let is_block = matches!(tag.element(), 0x0010..=0x00FF | 0x1000..=0x1AFF | 0x1C00..=0x1FFF);
    low % 2 == 1 && is_block && !(high.is_ascii_alphabetic() && low.is_ascii_alphabetic())
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
            ("(0009,1001)(0010,0010)", "(0009,1001)(0010,0010)"),
            ("(2005,140F)(0029,0010)", "(2005,140F)(0029,0010)"),
            ("(4A4F,1041)", "(unknown)"),
            ("(0009,4E45)", "(unknown)"),
            ("(0009,1B41)", "(unknown)"),
            ("2 (two) places (", "2 (two) places ("),
            ("(é0010,0010)", "(é0010,0010)"),
        ] {
            assert_eq!(shown(text), expected);
        }
    }
}
