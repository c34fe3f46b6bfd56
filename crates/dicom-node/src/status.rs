//! DIMSE statuses: the one place where kinds of failure become numbers (PS3.7 Annex C, PS3.4 §B.2.3, §C.4, §J.3).

/// A status as received or sent, with its category.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status(pub u16);

/// What a status means for the caller (PS3.7 §C.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Category {
    /// Done.
    Success,
    /// Done, with a remark of the peer.
    Warning,
    /// More responses follow.
    Pending,
    /// Ended by C-CANCEL.
    Cancel,
    /// Not done.
    Failure,
}

impl Status {
    /// Success.
    pub const SUCCESS: Self = Self(0x0000);
    /// More responses follow, every key is supported: PS3.4 §C.4.1.1.4.
    pub(crate) const PENDING: Self = Self(0xFF00);
    /// Ended by C-CANCEL: PS3.4 §C.4.1.1.4.
    pub(crate) const CANCEL: Self = Self(0xFE00);
    /// No such SOP class here: PS3.7 §C.5.6. Here: the SOP class of the message is not that of its context.
    pub(crate) const SOP_CLASS_NOT_SUPPORTED: Self = Self(0x0122);
    /// Unrecognized operation: PS3.7 §C.5.23.
    pub(crate) const UNRECOGNIZED_OPERATION: Self = Self(0x0211);
    /// Processing failure of an N-service: PS3.7 §C.5.16.
    pub(crate) const PROCESSING_FAILURE: Self = Self(0x0110);
    /// Invalid argument value of an N-service: PS3.7 §C.5.10.
    pub(crate) const INVALID_ARGUMENT: Self = Self(0x0115);
    /// Not authorised: PS3.7 §C.5.15.
    pub(crate) const NOT_AUTHORISED: Self = Self(0x0124);
    /// Resource limitation of an N-service: PS3.7 §C.5.18.
    pub(crate) const RESOURCE_LIMITATION: Self = Self(0x0213);

    /// The category of the number, by the ranges of PS3.7 Annex C.
    pub fn category(self) -> Category {
        match self.0 {
            0x0000 => Category::Success,
            0x0001 | 0x0107 | 0x0116 | 0xB000..=0xBFFF => Category::Warning,
            0xFF00 | 0xFF01 => Category::Pending,
            0xFE00 => Category::Cancel,
            _ => Category::Failure,
        }
    }

    /// Whether the instance or request arrived: success or warning.
    pub fn is_done(self) -> bool {
        matches!(self.category(), Category::Success | Category::Warning)
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "0x{:04X}", self.0)
    }
}

/// Why an instance is not stored: what the receiver answers, without naming a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreFailure {
    /// No room (disk, watermark, database, quota). The sender tries again later.
    #[error("out of resources; the sender tries again later")]
    OutOfResources,
    /// Larger than the limit. The sender splits it, or the limit is raised.
    #[error("the instance is larger than the limit; raise the limit or split it")]
    TooLarge,
    /// The SOP class is not that of the presentation context.
    #[error("the SOP class was not negotiated for this context; the sender has to be corrected")]
    SopClassNotSupported,
    /// SOP class or instance of command and data set differ.
    #[error("command and data set name different SOP classes or instances; the sender has to be corrected")]
    DataSetDoesNotMatchSopClass,
    /// Undecodable, an element beyond the end, or an identifying UID missing or invalid.
    #[error("the data set cannot be understood; the sender has to be corrected")]
    CannotUnderstand,
    /// This peer or role may not store here.
    #[error("the peer may not store here; an administrator decides")]
    NotAuthorised,
    /// A failure of ours. `code` is one of ours, 0 to 0xFF, listed in the conformance statement.
    #[error("processing failed here (code {code}); the sender tries again, see the log of this program")]
    ProcessingFailure {
        /// Added to 0xC200, the range that peers use for failures of their own.
        code: u8,
    },
}

