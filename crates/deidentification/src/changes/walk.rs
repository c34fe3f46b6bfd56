//! Both data sets in step. Elements of a data set ascend (PS3.5 7.1); where those of a sender do not, the report says which side is ahead.

use dicom_core::Tag;
use dicom_stream::{ElementPath, SourceError};

use super::cause::{Difference, Recorded};
use super::cursor::{Cursor, Element, Event};
use super::value::Shown;
use super::{Changes, Done, Row, Show};
use crate::profile::rules::dictionary;

/// Which of the two.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Before,
    After,
}

pub(super) struct Walk<'a> {
    before: Cursor<'a>,
    after: Cursor<'a>,
    recorded: &'a Recorded,
    show: Show,
    /// Sequences around the next element, with their item numbers.
    sequences: Vec<(Tag, u32)>,
    changes: Changes,
}

type Step<T = ()> = Result<T, SourceError>;

impl<'a> Walk<'a> {
    pub(super) fn new(before: Cursor<'a>, after: Cursor<'a>, recorded: &'a Recorded, show: Show) -> Self {
        Self { before, after, recorded, show, sequences: Vec::new(), changes: Changes::default() }
    }

    pub(super) fn run(mut self) -> Step<Changes> {
        self.elements()?;
        Ok(self.changes)
    }

    /// The elements of two data sets, or of two items.
    fn elements(&mut self) -> Step {
        loop {
            match (self.before.tag()?, self.after.tag()?) {
                (None, None) => return Ok(()),
                (Some(_), None) => self.alone(Side::Before)?,
                (None, Some(_)) => self.alone(Side::After)?,
                (Some(old), Some(new)) if old == new => self.both(old)?,
                (Some(old), Some(new)) => self.alone(self.ahead(old, new))?,
            }
        }
    }

    /// The side whose element has none across.
    fn ahead(&self, old: Tag, new: Tag) -> Side {
        let is_gone = || self.recorded.is_gone(&self.tags(old)) && !self.recorded.is_new(&self.tags(new));
        if old < new || is_gone() { Side::Before } else { Side::After }
    }

    /// Two elements of the same tag.
    fn both(&mut self, tag: Tag) -> Step {
        let is_sequence = |event: Option<&Event>| matches!(event, Some(Event::Sequence(_)));
        let (old, new) = (is_sequence(self.before.peek()?), is_sequence(self.after.peek()?));
        if old != new {
            self.alone(Side::Before)?;
            return self.alone(Side::After);
        }
        match (self.before.take()?, self.after.take()?) {
            (Some(Event::Element(old)), Some(Event::Element(new))) => {
                self.pair(&old, &new);
                Ok(())
            }
            _ => self.sequences(tag),
        }
    }

    fn pair(&mut self, old: &Element, new: &Element) {
        let is_equal = old.content == new.content;
        if is_equal && !self.show.equal {
            self.count(Done::Kept);
            return;
        }
        let before = Shown::element(old, self.before.character_set(), self.show.identity);
        let after = Shown::element(new, self.after.character_set(), self.show.new_values);
        let difference = (!is_equal).then_some(Difference::Other { is_empty: after.length == 0 });
        self.row(new.tag, difference, Some(before), Some(after));
    }

    /// Two sequences, item by item. They have a row of their own where they do not have the same number of items.
    fn sequences(&mut self, tag: Tag) -> Step {
        let at = self.changes.rows.len();
        self.sequences.push((tag, 0));
        let (mut old, mut new) = (0, 0);
        loop {
            let items = (
                matches!(self.before.peek()?, Some(Event::Item)),
                matches!(self.after.peek()?, Some(Event::Item)),
            );
            self.next_item();
            old += u32::from(items.0);
            new += u32::from(items.1);
            match items {
                (true, true) => {
                    self.before.take()?;
                    self.after.take()?;
                    self.elements()?;
                    self.before.take()?;
                    self.after.take()?;
                }
                (true, false) => self.item_alone(Side::Before)?,
                (false, true) => self.item_alone(Side::After)?,
                (false, false) => break,
            }
        }
        self.before.take()?;
        self.after.take()?;
        self.sequences.pop();
        if old != new {
            let difference = Some(Difference::Other { is_empty: new == 0 });
            self.row_at(at, tag, difference, Some(Shown::sequence(old)), Some(Shown::sequence(new)));
        }
        Ok(())
    }

    /// An element that has none across, and all that is in it.
    fn alone(&mut self, side: Side) -> Step {
        match self.side(side).take()? {
            Some(Event::Element(element)) => {
                let shown = match side {
                    Side::Before => Shown::element(&element, self.before.character_set(), self.show.identity),
                    Side::After => Shown::element(&element, self.after.character_set(), self.show.new_values),
                };
                let at = self.changes.rows.len();
                self.row_of(side, at, element.tag, shown);
            }
            Some(Event::Sequence(tag)) => {
                let at = self.changes.rows.len();
                self.sequences.push((tag, 0));
                let mut items = 0;
                while matches!(self.side(side).peek()?, Some(Event::Item)) {
                    items += 1;
                    self.next_item();
                    self.item_alone(side)?;
                }
                self.side(side).take()?;
                self.sequences.pop();
                self.row_of(side, at, tag, Shown::sequence(items));
            }
            _ => {}
        }
        Ok(())
    }

    fn item_alone(&mut self, side: Side) -> Step {
        self.side(side).take()?;
        while self.side(side).tag()?.is_some() {
            self.alone(side)?;
        }
        self.side(side).take()?;
        Ok(())
    }

    fn side(&mut self, side: Side) -> &mut Cursor<'a> {
        match side {
            Side::Before => &mut self.before,
            Side::After => &mut self.after,
        }
    }

    fn next_item(&mut self) {
        if let Some((_, item)) = self.sequences.last_mut() {
            *item = item.saturating_add(1);
        }
    }

    fn row_of(&mut self, side: Side, at: usize, tag: Tag, shown: Shown) {
        match side {
            Side::Before => self.row_at(at, tag, Some(Difference::Gone), Some(shown), None),
            Side::After => self.row_at(at, tag, Some(Difference::New), None, Some(shown)),
        }
    }

    fn row(&mut self, tag: Tag, difference: Option<Difference>, old: Option<Shown>, new: Option<Shown>) {
        self.row_at(self.changes.rows.len(), tag, difference, old, new);
    }

    fn row_at(
        &mut self,
        at: usize,
        tag: Tag,
        difference: Option<Difference>,
        old: Option<Shown>,
        new: Option<Shown>,
    ) {
        let (done, causes) = match difference {
            Some(difference) => self.recorded.cause(&self.tags(tag), difference),
            None => (Done::Kept, Vec::new()),
        };
        self.count(done);
        if self.changes.rows.len() >= Changes::ROWS_MAX {
            self.changes.rows_not_listed += 1;
            return;
        }
        let path = ElementPath::nested(self.sequences.clone(), tag).to_string();
        let keyword = dictionary(tag).map_or("", |(_, keyword)| keyword);
        let vr = new.as_ref().or(old.as_ref()).map_or("", |shown| shown.vr);
        self.changes.rows.insert(at, Row { path, keyword, vr, done, causes, old, new });
    }

    fn count(&mut self, done: Done) {
        *self.changes.totals.entry(done).or_default() += 1;
    }

    /// The place without item numbers, as reports have it.
    fn tags(&self, tag: Tag) -> Vec<Tag> {
        self.sequences.iter().map(|(sequence, _)| *sequence).chain([tag]).collect()
    }
}
