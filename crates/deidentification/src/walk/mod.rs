//! The walk over one data set: every element, at every depth, gets the step of its rule (DI-10).

mod age;
mod characteristics;
mod compressed;
mod own;
mod pixels;
mod private;
mod project;
mod reference;
mod treat;
mod un_sequence;

use std::collections::HashSet;
use std::io::{self, Write};

use dicom_core::{Tag, VR};
use dicom_stream::charset::CharacterSets;
use dicom_stream::{Encoding, Header, Lengths, Limits, Token, Writer};

use pixel::{Compression, FrameIndex, UnusedBits};

use crate::deidentify::{DeidentificationError, Object, PseudonymSource, new_uids, output};
use crate::document::dummy_document;
use crate::document_inspection::{DocumentKept, ENCAPSULATED_DOCUMENT};
use crate::dummy;
use crate::iod::{Iod, Node};
use crate::level::{Kind, Level, Position, look_at_item};
use crate::option::OptionSet;
use crate::pixels::PixelPlan;
use crate::profile::{CompiledProfile, RecentRules, Rule, RuleId, Treatment};
use crate::report::{NotInspected, Place, Tally};
use crate::survey::OriginalUids;
use crate::table::{Action, AttributeType, Step};
use crate::text_clean::{Cleaned, TextCleaner};
use crate::trial::Own;
use characteristics::PRIVATE_CREATOR_REFERENCE;
pub(crate) use characteristics::{Characteristics, PRIVATE_DATA_ELEMENT_CHARACTERISTICS};
pub(crate) use pixels::PIXEL_DATA;
use pixels::Passing;
pub(crate) use project::ActiveRules;

const SOP_CLASS_UID: Tag = Tag(0x0008, 0x0016);
const SOP_INSTANCE_UID: Tag = Tag(0x0008, 0x0018);
const ENCAPSULATED_DOCUMENT_LENGTH: Tag = Tag(0x0042, 0x0015);
/// Group of Pixel Data and its offset tables.
const PIXEL_GROUP: u16 = 0x7FE0;

/// Rule ids of what the encoding, not the tag, decides.
const NESTED_PIXELS: &str = "nested-pixels";
const WRONG_VR: &str = "wrong-vr";
const NO_NUMBER: &str = "no-number";
const TOO_LONG: &str = "too-long";
const OWN: RuleId = RuleId::Named("own");

/// What the walk over the main data set and the walks inside UN values share.
pub(crate) struct Context<'a> {
    pub(crate) profile: &'a CompiledProfile,
    pub(crate) rules: RecentRules<'a>,
    pub(crate) project_rules: ActiveRules<'a>,
    pub(crate) iod: Iod,
    pub(crate) object: &'a Object<'a>,
    pub(crate) source: &'a dyn PseudonymSource,
    pub(crate) cleaner: &'a TextCleaner<'a>,
    /// Whether nothing is asked but what options leave in the object.
    pub(crate) rehearses: bool,
    /// Options that act on this object: the codes of (0012,0064).
    pub(crate) applied: OptionSet,
    /// Options by which something was left in it so far.
    pub(crate) done: OptionSet,
    /// What is done with the pixels.
    pub(crate) pixels: Option<&'a PixelPlan>,
    /// Bytes of the native frames, padded to an even number; `None` where the description of the pixels cannot be used.
    pub(crate) pixel_bytes: Option<u64>,
    /// Pixels of a frame, and bytes of a pixel; `None` as before.
    pub(crate) frame_pixels: Option<(u64, u32)>,
    /// Compares offset tables with fragments.
    pub(crate) frame_index: FrameIndex,
    /// Tells the bits of native pixel data that no sample uses.
    pub(crate) unused_bits: Option<UnusedBits>,
    /// Content items whose reference goes.
    pub(crate) without_reference: &'a HashSet<Position>,
    /// Whether this equipment's word on its private elements is taken.
    pub(crate) trusts_equipment: bool,
    pub(crate) characteristics: Characteristics,
    pub(crate) limits: Limits,
    /// Of the original.
    pub(crate) original_uids: &'a OriginalUids,
    pub(crate) own: Vec<(Tag, Own)>,
    pub(crate) tally: Tally,
    /// What takes the place of an encapsulated document, if it was inspected.
    pub(crate) document: Option<&'a DocumentKept>,
    /// Length of the body that took the place of an encapsulated document.
    pub(crate) document_length: Option<u32>,
    /// Whether the announced SOP class and instance were found in the data set.
    pub(crate) found: (bool, bool),
}

