//! Cost of walking and rewriting a CT of 526 kB, beside a plain copy of its bytes: `cargo bench -p dicom-stream`.
//!
//! Bars: the header walk takes at most 0.1 ms, rewriting at most twice the plain copy.
#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;

use dicom_stream::{Encoding, Lengths, Limits, Reader, Tag, Token, VR, Writer};
use divan::Bencher;
use divan::counter::BytesCount;

fn main() {
    divan::main();
}

/// 170 elements, one sequence with ten items, then 512 × 512 pixels of 16 bits.
fn ct(encoding: Encoding) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), encoding, Lengths::Undefined);
    for element in [0x0070, 0x0080, 0x1010, 0x1030, 0x103E, 0x1040, 0x1090].repeat(10) {
        writer.value(Tag(0x0008, element), VR::LO, b"A DESCRIPTION").unwrap();
    }
    writer.start_sequence(Tag(0x0008, 0x1140)).unwrap();
    for _ in 0..10 {
        writer.start_item().unwrap();
        writer.value(Tag(0x0008, 0x1150), VR::UI, b"1.2.840.10008.5.1.4.1.1.2").unwrap();
        writer.value(Tag(0x0008, 0x1155), VR::UI, b"1.2.826.0.1.3680043.8.498.1234567890").unwrap();
        writer.end_item().unwrap();
    }
    writer.end_sequence().unwrap();
    for element in [0x0050, 0x0060, 0x0088, 0x0090, 0x1100, 0x1110, 0x1120, 0x9345].repeat(10) {
        writer.value(Tag(0x0018, element), VR::DS, b"0.488281\\0.488281").unwrap();
    }
    writer.value(Tag(0x7FE0, 0x0010), VR::OW, &vec![7; 512 * 512 * 2]).unwrap();
    writer.finish().unwrap()
}

#[divan::bench(args = [Encoding::ExplicitLittle, Encoding::ImplicitLittle])]
fn header_walk(bencher: Bencher<'_, '_>, encoding: Encoding) {
    let bytes = ct(encoding);
    bencher.bench(|| {
        let mut reader = Reader::new(encoding, Limits::INSTANCE);
        let mut input = black_box(bytes.as_slice());
        let mut elements = 0;
        while let Some(token) = reader.next_token(&mut input).unwrap() {
            if matches!(token, Token::BulkStart { .. }) {
                break;
            }
            elements += 1;
        }
        elements
    });
}

#[divan::bench]
fn plain_copy(bencher: Bencher<'_, '_>) {
    let bytes = ct(Encoding::ExplicitLittle);
    let mut out = Vec::with_capacity(bytes.len() * 2);
    bencher.counter(BytesCount::of_slice(&bytes)).bench_local(|| {
        out.clear();
        out.extend_from_slice(black_box(&bytes));
        black_box(out.len())
    });
}

#[divan::bench(args = [Encoding::ExplicitLittle, Encoding::ImplicitLittle])]
fn rewrite(bencher: Bencher<'_, '_>, encoding: Encoding) {
    let bytes = ct(encoding);
    let mut out = Vec::with_capacity(bytes.len() * 2);
    bencher.counter(BytesCount::of_slice(&bytes)).bench_local(|| {
        out.clear();
        let mut reader = Reader::new(encoding, Limits::INSTANCE);
        let mut writer = Writer::new(&mut out, encoding, Lengths::Undefined);
        let mut input = black_box(bytes.as_slice());
        while let Some(token) = reader.next_token(&mut input).unwrap() {
            writer.copy(&token).unwrap();
        }
        black_box(writer.finish().unwrap().len())
    });
}
