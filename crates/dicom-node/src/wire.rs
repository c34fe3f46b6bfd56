//! PDUs on a stream: one persistent buffer, nothing allocated from a claimed length, cancel-safe reads.
//!
//! P-DATA-TF PDUs are not collected. Their headers are read, and the bytes of a PDV are lent out of the receive buffer
//! as they arrive.

use crate::access::Rejection;
use crate::pdu::{self, MAX_ASSOCIATE};
use crate::stream::Stream;
use bytes::{Buf, BytesMut};
use dicom_ul::pdu::{AssociationAC, AssociationRQ};
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

/// Receive buffer of a new or resting association, and of a busy one.
const SMALL_BUFFER: usize = 4 * 1024;
const LARGE_BUFFER: usize = 256 * 1024;
/// A large buffer is given back after this rest.
const RELEASE_AFTER: Duration = Duration::from_secs(1);

/// What arrived: events Evt3 to Evt13 and Evt16 of PS3.8 Table 9-10.
pub(crate) enum Received {
    Request(Box<AssociationRQ>),
    Accept(Box<AssociationAC>),
    Reject(Rejection),
    /// The header of a P-DATA-TF PDU; its PDVs follow by [`Wire::next_pdv`].
    Data,
    ReleaseRq,
    ReleaseRp,
    Abort {
        origin: u8,
        reason: u8,
    },
}

/// Why nothing more arrived, or nothing could be sent.
pub(crate) enum WireError {
    /// Not a PDU by PS3.8 §9.3 (Evt19), with the A-ABORT that answers it.
    Invalid(&'static str, [u8; 10]),
    Closed,
    TimedOut,
    Io(io::Error),
    Killed,
}

/// The header of a presentation data value (PS3.8 §9.3.5.1, Annex E.2) and how much of it is still to come.
#[derive(Clone, Copy)]
pub(crate) struct Pdv {
    pub(crate) context: u8,
    pub(crate) command: bool,
    pub(crate) last: bool,
    pub(crate) left: usize,
}

pub(crate) struct Wire<S> {
    stream: S,
    buffer: BytesMut,
    grain: usize,
    /// Bytes of the current P-DATA-TF PDU that are not yet assigned to a PDV.
    pdu_left: usize,
    pdv: Option<Pdv>,
    max_pdu: u32,
    kill: CancellationToken,
}

impl<S: Stream> Wire<S> {
    /// `max_pdu` is the longest P-DATA-TF PDU accepted; `kill` ends every read and write at once.
    pub(crate) fn new(stream: S, max_pdu: u32, kill: CancellationToken) -> Self {
        let buffer = BytesMut::new();
        Self { stream, buffer, grain: SMALL_BUFFER, pdu_left: 0, pdv: None, max_pdu, kill }
    }

    /// The next PDU. Of a P-DATA-TF only the header is taken.
    pub(crate) async fn next_pdu(&mut self, until: Instant) -> Result<Received, WireError> {
        self.need(6, until).await?;
        let Some([kind, _, l0, l1, l2, l3]) = self.buffer.first_chunk() else {
            return Err(WireError::Closed);
        };
        let (kind, length) = (*kind, u32::from_be_bytes([*l0, *l1, *l2, *l3]));
        let limit = match kind {
            1 | 2 => MAX_ASSOCIATE,
            3 | 5..=7 => 4,
            4 => self.max_pdu,
            _ => return Err(WireError::Invalid("PDU of unknown type", pdu::ABORT_UNRECOGNIZED)),
        };
        if length > limit || length < 4 {
            return Err(invalid("PDU length out of bounds"));
        }
        if kind == 4 {
            self.buffer.advance(6);
            self.pdu_left = length as usize;
            return Ok(Received::Data);
        }
        let total = 6 + length as usize;
        self.need(total, until).await?;
        let bytes = self.buffer.split_to(total);
        decode(kind, &bytes).ok_or(invalid("malformed A-ASSOCIATE PDU"))
    }

    /// Whether the current P-DATA-TF PDU has more PDVs.
    pub(crate) fn in_pdu(&self) -> bool {
        self.pdu_left > 0
    }

    /// The PDV under way, if any.
    pub(crate) fn pdv(&self) -> Option<Pdv> {
        self.pdv
    }

    /// Takes the header of the next PDV of the current PDU.
    pub(crate) async fn next_pdv(&mut self, until: Instant) -> Result<Pdv, WireError> {
        if self.pdu_left < 6 {
            return Err(invalid("P-DATA-TF with an incomplete PDV"));
        }
        self.need(6, until).await?;
        let Some([l0, l1, l2, l3, context, control]) = self.buffer.first_chunk() else {
            return Err(WireError::Closed);
        };
        let length = u32::from_be_bytes([*l0, *l1, *l2, *l3]) as usize;
        if length < 2 || length > self.pdu_left - 4 {
            return Err(invalid("PDV length out of bounds"));
        }
        let pdv =
            Pdv { context: *context, command: control & 1 != 0, last: control & 2 != 0, left: length - 2 };
        self.buffer.advance(6);
        self.pdu_left -= 4 + length;
        self.pdv = Some(pdv);
        Ok(pdv)
    }

