//! Why a set is not accepted: stable words for ledger, metric and screen. No identity is in them.

/// Why a person decides. The word never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ManualReason {
    /// Patient ID is not a code issued to this partner, or one in an item, a subject context or a clinical document is not (RC-04).
    PatientIdAltered,
    /// Patient's Name is not the code, or one at such a place is not (RC-04).
    PatientNameAltered,
    /// A short word of a text, or a number, that is the code of another participant, or one that this partner was never given; a code that
    /// cannot be there by chance refuses the set (RC-04).
    OtherCodeInText,
    /// Clinical Trial Subject ID is not a code issued to this partner.
    TrialSubjectAltered,
    /// The Study Instance UID was not issued (RC-05).
    StudyUnknown,
    /// Fewer than two keys agree, or they fit several participants (AC8.1).
    TooFewKeys,
    /// A reference to something neither issued nor returned, after the deadline (RR-4).
    UnknownReference,
    /// A date neither issued nor of the partner's work (RR-8).
    DateOfNoClass,
    /// A source's frame of reference with another grid, or no source to compare with (RC-08).
    GeometryDiffers,
    /// A source's SOP Instance UID with other pixels (RC-07).
    OriginalAltered,
    /// A source's Series Instance UID for an object that another one of the set cites: the new UID would break the reference (AC8.6).
    SeriesUidReused,
    /// A UID that an earlier result has for a thing of another kind: a new UID would break the references to that one (RR-7).
    UidReused,
    /// Burned In Annotation (0028,0301) says that text is drawn in the pixels, or, for a class or modality where it often is, does not say that
    /// none is (table 8.3).
    TextInPixels,
    /// Text that cannot be read by the character set it declares (RC-09).
    UnreadableText,
    /// A clinical document whose patient role cannot be written anew (table 8.3).
    UnreadableRole,
    /// Encrypted Attributes that nobody opens (RC-15).
    EncryptedAttributes,
}

/// Why a set never goes back. The word never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum RefuseReason {
    /// A real clinical UID (RC-06): alarm.
    OriginalUid,
    /// A UID that was issued to another partner or in another project (RC-06): alarm.
    IssuedElsewhere,
    /// Two participants in one object or one set (RC-04).
    SeveralParticipants,
    /// A SOP class that this partner may not return (RC-10).
    SopClassNotAllowed,
}

impl ManualReason {
    /// The word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::PatientIdAltered => "patient-id-altered",
            Self::PatientNameAltered => "patient-name-altered",
            Self::OtherCodeInText => "other-code-in-text",
            Self::TrialSubjectAltered => "trial-subject-altered",
            Self::StudyUnknown => "study-unknown",
            Self::TooFewKeys => "too-few-keys",
            Self::UnknownReference => "unknown-reference",
            Self::DateOfNoClass => "date-of-no-class",
            Self::GeometryDiffers => "geometry-differs",
            Self::OriginalAltered => "original-altered",
            Self::SeriesUidReused => "series-uid-reused",
            Self::UidReused => "uid-reused",
            Self::TextInPixels => "text-in-pixels",
            Self::UnreadableText => "unreadable-text",
            Self::UnreadableRole => "unreadable-role",
            Self::EncryptedAttributes => "encrypted-attributes",
        }
    }
}

impl RefuseReason {
    /// The word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::OriginalUid => "original-uid",
            Self::IssuedElsewhere => "issued-elsewhere",
            Self::SeveralParticipants => "several-participants",
            Self::SopClassNotAllowed => "sop-class-not-allowed",
        }
    }
}