impl Context<'_> {
    /// After a walk that was a rehearsal: `applied` is what it found to be done. What it learned of the rules stays.
    pub(crate) fn begin_again(&mut self, applied: OptionSet, frame_index: FrameIndex) {
        self.rehearses = false;
        self.applied = applied;
        self.done = OptionSet::NONE;
        self.frame_index = frame_index;
        self.characteristics = Characteristics::default();
        self.tally = Tally::new();
        self.document_length = None;
        self.found = (false, false);
    }
}

pub(crate) struct Walk<'c, 'a, W: Write> {
    out: Writer<W>,
    context: &'c mut Context<'a>,
    levels: Vec<Level>,
    /// Levels above the first of this walk: those of the data set around a UN value.
    outer: usize,
    /// Their sequences, each with the number of its open item.
    around: Vec<(Tag, u64)>,
    /// Own elements written so far; all of them inside a UN value.
    own_written: usize,
    /// Of the item or data set that the walk is in.
    character_set: CharacterSets,
    /// Open sequences and fragment lists that are left out.
    skipped: usize,
    /// Whether the bulk value that is passing is left out.
    skip_bulk: bool,
    /// What happens to the pixel data that are passing.
    passing: Passing,
    /// Whether overlays lie in unused bits of the pixel data: (60xx,0102) is not 0.
    has_overlay_bits: bool,
    /// A piece of them, masked.
    masked: Vec<u8>,
    /// The rule of a sequence that was entered and of which no item has begun.
    entered: Option<Rule>,
    /// Tags of the main data set so far, in their order there.
    seen: Vec<Tag>,
    /// Those of them that were left out, where a rule may add them.
    gone: Vec<Tag>,
    /// The greatest of them.
    greatest: Option<Tag>,
}

/// Elements of a main data set; real ones have some hundreds.
const MAIN_ELEMENTS: usize = 20_000;

type Done = Result<(), DeidentificationError>;

impl<'c, 'a, W: Write> Walk<'c, 'a, W> {
    /// The walk over the main data set.
    pub(crate) fn main(out: W, encoding: Encoding, context: &'c mut Context<'a>) -> Self {
        let level = Level::default();
        Self {
            out: Writer::new(out, encoding, Lengths::Undefined),
            context,
            levels: vec![level],
            outer: 0,
            around: Vec::new(),
            own_written: 0,
            character_set: CharacterSets::default(),
            skipped: 0,
            skip_bulk: false,
            passing: Passing::default(),
            has_overlay_bits: false,
            masked: Vec::new(),
            entered: None,
            seen: Vec::new(),
            gone: Vec::new(),
            greatest: None,
        }
    }

