//! Partners that make mistakes, or worse: each kind has to end in quarantine or rejection.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use dicom_dictionary_std::{tags, uids};
use dicom_stream::Tag;

use super::job::{Cited, Job};
use super::{Request, ResultKind, SYNTAX, regular, secondary_capture};
use crate::data_set::DataSet;
use crate::error::SimulationError;
use crate::object::Object;

/// What is wrong with a delivery. Whatever the data sets say, the partner offers them under the study that it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Faulty {
    /// Patient ID and Name are those of nobody we know (RC-04).
    WrongCode,
    /// A Study Instance UID of its own; references are right (RC-05).
    ChangedUids,
    /// Study, patient and all references are of a job that was never ours (AC6.4, RC-06).
    ForeignJob,
    /// The report cites a segmentation that is not delivered (RC-02, AC7.4).
    Partial,
    /// The first object comes twice: same SOP Instance UID, another series and other content.
    Duplicate,
    /// The last object is offered later than the others.
    Late,
    /// The report cites instances of two patients, and a capture carries the other's Patient ID (RC-04).
    TwoPatients,
    /// The report cites this UID, an original of ours that the partner cannot know (RC-06).
    OriginalUid(String),
    /// A secondary capture shows the code in its pixels (RC-10).
    CodeInPixels,
    /// Acquisition Date is neither issued to the partner nor a date of processing (RC-03).
    StrangeDate,
}

impl Faulty {
    /// All kinds; the UID of [`Faulty::OriginalUid`] has to be given.
    pub const WORDS: [&str; 10] = [
        "wrong-code",
        "changed-uids",
        "foreign-job",
        "partial",
        "duplicate",
        "late",
        "two-patients",
        "original-uid=UID",
        "code-in-pixels",
        "strange-date",
    ];

    /// The data sets of this delivery.
    pub(super) fn results(
        &self,
        job: &Job<'_>,
        request: &Request<'_>,
    ) -> Result<Vec<DataSet>, SimulationError> {
        let mut sets = regular(job, request.kinds, &[]);
        match self {
            Self::Late => {}
            Self::Duplicate => {
                let again = |first: DataSet| {
                    first
                        .put(tags::SERIES_INSTANCE_UID, job.uid("second series"))
                        .put(tags::SERIES_DESCRIPTION, "Simulated second version")
                };
                sets.extend(sets.first().cloned().map(again));
            }
            Self::WrongCode => {
                set_all(&mut sets, &[(tags::PATIENT_ID, "SUBJ-9999"), (tags::PATIENT_NAME, "SUBJ-9999")])
            }
            Self::ChangedUids => set_all(&mut sets, &[(tags::STUDY_INSTANCE_UID, &job.uid("own study"))]),
            Self::StrangeDate => set_all(&mut sets, &[(tags::ACQUISITION_DATE, "19010203")]),
            Self::CodeInPixels => sets = vec![secondary_capture::make(job, Some(&job.code()))],
            Self::ForeignJob => sets = foreign(job, request)?,
            Self::Partial => sets = report(job, never_delivered(job)),
            Self::OriginalUid(uid) => {
                let first = Cited::of(&job.first().attributes);
                sets = report(job, Cited { sop_instance: uid.clone(), ..first });
            }
            Self::TwoPatients => sets = two_patients(job, request),
        }
        Ok(sets)
    }

    fn word(&self) -> &'static str {
        match self {
            Self::WrongCode => "wrong-code",
            Self::ChangedUids => "changed-uids",
            Self::ForeignJob => "foreign-job",
            Self::Partial => "partial",
            Self::Duplicate => "duplicate",
            Self::Late => "late",
            Self::TwoPatients => "two-patients",
            Self::OriginalUid(_) => "original-uid",
            Self::CodeInPixels => "code-in-pixels",
            Self::StrangeDate => "strange-date",
        }
    }
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Faulty {
    type Err = SimulationError;

    fn from_str(text: &str) -> Result<Self, SimulationError> {
        if let Some(("original-uid", uid)) = text.split_once('=')
            && dicom_node::sop_class::is_uid(uid)
        {
            return Ok(Self::OriginalUid(uid.to_owned()));
        }
        let plain = [
            Self::WrongCode,
            Self::ChangedUids,
            Self::ForeignJob,
            Self::Partial,
            Self::Duplicate,
            Self::Late,
            Self::TwoPatients,
            Self::CodeInPixels,
            Self::StrangeDate,
        ];
        let found = plain.into_iter().find(|faulty| faulty.word() == text);
        found.ok_or_else(|| SimulationError::UnknownWord(text.to_owned(), Self::WORDS.join(", ")))
    }
}

fn set_all(sets: &mut [DataSet], values: &[(Tag, &str)]) {
    for set in sets {
        for (tag, value) in values {
            set.set(*tag, *value);
        }
    }
}

/// A report alone, which also cites this.
fn report(job: &Job<'_>, further: Cited) -> Vec<DataSet> {
    regular(job, &[ResultKind::StructuredReport], &[further])
}

fn never_delivered(job: &Job<'_>) -> Cited {
    Cited {
        study: Cited::of(&job.first().attributes).study,
        series: job.uid("never delivered series"),
        sop_class: uids::SEGMENTATION_STORAGE.to_owned(),
        sop_instance: job.uid("never delivered instance"),
    }
}

/// The results of a study of somebody else, made from a made-up source.
fn foreign(job: &Job<'_>, request: &Request<'_>) -> Result<Vec<DataSet>, SimulationError> {
    let mut source = Vec::new();
    for image in &job.images {
        let mut attributes = image.attributes.clone();
        for tag in [
            tags::STUDY_INSTANCE_UID,
            tags::SERIES_INSTANCE_UID,
            tags::SOP_INSTANCE_UID,
            tags::FRAME_OF_REFERENCE_UID,
        ] {
            if attributes.has(tag) {
                let uid = request.seed.uid(&format!("foreign {}", attributes.text(tag)));
                attributes.set(tag, uid);
            }
        }
        attributes.set(tags::PATIENT_ID, "SUBJ-8888");
        attributes.set(tags::PATIENT_NAME, "SUBJ-8888");
        source.push(Arc::new(Object::build(&attributes, SYNTAX)?));
    }
    let request = Request { source: &source, ..*request };
    Ok(regular(&Job::new(&request)?, request.kinds, &[]))
}

/// Without another patient at hand, one is made up.
fn two_patients(job: &Job<'_>, request: &Request<'_>) -> Vec<DataSet> {
    let (cited, code) = match request.other {
        Some(other) => (Cited::of(&other.attributes), other.attributes.text(tags::PATIENT_ID)),
        None => (never_delivered(job), "SUBJ-7777".to_owned()),
    };
    let mut sets = report(job, cited);
    sets.push(secondary_capture::make(job, None).put(tags::PATIENT_ID, code));
    sets
}
