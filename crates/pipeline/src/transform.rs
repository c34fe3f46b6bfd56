//! The instances of a batch on their way from Z1 into objects of Z3 that have no name yet: surveyed, their pixels inspected,
//! de-identified. No database is asked here: all that is to be known is given.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io::{Read, Seek};
use std::sync::Arc;

use archive::blob::{BlobKey, BlobWriter};
use archive::buffer::{self, BufferedInstance, QuarantineReason};
use archive::scan::Identification;
use archive::zone::Zone;
use deidentification::verify::{Identity, Original};
use deidentification::{
    CDA_STORAGE, CompiledProfile, DeidentificationError, DocumentInspection, DocumentPolicy, FacePolicy,
    Inspection, Known, Object, PDF_STORAGE, PixelPlan, Report, Survey, TextCleaner, deidentify, inspect,
    inspect_clinical_document, inspect_document,
};
use dicom_stream::{FileMeta, Limits, TransferSyntax};
use pixel::risk::is_class_at_risk;
use pseudonym::UidKind;
use uuid::Uuid;

use crate::deface::{Defaced, DefacedImage};
use crate::deidentify::blocking;
use crate::given::Given;
use crate::identify::damaged;
use crate::indexing::Tee;
use crate::kept::{self, ENCAPSULATED};
use crate::line::{Line, Project, StageError};
use crate::recorder::Recorder;

/// What became of one instance.
pub(crate) struct Outcome {
    pub(crate) id: Uuid,
    pub(crate) result: Result<Pseudonymised, Held>,
    /// On what ground it is kept as received (AC1.9); empty when it is de-identified.
    pub(crate) ground: &'static str,
    /// What was done to it; `None` when it is kept or held.
    pub(crate) done: Option<Deidentified>,
    /// The same as JSON (AC2.11), once the after-check is made.
    pub(crate) report: String,
}

/// What was done to an instance, and what the after-check compares with the result.
pub(crate) struct Deidentified {
    pub(crate) report: Report,
    pub(crate) original: Original,
}

/// An instance with its pseudonyms, durable in Z3 once its writer is finished.
pub(crate) struct Pseudonymised {
    /// Of the output.
    pub(crate) identification: Identification,
    pub(crate) transfer_syntax: &'static TransferSyntax,
    /// Offset of the data set in the object.
    pub(crate) data_set: u64,
}

/// Why an instance waits for a person.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub(crate) reason: QuarantineReason,
    /// Rule and place, never a value.
    pub(crate) detail: String,
}

/// A batch between de-identification and after-check.
pub(crate) struct Transformed {
    pub(crate) outcomes: Vec<Outcome>,
    pub(crate) writers: Vec<BlobWriter>,
    pub(crate) uids: Vec<(UidKind, String, String)>,
    /// Shifted dates, as yyyymmdd.
    pub(crate) dates: Vec<i64>,
    /// Whose the originals are: what must not be found in the objects.
    pub(crate) identity: Identity,
}

/// What persons let go on although a rule would hold it.
#[derive(Default)]
struct Accepted {
    pixels: BTreeSet<Uuid>,
    faces: BTreeSet<Uuid>,
    documents: BTreeSet<Uuid>,
    labels: BTreeSet<Uuid>,
}

