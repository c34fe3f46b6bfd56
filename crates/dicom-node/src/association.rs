//! An association, either side: performs the actions of PS3.8 Tables 9-6 to 9-9 that `state` picks.

use crate::access::PeerInfo;
use crate::config::{NodeConfig, Timers};
use crate::error::AssociationError;
use crate::pdu;
use crate::presentation_context::AcceptedContext;
use crate::state::{self, Action, Event, State};
use crate::stream::Stream;
use crate::wire::{Received, Wire, WireError};
use dicom_ul::pdu::{AssociationAC, AssociationRQ};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Our Implementation Class UID (PS3.7 §D.3.3.2), from a random UUID.
pub const IMPLEMENTATION_CLASS_UID: &str = "2.25.253271533211743295465435770655004005368";
/// Our Implementation Version Name (PS3.7 §D.3.3.2.4).
pub const IMPLEMENTATION_VERSION_NAME: &str = "RESEARCHPACS_01";
/// The DICOM application context (PS3.7 §A.2.1).
pub(crate) const APPLICATION_CONTEXT: &str = "1.2.840.10008.3.1.1.1";

/// The longest fragment that we send, in bytes, whatever the peer allows.
const MAX_FRAGMENT: usize = 128 * 1024;
/// An A-ABORT is given up when the peer does not read for this long.
const ABORT_WITHIN: Duration = Duration::from_secs(1);

/// The two tokens that end an association from outside.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    /// Ends an accepted association at the next boundary between messages.
    pub drain: CancellationToken,
    /// Aborts an association wherever it is.
    pub kill: CancellationToken,
}

/// An established association over any stream. Services are methods of it: `echo`, `store`, `find`, `get`, `move_to`,
/// `request_commitment` … End it with [`release`](Self::release) or [`abort`](Self::abort).
pub struct Association<S> {
    pub(crate) wire: Wire<S>,
    state: State,
    requestor: bool,
    pub(crate) timers: Timers,
    artim: Option<Instant>,
    stop: Stop,
    pub(crate) contexts: Vec<AcceptedContext>,
    pub(crate) peer: Arc<PeerInfo>,
    peer_max_pdu: u32,
    /// Longest data set taken by C-STORE, and bytes dropped of a refused one.
    pub(crate) max_instance: u64,
    pub(crate) max_drain: u64,
    /// Context of the message whose data set is not yet read to its end.
    pub(crate) incoming: Option<u8>,
    /// Bytes lent to the reader of that data set.
    pub(crate) lent: usize,
    message_id: u16,
}

/// What a PDU means to the user of the association.
pub(crate) enum Indication {
    Request(Box<AssociationRQ>),
    Accepted(Box<AssociationAC>),
    Data,
    Release,
    /// A-RELEASE-RP arrived and the connection is closed.
    Released,
    /// A-RELEASE-RP arrived after a release collision; the acceptor still answers.
    ReleasedInCollision,
    /// A PDU that the state ignores.
    Ignored,
}

impl<S: Stream> Association<S> {
    pub(crate) fn new(stream: S, peer: PeerInfo, requestor: bool, config: &NodeConfig, stop: Stop) -> Self {
        Self {
            wire: Wire::new(stream, config.max_pdu_bytes, stop.kill.clone()),
            state: State::Sta1,
            requestor,
            timers: config.timers(),
            artim: None,
            stop,
            contexts: Vec::new(),
            peer: Arc::new(peer),
            peer_max_pdu: 0,
            max_instance: config.max_instance_bytes,
            max_drain: config.max_drain_bytes,
            incoming: None,
            lent: 0,
            message_id: 0,
        }
    }

    /// The other side. For an association that we requested: its address, and both titles.
    pub fn peer(&self) -> &Arc<PeerInfo> {
        &self.peer
    }

    /// The accepted presentation contexts.
    pub fn contexts(&self) -> &[AcceptedContext] {
        &self.contexts
    }

    /// The accepted context for a SOP class, with a given transfer syntax or with any.
    pub fn context_for(&self, sop_class: &str, transfer_syntax: Option<&str>) -> Option<&AcceptedContext> {
        self.contexts.iter().find(|context| {
            context.abstract_syntax == sop_class
                && transfer_syntax.is_none_or(|wanted| wanted == context.transfer_syntax)
        })
    }

    pub(crate) fn established(&mut self, contexts: Vec<AcceptedContext>, peer_max_pdu: u32) {
        self.contexts = contexts;
        self.peer_max_pdu = peer_max_pdu;
    }

