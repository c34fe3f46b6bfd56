//! One object: de-identified into a temporary file, verified, then named.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use archive::scan::{Identification, Scan};
use deidentification::verify::{Identity, Leaving, Promise, Verifier, places};
use deidentification::{
    CompiledProfile, DeidentificationError, FacePolicy, Inspection, Known, NotInspected, Object,
    PseudonymSource, Report, Survey, deidentify, inspect,
};
use dicom_stream::{FILE_START, FileMeta, FileStart, Limits};
use pixel::TextRecogniser;
use pseudonym::{Code, CodePrefix, Mapping};

/// What became of one file.
pub(super) enum Done {
    /// It is in the output folder.
    Written(Box<Written>),
    /// It is no DICOM file.
    NotDicom,
    /// It could not be done safely.
    Left(Left),
}

/// An object in the output folder.
pub(super) struct Written {
    pub(super) report: Report,
    /// Patient ID and code.
    pub(super) patient: (String, String),
    /// Original UIDs and what took their place.
    pub(super) uids: BTreeMap<String, String>,
}

/// Why an object was left out; no value of the object is in it.
#[derive(Debug)]
pub(super) struct Left {
    pub(super) code: &'static str,
    pub(super) reason: String,
}

impl Left {
    fn new(code: &'static str, reason: impl ToString) -> Self {
        Self { code, reason: reason.to_string() }
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

/// Bytes read at once.
const PIECE: usize = 256 << 10;

/// De-identifies the file at `path` into the folder `output`.
///
/// # Errors
/// Those of the file system; what is wrong with the object is an answer, not an error.
pub(super) fn one(
    path: &Path,
    output: &Path,
    profile: &CompiledProfile,
    mapping: &Mapping,
    recogniser: Option<&dyn TextRecogniser>,
) -> anyhow::Result<Done> {
    let mut file = File::open(path)?;
    let mut head = Vec::new();
    (&mut file).take(FILE_START as u64).read_to_end(&mut head)?;
    let Ok(start) = FileStart::read(&head) else { return Ok(Done::NotDicom) };
    if start.meta.as_ref().is_some_and(|meta| meta.media_storage_sop_class_uid == "1.2.840.10008.1.3.10") {
        return Ok(Done::Left(Left::new("dicomdir", DeidentificationError::Dicomdir)));
    }
    let length = file.metadata()?.len() - start.data_set as u64;
    let data_set = |file: &mut File| file.seek(SeekFrom::Start(start.data_set as u64));
    data_set(&mut file)?;
    let identification = match identify(&file, &start)? {
        Ok(identification) => identification,
        Err(left) => return Ok(Done::Left(left)),
    };
    // The issuer does not count: without a configured alias it names no other authority (DEC-Q).
    let participant = mapping.for_participant_of_key(&identification.patient_id);
    let code = participant.code(&CodePrefix::default(), 0);
    let source = Source { mapping, participant, code, given: RefCell::default() };
    let object = Object {
        sop_class: &identification.sop_class_uid,
        sop_instance: &identification.sop_instance_uid,
        transfer_syntax: start.transfer_syntax,
        length: Some(length),
    };
    let mut identity = Identity::default();
    data_set(&mut file)?;
    let survey = Survey::read(profile, &file, start.transfer_syntax, Limits::INSTANCE, &mut identity)?;
    let cleaner = profile.cleaner(&identity)?;
    if profile.faces() == FacePolicy::Hold && survey.may_show_face() {
        return Ok(Done::Left(Left::new(
            "recognizable-visual-features",
            "a head, or no statement of the body part",
        )));
    }
    data_set(&mut file)?;
    let inspection = inspect(profile, &object, &survey, &cleaner, recogniser, Limits::INSTANCE, &file)?;
    let plan = match inspection {
        Inspection::Clean(plan) => Some(plan),
        Inspection::Held(why) => return Ok(Done::Left(Left::new("pixels", why))),
        Inspection::Untouched | Inspection::NotInspected => None,
    };
    let pixels = plan.as_deref();
    let new_instance = profile.instance_uid(&source, object.sop_instance);
    let mut temporary = tempfile::NamedTempFile::new_in(output)?;
    let meta = FileMeta {
        media_storage_sop_class_uid: object.sop_class.to_owned(),
        media_storage_sop_instance_uid: new_instance.clone(),
        transfer_syntax_uid: object.output_syntax(pixels).uid.to_owned(),
    };
    meta.write(&mut temporary)?;
    let begins = temporary.stream_position()?;
    data_set(&mut file)?;
    let known = Known { survey: &survey, cleaner: &cleaner, pixels };
    let mut report =
        match deidentify(profile, &object, &source, known, Limits::INSTANCE, &file, &mut temporary) {
            Ok(report) => report,
            Err(error @ DeidentificationError::Output(_)) => return Err(error.into()),
            Err(error) => return Ok(Done::Left(Left::new("not-deidentified", error))),
        };
    temporary.seek(SeekFrom::Start(begins))?;
    let promise = Promise {
        options: profile.options(),
        shift_days: profile.shifts_dates().then(|| source.shift_days()).flatten(),
        given: source.given.borrow().values().cloned().collect(),
    };
    let ours: Vec<&str> = profile.texts_of_rules().chain([source.code()]).collect();
    let verifier = Verifier::new(&identity, &ours)?.promising(promise);
    let leaving = Leaving { original: survey.original(), pixels_cleaned: pixels.is_some() };
    let syntax = object.output_syntax(pixels);
    let mut verdict = verifier.check(temporary.as_file(), syntax, Limits::INSTANCE, leaving)?;
    if let Some(recogniser) = recogniser.filter(|_| report.is_recognised()) {
        temporary.seek(SeekFrom::Start(begins))?;
        let found = verifier.verify_pixels(temporary.as_file(), syntax, Limits::INSTANCE, recogniser);
        match found {
            Ok(found) => verdict.findings.extend(found),
            Err(error) => return Ok(Done::Left(Left::new("pixels", error))),
        }
    }
    if let Some(places) = places(&verdict.findings) {
        return Ok(Done::Left(Left::new("identifier-found", format!("the after-check found: {places}"))));
    }
    report.damage = verdict.damage;
    temporary.persist(output.join(format!("{new_instance}.dcm")))?;
    let patient = (identification.patient_id, source.code.as_str().to_owned());
    Ok(Done::Written(Box::new(Written { report, patient, uids: source.given.into_inner() })))
}

/// Reads the object once: whole, and with the UIDs that an object needs.
fn identify(file: &File, start: &FileStart) -> anyhow::Result<Result<Identification, Left>> {
    let mut scan = Scan::new(start.transfer_syntax, [].into());
    let mut reader = BufReader::with_capacity(PIECE, file);
    loop {
        let piece = std::io::BufRead::fill_buf(&mut reader)?;
        if piece.is_empty() {
            break;
        }
        let length = piece.len();
        if let Err(error) = scan.push(piece) {
            return Ok(Err(Left::new("cannot-understand", error)));
        }
        std::io::BufRead::consume(&mut reader, length);
    }
    Ok(scan.finish().map_err(|error| Left::new("cannot-understand", error)))
}

/// Whether the report says that pixel data were not looked into.
pub(super) fn pixels_not_inspected(report: &Report) -> bool {
    report
        .not_inspected
        .iter()
        .any(|what| matches!(what, NotInspected::PixelData | NotInspected::CompressedFrames))
}
