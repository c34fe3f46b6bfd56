//! The start of a file: no panic, and the data set begins inside the file.
#![no_main]

use dicom_stream::FileStart;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(start) = FileStart::read(data) else { return };
    assert!(start.data_set <= data.len());
    let Some(meta) = start.meta else { return };
    let mut written = Vec::new();
    meta.write(&mut written).unwrap();
    if let Ok(again) = FileStart::read(&written) {
        assert_eq!(again.data_set, written.len());
    }
});
