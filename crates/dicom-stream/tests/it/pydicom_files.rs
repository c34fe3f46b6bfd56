//! Every DICOM test file of the PyPI package `pydicom` is written back byte-equal, or stands in the list below with its reason.
//!
//! `RESEARCH_PACS_PYDICOM_FILES` names the package's `data` folder; `make test` sets it. Without it the test says that it was skipped.

use std::path::{Path, PathBuf};

use dicom_stream::{FileStart, Lengths, Limits, TokenSource, Writer};

/// Files that are not read to their end, and why: pydicom keeps them for its own error paths.
const NOT_READ: &[(&str, &str)] = &[
    ("DICOMDIR-nooffset", "the last item claims 248 bytes, two elements more than the file holds"),
    ("MR_truncated.dcm", "pixel data cut on purpose"),
    ("rtplan_truncated.dcm", "cut inside the beam sequence on purpose"),
    ("no_meta.dcm", "a stray byte before the first element: neither file meta information nor a data set"),
];

/// Files of the package that are not DICOM.
const NOT_DICOM: &[&str] = &["py", "pyc", "json", "txt", "md", "xml", "zip", "jpg", "icc", "dump", "gz"];

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if !path.ends_with("README")
            && !path.extension().is_some_and(|extension| NOT_DICOM.iter().any(|other| extension == *other))
        {
            found.push(path);
        }
    }
}

/// Reads the file and writes its data set back; the error as text.
fn round_trip(bytes: &[u8]) -> Result<bool, String> {
    let start = FileStart::read(&bytes[..bytes.len().min(dicom_stream::FILE_START)])
        .map_err(|error| error.to_string())?;
    let data_set = &bytes[start.data_set..];
    let mut source =
        TokenSource::new(data_set, start.transfer_syntax, Limits::INSTANCE, Some(data_set.len() as u64));
    let mut writer = Writer::new(Vec::new(), start.transfer_syntax.encoding, Lengths::AsReceived);
    while let Some(token) = source.next_token().map_err(|error| error.to_string())? {
        writer.copy(&token).unwrap();
    }
    let copy = writer.finish().unwrap();
    if !start.transfer_syntax.deflated {
        return Ok(copy == data_set);
    }
    let mut inflated = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::DeflateDecoder::new(data_set), &mut inflated).unwrap();
    Ok(copy == inflated)
}

#[test]
fn every_file_is_written_back_byte_equal_or_listed() {
    let Some(folder) = std::env::var_os("RESEARCH_PACS_PYDICOM_FILES") else {
        eprintln!("skipped: RESEARCH_PACS_PYDICOM_FILES is not set");
        return;
    };
    let mut found = Vec::new();
    files(Path::new(&folder), &mut found);
    found.sort();
    let mut wrong = Vec::new();
    for path in &found {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let listed = NOT_READ.iter().find(|(listed, _)| *listed == name);
        match (round_trip(&std::fs::read(path).unwrap()), listed) {
            (Ok(true), None) | (Err(_), Some(_)) => {}
            (result, listed) => wrong.push(format!("{name}: {result:?}, listed: {listed:?}")),
        }
    }
    assert!(found.len() >= 79, "only {} files in {}", found.len(), folder.display());
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), found.len(), wrong.join("\n"));
}