/// `originals` with the ground on which each is kept as received, if it is. Those that were `defaced` are read as the program made them.
pub(crate) async fn transform(
    line: &Arc<Line>,
    project: &Project,
    originals: Vec<(BufferedInstance, &'static str)>,
    given: &Given,
    defaced: &Arc<Defaced>,
) -> Result<Transformed, StageError> {
    let accepted = accepted(line, &originals).await?;
    let (line, profile, given) = (Arc::clone(line), Arc::clone(&project.profile), given.clone());
    let defaced = Arc::clone(defaced);
    blocking(move || {
        let recorder = given.code().zip(given.mapping()).map(|(code, mapping)| Recorder::new(code, mapping));
        let (identity, surveys) = survey(&line, &profile, recorder.is_some(), &defaced, &originals)?;
        let cleaner = profile.cleaner(&identity);
        let (mut outcomes, mut writers) = (Vec::new(), Vec::new());
        for ((original, ground), surveyed) in originals.iter().zip(surveys) {
            let made = match (&recorder, surveyed, &cleaner) {
                (None, ..) => kept::copy(&line, original)?.map(|(made, writer)| (made, writer, None)),
                (Some(_), Err(held), _) => Err(held),
                (Some(_), Ok(_), Err(error)) => Err(irregular(error)),
                (Some(recorder), Ok(survey), Ok(cleaner)) => {
                    let made = defaced.of(original.received.id).map(|(made, _)| made);
                    let (profile, survey) = (&*profile, &survey);
                    let instance = Instance { line: &line, profile, original, made, survey, cleaner };
                    instance.deidentify(recorder, &accepted)?
                }
            };
            let (result, done) = match made {
                Ok((pseudonymised, writer, done)) => {
                    writers.push(writer);
                    (Ok(pseudonymised), done)
                }
                Err(held) => (Err(held), None),
            };
            outcomes.push(Outcome { id: original.received.id, result, ground, done, report: String::new() });
        }
        let received = originals.iter().map(|(original, _)| &original.received);
        let (uids, dates) = recorder.map_or_else(Default::default, |recorder| recorder.finish(received));
        Ok(Transformed { outcomes, writers, uids, dates, identity })
    })
    .await?
}

async fn accepted(
    line: &Line,
    originals: &[(BufferedInstance, &'static str)],
) -> Result<Accepted, StageError> {
    let ids: Vec<Uuid> = originals.iter().map(|(original, _)| original.received.id).collect();
    let mut connection = line.buffer.reader().acquire().await?;
    Ok(Accepted {
        pixels: buffer::accepted_among(&mut connection, &ids, QuarantineReason::PixelRisk).await?,
        faces: buffer::accepted_among(&mut connection, &ids, QuarantineReason::RecognizableFeatures).await?,
        documents: buffer::accepted_among(&mut connection, &ids, QuarantineReason::Document).await?,
        labels: buffer::accepted_among(&mut connection, &ids, QuarantineReason::NotForwarded).await?,
    })
}

fn irregular(why: impl ToString) -> Held {
    Held { reason: QuarantineReason::Irregular, detail: why.to_string() }
}

/// What has to be known before the first byte of an object is written: whose it is, from all objects of the batch, for one may repeat the
/// name that stands in another. An original that cannot be read is held.
fn survey(
    line: &Line,
    profile: &CompiledProfile,
    is_deidentified: bool,
    defaced: &Defaced,
    originals: &[(BufferedInstance, &'static str)],
) -> Result<(Identity, Vec<Result<Survey, Held>>), StageError> {
    let mut identity = Identity::default();
    let mut surveys = Vec::with_capacity(originals.len());
    for (original, _) in originals {
        if !is_deidentified {
            surveys.push(Ok(Survey::default()));
            continue;
        }
        let made = defaced.of(original.received.id);
        let surveyed = match open(line, original, made.map(|(made, _)| made))? {
            Err(held) => Err(held),
            Ok(Source { syntax, input, .. }) => {
                Survey::read(profile, input, syntax, Limits::INSTANCE, &mut identity).map_err(irregular)
            }
        };
        let surveyed = surveyed.map(|survey| match made {
            Some((_, program)) => survey.defaced_by(program),
            None => survey,
        });
        surveys.push(surveyed);
    }
    Ok((identity, surveys))
}

/// Whether documents of this class can be inspected; others wait for a person.
fn is_inspectable(sop_class: &str) -> bool {
    matches!(sop_class, PDF_STORAGE | CDA_STORAGE)
}

fn document(why: &str) -> Held {
    let detail = format!("{why}: released, it leaves as an empty one of the same type");
    Held { reason: QuarantineReason::Document, detail }
}

/// What an object is made from.
struct Source {
    syntax: &'static TransferSyntax,
    /// Of the data set, bytes.
    length: u64,
    input: Box<dyn ReadSeek>,
}

trait ReadSeek: Read + Seek {}
impl<T: Read + Seek> ReadSeek for T {}

/// The original, or what a defacing program has made of it.
fn open(
    line: &Line,
    original: &BufferedInstance,
    made: Option<&DefacedImage>,
) -> Result<Result<Source, Held>, StageError> {
    let received = &original.received;
    if let Some(made) = made {
        let input = Box::new(made.open()?);
        return Ok(Ok(Source { syntax: made.transfer_syntax, length: made.length, input }));
    }
    let Some(syntax) = TransferSyntax::from_uid(&received.transfer_syntax_uid) else {
        return Ok(Err(irregular("transfer syntax")));
    };
    match line.spool.read(&received.location) {
        Ok(input) => {
            Ok(Ok(Source { syntax, length: received.location.data_length(), input: Box::new(input) }))
        }
        Err(error) => damaged(error).map(Err),
    }
}

/// One instance and what is known of it.
struct Instance<'a> {
    line: &'a Line,
    profile: &'a CompiledProfile,
    original: &'a BufferedInstance,
    made: Option<&'a DefacedImage>,
    survey: &'a Survey,
    cleaner: &'a TextCleaner<'a>,
}

type Made = Result<(Pseudonymised, BlobWriter, Option<Deidentified>), Held>;

impl Instance<'_> {
    /// Writes it into an object of Z3 that has no name yet.
    fn deidentify(&self, recorder: &Recorder<'_>, accepted: &Accepted) -> Result<Made, StageError> {
        let received = &self.original.received;
        let Source { syntax, length, input } = match open(self.line, self.original, self.made)? {
            Ok(source) => source,
            Err(held) => return Ok(Err(held)),
        };
        let object = Object {
            sop_class: &received.sop_class_uid,
            sop_instance: &received.sop_instance_uid,
            transfer_syntax: syntax,
            length: Some(length),
        };
        if let Err(held) = self.admit(accepted) {
            return Ok(Err(held));
        }
        let survey = match self.inspected(&object, recorder, accepted)? {
            Ok(survey) => survey,
            Err(held) => return Ok(Err(held)),
        };
        let pixels = match self.pixels(&object, accepted)? {
            Ok(pixels) => pixels,
            Err(held) => return Ok(Err(held)),
        };
        let pixels = pixels.as_deref();
        let output_syntax = TransferSyntax::from_uid(object.output_syntax(pixels).uid).unwrap_or(syntax);
        let mut writer = self.line.blobs.create(BlobKey::new(Zone::Archive, received.id)?)?;
        let meta = FileMeta {
            media_storage_sop_class_uid: received.sop_class_uid.clone(),
            media_storage_sop_instance_uid: self.profile.instance_uid(recorder, object.sop_instance),
            transfer_syntax_uid: output_syntax.uid.to_owned(),
        };
        meta.write(&mut writer)?;
        let data_set = writer.length();
        let mut tee = Tee::new(writer, output_syntax);
        let known = Known { survey: &survey, cleaner: self.cleaner, pixels };
        let report =
            match deidentify(self.profile, &object, recorder, known, Limits::INSTANCE, input, &mut tee) {
                Ok(report) => report,
                Err(error @ DeidentificationError::Output(_)) => return Err(error.into()),
                Err(error) => return Ok(Err(irregular(error))),
            };
        Ok(match tee.finish() {
            Ok((writer, identification)) => {
                let pseudonymised =
                    Pseudonymised { identification, transfer_syntax: output_syntax, data_set };
                let done = Deidentified { report, original: self.survey.original().clone() };
                Ok((pseudonymised, writer, Some(done)))
            }
            Err(error) => Err(irregular(format!("output: {error}"))),
        })
    }

    /// What is held before its pixels are looked at (labels of the profile, AC2.8, PS3.15 E.3.2).
    fn admit(&self, accepted: &Accepted) -> Result<(), Held> {
        let received = &self.original.received;
        let policy = self.profile.profile();
        let held = self.profile.held_by_labels(self.survey);
        if let Some(detail) = held.filter(|_| !accepted.labels.contains(&received.id)) {
            return Err(Held { reason: QuarantineReason::NotForwarded, detail });
        }
        let is_document = received.sop_class_uid.starts_with(ENCAPSULATED);
        let is_inspected =
            policy.documents == DocumentPolicy::Inspect && is_inspectable(&received.sop_class_uid);
        if is_document
            && policy.documents != DocumentPolicy::Dummy
            && !is_inspected
            && !accepted.documents.contains(&received.id)
        {
            return Err(document("an encapsulated document"));
        }
        if self.profile.faces() != FacePolicy::Pass
            && self.survey.may_show_face()
            && !accepted.faces.contains(&received.id)
        {
            let why = match self.line.defacing {
                None if self.profile.faces() == FacePolicy::Deface => {
                    "recognizable visual features, and no defacing program is configured ([defacing])"
                }
                _ => {
                    "recognizable visual features: a head, or neither words nor field of view say that it is none"
                }
            };
            let detail = format!("{why}; released, the image leaves with the face");
            return Err(Held { reason: QuarantineReason::RecognizableFeatures, detail });
        }
        Ok(())
    }

    /// What is known of the object once its document was looked at, where the profile says so; one that a person released is not.
    fn inspected(
        &self,
        object: &Object<'_>,
        recorder: &Recorder<'_>,
        accepted: &Accepted,
    ) -> Result<Result<Cow<'_, Survey>, Held>, StageError> {
        let id = self.original.received.id;
        if self.profile.profile().documents != DocumentPolicy::Inspect
            || !is_inspectable(object.sop_class)
            || accepted.documents.contains(&id)
        {
            return Ok(Ok(Cow::Borrowed(self.survey)));
        }
        let input = match open(self.line, self.original, self.made)? {
            Ok(source) => source.input,
            Err(held) => return Ok(Err(held)),
        };
        let (profile, cleaner, syntax) = (self.profile, self.cleaner, object.transfer_syntax);
        let looked = if object.sop_class == CDA_STORAGE {
            inspect_clinical_document(profile, cleaner, recorder, syntax, Limits::INSTANCE, input)
        } else {
            let programs = self.line.recogniser.as_deref().zip(self.line.renderer.as_deref());
            inspect_document(profile, cleaner, programs, syntax, Limits::INSTANCE, input)
        };
        Ok(match looked {
            Ok(DocumentInspection::Kept(kept)) => Ok(Cow::Owned(self.survey.clone().with_document(kept))),
            Ok(DocumentInspection::Held(why)) => Err(document(&why)),
            Err(error) => Err(irregular(error)),
        })
    }

    /// What is done with the pixels; a person's decision stands for an inspection (AC2.7), not for a mask of the profile.
    fn pixels(
        &self,
        object: &Object<'_>,
        accepted: &Accepted,
    ) -> Result<Result<Option<Box<PixelPlan>>, Held>, StageError> {
        let received = &self.original.received;
        let is_accepted = accepted.pixels.contains(&received.id);
        let held = |detail: String| Ok(Err(Held { reason: QuarantineReason::PixelRisk, detail }));
        let input = match open(self.line, self.original, self.made)? {
            Ok(source) => source.input,
            Err(held) => return Ok(Err(held)),
        };
        let recogniser = self.line.recogniser.as_deref().filter(|_| !is_accepted);
        let inspection =
            inspect(self.profile, object, self.survey, self.cleaner, recogniser, Limits::INSTANCE, input);
        match inspection {
            Err(error) => Ok(Err(irregular(error))),
            Ok(Inspection::Clean(plan)) => Ok(Ok(Some(plan))),
            Ok(Inspection::Untouched) => Ok(Ok(None)),
            Ok(Inspection::NotMasked(why)) => {
                let detail =
                    format!("a pixel rule of the profile applies and its mask cannot be laid on: {why}");
                Ok(Err(irregular(detail)))
            }
            Ok(_) if is_accepted => Ok(Ok(None)),
            Ok(Inspection::Held(why)) => held(why),
            Ok(Inspection::NotInspected) => {
                let class = if is_class_at_risk(object.sop_class) { "class" } else { "modality" };
                held(format!("pixels at risk by their {class}, and the profile does not clean them"))
            }
        }
    }
}
