//! What has to be known of an object before its first byte is written: whose it is, what made it, and what it is like. Names stand after
//! most of the text that repeats them.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;
use std::io::{Read, Seek};

use dicom_core::{Tag, VR};
use dicom_stream::charset::CharacterSets;
use dicom_stream::{
    Encoding, Header, Limits, SourceError, Token, TokenSource, TransferSyntax, dictionary_vr,
};

use pixel::grey::{Palette, Window};
use pixel::{Attributes, Description, DescriptionError, FrameLimit};

use crate::clinical_document::{CDA_STORAGE, CLINICAL_DOCUMENT_MAX, add_people};
use crate::content::reference_goes;
use crate::creators::is_creator;
use crate::document_inspection::{DocumentKept, ENCAPSULATED_DOCUMENT};
use crate::face::Region;
use crate::label::Collected;
use crate::level::{Kind, Level, Position, look_at_item};
use crate::profile::{CompiledProfile, DocumentPolicy, RecentRules, Treatment};
use crate::table::{AttributeType, Step};
use crate::text::ascii_trimmed;
use crate::verify::{Identity, Original};

/// What one object says of itself. Its facts are about equipment and pixels, none of them about the patient.
#[derive(Debug, Clone, Default)]
pub struct Survey {
    facts: BTreeMap<Tag, Vec<u8>>,
    big_endian: bool,
    /// Regions of the main data set's (0018,6011): min x, min y, max x, max y, borders included.
    pub(crate) regions: Vec<[u32; 4]>,
    /// Whether the main data set has Pixel Data (7FE0,0010).
    pub(crate) has_pixel_data: bool,
    /// Whether it has Float or Double Float Pixel Data.
    pub(crate) has_float_pixel_data: bool,
    /// Content items whose reference goes.
    pub(crate) without_reference: HashSet<Position>,
    /// What the after-check compares with what leaves.
    original: Original,
    labels: BTreeSet<String>,
    pub(crate) original_uids: OriginalUids,
    /// Which part of the body it names.
    pub(crate) region: Region,
    /// What takes the place of its document.
    pub(crate) document: Option<DocumentKept>,
    /// Which program took the face out of the pixels.
    pub(crate) defaced: Option<String>,
}

/// UIDs of study and series as received; empty where the object has none. They identify: no message shows them.
#[derive(Clone, Default)]
pub(crate) struct OriginalUids {
    pub(crate) study: String,
    pub(crate) series: String,
}

impl fmt::Debug for OriginalUids {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OriginalUids(..)")
    }
}

/// Elements of the main data set that are kept as facts.
const FACTS: [Tag; 28] = [
    Tag(0x0008, 0x0008), // Image Type
    Tag(0x0008, 0x0016), // SOP Class UID
    Tag(0x0008, 0x0060), // Modality
    Tag(0x0008, 0x0064), // Conversion Type
    Tag(0x0008, 0x0070), // Manufacturer
    Tag(0x0008, 0x1010), // Station Name
    Tag(0x0008, 0x1090), // Manufacturer's Model Name
    Tag(0x0018, 0x1020), // Software Versions
    Tag(0x0020, 0x0037), // Image Orientation (Patient)
    Tag(0x0028, 0x0002), // Samples per Pixel
    Tag(0x0028, 0x0004), // Photometric Interpretation
    Tag(0x0028, 0x0006), // Planar Configuration
    Tag(0x0028, 0x0008), // Number of Frames
    Tag(0x0028, 0x0010), // Rows
    Tag(0x0028, 0x0011), // Columns
    Tag(0x0028, 0x0030), // Pixel Spacing
    Tag(0x0028, 0x0100), // Bits Allocated
    Tag(0x0028, 0x0101), // Bits Stored
    Tag(0x0028, 0x0102), // High Bit
    Tag(0x0028, 0x0103), // Pixel Representation
    Tag(0x0028, 0x0120), // Pixel Padding Value
    Tag(0x0028, 0x0301), // Burned In Annotation
    Tag(0x0028, 0x0302), // Recognizable Visual Features
    Tag(0x0028, 0x1050), // Window Center
    Tag(0x0028, 0x1051), // Window Width
    Tag(0x0028, 0x1052), // Rescale Intercept
    Tag(0x0028, 0x1053), // Rescale Slope
    Tag(0x0028, 0x1101), // Red Palette Color Lookup Table Descriptor
];
const ULTRASOUND_REGIONS: Tag = Tag(0x0018, 0x6011);
/// Region Location Min X0, Min Y0, Max X1, Max Y1.
const REGION_LOCATION: [Tag; 4] =
    [Tag(0x0018, 0x6018), Tag(0x0018, 0x601A), Tag(0x0018, 0x601C), Tag(0x0018, 0x601E)];
