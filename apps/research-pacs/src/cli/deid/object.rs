//! One object, de-identified into a file that has no name yet, and searched there. What becomes of that file is the caller's.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use archive::scan::{Identification, Scan};
use deidentification::verify::{Identity, Leaving, Promise, Verifier, places};
use deidentification::{
    CompiledProfile, DeidentificationError, DocumentPolicy, FacePolicy, Inspection, Known, NotInspected,
    Object, PseudonymSource, Report, Survey, TextCleaner, deidentify, inspect,
};
use dicom_stream::{FILE_START, FileMeta, FileStart, Limits, TransferSyntax};
use pixel::TextRecogniser;
use pseudonym::{Code, CodePrefix, Mapping};
use serde::Serialize;

/// Bytes read at once.
const PIECE: usize = 256 << 10;
/// Root of the SOP classes of encapsulated documents (PS3.4 Table B.5-1).
const ENCAPSULATED: &str = "1.2.840.10008.5.1.4.1.1.104.";
/// SOP class of a DICOMDIR.
const MEDIA_STORAGE_DIRECTORY: &str = "1.2.840.10008.1.3.10";

/// What objects are de-identified with.
pub(super) struct Deidentifier<'a> {
    pub(super) profile: &'a CompiledProfile,
    pub(super) mapping: &'a Mapping,
    pub(super) recogniser: Option<&'a dyn TextRecogniser>,
}

