//! Private elements: kept only when creator, group and low byte are on a list (PS3.15 E.3.10, DI-40 to DI-46).

use std::io::Write;

use dicom_core::{Tag, VR};
use dicom_stream::{Header, Token};

use super::{Done, Walk};
use crate::creators::is_creator;
use crate::deidentify::output;
use crate::level::Kind;
use crate::option::DeidentificationOption as O;
use crate::profile::{Rewritten, Rule, RuleId, Treatment};
use crate::table::{Action, Step};

/// Rule id of a private element that the IOD of the standard may hold but no list knows.
const PRIVATE: &str = "private";

impl<W: Write> Walk<'_, '_, W> {
    /// The rule for a private element that is no creator. A creator that stands before it is written when the element stays.
    pub(super) fn private_rule(&self, tag: Tag, vr: VR) -> Rule {
        let removed = Rule {
            id: RuleId::Named(PRIVATE),
            treatment: Treatment::Action(Action::X),
            basic: Action::X,
            vr: VR::UN,
        };
        let known = self.level().and_then(|level| {
            let (creator, low) = level.creators.of(tag)?;
            match self.context.characteristics.states(creator, tag.group(), low) {
                Some(true) => Some(vr),
                Some(false) => None,
                None => {
                    let element = self.context.profile.private.element(creator, tag.group(), low)?;
                    judged_by(element.vr, vr)
                }
            }
        });
        let Some(vr) = known else { return removed };
        Rule {
            id: RuleId::Option(O::RetainSafePrivate),
            treatment: self.private_treatment(vr),
            basic: Action::X,
            vr,
        }
    }

    /// Safe is not opaque (DI-43): sequences are walked, UIDs replaced, dates moved, text searched; names and what has no VR go.
    fn private_treatment(&self, vr: VR) -> Treatment {
        let settings = self.context.profile.rules.settings;
        match vr {
            VR::PN | VR::UN => Treatment::Action(Action::X),
            VR::UI if settings.options.has(O::RetainUids) => Treatment::KeepUid,
            VR::UI => Treatment::Action(Action::U),
            VR::DA | VR::DT | VR::TM => {
                settings.date(vr).map_or(Treatment::Action(Action::X), |(_, treatment)| treatment)
            }
            VR::AE | VR::CS | VR::LO | VR::LT | VR::SH | VR::ST | VR::UC | VR::UR | VR::UT => Treatment::Term,
            _ => Treatment::Action(Action::K),
        }
    }

    /// Notes a creator; it is not written yet.
    pub(super) fn creator(&mut self, tag: Tag, value: &[u8]) -> Done {
        if self.context.profile.private.is_on
            && let Some(level) = self.levels.last_mut()
        {
            level.creators.add(tag, value);
        }
        Ok(())
    }

    /// Writes the creators of a group before its first element that stays: those that a list knows (DI-42).
    pub(super) fn write_creators(&mut self, tag: Tag) -> Done {
        let context = &self.context;
        let knows = |name: &str| context.profile.private.knows(name) || context.characteristics.knows(name);
        let Some(level) = self.levels.last_mut() else { return Ok(()) };
        for (tag, name) in level.creators.take_due(tag.group(), knows) {
            output(self.out.value(tag, VR::LO, name.as_bytes()))?;
            self.context.tally.kept += 1;
        }
        Ok(())
    }

    /// A private value.
    pub(super) fn private_value(&mut self, token: &Token<'_>, header: &Header, value: &[u8]) -> Done {
        if is_creator(header.tag) {
            return self.creator(header.tag, value);
        }
        let rule = self.private_rule(header.tag, header.vr);
        let stays = rule.option().is_some() && rule.treatment != Treatment::Action(Action::X);
        if !stays {
            return self.treat(token, header, rule, value);
        }
        let rewritten = self.rewritten(header, rule, value);
        if !matches!(rewritten, Some((_, Rewritten::Removed))) {
            self.write_creators(header.tag)?;
        }
        match rewritten {
            Some(rewritten) => self.rewrite(header, rule, rewritten, value),
            None => self.treat(token, header, rule, value),
        }
    }

    /// A private sequence that stays is walked with the public rules (DI-44).
    pub(super) fn private_sequence(&mut self, token: &Token<'_>, tag: Tag) -> Done {
        let rule = self.private_rule(tag, VR::SQ);
        if rule.option().is_none() {
            self.skipped = 1;
            return self.leave_out(tag, PRIVATE);
        }
        if let Some((by, _)) = self.project_sequence(tag, rule) {
            self.skipped = 1;
            self.count(tag, by.id, Step::Remove);
            return Ok(());
        }
        self.write_creators(tag)?;
        self.did(rule);
        self.enter(token, tag, Kind::Plain, false)
    }
}

/// What a value may be.
#[derive(PartialEq, Eq)]
enum Content {
    Text,
    Number,
    Time,
    Samples,
    Other(VR),
}

/// The VR by which a private element is judged. The list says what is safe there: under another kind of VR it is something else, of which
/// nobody said that it is safe. `None`: it goes.
fn judged_by(listed: VR, received: VR) -> Option<VR> {
    let content = |vr| match vr {
        VR::AE | VR::CS | VR::LO | VR::LT | VR::SH | VR::ST | VR::UC | VR::UR | VR::UT => Content::Text,
        VR::DS | VR::IS | VR::AT | VR::FD | VR::FL | VR::SL | VR::SS | VR::SV => Content::Number,
        VR::UL | VR::US | VR::UV => Content::Number,
        VR::DA | VR::DT | VR::TM => Content::Time,
        VR::OB | VR::OD | VR::OF | VR::OL | VR::OV | VR::OW => Content::Samples,
        vr => Content::Other(vr),
    };
    match (content(listed), content(received)) {
        _ if received == VR::UN => Some(listed),
        (listed, received_as) if listed == received_as => Some(received),
        // Numbers as text are checked to be numbers.
        (Content::Number, Content::Text) if matches!(listed, VR::DS | VR::IS) => Some(listed),
        _ => None,
    }
}
