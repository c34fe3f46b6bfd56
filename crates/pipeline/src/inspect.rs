//! Stage *inspect*: looks at a complete result set before anything is done with it (step 7). State of the result set: retrieved, or
//! manual with the reason (AC7.2).

use std::io::{Read, Seek};
use std::sync::Arc;

use archive::buffer::{self, ResultInstance};
use archive::job_queue::{self, ClaimedJob, NewEntry};
use archive::result_set::{self, ResultSetEvent, ResultSetState};
use archive::zone::Zone;
use dicom_stream::{Limits, SourceError, Tag, Token, TokenSource, TransferSyntax};
use uuid::Uuid;

use crate::deidentify::blocking;
use crate::line::{Line, Project, StageError};
use crate::progress::stage;
use crate::stored_object::open_data_set;
use crate::{accept, fetch, reconcile};

/// Name of the stage in the queue; its subject is a result set.
pub(crate) const KIND: &str = "inspect";

/// Encapsulated PDF Storage.
const ENCAPSULATED_PDF: &str = "1.2.840.10008.5.1.4.1.1.104.1";
/// Names of PDF (ISO 32000-1, 12.6.4) that make a document act by itself.
const ACTIVE: [&[u8]; 6] = [b"JavaScript", b"JS", b"Launch", b"EmbeddedFile", b"EmbeddedFiles", b"RichMedia"];
/// Names of PDF behind which any of [`ACTIVE`] may hide: compressed objects, encryption.
const OPAQUE: [&[u8]; 2] = [b"ObjStm", b"Encrypt"];
/// Longer names are none of ours.
const NAME_MAX: usize = 127;
/// Encapsulated Document.
const DOCUMENT: Tag = Tag(0x0042, 0x0011);
/// Wait while a fetch still adds to the set, or one that failed waits for a person.
const FETCH_WAIT_MS: i64 = 2_000;

/// Looks at the result set `claimed.subject` once nothing has been added to it for the idle time.
///
/// # Errors
/// Any [`StageError`].
pub(crate) async fn run(line: &Arc<Line>, claimed: &ClaimedJob) -> Result<(), StageError> {
    let now = line.clock.now();
    let set = result_set::show(line.main.reader(), claimed.subject).await?;
    let project = line.project(&set.project)?;
    let instances = buffer::inbound_of(line.buffer.reader(), set.id).await?;
    let busy = job_queue::is_pending(line.main.reader(), fetch::KIND, set.job).await?;
    let later = still_arriving(project, &instances, now).or(busy.then_some(now + FETCH_WAIT_MS));
    if let Some(later) = later {
        let mut transaction = line.main.write().await?;
        job_queue::postpone(&mut transaction, claimed.lease, later, now).await?;
        return Ok(transaction.commit().await?);
    }
    let doubt = doubt(line, &instances).await?;
    let mut transaction = line.main.write().await?;
    if job_queue::is_pending(&mut *transaction, fetch::KIND, set.job).await? {
        job_queue::postpone(&mut transaction, claimed.lease, now + FETCH_WAIT_MS, now).await?;
        return Ok(transaction.commit().await?);
    }
    if set.state == ResultSetState::ResultAvailable {
        let change = stage(project, "inspect", "nothing more came in the idle time", now);
        result_set::advance(&mut transaction, set.id, ResultSetEvent::Retrieve, &change).await?;
        if let Some(cause) = doubt {
            accept::ask(line, &mut transaction, &set, &[cause], None, &change).await?;
        } else {
            let entry = NewEntry { kind: reconcile::KIND, subject: set.id, partner: None, run_at: now };
            job_queue::enqueue(&mut transaction, entry, now).await?;
        }
    }
    job_queue::finish(&mut transaction, claimed.lease, now).await?;
    transaction.commit().await?;
    line.work.notify_one();
    line.messages.notify_one();
    Ok(())
}

/// When the idle time will be over, if it is not.
fn still_arriving(project: &Project, instances: &[ResultInstance], now: i64) -> Option<i64> {
    let idle = project.config.results.as_ref().map_or(0, |results| i64::from(results.idle_seconds) * 1000);
    let last = instances.iter().map(|instance| made_at(instance.id)).max()?;
    (last + idle > now).then_some(last + idle)
}

/// When an id of ours was made, epoch milliseconds.
fn made_at(id: Uuid) -> i64 {
    let (seconds, nanoseconds) = id.get_timestamp().map_or((0, 0), |made| made.to_unix());
    i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1000) + i64::from(nanoseconds / 1_000_000)
}

/// Why a person has to look before the set goes on.
async fn doubt(line: &Arc<Line>, instances: &[ResultInstance]) -> Result<Option<&'static str>, StageError> {
    if instances.is_empty() {
        return Ok(Some("nothing-retrieved"));
    }
    if instances.iter().any(|instance| instance.location.is_empty()) {
        return Ok(Some("instance-not-taken"));
    }
    let documents: Vec<Uuid> = instances
        .iter()
        .filter(|instance| instance.sop_class_uid == ENCAPSULATED_PDF)
        .map(|instance| instance.id)
        .collect();
    let line = Arc::clone(line);
    blocking(move || {
        for id in documents {
            let (file, syntax) = open_data_set(&line.blobs, Zone::Inbound, id)?;
            match names_of_document(file, syntax) {
                Ok(Names { active: true, .. }) => return Ok(Some("active-content")),
                Ok(Names { opaque: true, .. }) => return Ok(Some("document-cannot-be-inspected")),
                Ok(_) => {}
                Err(SourceError::Io(error)) => return Err(error.into()),
                Err(_) => return Ok(Some("cannot-be-read")),
            }
        }
        Ok(None)
    })
    .await?
}

