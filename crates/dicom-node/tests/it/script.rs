//! A scripted peer: raw bytes on one end of a stream in memory, our node on the other.

use crate::fake::{Access, Commitment, Counting, Receiver};
use dicom_node::access::PeerInfo;
use dicom_node::config::NodeConfig;
use dicom_node::{Association, Node, Stop};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::task::JoinHandle;

pub(crate) const ABORT_USER: &[u8] = b"\x07\0\0\0\0\x04\0\0\0\0";
pub(crate) const ABORT_UNRECOGNIZED: &[u8] = b"\x07\0\0\0\0\x04\0\0\x02\x01";
pub(crate) const ABORT_UNEXPECTED: &[u8] = b"\x07\0\0\0\0\x04\0\0\x02\x02";
pub(crate) const ABORT_INVALID: &[u8] = b"\x07\0\0\0\0\x04\0\0\x02\x06";
pub(crate) const RELEASE_RQ: &[u8] = b"\x05\0\0\0\0\x04\0\0\0\0";
pub(crate) const RELEASE_RP: &[u8] = b"\x06\0\0\0\0\x04\0\0\0\0";

pub(crate) fn address() -> SocketAddr {
    "192.0.2.7:40000".parse().unwrap()
}

pub(crate) enum Step<'a> {
    /// Sends in one write.
    Say(&'a [u8]),
    /// Sends byte by byte.
    Trickle(&'a [u8]),
    Expect(&'a [u8]),
    Wait(u64),
    /// Our side closes the connection.
    ExpectEnd,
}
pub(crate) use Step::*;

/// The peer's end of a connection.
pub(crate) struct Peer(pub(crate) DuplexStream);

impl Peer {
    pub(crate) async fn play(&mut self, steps: &[Step<'_>]) {
        for (number, step) in steps.iter().enumerate() {
            match step {
                Say(bytes) => self.0.write_all(bytes).await.unwrap(),
                Trickle(bytes) => {
                    for byte in *bytes {
                        self.0.write_all(&[*byte]).await.unwrap();
                        tokio::task::yield_now().await;
                    }
                }
                Expect(expected) => {
                    let mut got = vec![0; expected.len()];
                    if let Err(error) = self.0.read_exact(&mut got).await {
                        panic!("step {number}: {error} instead of {expected:?}");
                    }
                    assert_eq!(
                        &got.escape_ascii().to_string(),
                        &expected.escape_ascii().to_string(),
                        "step {number}"
                    );
                }
                Wait(seconds) => tokio::time::sleep(Duration::from_secs(*seconds)).await,
                ExpectEnd => {
                    let mut rest = Vec::new();
                    self.0.read_to_end(&mut rest).await.unwrap();
                    assert_eq!(rest.escape_ascii().to_string(), "", "step {number}");
                }
            }
        }
    }

    /// One PDU as it comes: type and body.
    pub(crate) async fn pdu(&mut self) -> (u8, Vec<u8>) {
        let mut header = [0; 6];
        self.0.read_exact(&mut header).await.unwrap();
        let mut body = vec![0; u32::from_be_bytes([header[2], header[3], header[4], header[5]]) as usize];
        self.0.read_exact(&mut body).await.unwrap();
        (header[0], body)
    }

    /// Status (0000,0900) in the command set of the next message.
    pub(crate) async fn status(&mut self) -> u16 {
        let (kind, body) = self.pdu().await;
        assert_eq!(kind, 4, "{}", body.escape_ascii());
        assert_eq!(body[5] & 1, 1, "a command");
        let at = body.windows(8).position(|w| w == b"\0\0\0\x09\x02\0\0\0").expect("a status");
        u16::from_le_bytes([body[at + 8], body[at + 9]])
    }
}

/// A node on the other end of a stream in memory.
pub(crate) struct Bench {
    pub(crate) peer: Peer,
    pub(crate) node: Arc<Node<Access, Receiver, Commitment, Counting>>,
    pub(crate) receiver: Receiver,
    pub(crate) access: Access,
    pub(crate) commitment: Commitment,
    pub(crate) stop: Stop,
    pub(crate) task: JoinHandle<()>,
}

pub(crate) fn bench() -> Bench {
    bench_with(NodeConfig::default(), Receiver::default(), Access::default())
}

pub(crate) fn bench_with(config: NodeConfig, receiver: Receiver, access: Access) -> Bench {
    let (ours, theirs) = tokio::io::duplex(1 << 20);
    let commitment = Commitment::default();
    let node = Node::new(config, access.clone(), receiver.clone(), commitment.clone(), Counting);
    let stop = Stop::default();
    let task = tokio::spawn({
        let (node, stop) = (Arc::clone(&node), stop.clone());
        async move { node.converse(ours, address(), None, stop).await }
    });
    Bench { peer: Peer(theirs), node, receiver, access, commitment, stop, task }
}

/// Our requestor, with a node of ours on the other side.
pub(crate) async fn associate(
    bench: Bench,
    contexts: &[dicom_node::presentation_context::ProposedContext],
) -> (Association<DuplexStream>, Bench) {
    let Bench { peer: Peer(stream), node, receiver, access, commitment, stop, task } = bench;
    let association = request(stream, contexts).await.unwrap();
    let (unused, _) = tokio::io::duplex(1);
    (association, Bench { peer: Peer(unused), node, receiver, access, commitment, stop, task })
}

pub(crate) async fn request(
    stream: DuplexStream,
    contexts: &[dicom_node::presentation_context::ProposedContext],
) -> Result<Association<DuplexStream>, dicom_node::AssociationError> {
    let title = |text| dicom_node::AeTitle::new(text).unwrap();
    let config = NodeConfig::default();
    Association::request(
        stream,
        address(),
        title("ARCHIVE"),
        title("MODALITY"),
        contexts,
        &config,
        Stop::default(),
    )
    .await
}

/// P-DATA-TF with one PDV.
pub(crate) fn pdata(context: u8, control: u8, fragment: &[u8]) -> Vec<u8> {
    let mut out = vec![4, 0];
    out.extend((fragment.len() as u32 + 6).to_be_bytes());
    out.extend((fragment.len() as u32 + 2).to_be_bytes());
    out.extend([context, control]);
    out.extend(fragment);
    out
}

/// One PDV without its PDU.
pub(crate) fn pdv(context: u8, control: u8, fragment: &[u8]) -> Vec<u8> {
    pdata(context, control, fragment).split_off(6)
}

pub(crate) const COMMAND: u8 = 1;
pub(crate) const LAST: u8 = 2;

pub(crate) fn titles(peer: &PeerInfo) -> (String, String) {
    (peer.calling.to_string(), peer.called.to_string())
}
