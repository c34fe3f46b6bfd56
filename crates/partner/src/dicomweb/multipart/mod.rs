//! `multipart/related` (RFC 2387, RFC 2046 §5.1) as PS3.18 §8.6.1.2 uses it: own writer and reader, both streaming.

mod read;
mod write;

pub(super) use read::{Event, MultipartReader, boundary_of, media_type};
pub(super) use write::{MultipartWriter, content_type};

#[cfg(test)]
mod tests;
