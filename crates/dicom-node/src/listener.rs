//! The node as acceptor: listener, limits, one task per association, drain (`house-style` rule 16; PS3.8 §9.1.4).
//!
//! A connection takes an association's place only when its A-ASSOCIATE-RQ is complete. Before, and after the association
//! until the peer closes, it is pending; the oldest pending connection makes room for a new one. So connections that say
//! nothing, or do not go, keep nobody out.

use crate::acceptor::Proposal;
use crate::access::{AccessControl, PeerCertificate, Policy, Refused, Rejection};
use crate::association::{Association, Stop};
use crate::config::NodeConfig;
use crate::dimse::{Command, field};
use crate::error::AssociationError;
use crate::query_retrieve_scp::{self, QueryHandler};
use crate::receiver::InstanceReceiver;
use crate::status::Status;
use crate::storage_commitment::{self, CommitmentHandler};
use crate::stream::{NetStream, Stream};
use crate::tls::ServerTls;
use crate::{storage_scp, verification};
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Connections that the kernel keeps until they are accepted.
const BACKLOG: u32 = 1024;
/// First and longest pause after a failed accept, such as "too many open files".
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// Wait for a place before an association is rejected.
const GRACE: Duration = Duration::from_millis(500);

/// Opens a listening socket.
///
/// # Errors
/// The address is in use or not of this host.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// A DICOM node that accepts associations: Verification, Storage, Storage Commitment and C-FIND as SCP.
pub struct Node<A, R, C, Q> {
    config: NodeConfig,
    access: A,
    receiver: R,
    commitment: C,
    query: Q,
    places: Arc<Semaphore>,
    per_node: Mutex<HashMap<Arc<str>, Arc<Semaphore>>>,
    pending: Mutex<BTreeMap<u64, CancellationToken>>,
    numbers: AtomicU64,
}

/// The places that an accepted association holds: in the program, and of its peer.
type Places = (OwnedSemaphorePermit, OwnedSemaphorePermit);

