//! Data sets as a bounded, byte-exact stream of tokens.
//!
//! The ground floor: index, de-identifier, verifier and reconciler all stand on it. It knows the encodings of PS3.5, the character
//! sets of PS3.3 C.12.1.1.2 and the file format of PS3.10; it knows no network, no project and no patient rule, and does no I/O of
//! its own.
//!
//! Read first: [`Reader`] (bytes in pieces → [`Token`]s), [`Writer`] (tokens → bytes), [`TokenSource`] (both ends of a file or blob),
//! [`Limits`]. What is not changed is written back byte for byte; what a peer claims is never allocated; pixel data pass as ranges.

mod byte_order;
pub mod charset;
mod deflate;
mod file_meta;
mod header;
mod irregularity;
mod limits;
mod path;
mod reader;
mod source;
pub mod text;
mod token;
mod transfer_syntax;
mod un_sequence;
mod writer;

pub use byte_order::swap_bytes;
pub use deflate::{InflateError, Inflater};
pub use dicom_core::{Tag, VR};
pub use file_meta::{
    FILE_START, FileMeta, FileMetaError, FileStart, IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME,
};
pub use header::{Header, UNDEFINED, dictionary_vr};
pub use irregularity::{Irregularities, Irregularity, IrregularityKind};
pub use limits::Limits;
pub use path::ElementPath;
pub use reader::{ReadError, Reader};
pub use source::{SourceError, TokenSource};
pub use token::Token;
pub use transfer_syntax::{Encoding, TransferSyntax};
pub use un_sequence::{as_sequence, effective_vr};
pub use writer::{Lengths, Writer};
