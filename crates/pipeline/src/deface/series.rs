//! One series through the defacing program: files in, files out, compared, and each original written anew with the samples that came
//! back. What the program wrote is no more trusted than what a peer sends; of its headers nothing is taken.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use archive::buffer::BufferedInstance;
use archive::spool::RecordReader;
use deidentification::verify::Identity;
use deidentification::{CompiledProfile, DefacedError, OriginalImage, Survey, instance_facts, native_syntax};
use dicom_stream::{Encoding, FILE_START, FileMeta, FileStart, Limits, SourceError, TransferSyntax};
use pixel::deface::{DefacerError, InstanceFacts, check};
use uuid::Uuid;

use super::Defacing;
use super::folder::{PrivateFolder, new_file};
use crate::identify::damaged;
use crate::line::{Line, StageError};

/// The data set of an original with the samples that the program made, natively encoded.
pub(crate) struct DefacedImage {
    path: PathBuf,
    /// Of the data set.
    pub(crate) transfer_syntax: &'static TransferSyntax,
    /// Of the data set, bytes.
    pub(crate) length: u64,
}

impl DefacedImage {
    pub(crate) fn open(&self) -> io::Result<File> {
        File::open(&self.path)
    }
}

/// What was made of each instance, or why the series is held.
type Made = Result<BTreeMap<Uuid, DefacedImage>, String>;

/// Runs the program over `series` in `folder`.
pub(super) fn deface(
    line: &Line,
    profile: &CompiledProfile,
    defacing: &Defacing,
    folder: &Path,
    series: &[BufferedInstance],
) -> Result<Made, StageError> {
    let [input, output, made] = ["in", "out", "made"].map(|name| PrivateFolder::make(folder.join(name)));
    let (input, output, made) = (input?, output?, made?);
    let mut before = Vec::with_capacity(series.len());
    let mut room = defacing.limits.bytes;
    for instance in series {
        match give(line, profile, &mut room, &input, instance)? {
            Ok(facts) => before.push(facts),
            Err(why) => return Ok(Err(why)),
        }
    }
    if let Err(error) = defacing.program.deface(&input, &output) {
        return Ok(Err(error.to_string()));
    }
    // The program could write there as well.
    fs::remove_dir_all(&input)?;
    let after = match take(&output, series.len()) {
        Ok(after) => after,
        Err(error) => return Ok(Err(error.to_string())),
    };
    let facts: Vec<InstanceFacts> = after.iter().map(|(facts, _)| facts.clone()).collect();
    if let Err(error) = check(&before, &facts) {
        return Ok(Err(error.to_string()));
    }
    let given: BTreeMap<&str, &GivenFile> =
        after.iter().map(|(facts, file)| (facts.sop_instance_uid.as_str(), file)).collect();
    let (mut images, mut differs) = (BTreeMap::new(), false);
    for instance in series {
        let Some(file) = given.get(instance.received.sop_instance_uid.as_str()) else {
            return Ok(Err(DefacerError::InstancesDiffer.to_string()));
        };
        match write(line, profile, &made, instance, file)? {
            Ok((image, is_other)) => {
                differs |= is_other;
                images.insert(instance.received.id, image);
            }
            Err(why) => return Ok(Err(why)),
        }
    }
    Ok(if differs { Ok(images) } else { Err(DefacerError::NothingChanged.to_string()) })
}

/// Writes one original for the program, as a file with native samples under our own id, if there is `room` for so many bytes.
fn give(
    line: &Line,
    profile: &CompiledProfile,
    room: &mut u64,
    input: &Path,
    instance: &BufferedInstance,
) -> Result<Result<InstanceFacts, String>, StageError> {
    let received = &instance.received;
    let survey = match surveyed(line, profile, instance)? {
        Ok(survey) => survey,
        Err(why) => return Ok(Err(why)),
    };
    let (original, native) = match original(line, instance, &survey)? {
        Ok(found) => found,
        Err(why) => return Ok(Err(why)),
    };
    let left = survey.native_pixel_bytes(original.syntax).and_then(|bytes| room.checked_sub(bytes));
    let Some(left) = left else {
        return Ok(Err("the samples of the series are more bytes than are defaced".to_owned()));
    };
    *room = left;
    let mut file = new_file(&input.join(format!("{}.dcm", received.id)))?;
    let meta = FileMeta {
        media_storage_sop_class_uid: received.sop_class_uid.clone(),
        media_storage_sop_instance_uid: received.sop_instance_uid.clone(),
        transfer_syntax_uid: native.uid.to_owned(),
    };
    meta.write(&mut file)?;
    let data_set = file.stream_position()?;
    if let Err(error) = original.write_native(&mut file) {
        return ours(error).map(Err);
    }
    file.seek(SeekFrom::Start(data_set))?;
    Ok(instance_facts(file, native, Limits::INSTANCE).map_err(|error| error.to_string()))
}

