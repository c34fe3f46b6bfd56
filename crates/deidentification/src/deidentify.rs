//! One object through the profile: a data set in, a data set and a report out.

use std::io::{self, Read, Seek, SeekFrom, Write};

use dicom_core::Tag;
use dicom_stream::{Limits, SourceError, Token, TokenSource, TransferSyntax};
use pixel::{FrameIndex, UnusedBits};
use thiserror::Error;

use crate::document_inspection::DocumentKept;
use crate::iod::Iod;
use crate::option::{BASIC_PROFILE_CODE, DeidentificationOption, OptionSet};
use crate::pixels::PixelPlan;
use crate::profile::{CompiledProfile, RecentRules};
use crate::report::{PixelReport, Report, Tally};
use crate::survey::Survey;
use crate::text_clean::TextCleaner;
use crate::trial::own_elements;
use crate::walk::{ActiveRules, Characteristics, Context, PIXEL_DATA, Walk};

/// Where new UIDs and the code come from: the vault in pseudonymise mode, a secret of the job in anonymise mode (DEC-D).
pub trait PseudonymSource {
    /// The new UID for an original one: always the same for the same original within the source's scope, at most 64 characters.
    fn uid(&self, original: &str) -> String;

    /// The participant's code: Patient's Name, Patient ID and Clinical Trial Subject ID of the output.
    fn code(&self) -> &str;

    /// Whole days by which the participant's dates move (Retain Longitudinal Modified Dates); `None` where there is no shift: dates go.
    fn shift_days(&self) -> Option<i32>;

    /// 32 hex digits that follow from the value and the participant's key: equal values, equal tokens.
    fn token(&self, value: &str) -> String;

    /// Hears of each UID that stays (Retain UIDs).
    fn retained_uid(&self, _uid: &str) {}

    /// Hears of each date that was moved, as it leaves: DA or DT.
    fn shifted(&self, _date: &[u8]) {}
}

/// What the caller knows about the object before its data set is walked: the values of the data set itself, as the index or the
/// association has them. The data set has to agree.
#[derive(Debug, Clone, Copy)]
pub struct Object<'a> {
    /// SOP class, which decides the Types of the attributes.
    pub sop_class: &'a str,
    /// SOP Instance UID.
    pub sop_instance: &'a str,
    /// Transfer syntax of the input.
    pub transfer_syntax: &'a TransferSyntax,
    /// Bytes of the input, when known.
    pub length: Option<u64>,
}

impl<'a> Object<'a> {
    /// Transfer syntax of the output: the input's, inflated when that is deflated, native when a mask touches compressed frames.
    pub fn output_syntax(&self, pixels: Option<&PixelPlan>) -> &'a TransferSyntax {
        if self.transfer_syntax.deflated || pixels.is_some_and(PixelPlan::decodes) {
            &TransferSyntax::EXPLICIT_LITTLE
        } else {
            self.transfer_syntax
        }
    }
}

