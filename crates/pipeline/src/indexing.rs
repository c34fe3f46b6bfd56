//! What the index of Z3 shows of an object: read from the output as it is written, so that it needs no second look.

use std::io::{self, Write};
use std::sync::{Arc, LazyLock};

use archive::blob::Blob;
use archive::index::{Instance, Patient, Series, Study};
use archive::scan::{Identification, Scan, ScanError};
use dicom_stream::text::{integer, yyyymmdd};
use dicom_stream::{Tag, TransferSyntax};
use uuid::Uuid;

use crate::transform::Pseudonymised;

const STUDY_DATE: Tag = Tag(0x0008, 0x0020);
const STUDY_TIME: Tag = Tag(0x0008, 0x0030);
const ACCESSION_NUMBER: Tag = Tag(0x0008, 0x0050);
const STUDY_DESCRIPTION: Tag = Tag(0x0008, 0x1030);
const SERIES_DESCRIPTION: Tag = Tag(0x0008, 0x103E);
const PATIENT_NAME: Tag = Tag(0x0010, 0x0010);
const PATIENT_SEX: Tag = Tag(0x0010, 0x0040);
const BODY_PART_EXAMINED: Tag = Tag(0x0018, 0x0015);
const STUDY_ID: Tag = Tag(0x0020, 0x0010);
const SERIES_NUMBER: Tag = Tag(0x0020, 0x0011);
const INSTANCE_NUMBER: Tag = Tag(0x0020, 0x0013);
const NUMBER_OF_FRAMES: Tag = Tag(0x0028, 0x0008);
const ROWS: Tag = Tag(0x0028, 0x0010);

static SHOWN: LazyLock<Arc<[Tag]>> = LazyLock::new(|| {
    [
        STUDY_DATE,
        STUDY_TIME,
        ACCESSION_NUMBER,
        STUDY_DESCRIPTION,
        SERIES_DESCRIPTION,
        PATIENT_NAME,
        PATIENT_SEX,
        BODY_PART_EXAMINED,
        STUDY_ID,
        SERIES_NUMBER,
        INSTANCE_NUMBER,
        NUMBER_OF_FRAMES,
        ROWS,
    ]
    .into()
});

/// Writes a data set through and scans it on the way.
pub(crate) struct Tee<W> {
    out: W,
    scan: Scan,
    failed: Option<ScanError>,
}

impl<W: Write> Tee<W> {
    pub(crate) fn new(out: W, syntax: &TransferSyntax) -> Self {
        Self { out, scan: Scan::new(syntax, Arc::clone(&SHOWN)), failed: None }
    }

    /// The sink, and what the data set says.
    pub(crate) fn finish(self) -> Result<(W, Identification), ScanError> {
        match self.failed {
            Some(error) => Err(error),
            None => Ok((self.out, self.scan.finish()?)),
        }
    }
}

impl<W: Write> Write for Tee<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        if self.failed.is_none() {
            self.failed = self.scan.push(bytes.get(..written).unwrap_or_default()).err();
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// The rows above an instance.
pub(crate) fn indexed_series(identification: &Identification) -> (Patient, Study, Series) {
    let text = |tag| value(identification, tag).to_owned();
    let number = |tag| integer(value(identification, tag).as_bytes()).unwrap_or(0);
    let patient = Patient {
        patient_id: identification.patient_id.clone(),
        patient_name: text(PATIENT_NAME),
        patient_sex: text(PATIENT_SEX),
    };
    let study = Study {
        study_instance_uid: identification.study_instance_uid.clone(),
        study_date: yyyymmdd(value(identification, STUDY_DATE).as_bytes()).map_or(0, i64::from),
        study_time: text(STUDY_TIME),
        accession_number: text(ACCESSION_NUMBER),
        study_id: text(STUDY_ID),
        study_description: text(STUDY_DESCRIPTION),
    };
    let series = Series {
        series_instance_uid: identification.series_instance_uid.clone(),
        modality: identification.modality.clone(),
        series_number: number(SERIES_NUMBER),
        series_description: text(SERIES_DESCRIPTION),
        body_part_examined: text(BODY_PART_EXAMINED),
    };
    (patient, study, series)
}

/// The row of an instance.
pub(crate) fn indexed_instance(id: Uuid, object: &Pseudonymised, blob: &Blob) -> Instance {
    let identification = &object.identification;
    let number = |tag| integer(value(identification, tag).as_bytes());
    let has_pixels = identification.further.iter().any(|(tag, _)| *tag == ROWS);
    Instance {
        id,
        sop_instance_uid: identification.sop_instance_uid.clone(),
        sop_class_uid: identification.sop_class_uid.clone(),
        transfer_syntax_uid: object.transfer_syntax.uid.to_owned(),
        instance_number: number(INSTANCE_NUMBER).unwrap_or(0),
        number_of_frames: number(NUMBER_OF_FRAMES).unwrap_or(i32::from(has_pixels)),
        location: blob.key.to_string(),
        bytes: blob.length,
        blake3: *blob.hash.as_bytes(),
    }
}

fn value(identification: &Identification, tag: Tag) -> &str {
    identification.further.iter().find(|(of, _)| *of == tag).map_or("", |(_, value)| value)
}
