//! Small data sets, a source of pseudonyms, and the output as a list of elements.

use std::collections::BTreeMap;
use std::io::Cursor;

use deidentification::verify::Identity;
use deidentification::{
    ClinicalTrial, CompiledProfile, DeidentificationError, DeidentificationOption, Known, Object, Profile,
    PseudonymSource, Report, Survey, TextCleaner, Vocabulary, deidentify,
};
use dicom_stream::{
    Encoding, Irregularity, IrregularityKind, Lengths, Limits, Tag, Token, TokenSource, TransferSyntax, VR,
    Writer,
};

pub(crate) const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
pub(crate) const INSTANCE: &str = "1.2.3.4.5.6.7";
pub(crate) const CODE: &str = "P-7K3M";
/// Days by which the dates of the participant move.
pub(crate) const SHIFT: i32 = -100;

pub(crate) const NATIVE: [TransferSyntax; 3] =
    [TransferSyntax::IMPLICIT_LITTLE, TransferSyntax::EXPLICIT_LITTLE, TransferSyntax::EXPLICIT_BIG];

/// New UIDs that can be told from any original: `2.25.` and a checksum.
pub(crate) struct Source;

impl PseudonymSource for Source {
    fn uid(&self, original: &str) -> String {
        format!("2.25.{}", checksum(original))
    }

    fn code(&self) -> &str {
        CODE
    }

    fn shift_days(&self) -> Option<i32> {
        Some(SHIFT)
    }

    fn token(&self, value: &str) -> String {
        format!("{0:016x}{0:016x}", checksum(value))
    }
}

/// FNV-1a.
fn checksum(text: &str) -> u64 {
    text.bytes()
        .fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3))
}

/// An element of a test data set.
#[derive(Debug, Clone)]
pub(crate) enum Element {
    Value(u32, VR, Vec<u8>),
    Sequence(u32, Vec<Vec<Self>>),
}

pub(crate) fn tag(number: u32) -> Tag {
    Tag((number >> 16) as u16, (number & 0xFFFF) as u16)
}

pub(crate) fn text(number: u32, vr: VR, value: &str) -> Element {
    Element::Value(number, vr, value.as_bytes().to_vec())
}

pub(crate) fn sequence(number: u32, items: Vec<Vec<Element>>) -> Element {
    Element::Sequence(number, items)
}

impl Element {
    fn number(&self) -> u32 {
        match self {
            Self::Value(number, ..) | Self::Sequence(number, _) => *number,
        }
    }
}

/// The bytes of a data set with SOP class, SOP instance and these elements, sorted.
pub(crate) fn data_set(encoding: Encoding, sop_class: &str, elements: Vec<Element>) -> Vec<u8> {
    let mut all = vec![text(0x0008_0016, VR::UI, sop_class), text(0x0008_0018, VR::UI, INSTANCE)];
    all.extend(elements);
    all.sort_by_key(Element::number);
    bytes(encoding, &all)
}

pub(crate) fn bytes(encoding: Encoding, elements: &[Element]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), encoding, Lengths::Undefined);
    write(&mut writer, elements);
    writer.finish().unwrap()
}

fn write(writer: &mut Writer<Vec<u8>>, elements: &[Element]) {
    for element in elements {
        match element {
            Element::Value(number, vr, value) => writer.value(tag(*number), *vr, value).unwrap(),
            Element::Sequence(number, items) => {
                writer.start_sequence(tag(*number)).unwrap();
                for item in items {
                    writer.start_item().unwrap();
                    write(writer, item);
                    writer.end_item().unwrap();
                }
                writer.end_sequence().unwrap();
            }
        }
    }
}

/// What came out: bytes, elements by path, report.
pub(crate) struct Output {
    pub(crate) bytes: Vec<u8>,
    pub(crate) elements: BTreeMap<String, (VR, Vec<u8>)>,
    pub(crate) report: Report,
}

impl Output {
    /// The value at a path such as `(0008,1115)[1](0008,0080)`, without padding; `None` when it is not there.
    pub(crate) fn text(&self, path: &str) -> Option<String> {
        let (_, value) = self.elements.get(path)?;
        Some(String::from_utf8_lossy(value).trim_end_matches([' ', '\0']).to_owned())
    }