/// Waits a moment for a place: associations that were just ended may not have given theirs back.
async fn place(places: Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Rejection> {
    match tokio::time::timeout(GRACE, places.acquire_owned()).await {
        Ok(Ok(place)) => Ok(place),
        Ok(Err(_)) | Err(_) => Err(Rejection::LOCAL_LIMIT),
    }
}

impl<A, R, C, Q> Node<A, R, C, Q>
where
    A: AccessControl,
    R: InstanceReceiver,
    C: CommitmentHandler,
    Q: QueryHandler,
{
    /// A node with its limits and handlers. It serves any number of listeners, with common limits.
    pub fn new(config: NodeConfig, access: A, receiver: R, commitment: C, query: Q) -> Arc<Self> {
        Arc::new(Self {
            places: Arc::new(Semaphore::new(config.associations.min(Semaphore::MAX_PERMITS))),
            config,
            access,
            receiver,
            commitment,
            query,
            per_node: Mutex::default(),
            pending: Mutex::default(),
            numbers: AtomicU64::new(1),
        })
    }

    /// Associations that are open now, for metrics.
    pub fn associations(&self) -> usize {
        self.config.associations.saturating_sub(self.places.available_permits())
    }

    /// Accepts connections until `stop`. Then running messages finish, their associations are ended, and after
    /// `drain_seconds` whatever is left is aborted. Returns when no task is left.
    pub async fn serve(
        self: Arc<Self>,
        listener: TcpListener,
        tls: Option<ServerTls>,
        stop: CancellationToken,
    ) {
        let kill = CancellationToken::new();
        let tasks = TaskTracker::new();
        let mut pause = FIRST_PAUSE;
        loop {
            let accepted = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((tcp, address)) => {
                    pause = FIRST_PAUSE;
                    let stop = Stop { drain: stop.clone(), kill: kill.child_token() };
                    tasks.spawn(Arc::clone(&self).connection(tcp, address, tls.clone(), stop));
                }
                Err(error) => {
                    tracing::warn!(%error, "no connection accepted; trying again");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
        drop(listener);
        for (_, pending) in std::mem::take(&mut *self.pending.lock().unwrap_or_else(PoisonError::into_inner))
        {
            pending.cancel();
        }
        tasks.close();
        let drain = Duration::from_secs(self.config.drain_seconds);
        if tokio::time::timeout(drain, tasks.wait()).await.is_err() {
            kill.cancel();
            tasks.wait().await;
        }
    }

    /// Serves one connection that is already open, on any stream: A-ASSOCIATE-RQ, messages, end. Returns when the
    /// connection is closed.
    pub async fn converse<S: Stream>(
        &self,
        stream: S,
        address: SocketAddr,
        certificate: Option<PeerCertificate>,
        stop: Stop,
    ) {
        let number = self.enter_pending(&stop.kill);
        self.association(stream, number, address, certificate, stop).await;
    }

    /// One TCP connection from its acceptance to its end.
    async fn connection(
        self: Arc<Self>,
        tcp: TcpStream,
        address: SocketAddr,
        tls: Option<ServerTls>,
        stop: Stop,
    ) {
        let number = self.enter_pending(&stop.kill);
        let secured = match tls {
            _ if tcp.set_nodelay(true).is_err() => None,
            None => Some((NetStream::Plain(tcp), None)),
            Some(tls) => self.handshake(&tls, tcp, address, &stop.kill).await,
        };
        match secured {
            Some((stream, certificate)) => self.association(stream, number, address, certificate, stop).await,
            None => self.leave_pending(number),
        }
    }

    async fn association<S: Stream>(
        &self,
        stream: S,
        number: u64,
        address: SocketAddr,
        certificate: Option<PeerCertificate>,
        stop: Stop,
    ) {
        let kill = stop.kill.clone();
        match Proposal::receive(stream, number, address, certificate, &self.config, stop).await {
            Ok(proposal) => match self.admit(&proposal).await {
                Ok((policy, places)) => {
                    self.leave_pending(number);
                    self.accepted(proposal, policy, places, kill).await;
                }
                Err(rejection) => {
                    self.access.refused(Refused::Association { peer: proposal.peer(), rejection }).await;
                    proposal.reject(rejection).await;
                }
            },
            Err(AssociationError::Violation(_) | AssociationError::TimedOut) => {
                self.access.refused(Refused::Garbage { address }).await;
            }
            Err(_) => {}
        }
        self.leave_pending(number);
    }

    async fn accepted<S: Stream>(
        &self,
        proposal: Proposal<S>,
        policy: Policy,
        places: Places,
        kill: CancellationToken,
    ) {
        let Ok(mut association) = proposal.accept(&policy).await else { return };
        drop(policy);
        let end = self.messages(&mut association).await;
        let number = association.peer().association;
        tracing::debug!(
            association = number,
            end = end.err().map(tracing::field::display),
            "association ended"
        );
        self.receiver.association_ended(association.peer()).await;
        drop(places);
        self.pend(number, kill);
        association.linger().await;
    }

    /// Numbers a new connection, which is pending.
    fn enter_pending(&self, kill: &CancellationToken) -> u64 {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        self.pend(number, kill.clone());
        number
    }

    /// Counts a connection as pending; the oldest one goes if there are too many.
    fn pend(&self, number: u64, kill: CancellationToken) {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        pending.insert(number, kill);
        if pending.len() > self.config.pending
            && let Some((_, oldest)) = pending.pop_first()
        {
            oldest.cancel();
        }
    }

    fn leave_pending(&self, number: u64) {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).remove(&number);
    }

    async fn handshake(
        &self,
        tls: &ServerTls,
        tcp: TcpStream,
        address: SocketAddr,
        kill: &CancellationToken,
    ) -> Option<(NetStream, Option<PeerCertificate>)> {
        let artim = Duration::from_secs(self.config.artim_seconds);
        let done = tokio::select! {
            done = tokio::time::timeout(artim, tls.accept(tcp)) => done,
            () = kill.cancelled() => return None,
        };
        if let Ok(Ok(secured)) = done {
            return Some(secured);
        }
        self.access.refused(Refused::Tls { address }).await;
        None
    }

    /// Asks, in this order: the service provider, access control, the limit of the peer, the total limit. So a peer
    /// that has no place left, or is unknown, never holds one of the total that others could use.
    async fn admit<S: Stream>(&self, proposal: &Proposal<S>) -> Result<(Policy, Places), Rejection> {
        proposal.check()?;
        let policy = self.access.decide(proposal.peer()).await?;
        let of_node = place(self.places_of(&policy)).await?;
        let total = place(Arc::clone(&self.places)).await?;
        Ok((policy, (total, of_node)))
    }

    /// Places of one peer; there are as many entries as the configuration has nodes.
    fn places_of(&self, policy: &Policy) -> Arc<Semaphore> {
        let mut per_node = self.per_node.lock().unwrap_or_else(PoisonError::into_inner);
        let places = || Arc::new(Semaphore::new(policy.associations.min(Semaphore::MAX_PERMITS)));
        Arc::clone(per_node.entry(Arc::clone(&policy.node)).or_insert_with(places))
    }

    /// Serves messages, by command field, until the association ends (PS3.7 Table E.1-1).
    async fn messages<S: Stream>(&self, association: &mut Association<S>) -> Result<(), AssociationError> {
        loop {
            association.rest().await?;
            let Some(message) = association.next_message(association.timers.stall).await? else {
                return Ok(());
            };
            match message.command.command_field() {
                field::C_STORE_RQ => {
                    storage_scp::serve(association, &message, &self.receiver).await?;
                }
                field::C_ECHO_RQ => verification::answer(association, &message).await?,
                field::C_FIND_RQ => query_retrieve_scp::serve(association, &message, &self.query).await?,
                field::N_ACTION_RQ | field::N_EVENT_REPORT_RQ => {
                    storage_commitment::serve(association, &message, &self.commitment).await?;
                }
                field::C_CANCEL_RQ => association.skip_data(0).await?, // what it is about has ended
                response if response & field::RESPONSE != 0 => {
                    return Err(association.violation("response without a request").await);
                }
                _ => {
                    association.skip_data(association.max_drain).await?;
                    let response = Command::response(&message.command, Status::UNRECOGNIZED_OPERATION.0);
                    association.send(message.context, &response, None).await?;
                }
            }
        }
    }
}
