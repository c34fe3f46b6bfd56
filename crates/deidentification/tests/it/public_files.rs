//! DI-56 on files that nobody made for us: no object that a profile made is held by the after-check, under its own identity.
//!
//! `RESEARCH_PACS_PYDICOM_FILES` names the `data` folder of PyPI `pydicom`; `make test` sets it. Without it the test says that it was
//! skipped.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use deidentification::verify::{Identity, Leaving, Promise, Verifier, places};
use deidentification::{
    CompiledProfile, DeidentificationError, DeidentificationOption as O, Known, Object, Profile,
    PseudonymSource, SHIPPED, Survey, deidentify,
};
use dicom_stream::{FILE_START, FileStart, Limits};

use crate::support::{CODE, Source, with_options};

/// DICOM does not allow the file around the codestream (PS3.5 A.4.4); this one has a profile, which may hold text.
const JP2: &str = "a compressed frame is a JP2 file with a colour profile of its own";

/// Notes what it gives.
#[derive(Default)]
struct Noting(RefCell<BTreeSet<String>>);

impl PseudonymSource for Noting {
    fn uid(&self, original: &str) -> String {
        let new = Source.uid(original);
        self.0.borrow_mut().insert(new.clone());
        new
    }
    fn code(&self) -> &str {
        CODE
    }
    fn shift_days(&self) -> Option<i32> {
        Source.shift_days()
    }
    fn token(&self, value: &str) -> String {
        Source.token(value)
    }
    fn retained_uid(&self, uid: &str) {
        self.0.borrow_mut().insert(uid.to_owned());
    }
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

fn uid(bytes: &[u8], start: &FileStart, tag: dicom_stream::Tag) -> Option<String> {
    let limits = Limits::INSTANCE;
    let mut tokens =
        dicom_stream::TokenSource::new(&bytes[start.data_set..], start.transfer_syntax, limits, None);
    while let Ok(Some(token)) = tokens.next_token() {
        if let dicom_stream::Token::Value { header, value } = token
            && header.tag == tag
        {
            return Some(String::from_utf8_lossy(dicom_stream::text::trim_uid(value)).into_owned());
        }
    }
    None
}

/// What holds the object, its pixel data among it; `None` when it cannot be de-identified at all.
fn held(profile: &CompiledProfile, bytes: &[u8]) -> Option<Option<String>> {
    let start = FileStart::read(&bytes[..bytes.len().min(FILE_START)]).ok()?;
    let sop_class = uid(bytes, &start, dicom_stream::Tag(0x0008, 0x0016))?;
    let sop_instance = uid(bytes, &start, dicom_stream::Tag(0x0008, 0x0018))?;
    let data_set = &bytes[start.data_set..];
    let syntax = start.transfer_syntax;
    let object =
        Object { sop_class: &sop_class, sop_instance: &sop_instance, transfer_syntax: syntax, length: None };
    let mut identity = Identity::default();
    let survey =
        Survey::read(profile, Cursor::new(data_set), syntax, Limits::INSTANCE, &mut identity).ok()?;
    let cleaner = profile.cleaner(&identity).unwrap();
    let known = Known { survey: &survey, cleaner: &cleaner, pixels: None };
    let (source, mut out) = (Noting::default(), Vec::new());
    match deidentify(profile, &object, &source, known, Limits::INSTANCE, Cursor::new(data_set), &mut out) {
        Ok(_) => {}
        Err(DeidentificationError::Output(error)) => panic!("{error}"),
        Err(DeidentificationError::Pixels(why)) => return Some(Some(why.to_owned())),
        Err(_) => return None,
    }
    let promise = Promise {
        options: profile.options(),
        shift_days: profile.shifts_dates().then_some(crate::support::SHIFT),
        given: source.0.into_inner(),
    };
    let verifier = Verifier::new(&identity, &[CODE]).unwrap().promising(promise);
    let leaving = Leaving { original: survey.original(), pixels_cleaned: false };
    let syntax = object.output_syntax(None);
    let verdict = verifier.check(Cursor::new(&out), syntax, Limits::INSTANCE, leaving).unwrap();
    Some(places(&verdict.findings))
}

#[test]
fn no_profile_makes_what_the_check_holds() {
    let Some(folder) = std::env::var_os("RESEARCH_PACS_PYDICOM_FILES") else {
        eprintln!("skipped: RESEARCH_PACS_PYDICOM_FILES is not set");
        return;
    };
    let mut paths = Vec::new();
    files(Path::new(&folder), &mut paths);
    let mut profiles: Vec<Profile> =
        SHIPPED.iter().map(|(name, _)| Profile::shipped(name).unwrap()).collect();
    // Every single option, and all that go together.
    profiles.extend(O::ALL.map(|option| with_options(&[option])));
    for date in [O::RetainLongitudinalFullDates, O::RetainLongitudinalModifiedDates] {
        let other = |option: &O| {
            !matches!(option, O::RetainLongitudinalFullDates | O::RetainLongitudinalModifiedDates)
        };
        let all: Vec<O> = O::ALL.into_iter().filter(other).chain([date]).collect();
        profiles.push(with_options(&all));
    }
    let (mut clean, mut wrong) = (0, Vec::new());
    for path in &paths {
        let bytes = std::fs::read(path).unwrap();
        for profile in &profiles {
            let compiled = profile.compile(None).unwrap();
            match held(&compiled, &bytes) {
                Some(Some(places)) => {
                    let name = path.file_name().unwrap().to_string_lossy().into_owned();
                    if places == JP2 && name == "GDCMJ2K_TextGBR.dcm" {
                        continue;
                    }
                    wrong.push(format!("{name} {} {:?}: {places}", profile.name, profile.options));
                }
                Some(None) => clean += 1,
                None => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {} held:\n{}", wrong.len(), wrong.len() + clean, wrong.join("\n"));
    assert!(clean > 1_000, "{clean}");
}