/// Red, Green and Blue Palette Color Lookup Table Data.
const PALETTE: [Tag; 3] = [Tag(0x0028, 0x1201), Tag(0x0028, 0x1202), Tag(0x0028, 0x1203)];
/// 65,536 entries of 16 bits.
const PALETTE_MAX: usize = 128 << 10;
const PIXEL_DATA: Tag = Tag(0x7FE0, 0x0010);
/// Float Pixel Data, Double Float Pixel Data.
const FLOAT_PIXEL_DATA: [Tag; 2] = [Tag(0x7FE0, 0x0008), Tag(0x7FE0, 0x0009)];
const STUDY_INSTANCE_UID: Tag = Tag(0x0020, 0x000D);
const SERIES_INSTANCE_UID: Tag = Tag(0x0020, 0x000E);
const NUMBER_OF_FRAMES: Tag = Tag(0x0028, 0x0008);
/// Longest value that is kept as a fact.
const FACT_MAX: usize = 1024;
/// Most references of one object that are taken away; those beyond are replaced.
const REFERENCES_MAX: usize = 100_000;
/// Most regions of one object.
const REGIONS_MAX: usize = 256;

impl Survey {
    /// Reads one original: its identifiers go to `identity`, which several objects of one patient and study may share.
    ///
    /// # Errors
    /// Any [`SourceError`]: the object must not leave then.
    pub fn read<R: Read + Seek>(
        profile: &CompiledProfile,
        input: R,
        syntax: &TransferSyntax,
        limits: Limits,
        identity: &mut Identity,
    ) -> Result<Self, SourceError> {
        let mut tokens = TokenSource::skimming(input, syntax, limits)?;
        let mut reading = Reading {
            survey: Self::default(),
            rules: RecentRules::new(&profile.rules),
            labels: Collected::new(&profile.labels),
            profile,
            identity,
            set: CharacterSets::default(),
            limits,
            levels: vec![Level::default()],
            location: [None; 4],
            left_out: 0,
        };
        let mut document = Vec::new();
        while let Some(token) = tokens.next_token()? {
            let is_bulk = matches!(token, Token::BulkStart { .. } | Token::FragmentStart { .. });
            let is_document = match &token {
                Token::Value { header, .. } | Token::BulkStart { header } => reading.names_people(header),
                _ => false,
            };
            match &token {
                Token::Value { value, .. } if is_document => document.extend_from_slice(value),
                Token::Bulk(piece) => document.extend_from_slice(piece),
                _ => {}
            }
            reading.token(&token)?;
            reading.survey.original.token(&token);
            if is_bulk && !is_document {
                tokens.skip_bulk()?;
            }
        }
        reading.survey.labels = reading.labels.labels();
        add_people(&document, reading.identity);
        Ok(reading.survey)
    }

    /// What the after-check compares with what leaves.
    #[must_use]
    pub fn original(&self) -> &Original {
        &self.original
    }

    /// The same object once its pixel data are those that this program made of them: it states that no face is left (PS3.15 E.3.2).
    #[must_use]
    pub fn defaced_by(mut self, program: &str) -> Self {
        self.defaced = Some(program.to_owned());
        self
    }

