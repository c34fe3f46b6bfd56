//! Pixels: which are at risk of burned-in text, which masks a profile lays on them, and what a recogniser says of them (PS3.15 E.3.1).
//!
//! [`inspect`] reads the pixel data of one original and decides; the walk carries the decision out.

mod assemble;
mod behind;
mod fit;
mod inspect;
mod looking;
mod policy;

pub(crate) use assemble::frame_of;
pub(crate) use inspect::{Decoded, native_vr};
pub use inspect::{Inspection, PixelPlan, inspect};
pub(crate) use looking::{counts, is_in};
pub(crate) use policy::Masks;
pub use policy::{FoundText, PixelMask, PixelPolicy, TextPolicy};
