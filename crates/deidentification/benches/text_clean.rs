//! Cost of text cleaning: a cleaner for a usual patient, and usual texts. The vocabulary is built once per process; that is printed apart.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::time::Instant;

use deidentification::text_clean::{Cleaned, TextCleaner, Vocabulary};
use deidentification::verify::Identity;
use dicom_stream::charset::CharacterSet;
use dicom_stream::{Tag, VR};

const TEXTS: [&str; 4] = [
    "CT Thorax sans injection",
    "t1_mprage_sag_p2_iso",
    "SOMATOM Definition AS+",
    "AX T2 FLAIR Dupont 12/03/2024",
];

fn identity() -> Identity {
    let set = CharacterSet::default();
    let mut identity = Identity::default();
    for (group, element, vr, value) in [
        (0x0008, 0x0050, VR::SH, "ACC0017"),
        (0x0008, 0x0090, VR::PN, "Welby^Marcus"),
        (0x0008, 0x1050, VR::PN, "Canarysson^Anna"),
        (0x0008, 0x1070, VR::PN, "Tremblay^Zoe"),
        (0x0010, 0x0010, VR::PN, "Dupont^Jean Pierre"),
        (0x0010, 0x0020, VR::LO, "MRN1092852"),
        (0x0010, 0x0030, VR::DA, "19711231"),
        (0x0010, 0x2154, VR::SH, "+33 1 23 45 67 89"),
        (0x0020, 0x000D, VR::UI, "1.2.826.0.1.3680043.2.1125.1"),
    ] {
        identity.add_value(Tag(group, element), vr, &set, value.as_bytes());
    }
    identity
}

fn main() {
    let start = Instant::now();
    let vocabulary = Vocabulary::builtin();
    println!("vocabulary: {:?}", start.elapsed());
    let start = Instant::now();
    let cleaner = TextCleaner::new(&identity(), &vocabulary).unwrap();
    let cleaned = cleaner.keep_known("CT Thorax sans injection");
    assert_eq!(cleaned, Cleaned::Unchanged);
    println!("first text: {:?}", start.elapsed());
    divan::main();
}

#[divan::bench]
fn prepare(bencher: divan::Bencher<'_, '_>) {
    let (identity, vocabulary) = (identity(), Vocabulary::builtin());
    bencher.bench_local(|| {
        TextCleaner::new(&identity, &vocabulary).unwrap();
    });
}

#[divan::bench(args = TEXTS)]
fn keep_known(bencher: divan::Bencher<'_, '_>, text: &str) {
    let vocabulary = Vocabulary::builtin();
    let cleaner = TextCleaner::new(&identity(), &vocabulary).unwrap();
    bencher.bench_local(|| -> Cleaned { cleaner.keep_known(text) });
}

#[divan::bench(args = TEXTS)]
fn without_identity(bencher: divan::Bencher<'_, '_>, text: &str) {
    let vocabulary = Vocabulary::builtin();
    let cleaner = TextCleaner::new(&identity(), &vocabulary).unwrap();
    bencher.bench_local(|| -> Cleaned { cleaner.without_identity(text, false) });
}