/// Why an object was not de-identified. Nothing of what was written may be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DeidentificationError {
    /// A SOP class of a vendor that the profile does not name: refuse, or allow it in the profile (DI-22).
    #[error("private SOP class that the profile does not allow")]
    PrivateSopClass,
    /// A DICOMDIR: it is made anew from the output, never edited (DI-16).
    #[error("a DICOMDIR cannot be de-identified: make a new one")]
    Dicomdir,
    /// SOP class or instance of the data set is missing, or not the one that was announced: quarantine.
    #[error("SOP class or SOP instance of the data set is missing or differs from the one announced")]
    NotTheObject,
    /// One element stands twice in the main data set (PS3.5 §7.1), or there are more than any real data set has: quarantine.
    #[error("the main data set has an element twice, or too many elements")]
    Repeated,
    /// Pixel data that cannot be written as the profile asks: quarantine.
    #[error("pixel data: {0}")]
    Pixels(&'static str),
    /// Letters in a number that describes the pixels: quarantine.
    #[error("{0} describes the image and holds no number")]
    NoNumber(Tag),
    /// The source has no code: create the participant's row first.
    #[error("no code for the participant")]
    NoCode,
    /// The input cannot be read: retry on I/O errors, quarantine otherwise.
    #[error(transparent)]
    Input(#[from] SourceError),
    /// The output cannot be written: retry.
    #[error("output cannot be written: {0}")]
    Output(#[source] io::Error),
}

/// DICOMDIR (PS3.4 Annex I, PS3.10).
const MEDIA_STORAGE_DIRECTORY: &str = "1.2.840.10008.1.3.10";
/// Root of the UIDs that DICOM itself assigns (PS3.6 Annex A).
pub(crate) const STANDARD_ROOT: &str = "1.2.840.10008.";

/// What has to be known before the walk: the object's survey, and a cleaner for the identity of its patient and study.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    /// Of this object.
    pub survey: &'a Survey,
    /// Of its patient and study.
    pub cleaner: &'a TextCleaner<'a>,
    /// What is done with its pixels; without it they pass.
    pub pixels: Option<&'a PixelPlan>,
}

/// De-identifies one data set from `input` to `out`. The caller writes preamble and file meta, with [`Object::output_syntax`] and the
/// new SOP Instance UID, which is [`CompiledProfile::instance_uid`].
///
/// Streams: neither the object nor its pixel data are held; memory is bounded by `limits`. The data set, which begins at the current place
/// of `input`, is read twice where the profile has options, the first time without bulk values: what was done to it is written before most of
/// what it was done to.
///
/// # Errors
/// Any [`DeidentificationError`]; `out` then holds a part that must be discarded.
pub fn deidentify<R: Read + Seek, W: Write>(
    profile: &CompiledProfile,
    object: &Object<'_>,
    source: &dyn PseudonymSource,
    known: Known<'_>,
    limits: Limits,
    mut input: R,
    out: W,
) -> Result<Report, DeidentificationError> {
    admit(profile, object, source)?;
    let mut context = context(profile, object, source, known, limits);
    if profile.options().iter().any(is_told_by_headers) {
        let begins = input.stream_position().map_err(SourceError::Io)?;
        let done = rehearse(&mut context, &mut input)?;
        input.seek(SeekFrom::Start(begins)).map_err(SourceError::Io)?;
        context.begin_again(done, FrameIndex::new(known.survey.frames()));
    }
    let applied = context.applied.and(done_to_pixels(known));
    context.applied = applied;
    let mut walk = Walk::main(out, object.output_syntax(known.pixels).encoding, &mut context);
    let mut tokens = TokenSource::new(input, object.transfer_syntax, limits, object.length);
    while let Some(token) = tokens.next_token()? {
        walk.token(&token)?;
    }
    walk.finish()?;
    if context.found != (true, true) {
        return Err(DeidentificationError::NotTheObject);
    }
    Ok(report(profile, applied, known, context.tally))
}

/// Whether what an option does shows in the elements; what is done to pixels and faces is known before.
fn is_told_by_headers(option: DeidentificationOption) -> bool {
    use DeidentificationOption::{CleanPixelData, CleanRecognizableVisualFeatures};
    !matches!(option, CleanPixelData | CleanRecognizableVisualFeatures)
}

/// The options that leave something of this object: the walk without its samples and without an output.
fn rehearse<R: Read + Seek>(context: &mut Context<'_>, input: R) -> Result<OptionSet, DeidentificationError> {
    context.rehearses = true;
    let (syntax, limits) = (context.object.transfer_syntax, context.limits);
    let mut walk = Walk::main(io::sink(), syntax.encoding, context);
    let mut tokens = TokenSource::skimming(input, syntax, limits)?;
    let mut in_pixels = false;
    while let Some(token) = tokens.next_token()? {
        let is_bulk = matches!(token, Token::BulkStart { .. } | Token::FragmentStart { .. });
        in_pixels |= matches!(&token, Token::BulkStart { header } | Token::FragmentsStart { header }
            if header.tag == PIXEL_DATA);
        if !in_pixels {
            walk.token(&token)?;
        }
        in_pixels &= !matches!(token, Token::BulkEnd | Token::FragmentsEnd { .. });
        if is_bulk {
            tokens.skip_bulk()?;
        }
    }
    walk.finish()?;
    Ok(context.done)
}

fn context<'a>(
    profile: &'a CompiledProfile,
    object: &'a Object<'a>,
    source: &'a dyn PseudonymSource,
    known: Known<'a>,
    limits: Limits,
) -> Context<'a> {
    let survey = known.survey;
    let (manufacturer, model) = survey.equipment();
    Context {
        profile,
        rules: RecentRules::new(&profile.rules),
        project_rules: ActiveRules::new(profile, object.sop_class, survey),
        iod: Iod::of(object.sop_class),
        object,
        source,
        cleaner: known.cleaner,
        rehearses: false,
        applied: OptionSet::NONE,
        done: OptionSet::NONE,
        pixels: known.pixels,
        pixel_bytes: survey
            .pixels(object.transfer_syntax)
            .ok()
            .filter(|_| !object.transfer_syntax.encapsulated)
            .map(|pixels| pixels.native_bytes().next_multiple_of(2)),
        frame_pixels: survey.pixels(object.transfer_syntax).ok().map(|pixels| {
            let bytes = u32::from(pixels.samples_per_pixel()) * u32::from(pixels.bits_allocated() / 8);
            (u64::from(pixels.rows()) * u64::from(pixels.columns()), bytes)
        }),
        frame_index: FrameIndex::new(survey.frames()),
        unused_bits: survey.pixels(object.transfer_syntax).ok().as_ref().and_then(UnusedBits::new),
        without_reference: &survey.without_reference,
        trusts_equipment: profile.private.trusts(manufacturer, model),
        characteristics: Characteristics::default(),
        limits,
        original_uids: &survey.original_uids,
        own: own_elements(profile, source.code(), object.sop_class, known),
        tally: Tally::new(),
        document: survey.document.as_ref(),
        document_length: None,
        found: (false, false),
    }
}

