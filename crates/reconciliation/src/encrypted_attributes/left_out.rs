//! An object as it came but for (0400,0500): whoever has the key could read the identity in the archive's copy.

use std::io::{Read, Write};

use dicom_stream::{Lengths, Tag, Token, TokenSource, TransferSyntax, Writer};

use crate::attribute::ENCRYPTED_ATTRIBUTES;
use crate::reconcile::ReconciliationError;
use crate::survey::LIMITS;

/// Group length of group 0400 (retired): no longer true.
const GROUP_LENGTH: Tag = Tag(0x0400, 0x0000);

/// Copies a data set without the Encrypted Attributes of its main level, every other byte as received, and inflated when that is deflated. Gives
/// the sink back.
///
/// # Errors
/// [`ReconciliationError::Input`] and [`ReconciliationError::Output`]; what was written must be discarded then.
pub fn without_encrypted_attributes<R: Read, W: Write>(
    input: R,
    syntax: &TransferSyntax,
    out: W,
) -> Result<W, ReconciliationError> {
    let mut tokens = TokenSource::new(input, syntax, LIMITS, None);
    let mut writer = Writer::new(out, syntax.encoding, Lengths::AsReceived);
    // sequences and fragment lists around the token, and the depth at which what is left out ends
    let (mut depth, mut until) = (0usize, None);
    while let Some(token) = tokens.next_token()? {
        let begins = depth == 0 && until.is_none() && is_left_out(&token);
        let before = depth;
        match token {
            Token::SequenceStart { .. } | Token::FragmentsStart { .. } | Token::BulkStart { .. } => {
                depth += 1
            }
            Token::SequenceEnd { .. } | Token::FragmentsEnd { .. } | Token::BulkEnd => {
                depth = depth.saturating_sub(1);
            }
            _ => {}
        }
        if begins && depth > before {
            until = Some(before);
        } else if until.is_some() {
            until = until.filter(|end| depth > *end);
        } else if !begins {
            writer.copy(&token)?;
        }
    }
    Ok(writer.finish()?)
}

fn is_left_out(token: &Token<'_>) -> bool {
    match token {
        Token::Value { header, .. }
        | Token::BulkStart { header }
        | Token::SequenceStart { header }
        | Token::FragmentsStart { header } => matches!(header.tag, ENCRYPTED_ATTRIBUTES | GROUP_LENGTH),
        _ => false,
    }
}
