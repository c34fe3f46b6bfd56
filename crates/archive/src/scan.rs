//! The one look at an instance while it arrives: is it whole, whose is it, what is irregular (flow AC1.3 c–e).
//!
//! Bytes go through as they come, deflated or not; pixel data are passed over. Values are kept of a handful of attributes only.

use std::fmt;
use std::sync::Arc;

use dicom_stream::charset::CharacterSet;
use dicom_stream::text::check_uid;
use dicom_stream::{
    Header, InflateError, Inflater, Irregularities, Limits, ReadError, Reader, Tag, Token, TransferSyntax,
    VR, dictionary_vr,
};
use thiserror::Error;

/// Longest value of an identifying attribute that is kept, in bytes; a longer one counts as absent.
const VALUE_MAX: usize = 256;

const SPECIFIC_CHARACTER_SET: Tag = Tag(0x0008, 0x0005);
const SOP_CLASS_UID: Tag = Tag(0x0008, 0x0016);
const SOP_INSTANCE_UID: Tag = Tag(0x0008, 0x0018);
const MODALITY: Tag = Tag(0x0008, 0x0060);
const PATIENT_ID: Tag = Tag(0x0010, 0x0020);
const ISSUER_OF_PATIENT_ID: Tag = Tag(0x0010, 0x0021);
const STUDY_INSTANCE_UID: Tag = Tag(0x0020, 0x000D);
const SERIES_INSTANCE_UID: Tag = Tag(0x0020, 0x000E);

/// Why an instance cannot be taken: answer 0xC000 (flow AC1.3 d). Paths hold tags only.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ScanError {
    /// The data set cannot be read to its end.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The deflate stream is cut, broken or a bomb.
    #[error(transparent)]
    Inflate(#[from] InflateError),
    /// An identifying UID is missing, empty or no UID (PS3.5 9.1).
    #[error("({:04X},{:04X}) is missing or no UID", .0.group(), .0.element())]
    Uid(Tag),
}

/// Who and what an instance is. It identifies a person: no `Display`, and `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Identification {
    /// (0008,0016)
    pub sop_class_uid: String,
    /// (0008,0018)
    pub sop_instance_uid: String,
    /// (0020,000D)
    pub study_instance_uid: String,
    /// (0020,000E)
    pub series_instance_uid: String,
    /// (0010,0020) decoded, padding trimmed; empty when absent.
    pub patient_id: String,
    /// (0010,0021) decoded, padding trimmed; empty when absent.
    pub issuer_of_patient_id: String,
    /// (0008,0060); empty when absent.
    pub modality: String,
    /// Values of the further attributes that the scan was asked for, in the order of the data set, decoded and trimmed.
    pub further: Vec<(Tag, String)>,
    /// What was irregular.
    pub irregularities: Irregularities,
}

impl fmt::Debug for Identification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identification")
    }
}

/// Walks one instance as its bytes arrive.
#[derive(Debug)]
pub struct Scan {
    reader: Reader,
    inflater: Option<Inflater>,
    further: Arc<[Tag]>,
    values: Values,
}

/// Raw values of the main data set, in the order of the data set.
#[derive(Default)]
struct Values(Vec<(Tag, VR, Vec<u8>)>);

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} values", self.0.len())
    }
}

impl Scan {
    /// A scan of one data set in `syntax` that also keeps the values of `further` (top level, at most 64 of them).
    pub fn new(syntax: &TransferSyntax, further: Arc<[Tag]>) -> Self {
        Self {
            reader: Reader::new(syntax.encoding, Limits::INSTANCE),
            inflater: syntax.deflated.then(|| Inflater::new(Limits::INSTANCE.total)),
            further,
            values: Values::default(),
        }
    }

    /// Takes the next bytes of the data set.
    ///
    /// # Errors
    /// [`ScanError`] as soon as the instance cannot be taken any more; the rest need not be shown to the scan.
    pub fn push(&mut self, mut bytes: &[u8]) -> Result<(), ScanError> {
        let Some(inflater) = &mut self.inflater else {
            return walk(&mut self.reader, &self.further, &mut self.values, &mut bytes);
        };
        loop {
            let mut piece = inflater.next(&mut bytes)?;
            if piece.is_empty() && bytes.is_empty() {
                return Ok(());
            }
            walk(&mut self.reader, &self.further, &mut self.values, &mut piece)?;
        }
    }

    /// The data set is complete.
    ///
    /// # Errors
    /// [`ScanError`] when it is cut or lacks an identifying UID.
    pub fn finish(mut self) -> Result<Identification, ScanError> {
        if let Some(inflater) = &self.inflater {
            inflater.finish()?;
        }
        walk(&mut self.reader, &self.further, &mut self.values, &mut [].as_slice())?;
        self.reader.finish()?;
        let values = &self.values;
        let (character_set, _) = CharacterSet::parse(values.raw(SPECIFIC_CHARACTER_SET));
        let text = |tag| values.text(tag, &character_set);
        let further =
            self.further.iter().filter(|tag| values.has(**tag)).map(|tag| (*tag, text(*tag))).collect();
        Ok(Identification {
            sop_class_uid: values.uid(SOP_CLASS_UID)?,
            sop_instance_uid: values.uid(SOP_INSTANCE_UID)?,
            study_instance_uid: values.uid(STUDY_INSTANCE_UID)?,
            series_instance_uid: values.uid(SERIES_INSTANCE_UID)?,
            patient_id: text(PATIENT_ID),
            issuer_of_patient_id: text(ISSUER_OF_PATIENT_ID),
            modality: text(MODALITY),
            further,
            irregularities: self.reader.irregularities().clone(),
        })
    }
}

fn walk(
    reader: &mut Reader,
    further: &[Tag],
    values: &mut Values,
    input: &mut &[u8],
) -> Result<(), ScanError> {
    loop {
        let depth = reader.depth();
        match reader.next_token(input)? {
            Some(Token::Value { header, value }) if depth == 0 => values.keep(&header, value, further),
            Some(_) => {}
            None => return Ok(()),
        }
    }
}

impl Values {
    fn keep(&mut self, header: &Header, value: &[u8], further: &[Tag]) {
        let tag = header.tag;
        let wanted = matches!(
            tag,
            SPECIFIC_CHARACTER_SET
                | SOP_CLASS_UID
                | SOP_INSTANCE_UID
                | MODALITY
                | PATIENT_ID
                | ISSUER_OF_PATIENT_ID
                | STUDY_INSTANCE_UID
                | SERIES_INSTANCE_UID
        ) || further.contains(&tag);
        // A repeated element does not overwrite the first: what was looked at is what counts.
        if wanted && value.len() <= VALUE_MAX && !self.has(tag) {
            let vr = if header.vr == VR::UN { dictionary_vr(tag) } else { header.vr };
            self.0.push((tag, vr, value.to_vec()));
        }
    }

    fn has(&self, tag: Tag) -> bool {
        self.0.iter().any(|(kept, ..)| *kept == tag)
    }

    fn raw(&self, tag: Tag) -> &[u8] {
        self.0.iter().find(|(kept, ..)| *kept == tag).map_or(&[], |(_, _, value)| value)
    }

    fn uid(&self, tag: Tag) -> Result<String, ScanError> {
        check_uid(self.raw(tag)).map(str::to_owned).map_err(|_| ScanError::Uid(tag))
    }

    fn text(&self, tag: Tag, character_set: &CharacterSet) -> String {
        let Some((_, vr, value)) = self.0.iter().find(|(kept, ..)| *kept == tag) else {
            return String::new();
        };
        character_set.decode(*vr, value).trim_matches([' ', '\0']).to_owned()
    }
}