/// What the names in the documents of a data set say.
fn names_of_document(file: impl Read + Seek, syntax: &TransferSyntax) -> Result<Names, SourceError> {
    let mut tokens = TokenSource::skimming(file, syntax, Limits::INSTANCE)?;
    let mut names = Names::default();
    let mut is_document = false;
    while let Some(token) = tokens.next_token()? {
        match token {
            Token::Value { header, value } if header.tag == DOCUMENT => {
                names.push(value);
                names.end_name();
            }
            Token::BulkStart { header } => {
                is_document = header.tag == DOCUMENT;
                if !is_document {
                    tokens.skip_bulk()?;
                }
            }
            Token::Bulk(piece) if is_document => names.push(piece),
            Token::BulkEnd => {
                names.end_name();
                is_document = false;
            }
            _ => {}
        }
    }
    Ok(names)
}

/// The names (ISO 32000-1, 7.3.5) in a PDF, in pieces of any length.
#[derive(Default)]
struct Names {
    /// One of [`ACTIVE`] is there.
    active: bool,
    /// One of [`OPAQUE`] is there.
    opaque: bool,
    name: Option<Vec<u8>>,
}

impl Names {
    fn push(&mut self, piece: &[u8]) {
        for byte in piece {
            match byte {
                b'/' => {
                    self.end_name();
                    self.name = Some(Vec::new());
                }
                b'\0' | b'\t' | b'\n' | 0x0C | b'\r' | b' ' | b'(' | b')' | b'<' | b'>' | b'[' | b']'
                | b'{' | b'}' | b'%' => self.end_name(),
                byte => {
                    if let Some(name) = &mut self.name {
                        name.push(*byte);
                    }
                    if self.name.as_ref().is_some_and(|name| name.len() > NAME_MAX) {
                        self.name = None;
                    }
                }
            }
        }
    }

    fn end_name(&mut self) {
        let Some(name) = self.name.take() else { return };
        let name = decoded(&name);
        self.active |= ACTIVE.contains(&name.as_slice());
        self.opaque |= OPAQUE.contains(&name.as_slice());
    }
}

/// A name without its `#xx`.
fn decoded(name: &[u8]) -> Vec<u8> {
    let digit = |at: usize| name.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let mut decoded = Vec::with_capacity(name.len());
    let mut at = 0;
    while let Some(byte) = name.get(at) {
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'#', Some(high), Some(low)) => {
                decoded.push((high << 4 | low) as u8);
                at += 3;
            }
            (byte, ..) => {
                decoded.push(*byte);
                at += 1;
            }
        }
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(pdf: &[u8], piece: usize) -> (bool, bool) {
        let mut names = Names::default();
        pdf.chunks(piece).for_each(|piece| names.push(piece));
        names.end_name();
        (names.active, names.opaque)
    }

    #[test]
    fn names_are_found_however_they_are_written_and_cut() {
        let cases: [(&[u8], (bool, bool)); 8] = [
            (b"<</Type/Catalog/Pages 2 0 R>>", (false, false)),
            (b"<</S/JavaScript/JS(app.alert(1))>>", (true, false)),
            (b"<</S /J#61vaScript>>", (true, false)),
            (b"<</#4C#61#75nch 1 0 R>>", (true, false)),
            (b"<</Names<</EmbeddedFiles 3 0 R>>>>", (true, false)),
            (b"<</Type/ObjStm/N 3>>", (false, true)),
            (b"trailer<</Encrypt 9 0 R/ID[<01>]>>", (false, true)),
            (b"<</JSON 1/Launcher 2/a#zz 3>>", (false, false)),
        ];
        for (pdf, expected) in cases {
            for piece in [1, 2, 7, 1000] {
                assert_eq!(names(pdf, piece), expected, "{} in {piece}", String::from_utf8_lossy(pdf));
            }
        }
        assert_eq!(names(b"/Launch", 3), (true, false));
    }

    /// An Encapsulated Document of any length after another bulk value.
    fn data_set(document: &[u8]) -> Vec<u8> {
        let ob = |group: u8, number: u8, value: &[u8]| {
            let length = (value.len() as u32).to_le_bytes();
            [&[group, 0, number, 0, b'O', b'B', 0, 0][..], &length, value].concat()
        };
        [ob(0x29, 0x11, &vec![b'/'; 100_000]), ob(0x42, 0x11, document)].concat()
    }

    #[test]
    fn the_document_is_read_behind_a_deflated_transfer_syntax() {
        let mut long = vec![b'x'; 70_000];
        long.extend_from_slice(b"/JavaScript ");
        for (document, active) in
            [(b"/Page/JS(1)".to_vec(), true), (long, true), (b"/Pages/K 1 0 ".to_vec(), false)]
        {
            let mut document = document;
            document.resize(document.len().next_multiple_of(2), 0);
            let plain = data_set(&document);
            let found =
                names_of_document(std::io::Cursor::new(&plain), &TransferSyntax::EXPLICIT_LITTLE).unwrap();
            assert_eq!(found.active, active);
            // RFC 1951 3.2.4, stored blocks
            let mut deflated = Vec::new();
            let blocks: Vec<&[u8]> = plain.chunks(60_000).collect();
            for (number, block) in blocks.iter().enumerate() {
                let length = block.len() as u16;
                deflated.push(u8::from(number + 1 == blocks.len()));
                deflated.extend_from_slice(&length.to_le_bytes());
                deflated.extend_from_slice(&(!length).to_le_bytes());
                deflated.extend_from_slice(block);
            }
            let found =
                names_of_document(std::io::Cursor::new(&deflated), &TransferSyntax::DEFLATED).unwrap();
            assert_eq!(found.active, active);
        }
    }
}
