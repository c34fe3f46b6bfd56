//! Pixels: what the Image Pixel module says about them, masks, codecs, and what a text recogniser needs to see.
//!
//! Pure: no files, no processes, no clock. Everything that a peer declares is checked before it is used for a size.

pub mod codec;
pub mod contrast;
pub mod deface;
pub mod description;
pub mod document;
pub mod fragments;
pub mod grey;
pub mod icc;
pub mod native;
pub mod recognise;
pub mod renderings;
pub mod risk;
pub mod segments;
pub mod shape;

pub use codec::{CodecError, Compression, DecodedFrame, NativeForm, decode_frame};
pub use description::{Attributes, Description, DescriptionError, FrameLimit, Photometric};
pub use document::{DocumentError, DocumentRenderer};
pub use fragments::{Assembler, FrameIndex, NotAssembled};
pub use grey::{GreyImage, ImageError, Palette, Window, render};
pub use native::{Fill, NativeMasker, NativeMaskerError, UnusedBits};
pub use recognise::{RecogniserError, TextBox, TextRecogniser};
pub use renderings::renderings;
pub use shape::{Mask, Polygon, Rectangle, Shape, ShapeError};