    pub(crate) fn has(&self, path: &str) -> bool {
        self.elements.contains_key(path)
    }

    pub(crate) fn holds(&self, needle: &[u8]) -> bool {
        self.bytes.windows(needle.len()).any(|window| window == needle)
    }
}

pub(crate) fn try_run(
    syntax: &TransferSyntax,
    sop_class: &str,
    trial: Option<ClinicalTrial>,
    limits: Limits,
    input: &[u8],
) -> Result<Output, DeidentificationError> {
    try_run_profile(&Profile::basic().compile(trial).unwrap(), syntax, sop_class, limits, input)
}

/// A survey and a cleaner that know nothing.
pub(crate) fn nothing_known() -> (Survey, TextCleaner<'static>) {
    let vocabulary = Box::leak(Box::new(Vocabulary::builtin()));
    let cleaner = TextCleaner::new(&Identity::default(), vocabulary).unwrap();
    (Survey::default(), cleaner)
}

/// Surveys and de-identifies.
pub(crate) fn try_run_profile(
    profile: &CompiledProfile,
    syntax: &TransferSyntax,
    sop_class: &str,
    limits: Limits,
    input: &[u8],
) -> Result<Output, DeidentificationError> {
    let object = Object { sop_class, sop_instance: INSTANCE, transfer_syntax: syntax, length: None };
    let mut identity = Identity::default();
    let survey = Survey::read(profile, Cursor::new(input), syntax, limits, &mut identity)?;
    let cleaner = profile.cleaner(&identity).unwrap();
    let known = Known { survey: &survey, cleaner: &cleaner, pixels: None };
    let mut out = Vec::new();
    let report = deidentify(profile, &object, &Source, known, limits, Cursor::new(input), &mut out)?;
    let elements = elements(object.output_syntax(None), &out);
    Ok(Output { bytes: out, elements, report })
}

/// The basic profile with these options.
pub(crate) fn with_options(options: &[DeidentificationOption]) -> Profile {
    Profile { options: options.iter().copied().collect(), ..Profile::basic() }
}

/// Runs a profile over an object of this class in explicit VR little endian.
pub(crate) fn run_profile(profile: &Profile, sop_class: &str, elements: Vec<Element>) -> Output {
    let syntax = TransferSyntax::EXPLICIT_LITTLE;
    let profile = profile.compile(None).unwrap();
    let input = data_set(syntax.encoding, sop_class, elements);
    try_run_profile(&profile, &syntax, sop_class, Limits::INSTANCE, &input).unwrap()
}

/// Runs the basic profile over a data set of explicit VR little endian.
pub(crate) fn run(elements: Vec<Element>) -> Output {
    let syntax = TransferSyntax::EXPLICIT_LITTLE;
    try_run(&syntax, CT, None, Limits::INSTANCE, &data_set(syntax.encoding, CT, elements)).unwrap()
}

pub(crate) fn elements(syntax: &TransferSyntax, bytes: &[u8]) -> BTreeMap<String, (VR, Vec<u8>)> {
    let mut tokens = TokenSource::new(bytes, syntax, Limits::INSTANCE, None);
    let mut found = BTreeMap::new();
    let mut bulk = None;
    loop {
        let entry = match tokens.next_token().unwrap() {
            None => {
                // Whatever was received: values of even length (PS3.5 7.1.1), in one encoding.
                let odd = |of: &&Irregularity| {
                    matches!(of.kind, IrregularityKind::OddLength | IrregularityKind::ImplicitHeader)
                };
                assert_eq!(tokens.irregularities().first().iter().find(odd), None);
                return found;
            }
            Some(Token::Value { header, value }) => (header.vr, value.to_vec()),
            Some(Token::BulkStart { header }) => {
                bulk = Some((header.vr, Vec::new()));
                continue;
            }
            Some(Token::Bulk(piece)) => {
                bulk.get_or_insert((VR::OB, Vec::new())).1.extend_from_slice(piece);
                continue;
            }
            Some(Token::BulkEnd) => bulk.take().unwrap(),
            Some(Token::SequenceStart { header }) => (header.vr, Vec::new()),
            Some(_) => continue,
        };
        found.insert(tokens.path().to_string(), entry);
    }
}
