//! What a partner makes of a study: objects that reference what it received. It knows only what it got; it copies patient and study
//! attributes from there, as real tools do, and adds series, instance and tracking UIDs of its own.

mod faulty;
mod job;
mod pdf;
mod rt_structure_set;
mod secondary_capture;
mod segmentation;
mod structured_report;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use dicom_stream::TransferSyntax;

use crate::data_set::DataSet;
use crate::error::SimulationError;
use crate::object::Object;
use crate::seed::Seed;

pub use faulty::Faulty;
use job::{Cited, Job};

/// Kind of a result object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResultKind {
    /// Segmentation, binary, two frames; of CT and MR only.
    Segmentation,
    /// Comprehensive SR by TID 1500, with image references and a measurement.
    StructuredReport,
    /// RT Structure Set with one closed contour; of CT and MR only.
    RtStructureSet,
    /// Secondary capture without text in its pixels.
    SecondaryCapture,
    /// Encapsulated PDF; its page shows the code of the patient.
    Pdf,
}

impl ResultKind {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Segmentation, Self::StructuredReport, Self::RtStructureSet, Self::SecondaryCapture, Self::Pdf];

    /// Its word on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Segmentation => "seg",
            Self::StructuredReport => "sr",
            Self::RtStructureSet => "rtstruct",
            Self::SecondaryCapture => "sc",
            Self::Pdf => "pdf",
        }
    }
}

impl FromStr for ResultKind {
    type Err = SimulationError;

    fn from_str(word: &str) -> Result<Self, SimulationError> {
        let words = Self::ALL.map(Self::word).join(", ");
        let found = Self::ALL.into_iter().find(|kind| kind.word() == word);
        found.ok_or_else(|| SimulationError::UnknownWord(word.to_owned(), words))
    }
}

impl fmt::Display for ResultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What a partner delivers for one study.
#[derive(Debug, Default)]
pub struct Delivery {
    /// Offered at once.
    pub objects: Vec<Object>,
    /// Offered later ([`Faulty::Late`]).
    pub late: Vec<Object>,
}

/// What results are made from.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The instances of one study, as received.
    pub source: &'a [Arc<Object>],
    /// An instance of another patient that the partner received too, for [`Faulty::TwoPatients`].
    pub other: Option<&'a Object>,
    /// Kinds to make; those that the source does not allow are left out.
    pub kinds: &'a [ResultKind],
    /// What goes wrong.
    pub faulty: Option<&'a Faulty>,
    /// Time of processing, epoch milliseconds; dates and times are written in UTC.
    pub now: i64,
    /// The same seed and study give the same UIDs.
    pub seed: Seed,
}

/// Makes the results of one study.
///
/// # Errors
/// [`SimulationError::UnknownStudy`] when the source has no image.
pub fn make(request: &Request<'_>) -> Result<Delivery, SimulationError> {
    let job = Job::new(request)?;
    let mut delivery = Delivery::default();
    let sets = match request.faulty {
        None => regular(&job, request.kinds, &[]),
        Some(faulty) => faulty.results(&job, request)?,
    };
    for set in sets {
        delivery.objects.push(job.file(&set)?);
    }
    if request.faulty == Some(&Faulty::Late) {
        delivery.late.extend(delivery.objects.pop());
    }
    Ok(delivery)
}

/// The results of a partner that makes no mistake; the report also cites `further`.
fn regular(job: &Job<'_>, kinds: &[ResultKind], further: &[Cited]) -> Vec<DataSet> {
    let mut sets = Vec::new();
    let segmentation = kinds.contains(&ResultKind::Segmentation).then(|| segmentation::make(job)).flatten();
    let cited = segmentation.as_ref().map(Cited::of);
    sets.extend(segmentation);
    for kind in kinds {
        match kind {
            ResultKind::Segmentation => {}
            ResultKind::StructuredReport => {
                sets.push(structured_report::make(job, cited.as_ref(), further));
            }
            ResultKind::RtStructureSet => sets.extend(rt_structure_set::make(job)),
            ResultKind::SecondaryCapture => sets.push(secondary_capture::make(job, None)),
            ResultKind::Pdf => sets.push(pdf::make(job)),
        }
    }
    sets
}

/// Syntax of everything that the partner makes.
const SYNTAX: &TransferSyntax = &TransferSyntax::EXPLICIT_LITTLE;
