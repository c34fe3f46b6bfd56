//! Pass 2 for one object: a partner's data set in, an identified data set and a report out.

use std::io::{self, Read, Write};

use dicom_stream::charset::{CharacterSet, Fidelity};
use dicom_stream::{ElementPath, Limits, SourceError, TokenSource, TransferSyntax};
use thiserror::Error;

use crate::character_set::choose;
use crate::identities::{Given, Identities};
use crate::own_record::OwnRecord;
use crate::own_sequence::Unreadable;
use crate::policy::Policy;
use crate::report::{NotInspected, Report};
use crate::survey::Survey;
use crate::walk::{Context, Walk, plan};

/// The object at hand.
#[derive(Debug, Clone, Copy)]
pub struct Object<'a> {
    /// What pass 1 saw of it.
    pub survey: &'a Survey,
    /// Transfer syntax of the input.
    pub transfer_syntax: &'a TransferSyntax,
    /// Bytes of the input, when known.
    pub length: Option<u64>,
    /// Those of pass 1.
    pub limits: Limits,
}

impl Object<'_> {
    /// Transfer syntax of the output: the input's, inflated when that is deflated.
    pub fn output_syntax(&self) -> &TransferSyntax {
        if self.transfer_syntax.deflated { &TransferSyntax::EXPLICIT_LITTLE } else { self.transfer_syntax }
    }
}

/// Why an object was not reconciled. Nothing of what was written may be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReconciliationError {
    /// A date neither issued nor of the partner's work (RR-8): hand the set to a person, whose acceptance goes into the policy.
    #[error("{path}: date neither issued nor of the partner's work")]
    DateOfNoClass {
        /// The element.
        path: ElementPath,
    },
    /// An own UID of the object is one that was issued, and no new one was given (RR-7): give it, or hand the set to a person.
    #[error("{path}: a UID of a source object, and no new one for it")]
    ReusedUid {
        /// The element.
        path: ElementPath,
    },
    /// Text that has to be written anew cannot be read, or the identity cannot: hand the set to a person.
    #[error("text cannot be brought into one character set with the identity without a loss")]
    UnreadableText,
    /// A clinical document without one patient role that can be written anew (table 8.3): hand the set to a person.
    #[error("the patient of a clinical document cannot be written anew")]
    UnreadableRole,
    /// A UID, date or text that is longer than can be held whole: hand the set to a person.
    #[error("{path}: value too long to be mapped")]
    TooLong {
        /// The element.
        path: ElementPath,
    },
    /// The data set is not the one surveyed: an error of the caller.
    #[error("the data set is not the one that was surveyed")]
    NotTheObject,
    /// The input cannot be read: retry on I/O errors, refuse the object otherwise.
    #[error(transparent)]
    Input(#[from] SourceError),
    /// The output cannot be written: retry.
    #[error("output cannot be written: {0}")]
    Output(#[from] io::Error),
}

impl From<Unreadable> for ReconciliationError {
    fn from(_: Unreadable) -> Self {
        Self::UnreadableText
    }
}

/// Puts the identity back into one data set, from `input` to `out`. The caller writes preamble and file meta, with
/// [`Object::output_syntax`] and the SOP Instance UID of the report.
///
/// A pure function of its arguments: the same input gives the same bytes (RR-6). Streams: pixel data are not held.
///
/// # Errors
/// Any [`ReconciliationError`]; `out` then holds a part that must be discarded.
pub fn reconcile<R: Read, W: Write>(
    object: &Object<'_>,
    identities: &Identities,
    own: &OwnRecord,
    given: &Given,
    policy: &Policy,
    input: R,
    out: W,
) -> Result<Report, ReconciliationError> {
    let survey = object.survey;
    let received = CharacterSet::parse(&survey.character_set).0;
    let target = choose(own, &received, &survey.text).map_err(|_| ReconciliationError::UnreadableText)?;
    let report = Report {
        sop_instance: survey.sop_instance.clone(),
        series: survey.series.clone(),
        uids_restored: 0,
        uids_regenerated: 0,
        dates_restored: 0,
        dates_kept: 0,
        texts_rewritten: 0,
        attributes_restored: 0,
        altered: Vec::new(),
        altered_not_recorded: Vec::new(),
        text_set: target.kind,
        signatures_removed: false,
        not_inspected: Vec::new(),
    };
    let rows = plan(survey, own, policy, &target)?;
    let mut context = Context {
        survey,
        identities,
        given,
        policy,
        own,
        target,
        limits: object.limits,
        report,
        altered: Vec::new(),
        document_length: None,
        found_instance: false,
    };
    let mut walk = Walk::main(out, object.output_syntax().encoding, received, rows, &mut context);
    let mut tokens = TokenSource::new(input, object.transfer_syntax, object.limits, object.length);
    while let Some(token) = tokens.next_token()? {
        walk.token(&token)?;
    }
    walk.finish()?;
    if !context.found_instance {
        return Err(ReconciliationError::NotTheObject);
    }
    let mut report = context.report;
    if survey.fidelity() != Fidelity::Exact {
        report.not_inspected.push(NotInspected::AssumedText);
    }
    report.not_inspected.sort_unstable();
    report.not_inspected.dedup();
    Ok(report)
}
