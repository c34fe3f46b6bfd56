//! Who may associate (AC1.1): calling title, source address, client certificate and called title against the white list. Everything
//! else is rejected at association level and audited.

use std::collections::HashMap;
use std::sync::Arc;

use archive::spool::{Health, Spool};
use dicom_node::AeTitle;
use dicom_node::access::{AccessControl, PeerInfo, Policy, Refused, Rejection};
use register::{RejectionReason, RejectionSink, Text};
use sha2::{Digest, Sha256};

use crate::clock::Clock;
use crate::config::NodeConfig;
use crate::route::Routes;

/// The nodes that may send to us, by calling title.
#[derive(Debug)]
pub struct Nodes(HashMap<String, NodeConfig>);

impl Nodes {
    /// Those of `nodes` that have an address to call from.
    pub fn new(nodes: &[NodeConfig]) -> Self {
        let inbound = nodes.iter().filter(|node| !node.addresses.is_empty());
        Self(inbound.map(|node| (node.ae_title.as_str().to_owned(), node.clone())).collect())
    }

    /// The node with this calling title.
    pub fn get(&self, calling: &str) -> Option<&NodeConfig> {
        self.0.get(calling)
    }
}

/// The white list of a site.
#[derive(Debug)]
pub struct WhiteList {
    nodes: Arc<Nodes>,
    routes: Arc<Routes>,
    ae_titles: Vec<AeTitle>,
    associations_per_node: usize,
    spool: Spool,
    audit: RejectionSink,
    clock: Clock,
}

impl WhiteList {
    /// The list of all nodes that may call. `ae_titles` are our own titles beside those of the projects.
    pub fn new(
        nodes: Arc<Nodes>,
        routes: Arc<Routes>,
        ae_titles: &[AeTitle],
        associations_per_node: usize,
        spool: Spool,
        audit: RejectionSink,
        clock: Clock,
    ) -> Self {
        Self { nodes, routes, ae_titles: ae_titles.to_vec(), associations_per_node, spool, audit, clock }
    }

    /// The peer's entry, or why it has none.
    fn entry(&self, peer: &PeerInfo) -> Result<&NodeConfig, RejectionReason> {
        let node = self.nodes.get(peer.calling.as_str()).ok_or(RejectionReason::CallingTitle)?;
        let address = peer.address.ip().to_canonical();
        if !node.addresses.iter().any(|network| network.contains(&address)) {
            return Err(RejectionReason::Address);
        }
        if let Some(expected) = &node.certificate_sha256 {
            let shown = peer.certificate.as_ref().map(|certificate| hex(&Sha256::digest(&certificate.der)));
            if !shown.is_some_and(|shown| shown.eq_ignore_ascii_case(expected)) {
                return Err(RejectionReason::Certificate);
            }
        }
        let reports = node.storage_commitment && node.called_by == peer.called;
        if !(reports || self.is_called(peer)) {
            return Err(RejectionReason::CalledTitle);
        }
        Ok(node)
    }

    /// Whether the called title is one that nodes send to.
    fn is_called(&self, peer: &PeerInfo) -> bool {
        self.routes.knows_called_title(peer.called.as_str()) || self.ae_titles.contains(&peer.called)
    }
}

impl AccessControl for WhiteList {
    async fn decide(&self, peer: &PeerInfo) -> Result<Policy, Rejection> {
        let node = self.entry(peer).map_err(|reason| match reason {
            RejectionReason::CalledTitle => Rejection::CALLED_TITLE,
            _ => Rejection::CALLING_TITLE,
        })?;
        if self.spool.health() != Health::Ready {
            return Err(Rejection::CONGESTION);
        }
        let mut policy = Policy::new(node.name.as_str(), self.associations_per_node);
        policy.commitment_reports = node.storage_commitment;
        // The title by which we ask for commitment takes its report, and nothing else.
        policy.storage = self.is_called(peer);
        policy.extra_sop_classes.clone_from(&node.private_sop_classes);
        Ok(policy)
    }

    async fn refused(&self, refused: Refused<'_>) {
        let (address, titles, reason) = match refused {
            Refused::Association { peer, .. } => {
                let reason = self.entry(peer).err().unwrap_or(RejectionReason::Limit);
                (peer.address, Some((&peer.calling, &peer.called)), reason)
            }
            Refused::Tls { address } => (address, None, RejectionReason::Certificate),
            Refused::Garbage { address } => (address, None, RejectionReason::Protocol),
            _ => return,
        };
        let title = |title: Option<&AeTitle>| Text::from_peer(title.map_or("", AeTitle::as_str));
        self.audit.record(register::Rejection {
            at: self.clock.now(),
            peer: address.ip(),
            calling: title(titles.map(|(calling, _)| calling)),
            called: title(titles.map(|(_, called)| called)),
            reason,
        });
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