    /// Takes the next token of the input.
    pub(crate) fn token(&mut self, token: &Token<'_>) -> Done {
        self.character_set.token(token);
        if self.pixels(token)? {
            return Ok(());
        }
        if self.skipped > 0 {
            match token {
                Token::SequenceStart { .. } | Token::FragmentsStart { .. } => self.skipped += 1,
                Token::SequenceEnd { .. } | Token::FragmentsEnd { .. } => self.skipped -= 1,
                _ => {}
            }
            return Ok(());
        }
        if let Token::Value { header, .. }
        | Token::BulkStart { header }
        | Token::SequenceStart { header }
        | Token::FragmentsStart { header } = token
            && self.is_root()
        {
            self.once(header.tag)?;
        }
        match token {
            Token::Value { header, value } => self.value(token, header, value),
            Token::BulkStart { header } => self.bulk(token, header),
            Token::SequenceStart { header } => self.sequence(token, header),
            Token::FragmentsStart { header } => self.fragments(token, header),
            Token::Bulk(_) if self.skip_bulk => Ok(()),
            Token::BulkEnd => {
                self.skip_bulk = false;
                Ok(())
            }
            Token::ItemStart { .. } => {
                // A sequence without items leaves nothing.
                if let Some(rule) = self.entered.take() {
                    self.did(rule);
                }
                self.begin_item();
                self.copy(token)
            }
            Token::ItemEnd { .. } => {
                self.end_item()?;
                self.copy(token)
            }
            Token::SequenceEnd { .. } => {
                self.entered = None;
                if self.levels.pop().is_some_and(|level| level.append_method_codes) {
                    self.write_method_codes()?;
                }
                self.copy(token)
            }
            _ => self.copy(token),
        }
    }

    /// An element stands once in a data set (PS3.5 §7.1). Of two values one reader takes the first and another the last: they could name
    /// two patients.
    fn once(&mut self, tag: Tag) -> Done {
        let ascends = self.greatest.is_none_or(|greatest| greatest < tag);
        if self.seen.len() >= MAIN_ELEMENTS || !ascends && self.seen.contains(&tag) {
            return Err(DeidentificationError::Repeated);
        }
        if ascends {
            self.greatest = Some(tag);
        }
        self.seen.push(tag);
        Ok(())
    }

    /// Writes what is still to be written; to be called after the last token.
    pub(crate) fn finish(mut self) -> Result<W, DeidentificationError> {
        self.write_own_before(None)?;
        output(self.out.finish())
    }

    fn value(&mut self, token: &Token<'_>, header: &Header, value: &[u8]) -> Done {
        let tag = header.tag;
        if self.is_root() {
            self.look_at(header, value);
            if self.take_own(tag, value)? {
                return Ok(());
            }
        } else {
            self.look_at_item(header, value);
            if self.take_reference(tag)? {
                return Ok(());
            }
            if tag == PRIVATE_CREATOR_REFERENCE
                && self.context.trusts_equipment
                && self.is_characteristics()
                && !self.is_creator_clean()
            {
                let rule = self.rule(tag);
                return self.change(header, rule, Step::Dummy, value);
            }
        }
        if tag.group() % 2 == 1 {
            return self.private_value(token, header, value);
        }
        let rule = self.rule(tag);
        if self.context.rehearses && rule.option().is_none() {
            return Ok(());
        }
        match self.rewritten(header, rule, value) {
            Some(rewritten) => self.rewrite(header, rule, rewritten, value),
            None => self.treat(token, header, rule, value),
        }
    }

    /// A value longer than the limit: what the rules would have to read gets the Basic action, samples and numbers pass.
    fn bulk(&mut self, token: &Token<'_>, header: &Header) -> Done {
        self.skip_bulk = true;
        if self.is_root() && self.take_own(header.tag, b"")? {
            return Ok(());
        }
        let is_private = header.tag.group() % 2 == 1;
        let rule = if is_private { self.private_rule(header.tag, header.vr) } else { self.rule(header.tag) };
        if let Some((rule, step)) = self.rewritten_unread(header.tag, rule) {
            return self.change(header, rule, if is_private { Step::Remove } else { step }, b"");
        }
        let (rule, action) = match rule.treatment {
            Treatment::Action(action) => (rule, action),
            _ => (Rule { id: RuleId::Named(TOO_LONG), ..rule }, rule.basic),
        };
        let (rule, step) = self.decide(header.tag, rule, action);
        match step {
            Step::Keep if has_samples(rule.vr) && (has_samples(header.vr) || header.vr == VR::UN) => {
                self.skip_bulk = false;
                if is_private {
                    self.write_creators(header.tag)?;
                }
                self.keep(token, header, rule)
            }
            Step::Keep | Step::NewUid => self.leave_out(header.tag, TOO_LONG),
            _ => self.change(header, rule, step, b""),
        }
    }