    /// The same object once its document was inspected: this one takes the place of the body.
    #[must_use]
    pub fn with_document(mut self, document: DocumentKept) -> Self {
        self.document = Some(document);
        self
    }

    /// Labels of the profile that it has, `ALL` among them; none when they cannot be told.
    #[must_use]
    pub fn labels(&self) -> &BTreeSet<String> {
        &self.labels
    }

    /// A fact as text, without padding; empty when it is absent or no ASCII.
    pub(crate) fn text(&self, tag: Tag) -> &str {
        self.facts.get(&tag).and_then(|value| ascii_trimmed(value)).unwrap_or_default()
    }

    /// (0018,1020) Software Versions.
    pub(crate) fn software(&self) -> &str {
        self.text(Tag(0x0018, 0x1020))
    }

    /// (0008,1010) Station Name.
    pub(crate) fn station(&self) -> &str {
        self.text(Tag(0x0008, 0x1010))
    }

    /// (0008,0008) Image Type, its values apart by backslashes.
    pub(crate) fn image_type(&self) -> &str {
        self.text(Tag(0x0008, 0x0008))
    }

    /// (0008,0064) Conversion Type: of what was no image of the modality before (PS3.3 C.8.6.1).
    pub(crate) fn conversion_type(&self) -> &str {
        self.text(Tag(0x0008, 0x0064))
    }

    /// Whether the pixels are in colour.
    pub(crate) fn is_colour(&self) -> bool {
        self.shorts(Tag(0x0028, 0x0002)).first().is_some_and(|samples| *samples > 1)
    }

    /// (0028,0301) Burned In Annotation.
    pub(crate) fn burned_in_annotation(&self) -> &str {
        self.text(Tag(0x0028, 0x0301))
    }

    /// The Image Pixel module (PS3.3 C.7.6.3).
    ///
    /// # Errors
    /// What in it is missing or contradicts itself.
    pub(crate) fn pixels(&self, syntax: &TransferSyntax) -> Result<Description, DescriptionError> {
        let short = |element| self.shorts(Tag(0x0028, element)).first().copied();
        let attributes = Attributes {
            rows: short(0x0010),
            columns: short(0x0011),
            samples_per_pixel: short(0x0002),
            photometric_interpretation: Some(self.text(Tag(0x0028, 0x0004)).to_owned())
                .filter(|value| !value.is_empty()),
            planar_configuration: short(0x0006),
            bits_allocated: short(0x0100),
            bits_stored: short(0x0101),
            high_bit: short(0x0102),
            pixel_representation: short(0x0103),
            number_of_frames: self.number_of_frames(),
            pixel_padding_value: short(0x0120),
            big_endian_words: syntax.encoding == Encoding::ExplicitBig,
            encapsulated: syntax.encapsulated,
        };
        attributes.check(FrameLimit::STREAMED)
    }

    /// Bytes of the samples of an object in `syntax` once they are native; `None` where their description cannot be used.
    #[must_use]
    pub fn native_pixel_bytes(&self, syntax: &TransferSyntax) -> Option<u64> {
        self.pixels(syntax).ok().map(|pixels| pixels.native_bytes())
    }

    /// The palette of a PALETTE COLOR image, if it has one that can be used.
    pub(crate) fn palette(&self) -> Option<Palette> {
        let descriptor = <[u16; 3]>::try_from(self.shorts(Tag(0x0028, 0x1101))).ok()?;
        let signed = self.shorts(Tag(0x0028, 0x0103)).first() == Some(&1);
        let table = |element| self.facts.get(&Tag(0x0028, element)).map(Vec::as_slice);
        Palette::new(descriptor, signed, [table(0x1201)?, table(0x1202)?, table(0x1203)?]).ok()
    }

