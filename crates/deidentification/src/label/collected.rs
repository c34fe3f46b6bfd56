//! The values of an original that the labels of a profile ask for, and the answer.

use std::collections::{BTreeMap, BTreeSet};

use dicom_core::{Tag, VR};
use dicom_stream::charset::{CharacterSet, separates_values};
use dicom_stream::text::Date;
use dicom_stream::{Encoding, Header, dictionary_vr};

use super::{ALL, Labels};
use crate::label::query::{Query, Test, day, has_values};
use crate::level::Level;

/// Longest value that is compared; an LT has 10,240 characters.
const VALUE_MAX: usize = 64 << 10;
/// Values of one attribute, in all its items.
const VALUES_MAX: usize = 1_000;

/// What one object says to the questions of the labels.
#[derive(Debug)]
pub(crate) struct Collected<'a> {
    labels: &'a Labels,
    found: BTreeMap<Vec<Tag>, Vec<String>>,
    /// Whether something that is asked for could not be taken in: then no label can be given.
    is_partial: bool,
}

impl<'a> Collected<'a> {
    pub(crate) fn new(labels: &'a Labels) -> Self {
        Self { labels, found: BTreeMap::new(), is_partial: false }
    }

    /// An element with a value; `levels` is where it stands, `vr` that of PS3.6.
    pub(crate) fn value(
        &mut self,
        levels: &[Level],
        header: &Header,
        vr: VR,
        set: &CharacterSet,
        value: &[u8],
    ) {
        let Some(path) = self.asked(levels, header.tag) else { return };
        if vr == VR::SQ {
            // A sequence as UN, which the survey does not walk.
            self.is_partial = true;
            return;
        }
        let mut found = if value.len() > VALUE_MAX { None } else { texts(vr, header.encoding, set, value) };
        let known = self.found.entry(path).or_default();
        match &mut found {
            Some(found) if known.len() + found.len() <= VALUES_MAX => known.append(found),
            _ => self.is_partial = true,
        }
    }

    /// A sequence, or a value that is too long to be taken in.
    pub(crate) fn exists(&mut self, levels: &[Level], tag: Tag) {
        if let Some(path) = self.asked(levels, tag) {
            self.is_partial |= has_values(dictionary_vr(tag));
            self.found.entry(path).or_default();
        }
    }

    fn asked(&self, levels: &[Level], tag: Tag) -> Option<Vec<Tag>> {
        if !self.labels.tags.contains(&tag) {
            return None;
        }
        let path: Vec<Tag> = levels.iter().filter_map(|level| level.tag).chain([tag]).collect();
        self.labels.paths.contains(&path).then_some(path)
    }

    /// The labels of the object; none, not even [`ALL`], when they cannot be told.
    pub(crate) fn labels(&self) -> BTreeSet<String> {
        if self.is_partial {
            return BTreeSet::new();
        }
        let holds = self.labels.queries.iter().filter(|(_, query)| self.holds(query));
        holds.map(|(name, _)| name.clone()).chain([ALL.to_owned()]).collect()
    }

    fn holds(&self, query: &Query) -> bool {
        match query {
            Query::All(parts) => parts.iter().all(|part| self.holds(part)),
            Query::Any(parts) => parts.iter().any(|part| self.holds(part)),
            Query::Test { path, test, is_negated } => {
                let found = self.found.get(path);
                found.is_some_and(|values| is_so(test, values)) != *is_negated
            }
        }
    }
}

fn is_so(test: &Test, values: &[String]) -> bool {
    let number =
        |is: &dyn Fn(f64) -> bool| values.iter().filter_map(|value| value.parse::<f64>().ok()).any(is);
    let date = |is: &dyn Fn(Date) -> bool| values.iter().filter_map(|value| day(value)).any(is);
    match test {
        Test::Exists => true,
        Test::Empty => values.iter().all(String::is_empty),
        Test::NotEmpty => values.iter().any(|value| !value.is_empty()),
        Test::Text(pattern) => values.iter().any(|value| pattern.matches(value)),
        Test::Equal(wanted) => number(&|value| value == *wanted),
        Test::Greater(than) => number(&|value| value > *than),
        Test::Less(than) => number(&|value| value < *than),
        Test::On(wanted) => date(&|value| value == *wanted),
        Test::Before(than) => date(&|value| value < *than),
        Test::After(than) => date(&|value| value > *than),
    }
}

/// The values as text; `None` for bytes of the wrong length.
fn texts(vr: VR, encoding: Encoding, set: &CharacterSet, value: &[u8]) -> Option<Vec<String>> {
    let is_big = encoding == Encoding::ExplicitBig;
    Some(match vr {
        VR::US => numbers(value, is_big, u16::from_le_bytes)?,
        VR::SS => numbers(value, is_big, i16::from_le_bytes)?,
        VR::UL => numbers(value, is_big, u32::from_le_bytes)?,
        VR::SL => numbers(value, is_big, i32::from_le_bytes)?,
        VR::UV => numbers(value, is_big, u64::from_le_bytes)?,
        VR::SV => numbers(value, is_big, i64::from_le_bytes)?,
        VR::FL => numbers(value, is_big, f32::from_le_bytes)?,
        VR::FD => numbers(value, is_big, f64::from_le_bytes)?,
        _ => {
            let text = set.decode(vr, value);
            let plain = |text: &str| text.trim_matches([' ', '\0']).to_owned();
            match separates_values(vr) {
                true => text.split('\\').map(plain).collect(),
                false => vec![plain(&text)],
            }
        }
    })
}

fn numbers<const N: usize, T: ToString>(
    value: &[u8],
    is_big: bool,
    number: fn([u8; N]) -> T,
) -> Option<Vec<String>> {
    let (numbers, rest) = value.as_chunks::<N>();
    let read = |bytes: &[u8; N]| {
        let mut bytes = *bytes;
        if is_big {
            bytes.reverse();
        }
        number(bytes).to_string()
    };
    rest.is_empty().then(|| numbers.iter().map(read).collect())
}