    fn sequence(&mut self, token: &Token<'_>, header: &Header) -> Done {
        let tag = header.tag;
        if self.is_root() {
            self.write_own_before(Some(tag))?;
            let own = self.context.own.get(self.own_written);
            if matches!(own, Some((own, Own::AppendMethodCodes)) if *own == tag) {
                self.own_written += 1;
                self.context.tally.change(Place::ROOT, tag, OWN, Step::Replace);
                return self.enter(token, tag, Kind::Plain, true);
            }
            if self.take_own(tag, b"")? {
                self.skipped = 1;
                return Ok(());
            }
        }
        if tag.group() % 2 == 1 {
            return self.private_sequence(token, tag);
        }
        if self.take_reference(tag)? {
            self.skipped = 1;
            return Ok(());
        }
        let rule = self.rule(tag);
        if let Some((rule, step)) = self.project_sequence(tag, rule) {
            self.skipped = 1;
            return self.change(header, rule, step, b"");
        }
        let inherited = self.level().map_or(Kind::Plain, |level| level.inherited(tag, &rule));
        let action = match rule.treatment {
            Treatment::Action(action) => action,
            Treatment::CleanItems => {
                self.entered = Some(rule);
                return self.enter(token, tag, Kind::CleanItems, false);
            }
            Treatment::Content => {
                self.entered = Some(rule);
                return self.enter(token, tag, Kind::Content, false);
            }
            _ => {
                self.skipped = 1;
                return self.leave_out(tag, WRONG_VR);
            }
        };
        let (rule, step) = self.decide(tag, rule, action);
        match step {
            Step::Keep => {
                self.did(rule);
                self.enter(token, tag, inherited, false)
            }
            Step::NewUid => {
                self.skipped = 1;
                self.leave_out(tag, WRONG_VR)
            }
            _ => {
                self.skipped = 1;
                self.change(header, rule, step, b"")
            }
        }
    }

    fn fragments(&mut self, token: &Token<'_>, header: &Header) -> Done {
        if self.is_root() && self.take_own(header.tag, b"")? {
            self.skipped = 1;
            return Ok(());
        }
        let rule = if header.tag.group() % 2 == 1 {
            self.private_rule(header.tag, VR::UN)
        } else {
            self.rule(header.tag)
        };
        let (rule, step) = match rule.treatment {
            Treatment::Action(action) => self.decide(header.tag, rule, action),
            _ => (rule, Step::Keep),
        };
        if step == Step::Keep && has_samples(rule.vr) && header.tag == PIXEL_DATA {
            if Compression::of(self.context.object.transfer_syntax.uid).is_none() {
                self.context.tally.not_inspected(NotInspected::CompressedFrames);
            }
            return self.keep(token, header, rule);
        }
        self.skipped = 1;
        if step == Step::Keep || step == Step::NewUid {
            return self.leave_out(header.tag, WRONG_VR);
        }
        self.change(header, rule, step, b"")
    }

    fn enter(&mut self, token: &Token<'_>, tag: Tag, kind: Kind, append_method_codes: bool) -> Done {
        let (node, place) = self.here();
        let place = self.context.tally.inside(place, tag);
        let level = Level::inside(self.level(), tag, kind);
        let level = Level { node: node.child(tag), place, append_method_codes, ..level };
        self.levels.push(level);
        self.copy(token)
    }