    /// The longest fragment that fits into a PDU of the peer (PS3.8 §D.1: 0 is no limit), even.
    pub(crate) fn fragment_size(&self) -> usize {
        let longest = match self.peer_max_pdu as usize {
            0 => MAX_FRAGMENT,
            limit => limit.saturating_sub(6).min(MAX_FRAGMENT),
        };
        (longest & !1).max(2)
    }

    pub(crate) fn next_message_id(&mut self) -> u16 {
        self.message_id = self.message_id.checked_add(1).unwrap_or(1);
        self.message_id
    }

    /// When a read that starts now ends: the ARTIM timer if it runs, else after `wait`.
    pub(crate) fn deadline(&self, wait: Duration) -> Instant {
        self.artim.unwrap_or_else(|| Instant::now() + wait)
    }

    /// Enters the state after `event`, and starts or stops the ARTIM timer (PS3.8 §9.1.5).
    fn advance(&mut self, event: Event) -> Result<Action, AssociationError> {
        // AE-6: what the service provider checks is answered with the whole request in hand, by AE-8
        let first = self.requestor || event == Event::RqReceived;
        let (action, state) = state::next(self.state, event, first).ok_or(AssociationError::NotOpen)?;
        self.state = state;
        match action {
            Action::Ae5 | Action::Ae8 | Action::Ar4 | Action::Aa1 | Action::Aa8 => {
                self.artim = Some(Instant::now() + self.timers.artim);
            }
            Action::Ae6 | Action::Ar5 | Action::Aa2 | Action::Aa5 => self.artim = None,
            _ => {}
        }
        Ok(action)
    }

