//! Bar B-5: de-identification of a CT of 526 kB, file to file, beside a plain copy of the same file with 256 KiB buffers; and the
//! after-check. Put the files on a RAM disk: `TMPDIR=/dev/shm cargo bench -p deidentification`.
#![allow(clippy::unwrap_used, missing_docs)]

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use deidentification::verify::{Identity, Verifier};
use deidentification::{
    CompiledProfile, Known, Object, Profile, PseudonymSource, Survey, TextCleaner, deidentify,
};
use dicom_stream::{Encoding, Lengths, Limits, Tag, TransferSyntax, VR, Writer};
use sha2::{Digest, Sha256};

const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
const INSTANCE: &str = "1.2.3.4.5.6.7";
const SYNTAX: TransferSyntax = TransferSyntax::EXPLICIT_LITTLE;

struct Source;

impl PseudonymSource for Source {
    fn uid(&self, original: &str) -> String {
        let digest: [u8; 32] = Sha256::digest(original).into();
        let number = digest.iter().take(16).fold(0, |number: u128, byte| number << 8 | u128::from(*byte));
        format!("2.25.{number}")
    }

    fn code(&self) -> &str {
        "P-7K3M"
    }

    fn shift_days(&self) -> Option<i32> {
        Some(-100)
    }

    fn token(&self, _value: &str) -> String {
        "0".repeat(32)
    }
}

/// A CT slice of 512 x 512 with the usual header of some 70 elements.
fn ct() -> Vec<u8> {
    let mut out = Writer::new(Vec::new(), Encoding::ExplicitLittle, Lengths::Undefined);
    let mut put = |number: u32, vr, value: &[u8]| {
        out.value(Tag((number >> 16) as u16, number as u16), vr, value).unwrap()
    };
    put(0x0008_0016, VR::UI, CT.as_bytes());
    put(0x0008_0018, VR::UI, INSTANCE.as_bytes());
    for (number, vr, value) in [
        (0x0008_0020, VR::DA, "20240131"),
        (0x0008_0021, VR::DA, "20240131"),
        (0x0008_0030, VR::TM, "101112"),
        (0x0008_0050, VR::SH, "ACC0017"),
        (0x0008_0060, VR::CS, "CT"),
        (0x0008_0070, VR::LO, "Maker"),
        (0x0008_0080, VR::LO, "General Hospital"),
        (0x0008_0090, VR::PN, "Welby^Marcus"),
        (0x0008_1030, VR::LO, "CT Chest"),
        (0x0008_103E, VR::LO, "AX thin"),
        (0x0010_0010, VR::PN, "Doe^Jane"),
        (0x0010_0020, VR::LO, "MRN1092852"),
        (0x0010_0030, VR::DA, "19701231"),
        (0x0010_0040, VR::CS, "F"),
        (0x0010_1010, VR::AS, "053Y"),
    ] {
        put(number, vr, value.as_bytes());
    }
    for element in 0x1100..0x1130 {
        put(0x0018_0000 + element, VR::DS, b"125.25");
    }
    put(0x0020_000D, VR::UI, b"1.2.3.4.5");
    put(0x0020_000E, VR::UI, b"1.2.3.4.5.6");
    put(0x0028_0010, VR::US, &512_u16.to_le_bytes());
    put(0x0028_0011, VR::US, &512_u16.to_le_bytes());
    put(0x7FE0_0010, VR::OW, &[7; 512 * 512 * 2]);
    out.finish().unwrap()
}

fn main() {
    divan::main();
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("in"), ct()).unwrap();
    folder
}

/// What is known of a study before its first object is written: whose it is. The server, too, reads all objects of a batch first.
fn identity(profile: &CompiledProfile, folder: &Path) -> Identity {
    let mut identity = Identity::default();
    survey(profile, folder, &mut identity);
    identity
}

fn survey(profile: &CompiledProfile, folder: &Path, identity: &mut Identity) -> Survey {
    Survey::read(profile, File::open(folder.join("in")).unwrap(), &SYNTAX, Limits::INSTANCE, identity)
        .unwrap()
}

/// One object of the study: surveyed, then written.
fn once(profile: &CompiledProfile, folder: &Path, identity: &mut Identity, cleaner: &TextCleaner<'_>) {
    let survey = survey(profile, folder, identity);
    let known = Known { survey: &survey, cleaner, pixels: None };
    let object = Object { sop_class: CT, sop_instance: INSTANCE, transfer_syntax: &SYNTAX, length: None };
    let input = File::open(folder.join("in")).unwrap();
    let output = File::create(folder.join("out")).unwrap();
    deidentify(profile, &object, &Source, known, Limits::INSTANCE, input, output).unwrap();
}

fn bench(bencher: divan::Bencher<'_, '_>, profile: &CompiledProfile) {
    let folder = folder();
    let mut identity = identity(profile, folder.path());
    let of_study = identity.clone();
    let cleaner = profile.cleaner(&of_study).unwrap();
    bencher.bench_local(|| once(profile, folder.path(), &mut identity, &cleaner));
}

#[divan::bench]
fn a_plain_copy(bencher: divan::Bencher<'_, '_>) {
    let folder = folder();
    let mut buffer = vec![0; 256 << 10];
    bencher.bench_local(|| {
        let mut input = File::open(folder.path().join("in")).unwrap();
        let mut output = File::create(folder.path().join("out")).unwrap();
        loop {
            let read = input.read(&mut buffer).unwrap();
            let Some(piece) = buffer.get(..read).filter(|piece| !piece.is_empty()) else { break };
            output.write_all(piece).unwrap();
        }
    });
}

#[divan::bench]
fn with_many_options(bencher: divan::Bencher<'_, '_>) {
    bench(bencher, &Profile::shipped("longitudinal-research").unwrap().compile(None).unwrap());
}

#[divan::bench]
fn deidentify_file_to_file(bencher: divan::Bencher<'_, '_>) {
    bench(bencher, &Profile::basic().compile(None).unwrap());
}

/// The search terms of one patient, made once for each study.
#[divan::bench]
fn cleaner_of_a_study(bencher: divan::Bencher<'_, '_>) {
    let folder = folder();
    let profile = Profile::basic().compile(None).unwrap();
    let identity = identity(&profile, folder.path());
    bencher.bench_local(|| profile.cleaner(&identity).unwrap());
}

#[divan::bench]
fn verify_file(bencher: divan::Bencher<'_, '_>) {
    let folder = folder();
    let profile = Profile::basic().compile(None).unwrap();
    let mut identity = identity(&profile, folder.path());
    let of_study = identity.clone();
    once(&profile, folder.path(), &mut identity, &profile.cleaner(&of_study).unwrap());
    identity.add_object(File::open(folder.path().join("in")).unwrap(), &SYNTAX, Limits::INSTANCE).unwrap();
    let verifier = Verifier::new(&identity, &["P-7K3M"]).unwrap();
    bencher.bench_local(|| {
        let output = File::open(folder.path().join("out")).unwrap();
        assert!(verifier.verify(output, &SYNTAX, Limits::INSTANCE).unwrap().is_empty());
    });
}
