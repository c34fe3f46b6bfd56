//! The reader: no panic, the same tokens however the input is cut, and byte-equal copies of what it reads.
//!
//! Input: one byte that chooses the encoding, one for the size of the pieces, the data set.
#![no_main]

use dicom_stream::{Encoding, Lengths, Limits, Reader, Writer};
use libfuzzer_sys::fuzz_target;

const ENCODINGS: [Encoding; 3] = [Encoding::ImplicitLittle, Encoding::ExplicitLittle, Encoding::ExplicitBig];
const LIMITS: Limits = Limits { depth: 32, value: 256, total: 1 << 20, elements: 100_000 };

fuzz_target!(|data: &[u8]| {
    let [choice, size, data_set @ ..] = data else { return };
    let encoding = ENCODINGS[usize::from(*choice) % ENCODINGS.len()];
    let whole = copy(data_set, encoding, data_set.len().max(1));
    let pieces = copy(data_set, encoding, usize::from(*size).max(1));
    assert_eq!(whole, pieces);
    let Ok((copy_of, undefined)) = whole else { return };
    assert_eq!(copy_of, data_set);
    let (again, _) = copy(&undefined, encoding, undefined.len().max(1)).expect("what is written can be read");
    assert_eq!(again, undefined);
});

/// The data set written back as received, and with undefined lengths.
fn copy(data_set: &[u8], encoding: Encoding, size: usize) -> Result<(Vec<u8>, Vec<u8>), String> {
    let mut reader = Reader::new(encoding, LIMITS);
    let mut exact = Writer::new(Vec::new(), encoding, Lengths::AsReceived);
    let mut undefined = Writer::new(Vec::new(), encoding, Lengths::Undefined);
    let pieces = data_set.chunks(size).chain(std::iter::once(&[][..]));
    for mut piece in pieces {
        while let Some(token) = reader.next_token(&mut piece).map_err(|error| error.to_string())? {
            exact.copy(&token).unwrap();
            undefined.copy(&token).unwrap();
        }
    }
    reader.finish().map_err(|error| error.to_string())?;
    Ok((exact.finish().unwrap(), undefined.finish().unwrap()))
}