    /// Sends or closes as `action` says. `bytes` is the PDU of actions that have no fixed one.
    async fn perform(&mut self, action: Action, bytes: &[u8]) -> Result<(), WireError> {
        match action {
            Action::Ae2 | Action::Ae7 | Action::Ae8 | Action::Dt1 | Action::Ar7 => {
                self.wire.send(bytes, self.timers.stall).await
            }
            Action::Ar1 => self.wire.send(&pdu::RELEASE_RQ, self.timers.stall).await,
            Action::Ar4 | Action::Ar9 => self.wire.send(&pdu::RELEASE_RP, self.timers.stall).await,
            Action::Aa1 => {
                self.wire.send_abort(&pdu::ABORT_USER, ABORT_WITHIN).await;
                Ok(())
            }
            Action::Aa7 | Action::Aa8 => {
                self.wire.send_abort(bytes, ABORT_WITHIN).await;
                Ok(())
            }
            Action::Ae4 | Action::Ar3 | Action::Aa2 | Action::Aa3 => {
                self.wire.close(ABORT_WITHIN).await;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// A local event: a service primitive or the transport connection.
    pub(crate) async fn step(&mut self, event: Event, bytes: &[u8]) -> Result<(), AssociationError> {
        let action = self.advance(event)?;
        match self.perform(action, bytes).await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.fault(error).await),
        }
    }

    /// Turns a failed read or write into its event, performs it, and says why the association is over.
    pub(crate) async fn fault(&mut self, error: WireError) -> AssociationError {
        let resting = matches!(self.state, State::Sta2 | State::Sta13);
        let (event, bytes, error) = match error {
            WireError::Invalid(why, abort) => (Event::InvalidPdu, abort, AssociationError::Violation(why)),
            WireError::Closed => (Event::TransportClosed, pdu::ABORT_USER, AssociationError::Closed),
            WireError::Io(error) => {
                (Event::TransportClosed, pdu::ABORT_USER, AssociationError::Transport(error))
            }
            WireError::TimedOut if resting => {
                (Event::ArtimExpired, pdu::ABORT_USER, AssociationError::TimedOut)
            }
            WireError::TimedOut => (Event::AbortRequest, pdu::ABORT_USER, AssociationError::TimedOut),
            WireError::Killed => (Event::AbortRequest, pdu::ABORT_USER, AssociationError::Shutdown),
        };
        if let Ok(action) = self.advance(event) {
            let _ = self.perform(action, &bytes).await; // aborting and closing report no error
        }
        error
    }

    /// Aborts because of what the peer sent in its messages (an A-ABORT primitive, Evt15).
    pub(crate) async fn violation(&mut self, why: &'static str) -> AssociationError {
        let _ = self.step(Event::AbortRequest, &[]).await;
        AssociationError::Violation(why)
    }

    /// Awaits the next PDU and does what Table 9-10 says about it.
    pub(crate) async fn next_pdu(&mut self, wait: Duration) -> Result<Indication, AssociationError> {
        let received = match self.wire.next_pdu(self.deadline(wait)).await {
            Ok(received) => received,
            Err(error) => return Err(self.fault(error).await),
        };
        let action = self.advance(event_of(&received))?;
        if let Err(error) = self.perform(action, &pdu::ABORT_UNEXPECTED).await {
            return Err(self.fault(error).await);
        }
        match (action, received) {
            (Action::Ae6, Received::Request(request)) => Ok(Indication::Request(request)),
            (Action::Ae3, Received::Accept(accept)) => Ok(Indication::Accepted(accept)),
            (Action::Ae4, Received::Reject(rejection)) => Err(AssociationError::Rejected(rejection)),
            (Action::Dt2 | Action::Ar6, _) => Ok(Indication::Data),
            (Action::Ar2 | Action::Ar8, _) => Ok(Indication::Release),
            (Action::Ar3, _) => Ok(Indication::Released),
            (Action::Ar10, _) => Ok(Indication::ReleasedInCollision),
            (Action::Aa6, _) => Ok(Indication::Ignored),
            (_, Received::Abort { origin, reason }) => Err(AssociationError::Aborted { origin, reason }),
            _ => Err(AssociationError::Violation("PDU that is not allowed in this state")),
        }
    }

    /// Waits for the first byte of the next message, or for the order to stop.
    pub(crate) async fn rest(&mut self) -> Result<(), AssociationError> {
        let until = self.deadline(self.timers.idle);
        let rested = tokio::select! {
            biased;
            () = self.stop.drain.cancelled() => Err(WireError::Killed),
            rested = self.wire.rest(until) => rested,
        };
        match rested {
            Ok(()) => Ok(()),
            Err(error) => Err(self.fault(error).await),
        }
    }

    /// Ends the association in order: A-RELEASE, PS3.8 §7.2.
    ///
    /// # Errors
    /// The association was not open, or the peer did not answer; it is over in any case.
    pub async fn release(mut self) -> Result<(), AssociationError> {
        if self.incoming.is_some() {
            self.abort().await;
            return Err(AssociationError::NotOpen);
        }
        self.step(Event::ReleaseRequest, &[]).await?;
        loop {
            match self.next_pdu(self.timers.stall).await? {
                Indication::Released => return Ok(()),
                Indication::Release if !self.requestor => {} // collision: the requestor answers first (PS3.8 §7.2.2.7)
                Indication::Release => self.step(Event::ReleaseResponse, &[]).await?,
                Indication::ReleasedInCollision => {
                    self.step(Event::ReleaseResponse, &[]).await?;
                    self.linger().await;
                    return Ok(());
                }
                _ => {
                    let until = self.deadline(self.timers.stall);
                    if let Err(error) = self.wire.skip_pdu(until).await {
                        return Err(self.fault(error).await);
                    }
                }
            }
        }
    }

    /// Answers the peer's A-RELEASE-RQ.
    pub(crate) async fn answer_release(&mut self) -> Result<(), AssociationError> {
        self.step(Event::ReleaseResponse, &[]).await
    }

    /// Ends the association at once: A-ABORT, PS3.8 §7.3.
    pub async fn abort(mut self) {
        let _ = self.step(Event::AbortRequest, &[]).await;
        self.wire.close(ABORT_WITHIN).await;
    }

    /// In Sta13: waits for the peer to close, at most until the ARTIM timer expires.
    pub(crate) async fn linger(&mut self) {
        if self.stop.drain.is_cancelled() {
            self.artim = Some(Instant::now() + ABORT_WITHIN);
        }
        while self.state == State::Sta13 {
            let until = self.deadline(self.timers.artim);
            let end = match self.wire.skip_pdu(until).await {
                Ok(()) => self.next_pdu(self.timers.artim).await.err(),
                Err(error) => Some(self.fault(error).await),
            };
            match end {
                Some(AssociationError::Violation(_)) => {
                    let _ = self.wire.drain(until).await; // where the next PDU begins is not known any more
                    break;
                }
                Some(AssociationError::Shutdown) => break,
                _ => {}
            }
        }
        self.wire.close(ABORT_WITHIN).await;
    }
}

/// The event of PS3.8 Table 9-10 that a PDU is.
fn event_of(received: &Received) -> Event {
    match received {
        Received::Request(_) => Event::RqReceived,
        Received::Accept(_) => Event::AcReceived,
        Received::Reject(_) => Event::RjReceived,
        Received::Data => Event::DataReceived,
        Received::ReleaseRq => Event::ReleaseRqReceived,
        Received::ReleaseRp => Event::ReleaseRpReceived,
        Received::Abort { .. } => Event::AbortReceived,
    }
}
