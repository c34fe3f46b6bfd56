//! The object of the archive as one partner gets it under linkage `partner` (ARC-15b, flow.md DEC-J): its own code, UIDs and dates in place
//! of the archive's, everything else byte by byte the same. Pure, streaming; it knows no identity.

mod document;
mod walk;

use std::collections::BTreeSet;
use std::io::{self, Read, Write};

use dicom_stream::{ElementPath, Limits, SourceError, TokenSource, TransferSyntax};
use thiserror::Error;

use walk::{Context, Walk};

/// From the pseudonyms of the archive to those of one partner, for one participant.
pub trait PartnerPseudonyms {
    /// The partner's UID for one of the archive; `None` for what is no pseudonym of ours and stays. UIDs of the standard
    /// are never asked about.
    fn uid(&self, archive: &str) -> Option<String>;

    /// The participant's code in the archive.
    fn archive_code(&self) -> &str;

    /// The code that this partner sees.
    fn code(&self) -> &str;

    /// Days to add to a date of the archive (yyyymmdd); `None` for one that was not shifted when the object was de-identified.
    fn shift_days(&self, day: u32) -> Option<i32>;
}

/// What of an object was replaced, as it stood in the archive.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replaced {
    /// UIDs.
    pub uids: BTreeSet<String>,
    /// Dates, yyyymmdd.
    pub dates: BTreeSet<u32>,
}

/// Why an object was not derived. Nothing of what was written may leave.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PartnerViewError {
    /// The object of the archive cannot be read: retry on I/O errors, call a person otherwise.
    #[error(transparent)]
    Input(#[from] SourceError),
    /// The output cannot be written: retry.
    #[error("output cannot be written: {0}")]
    Output(#[from] io::Error),
    /// A value that may hold pseudonyms is too long to be read as a whole: call a person.
    #[error("{path}: value too long to be derived")]
    TooLong {
        /// The element.
        path: ElementPath,
    },
    /// A date cannot be moved inside of the years 1 to 9999: call a person.
    #[error("{path}: date that cannot be moved")]
    Date {
        /// The element.
        path: ElementPath,
    },
}

/// The transfer syntax of what [`partner_view`] writes: the input's, inflated when that is deflated.
#[must_use]
pub fn output_syntax(input: &'static TransferSyntax) -> &'static TransferSyntax {
    if input.deflated { &TransferSyntax::EXPLICIT_LITTLE } else { input }
}

/// Writes the data set in `input` to `out` as it is for one partner, in [`output_syntax`]. The caller writes preamble and file meta, with
/// the partner's SOP Instance UID.
///
/// The same input and pseudonyms give the same bytes. Streams: pixel data pass through in pieces; memory is bounded by `limits`.
///
/// # Errors
/// Any [`PartnerViewError`]; `out` then holds a part that must be discarded.
pub fn partner_view<R: Read, W: Write>(
    input: R,
    syntax: &TransferSyntax,
    pseudonyms: &dyn PartnerPseudonyms,
    limits: Limits,
    out: W,
) -> Result<Replaced, PartnerViewError> {
    let mut context = Context { pseudonyms, limits, replaced: Replaced::default() };
    let encoding = if syntax.deflated { TransferSyntax::EXPLICIT_LITTLE.encoding } else { syntax.encoding };
    let mut walk = Walk::main(out, encoding, &mut context);
    let mut tokens = TokenSource::new(input, syntax, limits, None);
    while let Some(token) = tokens.next_token()? {
        walk.token(&token)?;
    }
    walk.finish()?;
    Ok(context.replaced)
}