/// Statuses of C-STORE: PS3.4 Table B.2-1 and PS3.7 §9.1.1.1.9, with the text for Error Comment (0000,0902).
/// 0x0110 is not in that list, so a failure of ours is 0xC2xx.
pub(crate) fn of_store(failure: StoreFailure) -> (Status, &'static str) {
    match failure {
        StoreFailure::OutOfResources => (Status(0xA700), "RPACS-STORE-0001 out of resources, try later"),
        StoreFailure::TooLarge => (Status(0xA700), "RPACS-STORE-0002 larger than the limit"),
        StoreFailure::SopClassNotSupported => (Status::SOP_CLASS_NOT_SUPPORTED, "RPACS-STORE-0003 SOP class"),
        StoreFailure::DataSetDoesNotMatchSopClass => {
            (Status(0xA900), "RPACS-STORE-0004 command and data set differ")
        }
        StoreFailure::CannotUnderstand => (Status(0xC000), "RPACS-STORE-0005 cannot understand"),
        StoreFailure::NotAuthorised => (Status::NOT_AUTHORISED, "RPACS-STORE-0006 not authorised"),
        StoreFailure::ProcessingFailure { code } => {
            (Status(0xC200 | u16::from(code)), "RPACS-STORE-0007 processing failure")
        }
    }
}

/// Why a storage commitment message is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommitmentFailure {
    /// Not understood.
    #[error("the storage commitment message cannot be understood; the peer has to be corrected")]
    Invalid,
    /// This peer may not ask for, or report, commitment.
    #[error("the peer may not use storage commitment here; an administrator decides")]
    NotAuthorised,
    /// No room to remember it. The peer tries again later.
    #[error("out of resources; the peer tries again later")]
    OutOfResources,
    /// A failure of ours. The peer tries again later.
    #[error("processing failed here; the peer tries again later")]
    ProcessingFailure,
}

/// Statuses of N-ACTION and N-EVENT-REPORT: PS3.7 §10.1.1.1.8, §10.1.4.1.10.
pub(crate) fn of_commitment(failure: CommitmentFailure) -> Status {
    match failure {
        CommitmentFailure::Invalid => Status::INVALID_ARGUMENT,
        CommitmentFailure::NotAuthorised => Status::NOT_AUTHORISED,
        CommitmentFailure::OutOfResources => Status::RESOURCE_LIMITATION,
        CommitmentFailure::ProcessingFailure => Status::PROCESSING_FAILURE,
    }
}

/// Why a query is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QueryFailure {
    /// Too many queries or matches at present. The peer tries again later, or asks for less.
    #[error("out of resources; the peer tries again later or asks for less")]
    OutOfResources,
    /// The identifier is not one of this information model.
    #[error("the identifier does not match the information model; the peer has to be corrected")]
    IdentifierDoesNotMatchSopClass,
    /// Not understood, or a failure of ours.
    #[error("the query cannot be processed; see the log of this program")]
    UnableToProcess,
}

/// Statuses of C-FIND: PS3.4 Table C.4-1.
pub(crate) fn of_query(failure: QueryFailure) -> Status {
    match failure {
        QueryFailure::OutOfResources => Status(0xA700),
        QueryFailure::IdentifierDoesNotMatchSopClass => Status(0xA900),
        QueryFailure::UnableToProcess => Status(0xC000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn categories_of_ps3_7_annex_c() {
        let cases = [
            (0x0000, Category::Success),
            (0xB000, Category::Warning),
            (0xB007, Category::Warning),
            (0x0001, Category::Warning),
            (0x0107, Category::Warning),
            (0xFF00, Category::Pending),
            (0xFF01, Category::Pending),
            (0xFE00, Category::Cancel),
            (0xA700, Category::Failure),
            (0xA900, Category::Failure),
            (0xC000, Category::Failure),
            (0x0122, Category::Failure),
            (0x0211, Category::Failure),
        ];
        for (number, category) in cases {
            assert_eq!(Status(number).category(), category, "0x{number:04X}");
        }
    }

    #[test]
    fn store_failures_have_the_statuses_of_ps3_4_table_b_2_1() {
        let cases = [
            (StoreFailure::OutOfResources, 0xA700),
            (StoreFailure::TooLarge, 0xA700),
            (StoreFailure::SopClassNotSupported, 0x0122),
            (StoreFailure::DataSetDoesNotMatchSopClass, 0xA900),
            (StoreFailure::CannotUnderstand, 0xC000),
            (StoreFailure::NotAuthorised, 0x0124),
            (StoreFailure::ProcessingFailure { code: 0x11 }, 0xC211),
        ];
        for (failure, number) in cases {
            let (status, comment) = of_store(failure);
            assert_eq!(status, Status(number));
            assert!(comment.len() <= 64, "Error Comment is LO");
        }
    }
}