    /// The window through which the object shows its values (PS3.3 C.11.2), if its main data set has one.
    pub(crate) fn window(&self) -> Option<Window> {
        let text = |element| self.text(Tag(0x0028, element));
        Window::stored(text(0x1050), text(0x1051), text(0x1053), text(0x1052))
    }

    /// Frames that the object speaks of: one without (0028,0008).
    pub(crate) fn frames(&self) -> u32 {
        self.number_of_frames().unwrap_or(1)
    }

    /// (0028,0008); 0, which no description accepts, where it is no plain number: another reader might see more frames.
    fn number_of_frames(&self) -> Option<u32> {
        let value = self.facts.get(&NUMBER_OF_FRAMES)?;
        let text = ascii_trimmed(value).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        match (value.iter().all(|byte| matches!(byte, b' ' | 0)), text) {
            (true, _) => None,
            (false, text) => Some(text.and_then(|text| text.parse().ok()).unwrap_or(0)),
        }
    }

    pub(crate) fn shorts(&self, tag: Tag) -> Vec<u16> {
        let bytes = self.facts.get(&tag).map(Vec::as_slice).unwrap_or_default();
        let pairs = bytes.chunks_exact(2).filter_map(|pair| <[u8; 2]>::try_from(pair).ok());
        pairs
            .map(|pair| if self.big_endian { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) })
            .collect()
    }

    /// (0008,0070) Manufacturer and (0008,1090) Manufacturer's Model Name.
    pub(crate) fn equipment(&self) -> (&str, &str) {
        (self.text(Tag(0x0008, 0x0070)), self.text(Tag(0x0008, 0x1090)))
    }

    /// (0008,0016)
    pub(crate) fn sop_class(&self) -> &str {
        self.text(Tag(0x0008, 0x0016))
    }

    /// (0008,0060)
    #[must_use]
    pub fn modality(&self) -> &str {
        self.text(Tag(0x0008, 0x0060))
    }
}

struct Reading<'a> {
    survey: Survey,
    rules: RecentRules<'a>,
    labels: Collected<'a>,
    profile: &'a CompiledProfile,
    identity: &'a mut Identity,
    set: CharacterSets,
    limits: Limits,
    levels: Vec<Level>,
    /// Location of the ultrasound region whose item is open.
    location: [Option<u32>; 4],
    /// Open sequences inside one that is left out.
    left_out: usize,
}

