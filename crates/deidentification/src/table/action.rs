//! Actions of Table E.1-1 and how an attribute's Type decides the compound ones (PS3.15 E.3, Table E.1-1a).

/// Action of a row of Table E.1-1, in the words of the standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Removed.
    X,
    /// Zero length; a dummy where the IOD asks for a value.
    Z,
    /// A non-empty dummy, valid for the VR and unlike the original.
    D,
    /// A new UID, consistent within the scope of the pseudonym source.
    U,
    /// Kept; items of a sequence follow the table.
    K,
    /// Kept inside an item, removed from the main data set (a default beyond the table only).
    KItem,
    /// X unless the Type asks for Z or a dummy.
    XZ,
    /// X unless the Type asks for a dummy.
    XD,
    /// Z unless the Type asks for a dummy.
    ZD,
    /// X unless the Type asks for Z or a dummy.
    XZD,
    /// The sequence stays, with the UIDs inside replaced: references are kept for research.
    XZU,
}

impl Action {
    /// As the table writes it.
    #[must_use]
    pub fn letters(self) -> &'static str {
        match self {
            Self::X => "X",
            Self::Z => "Z",
            Self::D => "D",
            Self::U => "U",
            Self::K | Self::KItem => "K",
            Self::XZ => "X/Z",
            Self::XD => "X/D",
            Self::ZD => "Z/D",
            Self::XZD => "X/Z/D",
            Self::XZU => "X/Z/U*",
        }
    }
}

/// Type of an attribute in an IOD (PS3.5 7.4). 1C counts as 1 and 2C as 2: an attribute that is there has its condition met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttributeType {
    /// 1 or 1C: a value is required.
    One,
    /// 2 or 2C: the attribute is required, its value may be empty.
    Two,
    /// 3, or not in the IOD.
    Three,
}

/// What is done to one element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Bytes as received; a sequence is walked.
    Keep,
    /// A UID that stays as it is (Retain UIDs).
    KeepUid,
    /// Text of which only what is known to be harmless stays (action C).
    CleanText,
    /// Kept, but for identifiers of this patient.
    CleanTerm,
    /// A date moved by the participant's shift, its time as received.
    Shift,
    /// An age over 89 years written as 90 (45 CFR 164.514(b)(2)(i)(C)).
    PoolAge,
    /// Left out.
    Remove,
    /// Written with no value.
    Empty,
    /// Written with a dummy value.
    Dummy,
    /// Written with a new UID.
    NewUid,
    /// Written with a value of the project: the code, a trial attribute, a marker, what a rule of the profile says.
    Replace,
    /// Written by a rule of the profile, where there was none.
    Add,
}

impl Action {
    /// The step for an attribute of this Type in the main data set (`nested` false) or in an item.
    pub fn step(self, attribute: AttributeType, nested: bool) -> Step {
        use AttributeType::{One, Three, Two};
        match (self, attribute) {
            (Self::X, _) | (Self::XZ | Self::XD | Self::XZD, Three) => Step::Remove,
            (Self::Z | Self::ZD, Two | Three) | (Self::XZ | Self::XZD, Two) => Step::Empty,
            (Self::D, _) | (Self::Z | Self::ZD | Self::XZ | Self::XZD, One) | (Self::XD, One | Two) => {
                Step::Dummy
            }
            (Self::U, _) => Step::NewUid,
            (Self::KItem, _) if !nested => Step::Remove,
            (Self::K | Self::KItem | Self::XZU, _) => Step::Keep,
        }
    }

    /// Whether the Type changes anything: only then it has to be looked up.
    pub(crate) fn depends_on_type(self) -> bool {
        !matches!(self, Self::D | Self::U | Self::K | Self::KItem | Self::XZU)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use AttributeType::{One, Three, Two};

    /// PS3.15 Table E.1-1a read as a table: action, then the step for Type 3, 2 and 1.
    #[test]
    fn types_decide_compound_actions() {
        use Step::{Dummy, Empty, Keep, NewUid, Remove};
        for (action, three, two, one) in [
            (Action::X, Remove, Remove, Remove),
            (Action::Z, Empty, Empty, Dummy),
            (Action::D, Dummy, Dummy, Dummy),
            (Action::U, NewUid, NewUid, NewUid),
            (Action::K, Keep, Keep, Keep),
            (Action::XZ, Remove, Empty, Dummy),
            (Action::XD, Remove, Dummy, Dummy),
            (Action::ZD, Empty, Empty, Dummy),
            (Action::XZD, Remove, Empty, Dummy),
            (Action::XZU, Keep, Keep, Keep),
        ] {
            for (attribute, step) in [(Three, three), (Two, two), (One, one)] {
                assert_eq!(action.step(attribute, false), step, "{action:?} {attribute:?}");
            }
        }
        assert_eq!(Action::KItem.step(Three, false), Remove);
        assert_eq!(Action::KItem.step(Three, true), Keep);
    }
}
