//! The listener over loopback: limits, silent connections, drain.

use crate::bytes::*;
use crate::fake::{Access, Commitment, Counting, Receiver};
use crate::script::{RELEASE_RP, RELEASE_RQ};
use dicom_node::access::Policy;
use dicom_node::config::NodeConfig;
use dicom_node::presentation_context::ProposedContext;
use dicom_node::sop_class::VERIFICATION;
use dicom_node::status::Status;
use dicom_node::transfer_syntax::IMPLICIT_LITTLE;
use dicom_node::{AeTitle, AssociationError, Node, RemoteNode};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

struct Running {
    address: SocketAddr,
    access: Access,
    node: Arc<Node<Access, Receiver, Commitment, Counting>>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

fn running(config: NodeConfig, policy: Policy) -> Running {
    let listener = dicom_node::listener::listen("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    let access = Access { policy, ..Access::default() };
    let node = Node::new(config, access.clone(), Receiver::default(), Commitment::default(), Counting);
    let stop = CancellationToken::new();
    let task = tokio::spawn(Arc::clone(&node).serve(listener, None, stop.clone()));
    Running { address, access, node, stop, task }
}

async fn echo(address: SocketAddr) -> Result<Status, AssociationError> {
    echo_from("MODALITY", address).await
}

async fn echo_from(calling: &str, address: SocketAddr) -> Result<Status, AssociationError> {
    let title = |text| AeTitle::new(text).unwrap();
    let (called, calling) = (title("ARCHIVE"), title(calling));
    let remote =
        RemoteNode { called, calling, host: address.ip().to_string(), port: address.port(), tls: None };
    let contexts = [ProposedContext::new(VERIFICATION, &[IMPLICIT_LITTLE])];
    let mut association =
        remote.associate(&contexts, &NodeConfig::default(), CancellationToken::new()).await?;
    let status = association.echo().await?;
    association.release().await?;
    Ok(status)
}

async fn open(address: SocketAddr) -> (TcpStream, u8) {
    let mut tcp = TcpStream::connect(address).await.unwrap();
    tcp.write_all(ASSOCIATE_RQ).await.unwrap();
    let mut kind = [0; 10];
    tcp.read_exact(&mut kind).await.unwrap();
    (tcp, kind[0])
}

#[tokio::test]
async fn silent_connections_keep_nobody_out() {
    let config = NodeConfig { associations: 2, pending: 50, ..NodeConfig::default() };
    let node = running(config, Policy::new("modality", 2));
    let mut silent = Vec::new();
    for _ in 0..120 {
        silent.push(TcpStream::connect(node.address).await.unwrap());
    }
    assert_eq!(echo(node.address).await.unwrap(), Status::SUCCESS);
    let mut end = [0];
    assert_eq!(silent[0].read(&mut end).await.unwrap_or(0), 0, "the oldest one made room");
    node.stop.cancel();
    node.task.await.unwrap();
}

#[tokio::test]
async fn limits_count_open_associations_only() {
    for (associations, per_node) in [(2, 10), (10, 2)] {
        let config = NodeConfig { associations, ..NodeConfig::default() };
        let node = running(config, Policy::new("modality", per_node));
        let (mut first, kind) = open(node.address).await;
        assert_eq!(kind, 2);
        let (second, kind) = open(node.address).await;
        assert_eq!((kind, node.node.associations()), (2, 2));
        let (mut third, kind) = open(node.address).await;
        assert_eq!(kind, 3);
        let _ = third.shutdown().await;
        let mut rest = vec![0; ASSOCIATE_AC.len() - 10];
        first.read_exact(&mut rest).await.unwrap();
        first.write_all(RELEASE_RQ).await.unwrap();
        first.read_exact(&mut rest[..10]).await.unwrap();
        assert_eq!(&rest[..10], RELEASE_RP);
        drop((first, second));
        while node.node.associations() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(echo(node.address).await.unwrap(), Status::SUCCESS);
        node.stop.cancel();
        node.task.await.unwrap();
    }
}

#[tokio::test]
async fn a_node_without_a_place_of_its_own_takes_none_from_others() {
    let config = NodeConfig { associations: 2, ..NodeConfig::default() };
    let node = running(config, Policy::new("modality", 1));
    let (_first, kind) = open(node.address).await;
    assert_eq!(kind, 2);
    let mut second = TcpStream::connect(node.address).await.unwrap();
    second.write_all(ASSOCIATE_RQ).await.unwrap();
    while node.access.seen.lock().unwrap().len() < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(node.node.associations(), 1, "who waits for its own place holds none of the total");
    assert_eq!(echo_from("SECOND_NODE", node.address).await.unwrap(), Status::SUCCESS);
    let mut kind = [0];
    second.read_exact(&mut kind).await.unwrap();
    assert_eq!(kind, [3], "rejected after the grace");
    node.stop.cancel();
    node.task.await.unwrap();
}

#[tokio::test]
async fn stopping_ends_everything_and_closes_the_port() {
    let node = running(NodeConfig::default(), Policy::new("modality", 5));
    let silent = TcpStream::connect(node.address).await.unwrap();
    let (mut resting, _) = open(node.address).await;
    node.stop.cancel();
    let mut rest = Vec::new();
    let _ = resting.read_to_end(&mut rest).await;
    assert!(rest.ends_with(b"\x07\0\0\0\0\x04\0\0\0\0"), "an abort, not only a close");
    drop(resting);
    node.task.await.unwrap();
    drop(silent);
    assert!(matches!(echo(node.address).await, Err(AssociationError::Transport(_))));
}

#[tokio::test]
async fn many_at_once() {
    let node =
        running(NodeConfig { associations: 100, ..NodeConfig::default() }, Policy::new("modality", 100));
    let calls: Vec<_> = (0..100).map(|_| tokio::spawn(echo(node.address))).collect();
    for call in calls {
        match call.await.unwrap() {
            Ok(status) => assert_eq!(status, Status::SUCCESS),
            Err(AssociationError::Rejected(rejection)) => assert!(rejection.is_transient()),
            Err(error) => panic!("{error}"),
        }
    }
    node.stop.cancel();
    node.task.await.unwrap();
}
