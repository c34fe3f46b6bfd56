//! Behaviour of masks seen from outside. Expected values are written out from PS3.3 C.7.6.3 and PS3.5.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod codec;
mod deface;
mod description;
mod fragments;
mod grey;
mod icc;
mod native;
mod native_untouched;
mod segments;
mod shape;

use pixel::Attributes;

/// A grey image: rows, columns, bits allocated and stored.
fn grey(rows: u16, columns: u16, allocated: u16, stored: u16) -> Attributes {
    Attributes {
        rows: Some(rows),
        columns: Some(columns),
        samples_per_pixel: Some(1),
        photometric_interpretation: Some("MONOCHROME2".into()),
        bits_allocated: Some(allocated),
        bits_stored: Some(stored),
        high_bit: Some(stored - 1),
        pixel_representation: Some(0),
        ..Attributes::default()
    }
}

/// An 8-bit colour image.
fn colour(rows: u16, columns: u16, photometric: &str, planar: u16) -> Attributes {
    Attributes {
        samples_per_pixel: Some(3),
        photometric_interpretation: Some(photometric.into()),
        planar_configuration: Some(planar),
        ..grey(rows, columns, 8, 8)
    }
}