/// A de-identified object.
pub(super) struct Made {
    pub(super) report: Report,
    /// What the search found: then nobody may have the object.
    pub(super) found: Option<Left>,
    /// Why a server would let a person decide, although nothing was found (AC2.7, AC2.8).
    pub(super) waits: Option<Left>,
    /// New SOP Instance UID.
    pub(super) instance: String,
    /// Patient ID, or what stands for one, and code.
    pub(super) patient: (String, String),
    /// Original UIDs and what took their place.
    pub(super) uids: BTreeMap<String, String>,
    /// Where the data set begins in the input, and how it is encoded.
    pub(super) before: (u64, &'static TransferSyntax),
    /// The same of the output.
    pub(super) after: (u64, &'static TransferSyntax),
}

impl Made {
    /// Whether the report says that pixel data were not looked into.
    pub(super) fn pixels_not_inspected(&self) -> bool {
        let pixels =
            |what: &NotInspected| matches!(what, NotInspected::PixelData | NotInspected::CompressedFrames);
        self.report.not_inspected.iter().any(pixels)
    }
}

/// Why there is no de-identified object.
pub(super) enum Undone {
    /// It is no DICOM file.
    NotDicom,
    /// It could not be done safely.
    Left(Left),
    /// The file system, or something else that is not the object's fault, ends the run.
    Failed(anyhow::Error),
}

impl<E: std::error::Error + Send + Sync + 'static> From<E> for Undone {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Why an object is left out; no value of the object is in it.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Left {
    pub(super) code: &'static str,
    pub(super) reason: String,
}

impl Left {
    pub(super) fn new(code: &'static str, reason: impl ToString) -> Self {
        Self { code, reason: reason.to_string() }
    }
}

fn left(code: &'static str, reason: impl ToString) -> Undone {
    Undone::Left(Left::new(code, reason))
}

impl Deidentifier<'_> {
    /// De-identifies the file at `path` into `output`, which is empty, and searches what was written.
    pub(super) fn make(&self, path: &Path, output: &mut File) -> Result<Made, Undone> {
        let mut input = Input::open(path)?;
        let identification = input.identify()?;
        let participant = self.mapping.for_participant_of_key(&participant_key(&identification));
        let code = participant.code(&CodePrefix::default(), 0);
        let source = Source { mapping: self.mapping, participant, code, given: RefCell::default() };
        let syntax = input.start.transfer_syntax;
        let object = Object {
            sop_class: &identification.sop_class_uid,
            sop_instance: &identification.sop_instance_uid,
            transfer_syntax: syntax,
            length: Some(input.length),
        };
        let mut identity = Identity::default();
        let survey = Survey::read(self.profile, input.data_set()?, syntax, Limits::INSTANCE, &mut identity)?;
        if let Some(why) = self.profile.held_by_labels(&survey) {
            return Err(left("not-forwarded", why));
        }
        let cleaner = self.profile.cleaner(&identity).map_err(|error| left("not-deidentified", error))?;
        let inspection = self.pixels(&mut input, &object, &survey, &cleaner)?;
        let waits = self.waits(&object, &inspection);
        let pixels = if let Inspection::Clean(plan) = &inspection { Some(&**plan) } else { None };
        let instance = self.profile.instance_uid(&source, object.sop_instance);
        let output_syntax = TransferSyntax::from_uid(object.output_syntax(pixels).uid).unwrap_or(syntax);
        let meta = FileMeta {
            media_storage_sop_class_uid: object.sop_class.to_owned(),
            media_storage_sop_instance_uid: instance.clone(),
            transfer_syntax_uid: output_syntax.uid.to_owned(),
        };
        meta.write(&mut *output)?;
        let after = (output.stream_position()?, output_syntax);
        let known = Known { survey: &survey, cleaner: &cleaner, pixels };
        let data_set = input.data_set()?;
        let made =
            deidentify(self.profile, &object, &source, known, Limits::INSTANCE, data_set, &mut *output);
        let mut report = made.map_err(|error| match error {
            DeidentificationError::Output(_) => Undone::from(error),
            error => left("not-deidentified", error),
        })?;
        output.seek(SeekFrom::Start(after.0))?;
        let leaving = Leaving { original: survey.original(), pixels_cleaned: pixels.is_some() };
        let verifier = self.verifier(&identity, &source)?;
        let mut verdict = verifier.check(&*output, after.1, Limits::INSTANCE, leaving)?;
        if let Some(recogniser) = self.recogniser.filter(|_| report.is_recognised()) {
            output.seek(SeekFrom::Start(after.0))?;
            let found = verifier.verify_pixels(&*output, after.1, Limits::INSTANCE, recogniser);
            verdict.findings.extend(found.map_err(|error| left("pixels", error))?);
        }
        report.damage = verdict.damage;
        let found = places(&verdict.findings)
            .map(|places| Left::new("identifier-found", format!("the after-check found: {places}")));
        Ok(Made {
            report,
            found,
            waits,
            instance,
            patient: (participant_key(&identification).into_owned(), source.code.as_str().to_owned()),
            uids: source.given.into_inner(),
            before: (input.start.data_set as u64, syntax),
            after,
        })
    }

    /// What is done with the pixels.
    fn pixels(
        &self,
        input: &mut Input,
        object: &Object<'_>,
        survey: &Survey,
        cleaner: &TextCleaner<'_>,
    ) -> Result<Inspection, Undone> {
        if self.profile.faces() != FacePolicy::Pass && survey.may_show_face() {
            return Err(left(
                "recognizable-visual-features",
                "a head, or neither words nor field of view say that it is none",
            ));
        }
        let data_set = input.data_set()?;
        let (profile, recogniser) = (self.profile, self.recogniser);
        match inspect(profile, object, survey, cleaner, recogniser, Limits::INSTANCE, data_set)? {
            Inspection::Held(why) => Err(left("pixels", why)),
            Inspection::NotMasked(why) => Err(left("pixels", format!("a mask cannot be laid on: {why}"))),
            inspection => Ok(inspection),
        }
    }

    /// What a server holds for a person.
    fn waits(&self, object: &Object<'_>, inspection: &Inspection) -> Option<Left> {
        let is_document = object.sop_class.starts_with(ENCAPSULATED);
        if is_document && self.profile.profile().documents != DocumentPolicy::Dummy {
            return Some(Left::new("document", "an encapsulated document"));
        }
        matches!(inspection, Inspection::NotInspected)
            .then(|| Left::new("pixels", "pixels at risk, and the profile does not clean them"))
    }

