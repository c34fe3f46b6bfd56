//! From the disk to the network: a data set is read on a thread of its own, some pieces ahead of the sender.

use std::io::{self, Read};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use tokio::io::AsyncRead;
use tokio::sync::mpsc;
use tokio_util::io::StreamReader;

use crate::outgoing::{InstanceSource, OutgoingInstance};

/// Bytes per piece: small enough that the allocator has it at hand.
const PIECE: usize = 64 << 10;
/// Pieces that wait for the sender. With the piece at each end this bounds the memory of a feed, whatever the instance's size.
pub(crate) const AHEAD: usize = 8;

/// Why a data set was not read to its end.
pub(crate) enum Cut {
    /// The source failed.
    Source(io::Error),
    /// Nobody wants the pieces any more.
    Unwanted,
}

/// Starts to read the data set of `instance`.
pub(crate) fn start<S: InstanceSource>(
    source: &Arc<S>,
    instance: &OutgoingInstance,
) -> impl AsyncRead + Unpin + Send + use<S> {
    let (sender, mut pieces) = mpsc::channel(AHEAD);
    let (source, instance) = (Arc::clone(source), instance.clone());
    tokio::task::spawn_blocking(move || {
        let read = read_pieces(&*source, &instance, |piece| sender.blocking_send(Ok(piece)).is_ok());
        if let Err(Cut::Source(error)) = read {
            let _ = sender.blocking_send(Err(error)); // unwanted: then nobody waits for it
        }
    });
    StreamReader::new(stream::poll_fn(move |cx| pieces.poll_recv(cx)))
}

/// Gives the data set of `instance` to `take`, piece by piece, until it says no. A source that is not as long as the instance
/// should be has failed.
pub(crate) fn read_pieces<S: InstanceSource>(
    source: &S,
    instance: &OutgoingInstance,
    mut take: impl FnMut(Bytes) -> bool,
) -> Result<(), Cut> {
    let mut data = source.open(instance).map_err(Cut::Source)?;
    let mut read = 0_u64;
    loop {
        let left = instance.length.map_or(u64::MAX, |length| length.saturating_sub(read));
        let expected = usize::try_from(left).unwrap_or(PIECE).saturating_add(1).min(PIECE);
        let piece = read_piece(&mut data, expected).map_err(Cut::Source)?;
        read += piece.len() as u64;
        let ended = piece.len() < expected;
        let fits = instance.length.is_none_or(|length| if ended { read == length } else { read <= length });
        if !fits {
            let error =
                io::Error::new(io::ErrorKind::InvalidData, "the data set is not as long as it should be");
            return Err(Cut::Source(error));
        }
        if !piece.is_empty() && !take(Bytes::from(piece)) {
            return Err(Cut::Unwanted);
        }
        if ended {
            return Ok(());
        }
    }
}

/// Up to `expected` bytes, fewer only at the end; in as few calls as the source allows.
fn read_piece(data: &mut impl Read, expected: usize) -> io::Result<Vec<u8>> {
    let mut piece = vec![0; expected];
    let mut filled = 0;
    while let Some(room) = piece.get_mut(filled..).filter(|room| !room.is_empty()) {
        match data.read(room) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    piece.truncate(filled);
    Ok(piece)
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    struct Zeros(u64);

    impl InstanceSource for Zeros {
        fn open(&self, _: &OutgoingInstance) -> io::Result<Box<dyn Read + Send>> {
            Ok(Box::new(io::repeat(0).take(self.0)))
        }
    }

    fn read(actual: u64, length: Option<u64>) -> Result<u64, ()> {
        let text = String::new;
        let instance = OutgoingInstance {
            id: Uuid::nil(),
            sop_class: text(),
            sop_instance: text(),
            transfer_syntax: text(),
            length,
        };
        let mut sum = 0;
        let ended = read_pieces(&Zeros(actual), &instance, |piece| {
            sum += piece.len() as u64;
            true
        });
        ended.map(|()| sum).map_err(|_| ())
    }

    #[test]
    fn a_data_set_is_whole_or_unreadable() {
        let piece = PIECE as u64;
        for length in [0, 1, piece - 1, piece, piece + 1, 3 * piece] {
            assert_eq!(read(length, Some(length)), Ok(length));
            assert_eq!(read(length, None), Ok(length));
            assert_eq!(read(length, Some(length + 1)), Err(()), "{length} is too short");
            assert_eq!(read(length + 1, Some(length)), Err(()), "{length} is too long");
        }
    }
}
