//! The simulated peers from outside, over real sockets.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod clinical_pacs;
mod dicomweb;
mod partner_client;
mod results;
mod sinks;

use std::net::SocketAddr;

use simulation::Peer;
use simulation::clinical_pacs::{ClinicalPacs, Options};
use simulation::generate::{Modality, Plan, Study, generate};
use simulation::partner::Partner;

fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

fn peer(title: &str, address: SocketAddr) -> Peer {
    format!("{title}@{address}").parse().unwrap()
}

fn studies(modalities: &[Modality]) -> Vec<Study> {
    let plan = Plan { patients: modalities.len(), modalities: modalities.to_vec(), ..Plan::default() };
    generate(&plan).unwrap()
}

async fn pacs(title: &str, peers: Vec<Peer>) -> ClinicalPacs {
    let options =
        Options { listen: loopback(), title: title.parse_title(), peers, limits: Default::default() };
    ClinicalPacs::start(options).await.unwrap()
}

trait ParseTitle {
    fn parse_title(&self) -> dicom_node::AeTitle;
}

impl ParseTitle for str {
    fn parse_title(&self) -> dicom_node::AeTitle {
        dicom_node::AeTitle::new(self).unwrap()
    }
}

async fn partner(options: simulation::partner::Options) -> Partner {
    Partner::start(options).await.unwrap()
}
