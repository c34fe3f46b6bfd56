//! What was done to one object: rules, steps and counts by place. Never a value.

use std::collections::{BTreeSet, HashMap};

use dicom_core::Tag;
use serde::{Serialize, Serializer};

use crate::pixels::PixelPlan;
use crate::profile::RuleId;
use crate::table::Step;

/// Report of one object. The same input and profile give the same report (AC2.11).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Edition of Table E.1-1.
    pub edition: &'static str,
    /// Edition of the defaults beyond the table.
    pub defaults: &'static str,
    /// Name of the profile.
    pub profile: String,
    /// Version of the profile.
    pub version: String,
    /// Content hash of the profile, hex.
    pub hash: String,
    /// Codes of CID 7050 for what was really done.
    pub method_codes: Vec<&'static str>,
    /// Elements that stayed as they were.
    pub kept: u64,
    /// What was changed, sorted by place.
    pub changes: Vec<Change>,
    /// Changes beyond the [`Report::CHANGES_MAX`] that are listed.
    pub changes_not_listed: u64,
    /// What stayed without being looked into.
    pub not_inspected: Vec<NotInspected>,
    /// What was done with the pixels, where the profile asks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pixels: Option<PixelReport>,
    /// The program that took the face out of the pixels (PS3.15 E.3.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub defaced: Option<String>,
    /// The document that was inspected and made anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<DocumentReport>,
    /// Attributes that the IOD requires and that are lost, as the after-check found: sequences around, then the element.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub damage: Vec<String>,
}

/// What was done with the pixels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PixelReport {
    /// Whether a mask blackens a part of them.
    pub masked: bool,
    /// Places with text that a recogniser found and that are blackened.
    pub texts: usize,
    /// The recogniser, if one looked.
    pub recogniser: Option<String>,
    /// Whether compressed frames are written natively, in Explicit VR Little Endian.
    pub written_natively: bool,
}

/// What was done with an encapsulated document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum DocumentReport {
    /// It leaves as images of its pages.
    Pages {
        /// Pages that leave.
        pages: usize,
        /// The recogniser that looked at them.
        recogniser: String,
    },
    /// A clinical document was made anew (HL7 CDA R2).
    Clinical {
        /// Sections of the new document.
        sections: usize,
        /// Places of their text and titles that were cut and are marked.
        cuts: u32,
        /// Entries of sections and references to pictures and notes that are not in it.
        left_out: usize,
    },
}

impl PixelReport {
    pub(crate) fn of(plan: &PixelPlan) -> Self {
        Self {
            masked: plan.masker.is_some(),
            texts: plan.texts,
            recogniser: plan.recogniser.clone(),
            written_natively: plan.decodes(),
        }
    }
}

impl Report {
    /// Whether a recogniser looked at the pixels.
    #[must_use]
    pub fn is_recognised(&self) -> bool {
        self.pixels.as_ref().is_some_and(|pixels| pixels.recogniser.is_some())
    }

    /// So many different places are listed; the rest is counted.
    pub const CHANGES_MAX: usize = 10_000;
}

/// The same step by the same rule at the same place, in however many items.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Change {
    /// Sequences around the element, outermost first, then the element: `(0008,1115)(0008,0080)`.
    #[serde(serialize_with = "as_path")]
    pub path: Vec<Tag>,
    /// `E.1-1` for Table E.1-1, with the option's code where one acts (`E.1-1-required-by-iod` where an X takes away what the IOD
    /// requires), `rule-n` for a rule of the profile, else a rule id of the defaults beyond the table or of the encoding.
    pub rule: RuleId,
    /// What was done.
    pub step: Step,
    /// How often.
    pub count: u64,
}

/// A part of the object that the profile does not look into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NotInspected {
    /// Pixel data: burned-in text and recognisable features.
    PixelData,
    /// Comment and application segments of compressed frames.
    CompressedFrames,
    /// Other samples and tables, an ICC profile for one.
    Binary {
        /// The element.
        #[serde(serialize_with = "as_tag")]
        tag: Tag,
    },
}