    /// Waits for bytes of the PDV under way; the number that [`fragment`](Self::fragment) then lends, 0 at its end.
    pub(crate) async fn fill_fragment(&mut self, until: Instant) -> Result<usize, WireError> {
        let left = self.pdv.map_or(0, |pdv| pdv.left);
        if left > 0 {
            self.need(1, until).await?;
        }
        Ok(left.min(self.buffer.len()))
    }

    /// The first `count` received bytes of the PDV under way.
    pub(crate) fn fragment(&self, count: usize) -> &[u8] {
        self.buffer.get(..count).unwrap_or_default()
    }

    /// Gives `count` lent bytes back.
    pub(crate) fn consume(&mut self, count: usize) {
        self.buffer.advance(count.min(self.buffer.len()));
        if let Some(pdv) = &mut self.pdv {
            pdv.left = pdv.left.saturating_sub(count);
        }
    }

    /// Ends the PDV under way, whose bytes were all taken.
    pub(crate) fn end_pdv(&mut self) {
        self.pdv = None;
    }

    /// Drops the rest of the current P-DATA-TF PDU.
    pub(crate) async fn skip_pdu(&mut self, until: Instant) -> Result<(), WireError> {
        let mut left = self.pdu_left + self.pdv.take().map_or(0, |pdv| pdv.left);
        self.pdu_left = 0;
        while left > 0 {
            self.need(1, until).await?;
            let count = left.min(self.buffer.len());
            self.buffer.advance(count);
            left -= count;
        }
        Ok(())
    }

    /// Reads and drops everything until the peer closes.
    pub(crate) async fn drain(&mut self, until: Instant) -> Result<(), WireError> {
        loop {
            self.buffer.clear();
            self.fill(until).await?;
        }
    }

    /// Waits until a byte has arrived. A large buffer is given back when that takes longer than a moment.
    pub(crate) async fn rest(&mut self, until: Instant) -> Result<(), WireError> {
        if !self.buffer.is_empty() {
            return Ok(());
        }
        if self.grain > SMALL_BUFFER {
            match self.fill(until.min(Instant::now() + RELEASE_AFTER)).await {
                Err(WireError::TimedOut) if Instant::now() < until => {
                    self.buffer = BytesMut::new();
                    self.grain = SMALL_BUFFER;
                }
                other => return other,
            }
        }
        self.fill(until).await
    }

    /// Reads until `count` bytes are in the buffer.
    async fn need(&mut self, count: usize, until: Instant) -> Result<(), WireError> {
        while self.buffer.len() < count {
            self.fill(until).await?;
        }
        Ok(())
    }

    /// Reads at least one byte. The buffer grows with what arrives, never with what is claimed.
    async fn fill(&mut self, until: Instant) -> Result<(), WireError> {
        if self.buffer.capacity() - self.buffer.len() < self.grain / 2 {
            self.buffer.reserve(self.grain);
        }
        self.stream.rearm();
        let count = tokio::select! {
            biased;
            count = self.stream.read_buf(&mut self.buffer) => count.map_err(WireError::Io)?,
            () = self.kill.cancelled() => return Err(WireError::Killed),
            () = sleep_until(until) => return Err(WireError::TimedOut),
        };
        if self.buffer.len() == self.buffer.capacity() {
            self.grain = (self.grain * 2).min(LARGE_BUFFER);
        }
        if count == 0 { Err(WireError::Closed) } else { Ok(()) }
    }

    /// Sends `bytes` in one write, as far as the kernel takes them.
    pub(crate) async fn send(&mut self, bytes: &[u8], within: Duration) -> Result<(), WireError> {
        let stream = &mut self.stream;
        let write = async {
            stream.write_all(bytes).await?;
            stream.flush().await
        };
        tokio::select! {
            biased;
            sent = write => sent.map_err(WireError::Io),
            () = self.kill.cancelled() => Err(WireError::Killed),
            () = tokio::time::sleep(within) => Err(WireError::TimedOut),
        }
    }

    /// Sends an A-ABORT even while being killed; a peer that does not read loses it.
    pub(crate) async fn send_abort(&mut self, bytes: &[u8], within: Duration) {
        let write = async {
            let _ = self.stream.write_all(bytes).await;
            let _ = self.stream.flush().await;
        };
        let _ = tokio::time::timeout(within, write).await;
    }

    /// Closes our side.
    pub(crate) async fn close(&mut self, within: Duration) {
        let _ = tokio::time::timeout(within, self.stream.shutdown()).await;
    }
}

fn invalid(why: &'static str) -> WireError {
    WireError::Invalid(why, pdu::ABORT_INVALID)
}

/// A whole PDU other than P-DATA-TF, with its header.
fn decode(kind: u8, bytes: &[u8]) -> Option<Received> {
    Some(match (kind, bytes.get(6..)?) {
        (1, _) => Received::Request(Box::new(pdu::read_request(bytes)?)),
        (2, _) => Received::Accept(Box::new(pdu::read_accept(bytes)?)),
        (3, [_, result, source, reason]) => {
            Received::Reject(Rejection { result: *result, source: *source, reason: *reason })
        }
        (5, _) => Received::ReleaseRq,
        (6, _) => Received::ReleaseRp,
        (7, [_, _, origin, reason]) => Received::Abort { origin: *origin, reason: *reason },
        _ => return None,
    })
}