    /// The independent search for what is left of the original.
    fn verifier(&self, identity: &Identity, source: &Source<'_>) -> Result<Verifier, Undone> {
        let promise = Promise {
            options: self.profile.options(),
            shift_days: self.profile.shifts_dates().then(|| source.shift_days()).flatten(),
            given: source.given.borrow().values().cloned().collect(),
        };
        let ours: Vec<&str> = self.profile.texts_of_rules().chain([source.code()]).collect();
        Ok(Verifier::new(identity, &ours)?.promising(promise))
    }
}

/// Who an object is of: its Patient ID, or its study where that is empty, so that nobody shares a code with somebody else. The issuer does not
/// count: without a configured alias it names no other authority (DEC-Q).
fn participant_key(of: &Identification) -> Cow<'_, str> {
    match of.patient_id.trim() {
        // no Patient ID has a backslash (PS3.5 6.2)
        "" => Cow::Owned(format!("study\\{}", of.study_instance_uid)),
        _ => Cow::Borrowed(&of.patient_id),
    }
}

/// A DICOM file.
struct Input {
    file: File,
    start: FileStart,
    /// Of the data set, bytes.
    length: u64,
}

impl Input {
    fn open(path: &Path) -> Result<Self, Undone> {
        let mut file = File::open(path)?;
        let mut head = Vec::new();
        (&mut file).take(FILE_START as u64).read_to_end(&mut head)?;
        let Ok(start) = FileStart::read(&head) else { return Err(Undone::NotDicom) };
        let class = start.meta.as_ref().map(|meta| meta.media_storage_sop_class_uid.as_str());
        if class == Some(MEDIA_STORAGE_DIRECTORY) {
            return Err(left("dicomdir", DeidentificationError::Dicomdir));
        }
        let length = file.metadata()?.len() - start.data_set as u64;
        Ok(Self { file, start, length })
    }

    /// The file, at its data set.
    fn data_set(&mut self) -> io::Result<&File> {
        self.file.seek(SeekFrom::Start(self.start.data_set as u64))?;
        Ok(&self.file)
    }

    /// Reads the object once: whole, and with the UIDs that an object needs.
    fn identify(&mut self) -> Result<Identification, Undone> {
        let mut scan = Scan::new(self.start.transfer_syntax, [].into());
        let mut reader = BufReader::with_capacity(PIECE, self.data_set()?);
        let not_understood = |error| left("cannot-understand", error);
        loop {
            let piece = io::BufRead::fill_buf(&mut reader)?;
            if piece.is_empty() {
                return scan.finish().map_err(not_understood);
            }
            let length = piece.len();
            scan.push(piece).map_err(not_understood)?;
            io::BufRead::consume(&mut reader, length);
        }
    }
}

/// UIDs follow from the key alone, so that references between patients' objects hold; the code from key and Patient ID.
struct Source<'a> {
    mapping: &'a Mapping,
    participant: Mapping,
    code: Code,
    given: RefCell<BTreeMap<String, String>>,
}

impl PseudonymSource for Source<'_> {
    fn uid(&self, original: &str) -> String {
        let original = original.trim_matches(['\0', ' ']);
        let new = self.mapping.uid(original);
        self.given.borrow_mut().entry(original.to_owned()).or_insert_with(|| new.clone());
        new
    }

    fn shift_days(&self) -> Option<i32> {
        Some(self.participant.shift_days())
    }

    fn token(&self, value: &str) -> String {
        self.participant.token(value)
    }

    fn retained_uid(&self, uid: &str) {
        self.given.borrow_mut().entry(uid.to_owned()).or_insert_with(|| uid.to_owned());
    }

    fn code(&self) -> &str {
        self.code.as_str()
    }
}