fn show(tag: Tag) -> String {
    format!("({:04X},{:04X})", tag.group(), tag.element())
}

fn as_path<S: Serializer>(path: &[Tag], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.iter().map(|tag| show(*tag)).collect::<String>())
}

fn as_tag<S: Serializer>(tag: &Tag, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&show(*tag))
}

/// A place in the object: an index into the paths of a [`Tally`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Place(usize);

impl Place {
    pub(crate) const ROOT: Self = Self(0);
}

/// A row of the report.
type Row = (Place, Tag, RuleId, Step);

/// Counts while the object passes: paths are numbered once, so that counting one more costs no allocation.
#[derive(Debug)]
pub(crate) struct Tally {
    /// (parent, sequence) of place n + 1.
    places: Vec<(Place, Tag)>,
    numbers: HashMap<(Place, Tag), Place>,
    rows: HashMap<Row, usize>,
    counts: Vec<(Row, u64)>,
    /// Rows counted last: the same few come again in every item.
    recent: [usize; 64],
    not_listed: u64,
    pub(crate) kept: u64,
    not_inspected: BTreeSet<NotInspected>,
}

impl Tally {
    pub(crate) fn new() -> Self {
        Self {
            places: Vec::new(),
            numbers: HashMap::new(),
            rows: HashMap::new(),
            counts: Vec::new(),
            recent: [0; 64],
            not_listed: 0,
            kept: 0,
            not_inspected: BTreeSet::new(),
        }
    }

    /// The place inside the sequence `tag`; the parent itself when there are too many places.
    pub(crate) fn inside(&mut self, parent: Place, tag: Tag) -> Place {
        if let Some(place) = self.numbers.get(&(parent, tag)) {
            return *place;
        }
        if self.places.len() >= Report::CHANGES_MAX {
            return parent;
        }
        self.places.push((parent, tag));
        let place = Place(self.places.len());
        self.numbers.insert((parent, tag), place);
        place
    }

    pub(crate) fn change(&mut self, place: Place, tag: Tag, rule: RuleId, step: Step) {
        let row = (place, tag, rule, step);
        let slot = usize::from(tag.element() % 64);
        let recent = self.recent.get(slot).and_then(|number| self.counts.get_mut(*number));
        if let Some((_, count)) = recent.filter(|(counted, _)| *counted == row) {
            *count += 1;
            return;
        }
        let number = match self.rows.get(&row) {
            Some(number) => *number,
            None if self.counts.len() < Report::CHANGES_MAX => {
                self.counts.push((row, 0));
                self.rows.insert(row, self.counts.len() - 1);
                self.counts.len() - 1
            }
            None => {
                self.not_listed += 1;
                return;
            }
        };
        if let Some((_, count)) = self.counts.get_mut(number) {
            *count += 1;
        }
        if let Some(recent) = self.recent.get_mut(slot) {
            *recent = number;
        }
    }

    pub(crate) fn not_inspected(&mut self, what: NotInspected) {
        self.not_inspected.insert(what);
    }

    /// Changes in order, changes not listed, and what was not inspected.
    pub(crate) fn finish(self) -> (Vec<Change>, u64, Vec<NotInspected>) {
        let mut changes: Vec<_> = self
            .counts
            .iter()
            .map(|((place, tag, rule, step), count)| {
                let mut path = vec![*tag];
                let mut at = *place;
                while let Some((parent, sequence)) = at.0.checked_sub(1).and_then(|row| self.places.get(row))
                {
                    path.push(*sequence);
                    at = *parent;
                }
                path.reverse();
                Change { path, rule: *rule, step: *step, count: *count }
            })
            .collect();
        changes.sort();
        (changes, self.not_listed, self.not_inspected.into_iter().collect())
    }
}