/// Clean Pixel Data is done where the pixels were masked, or inspected by a recogniser (E.3.1); Clean Recognizable Visual Features where
/// a program made them anew without the face (E.3.2).
fn done_to_pixels(known: Known<'_>) -> OptionSet {
    let done = [
        (known.pixels.is_some(), DeidentificationOption::CleanPixelData),
        (known.survey.defaced.is_some(), DeidentificationOption::CleanRecognizableVisualFeatures),
    ];
    let done = done.into_iter().filter(|(is_done, _)| *is_done);
    done.fold(OptionSet::NONE, |all, (_, option)| all.and(OptionSet::of(option)))
}

/// What is refused before a byte is read.
fn admit(
    profile: &CompiledProfile,
    object: &Object<'_>,
    source: &dyn PseudonymSource,
) -> Result<(), DeidentificationError> {
    let allowed = &profile.profile.private_sop_classes;
    match object.sop_class {
        "" => Err(DeidentificationError::NotTheObject),
        MEDIA_STORAGE_DIRECTORY => Err(DeidentificationError::Dicomdir),
        class if !class.starts_with(STANDARD_ROOT) && !allowed.contains(class) => {
            Err(DeidentificationError::PrivateSopClass)
        }
        _ if source.code().trim().is_empty() => Err(DeidentificationError::NoCode),
        _ => Ok(()),
    }
}

fn report(profile: &CompiledProfile, applied: OptionSet, known: Known<'_>, tally: Tally) -> Report {
    let kept = tally.kept;
    let (changes, changes_not_listed, not_inspected) = tally.finish();
    Report {
        edition: crate::table::EDITION,
        defaults: crate::table::vr_default::EDITION,
        profile: profile.profile.name.clone(),
        version: profile.profile.version.clone(),
        hash: profile.hash.clone(),
        method_codes: [BASIC_PROFILE_CODE]
            .into_iter()
            .chain(applied.iter().map(DeidentificationOption::code))
            .collect(),
        kept,
        changes,
        changes_not_listed,
        not_inspected,
        pixels: known.pixels.map(PixelReport::of),
        defaced: known.survey.defaced.clone(),
        document: known.survey.document.as_ref().map(DocumentKept::report),
        damage: Vec::new(),
    }
}

/// Tells errors of the output from those of the input.
pub(crate) fn output<T>(result: io::Result<T>) -> Result<T, DeidentificationError> {
    result.map_err(DeidentificationError::Output)
}

/// The new value of a UI element; `None` when it stays as it is: empty, or standard UIDs only (AC2.5).
pub(crate) fn new_uids(value: &[u8], source: &dyn PseudonymSource) -> Option<String> {
    let text = String::from_utf8_lossy(value);
    let is_uid = |uid: &str| uid.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.'));
    let stays = |uid: &str| uid.is_empty() || (uid.starts_with(STANDARD_ROOT) && is_uid(uid));
    if text.split('\\').all(|uid| stays(trim(uid))) {
        return None;
    }
    let mut new = String::with_capacity(value.len().max(64));
    for (n, uid) in text.split('\\').map(trim).enumerate() {
        if n > 0 {
            new.push('\\');
        }
        if stays(uid) {
            new.push_str(uid);
        } else {
            new.push_str(&source.uid(uid));
        }
    }
    Some(new)
}

fn trim(uid: &str) -> &str {
    uid.trim_matches(['\0', ' '])
}
