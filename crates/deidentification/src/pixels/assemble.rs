//! The frames in the tokens of encapsulated pixel data.

use dicom_stream::Token;
use pixel::{Assembler, NotAssembled};

/// Takes a token of the element; a frame when one is complete.
pub(crate) fn frame_of(
    assembler: &mut Assembler,
    token: &Token<'_>,
) -> Result<Option<Vec<u8>>, NotAssembled> {
    match token {
        Token::FragmentStart { header } => return Ok(assembler.begin(header.length)),
        Token::Bulk(piece) => assembler.bytes(piece)?,
        Token::FragmentEnd => assembler.end(),
        Token::FragmentsEnd { .. } => return Ok(assembler.finish()),
        _ => {}
    }
    Ok(None)
}