impl Reading<'_> {
    fn token(&mut self, token: &Token<'_>) -> Result<(), SourceError> {
        self.set.token(token);
        match token {
            Token::Value { header, value } => {
                let vr = if header.vr == VR::UN { dictionary_vr(header.tag) } else { header.vr };
                let known = self.rules.get(header.tag).vr;
                self.identity.add_element(header, known, &self.set, value, self.limits)?;
                self.labels.value(&self.levels, header, vr, &self.set, value);
                self.fact(header.tag, header.encoding == Encoding::ExplicitBig, value);
                if self.levels.len() == 1 && Region::concerns(header.tag) {
                    self.survey.region.note(header.tag, &self.set.decode(vr, value));
                }
                if is_creator(header.tag)
                    && let Some(level) = self.levels.last_mut()
                {
                    level.creators.add(header.tag, value);
                }
                look_at_item(&mut self.levels, header.tag, value);
            }
            Token::BulkStart { header } | Token::FragmentsStart { header } => {
                self.survey.has_pixel_data |= self.is_pixel_data(header.tag);
                self.survey.has_float_pixel_data |= self.is_float_pixel_data(header.tag);
                self.labels.exists(&self.levels, header.tag);
            }
            Token::SequenceStart { header } => {
                self.labels.exists(&self.levels, header.tag);
                let kind = self.kind_of(header.tag);
                if kind.is_none() {
                    self.left_out += 1;
                }
                let level = Level::inside(self.levels.last(), header.tag, kind.unwrap_or_default());
                self.levels.push(level);
            }
            Token::ItemStart { .. } => {
                if let Some(level) = self.levels.last_mut() {
                    level.begin_item();
                }
                self.location = [None; 4];
            }
            Token::ItemEnd { .. } => {
                self.region();
                self.reference();
            }
            Token::SequenceEnd { .. } => {
                self.levels.pop();
                self.left_out = self.left_out.saturating_sub(1);
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether an element is a clinical document that is to be made anew: whom it names must not be found in what leaves. One that is too
    /// large is held.
    fn names_people(&self, header: &Header) -> bool {
        self.levels.len() == 1
            && header.tag == ENCAPSULATED_DOCUMENT
            && self.profile.profile.documents == DocumentPolicy::Inspect
            && self.survey.sop_class() == CDA_STORAGE
            && header.length as usize <= CLINICAL_DOCUMENT_MAX
    }

    /// What a sequence is to the rules; `None` when it is left out.
    fn kind_of(&mut self, tag: Tag) -> Option<Kind> {
        let level = self.levels.last().filter(|_| self.left_out == 0)?;
        if tag.group() % 2 == 1 {
            let (creator, low) = level.creators.of(tag)?;
            return self.profile.private.element(creator, tag.group(), low).map(|_| Kind::Plain);
        }
        let rule = level.rule(tag, self.rules.get(tag), self.profile.rules.settings);
        match rule.treatment {
            Treatment::Content => Some(Kind::Content),
            Treatment::CleanItems => Some(Kind::CleanItems),
            Treatment::Action(action) => {
                (action.step(AttributeType::Three, true) == Step::Keep).then(|| level.inherited(tag, &rule))
            }
            _ => None,
        }
    }

    fn is_pixel_data(&self, tag: Tag) -> bool {
        self.levels.len() == 1 && tag == PIXEL_DATA
    }

    fn is_float_pixel_data(&self, tag: Tag) -> bool {
        self.levels.len() == 1 && FLOAT_PIXEL_DATA.contains(&tag)
    }

    fn fact(&mut self, tag: Tag, big_endian: bool, value: &[u8]) {
        self.survey.big_endian = big_endian;
        self.survey.has_pixel_data |= self.is_pixel_data(tag);
        self.survey.has_float_pixel_data |= self.is_float_pixel_data(tag);
        if self.levels.len() == 1 {
            let uid = || ascii_trimmed(value).unwrap_or_default().to_owned();
            match tag {
                STUDY_INSTANCE_UID => self.survey.original_uids.study = uid(),
                SERIES_INSTANCE_UID => self.survey.original_uids.series = uid(),
                _ => {}
            }
        }
        let most = if PALETTE.contains(&tag) { PALETTE_MAX } else { FACT_MAX };
        if self.levels.len() == 1 && tag == NUMBER_OF_FRAMES && value.len() > most {
            self.survey.facts.insert(tag, b"?".to_vec());
        }
        if self.levels.len() == 1 && value.len() <= most && (FACTS.contains(&tag) || PALETTE.contains(&tag)) {
            self.survey.facts.insert(tag, value.to_vec());
        }
        if self.levels.len() == 2
            && self.levels.last().is_some_and(|level| level.tag == Some(ULTRASOUND_REGIONS))
            && let Some(at) = REGION_LOCATION.iter().position(|location| *location == tag)
            && let (Some(slot), Ok(bytes)) = (self.location.get_mut(at), <[u8; 4]>::try_from(value))
        {
            *slot = Some(if big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) });
        }
    }

    fn reference(&mut self) {
        let settings = self.profile.rules.settings;
        if let Some(level) = self.levels.last()
            && level.kind == Kind::Content
            && self.survey.without_reference.len() < REFERENCES_MAX
            && reference_goes(level, settings)
        {
            self.survey.without_reference.insert(level.position);
        }
    }

    fn region(&mut self) {
        if let [Some(a), Some(b), Some(c), Some(d)] = self.location
            && self.survey.regions.len() < REGIONS_MAX
        {
            self.survey.regions.push([a, b, c, d]);
        }
    }
}