    fn keep(&mut self, token: &Token<'_>, header: &Header, rule: Rule) -> Done {
        self.context.tally.kept += 1;
        let is_empty = matches!(token, Token::Value { value, .. } if value.iter().all(|byte| *byte == b' '));
        if !is_empty {
            self.did(rule);
        }
        if header.tag.group() == PIXEL_GROUP {
            if self.context.pixels.is_none() {
                self.context.tally.not_inspected(NotInspected::PixelData);
            }
        } else if matches!(rule.vr, VR::OB | VR::OW) {
            self.context.tally.not_inspected(NotInspected::Binary { tag: header.tag });
        }
        self.copy(token)
    }

    /// Carries out a step other than Keep on an element with this value (empty where it was too long to be read).
    fn change(&mut self, header: &Header, rule: Rule, step: Step, value: &[u8]) -> Done {
        let tag = header.tag;
        let vr = if rule.vr == VR::UN { header.vr } else { rule.vr };
        let written = match step {
            Step::Empty => self.out.value(tag, vr, b""),
            Step::Dummy => self.dummy(tag, vr, value),
            Step::NewUid => match new_uids(value, self.context.source) {
                Some(new) => {
                    self.did(rule);
                    self.out.value(tag, VR::UI, new.as_bytes())
                }
                None => {
                    self.context.tally.kept += 1;
                    return output(self.out.value(tag, VR::UI, value));
                }
            },
            _ => Ok(()),
        };
        output(written)?;
        self.count(tag, rule.id, step);
        Ok(())
    }

    fn dummy(&mut self, tag: Tag, vr: VR, value: &[u8]) -> io::Result<()> {
        let source = self.context.source;
        match vr {
            VR::SQ => dummy::write_sequence(&mut self.out, tag, &|uid| source.uid(uid)),
            VR::UI => {
                let new =
                    new_uids(value, source).unwrap_or_else(|| source.uid(self.context.object.sop_instance));
                self.out.value(tag, vr, new.as_bytes())
            }
            _ if tag == ENCAPSULATED_DOCUMENT => {
                let body = match self.context.document {
                    Some(kept) => kept.document(),
                    None => dummy_document(self.context.object.sop_class)
                        .unwrap_or_else(|| dummy::value(vr, value)),
                };
                self.context.document_length = u32::try_from(body.len()).ok();
                self.out.value(tag, vr, body)
            }
            _ => self.out.value(tag, vr, dummy::value(vr, value)),
        }
    }

    /// Notes what the walk has to know of the main data set. What the object is has to be declared as a UID: as a value of unknown kind, file and
    /// data set would be named by two rules.
    fn look_at(&mut self, header: &Header, value: &[u8]) {
        let is = |uid: &str| header.vr == VR::UI && dummy::trimmed(value) == uid.as_bytes();
        match header.tag {
            SOP_CLASS_UID => self.context.found.0 = is(self.context.object.sop_class),
            SOP_INSTANCE_UID => self.context.found.1 = is(self.context.object.sop_instance),
            Tag(0x6000..=0x60FF, 0x0102) if value.iter().any(|byte| *byte != 0) => {
                self.has_overlay_bits = true;
            }
            _ => {}
        }
    }

    /// What the item says of itself.
    fn look_at_item(&mut self, header: &Header, value: &[u8]) {
        look_at_item(&mut self.levels, header.tag, value);
        if self.context.trusts_equipment && self.is_characteristics() {
            self.context.characteristics.value(header.tag, header.encoding, value);
        }
    }

    fn begin_item(&mut self) {
        if let Some(level) = self.levels.last_mut() {
            level.begin_item();
            // What is stored as UN is not surveyed: its references are replaced.
            level.text_is_due = self.outer == 0
                && level.kind == Kind::Content
                && self.context.without_reference.contains(&level.position);
        }
    }

    fn end_item(&mut self) -> Done {
        if self.context.trusts_equipment && self.is_characteristics() {
            let is_clean = self.is_creator_clean();
            self.context.characteristics.end_item(is_clean);
        }
        self.dummy_text(None)
    }