/// Writes one original with the samples that came back; answers whether one differs.
fn write(
    line: &Line,
    profile: &CompiledProfile,
    made: &Path,
    instance: &BufferedInstance,
    given: &GivenFile,
) -> Result<Result<(DefacedImage, bool), String>, StageError> {
    let survey = match surveyed(line, profile, instance)? {
        Ok(survey) => survey,
        Err(why) => return Ok(Err(why)),
    };
    let (original, native) = match original(line, instance, &survey)? {
        Ok(found) => found,
        Err(why) => return Ok(Err(why)),
    };
    let path = made.join(instance.received.id.to_string());
    let mut out = BufWriter::new(new_file(&path)?);
    let mut samples = File::open(&given.path)?;
    samples.seek(SeekFrom::Start(given.data_set))?;
    match original.write_defaced(samples, given.transfer_syntax, &mut out) {
        Err(error) => ours(error).map(Err),
        Ok(is_other) => {
            let length = out.into_inner().map_err(io::IntoInnerError::into_error)?.metadata()?.len();
            Ok(Ok((DefacedImage { path, transfer_syntax: native, length }, is_other)))
        }
    }
}

/// Tells what ends the run from what holds the series.
fn ours(error: DefacedError) -> Result<String, StageError> {
    match error {
        DefacedError::Output(error) | DefacedError::Original(SourceError::Io(error)) => Err(error.into()),
        error => Ok(format!("{error}: a volume is defaced whole")),
    }
}

type Opened<T> = Result<Result<T, String>, StageError>;

fn surveyed(line: &Line, profile: &CompiledProfile, instance: &BufferedInstance) -> Opened<Survey> {
    let received = &instance.received;
    let Some(syntax) = TransferSyntax::from_uid(&received.transfer_syntax_uid) else {
        return Ok(Err("transfer syntax".to_owned()));
    };
    let input = match line.spool.read(&received.location) {
        Ok(input) => input,
        Err(error) => return Ok(Err(damaged(error)?.detail)),
    };
    match Survey::read(profile, input, syntax, Limits::INSTANCE, &mut Identity::default()) {
        Ok(survey) => Ok(Ok(survey)),
        Err(SourceError::Io(error)) => Err(error.into()),
        Err(error) => Ok(Err(error.to_string())),
    }
}

fn original<'a>(
    line: &Line,
    instance: &BufferedInstance,
    survey: &'a Survey,
) -> Opened<(OriginalImage<'a, RecordReader>, &'static TransferSyntax)> {
    let received = &instance.received;
    let syntax = TransferSyntax::from_uid(&received.transfer_syntax_uid);
    let Some((syntax, native)) = syntax.and_then(|syntax| Some((syntax, native_syntax(syntax)?))) else {
        return Ok(Err(
            "an image in a transfer syntax that cannot be given to the defacing program".to_owned()
        ));
    };
    let input = line.spool.read(&received.location)?;
    Ok(Ok((OriginalImage { survey, syntax, input, limits: Limits::INSTANCE }, native)))
}

/// A file that the program gave.
struct GivenFile {
    path: PathBuf,
    data_set: u64,
    transfer_syntax: &'static TransferSyntax,
}

/// Reads what the program gave: files alone, one for each instance, with native little endian samples.
fn take(output: &Path, instances: usize) -> Result<Vec<(InstanceFacts, GivenFile)>, DefacerError> {
    let unusable = |_| DefacerError::Unusable("a file that cannot be read");
    let mut found = Vec::with_capacity(instances);
    for entry in fs::read_dir(output).map_err(unusable)? {
        let entry = entry.map_err(unusable)?;
        // Of the entry itself: a link may lead anywhere.
        if !entry.file_type().map_err(unusable)?.is_file() {
            return Err(DefacerError::Unusable("a folder or a link"));
        }
        if found.len() >= instances {
            return Err(DefacerError::InstancesDiffer);
        }
        found.push(take_one(entry.path())?);
    }
    Ok(found)
}

fn take_one(path: PathBuf) -> Result<(InstanceFacts, GivenFile), DefacerError> {
    let unusable = |_| DefacerError::Unusable("a file that cannot be read");
    let mut file = File::open(&path).map_err(unusable)?;
    let mut head = Vec::new();
    (&mut file).take(FILE_START as u64).read_to_end(&mut head).map_err(unusable)?;
    let start = FileStart::read(&head).map_err(|_| DefacerError::Unusable("a file that is no DICOM file"))?;
    let syntax = start.transfer_syntax;
    if syntax.encapsulated || syntax.deflated || syntax.encoding == Encoding::ExplicitBig {
        return Err(DefacerError::Unusable("samples that are not native little endian"));
    }
    let data_set = start.data_set as u64;
    file.seek(SeekFrom::Start(data_set)).map_err(unusable)?;
    let facts = instance_facts(file, syntax, Limits::INSTANCE)
        .map_err(|_| DefacerError::Unusable("a file that cannot be read"))?;
    Ok((facts, GivenFile { path, data_set, transfer_syntax: syntax }))
}