    /// Whether the creator that trusted equipment speaks of is the name of a product, as far as can be told: it is a text like any other,
    /// and stands beside each element that it owns.
    fn is_creator_clean(&self) -> bool {
        self.context.characteristics.creator().is_some_and(|creator| {
            self.context.cleaner.without_identity(creator, false) == Cleaned::Unchanged
        })
    }

    /// Whether the walk is in an item of (0008,0300) of the main data set.
    fn is_characteristics(&self) -> bool {
        self.outer == 0
            && self.levels.len() == 2
            && self.level().is_some_and(|level| level.tag == Some(PRIVATE_DATA_ELEMENT_CHARACTERISTICS))
    }

    /// What the profile says of an element here, project rules aside.
    fn rule(&mut self, tag: Tag) -> Rule {
        let rule = self.context.rules.get(tag);
        // Pixels in an item are nobody's image: no mask and no recogniser reaches them.
        if tag.group() == PIXEL_GROUP && !self.is_root() {
            let treatment = Treatment::Action(Action::X);
            return Rule { id: RuleId::Named(NESTED_PIXELS), treatment, basic: Action::X, ..rule };
        }
        let settings = self.context.profile.rules.settings;
        self.level().map_or(rule, |level| level.rule(tag, rule, settings))
    }

    /// The step of an action of the table for this element, by its Type in the IOD.
    fn decide(&mut self, tag: Tag, mut rule: Rule, action: Action) -> (Rule, Step) {
        let attribute = match action.depends_on_type() {
            true => self.context.iod.attribute_type(self.here().0, tag),
            false => AttributeType::Three,
        };
        if action == Action::X && rule.id == RuleId::Table && attribute != AttributeType::Three {
            rule.id = RuleId::TableRequired;
        }
        (rule, action.step(attribute, !self.is_root()))
    }

    /// An option leaves an element in the object, as it was or cleaned.
    fn did(&mut self, rule: Rule) {
        let option = rule.option().map_or(OptionSet::NONE, OptionSet::of);
        self.context.done = self.context.done.and(option);
    }

    fn leave_out(&mut self, tag: Tag, rule: &'static str) -> Done {
        self.count(tag, RuleId::Named(rule), Step::Remove);
        Ok(())
    }

    fn count(&mut self, tag: Tag, rule: RuleId, step: Step) {
        let place = self.here().1;
        if step == Step::Remove && self.is_root() && self.may_add(tag) {
            self.gone.push(tag);
        }
        self.context.tally.change(place, tag, rule, step);
    }

    fn copy(&mut self, token: &Token<'_>) -> Done {
        output(self.out.copy(token))
    }

    fn here(&self) -> (Node, Place) {
        self.levels.last().map_or((Node::ROOT, Place::ROOT), |level| (level.node, level.place))
    }

    fn level(&self) -> Option<&Level> {
        self.levels.last()
    }

    fn is_root(&self) -> bool {
        self.outer == 0 && self.levels.len() == 1
    }
}

/// VRs that may pass without being read: numbers and samples.
fn has_samples(vr: VR) -> bool {
    !matches!(
        vr,
        VR::AE
            | VR::AS
            | VR::CS
            | VR::DA
            | VR::DT
            | VR::LO
            | VR::LT
            | VR::PN
            | VR::SH
            | VR::SQ
            | VR::ST
            | VR::TM
            | VR::UC
            | VR::UI
            | VR::UN
            | VR::UR
            | VR::UT
    )
}

/// Characters of DS, IS and UI (PS3.5 6.2), and the decimal comma that some writers use.
fn is_number(value: &[u8]) -> bool {
    value
        .iter()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b',' | b'e' | b'E' | b'\\' | b' ' | 0))
}

/// Characters of AS, DA, DT and TM (PS3.5 6.2), ranges and the ACR-NEMA forms included, and the units of an age.
fn is_time(value: &[u8]) -> bool {
    value.iter().all(|byte| {
        matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b':' | b'D' | b'W' | b'M' | b'Y' | b'\\' | b' ' | 0)
    })
}
