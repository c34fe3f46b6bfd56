//! The PACS against itself and against another one: push, query, commitment, faults.

use std::time::Duration;

use dicom_dictionary_std::tags;
use dicom_node::access::{AccessControl, PeerInfo, Policy, Refused, Rejection};
use dicom_node::config::NodeConfig;
use dicom_node::listener::listen;
use dicom_node::presentation_context::ProposedContext;
use dicom_node::query_retrieve_scp::NoQuery;
use dicom_node::receiver::{InstanceReceiver, InstanceSink, StoreReceipt, StoreRequest};
use dicom_node::sop_class::{STORAGE_COMMITMENT, STUDY_FIND};
use dicom_node::status::{CommitmentFailure, StoreFailure};
use dicom_node::storage_commitment::{CommitmentHandler, CommitmentReport, CommitmentRequest, Reference};
use dicom_node::{AssociationError, Node, RemoteNode};
use dicom_stream::{Encoding, TransferSyntax};
use simulation::clinical_pacs::{ClinicalPacs, Faults};
use simulation::data_set::DataSet;
use simulation::generate::Modality;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{ParseTitle, loopback, pacs, peer, studies};

fn remote(pacs: &ClinicalPacs, calling: &str) -> RemoteNode {
    RemoteNode {
        called: pacs.title().clone(),
        calling: calling.parse_title(),
        host: pacs.address().ip().to_string(),
        port: pacs.address().port(),
        tls: None,
    }
}

async fn find(pacs: &ClinicalPacs, keys: &DataSet) -> Result<Vec<DataSet>, AssociationError> {
    let syntax = &TransferSyntax::IMPLICIT_LITTLE;
    let contexts = [ProposedContext::new(STUDY_FIND, &[syntax.uid])];
    let mut association =
        remote(pacs, "ASKER").associate(&contexts, &NodeConfig::default(), CancellationToken::new()).await?;
    let identifier = keys.encode(Encoding::ImplicitLittle).unwrap();
    let mut rows = association.find(STUDY_FIND, &identifier, 100).await?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().await? {
        found.push(DataSet::read(&row, syntax).unwrap());
    }
    assert_eq!(rows.status().unwrap().0, 0);
    association.release().await?;
    Ok(found)
}

fn study_keys() -> DataSet {
    DataSet::default()
        .put(tags::QUERY_RETRIEVE_LEVEL, "STUDY")
        .put(tags::ACCESSION_NUMBER, "")
        .put(tags::PATIENT_NAME, "")
        .put(tags::PATIENT_ID, "")
        .put(tags::STUDY_INSTANCE_UID, "")
        .put(tags::NUMBER_OF_STUDY_RELATED_INSTANCES, "")
}

#[tokio::test]
async fn what_is_pushed_over_several_associations_arrives_byte_for_byte() {
    let studies = studies(&Modality::ALL);
    let sender = pacs("CLINICAL", Vec::new()).await;
    let taker = pacs("TAKER", Vec::new()).await;
    sender.load(&studies).unwrap();
    let all = sender.studies();
    let push = sender.push(&peer("TAKER", taker.address()), &all, 3).await;
    assert_eq!((push.acknowledged.len(), push.refused.len(), push.broken.len()), (10, 0, 0));
    for study in &studies {
        assert!(taker.is_untouched(study));
        assert!(sender.is_untouched(study));
        assert!(taker.holdings(&study.uid).iter().all(|holding| !holding.original));
        assert!(sender.holdings(&study.uid).iter().all(|holding| holding.original));
    }
}

#[tokio::test]
async fn queries_answer_what_is_held_and_what_was_corrected() {
    let studies = studies(&[Modality::Ct, Modality::Mr]);
    let pacs = pacs("CLINICAL", Vec::new()).await;
    pacs.load(&studies).unwrap();
    assert_eq!(find(&pacs, &study_keys()).await.unwrap().len(), 2);
    let keys = study_keys().put(tags::STUDY_INSTANCE_UID, &*studies[0].uid);
    let row = &find(&pacs, &keys).await.unwrap()[0];
    assert_eq!(row.text(tags::PATIENT_NAME), studies[0].objects[0].attributes.text(tags::PATIENT_NAME));
    assert_eq!(row.text(tags::NUMBER_OF_STUDY_RELATED_INSTANCES), "4");
    pacs.correct(&studies[0].uid, tags::ACCESSION_NUMBER, "CHANGED").unwrap();
    assert_eq!(find(&pacs, &keys).await.unwrap()[0].text(tags::ACCESSION_NUMBER), "CHANGED");
    pacs.delete(&studies[1].uid).unwrap();
    assert_eq!(find(&pacs, &study_keys()).await.unwrap().len(), 1);
    let images = DataSet::default()
        .put(tags::QUERY_RETRIEVE_LEVEL, "IMAGE")
        .put(tags::STUDY_INSTANCE_UID, &*studies[0].uid)
        .put(tags::SOP_INSTANCE_UID, "");
    assert_eq!(find(&pacs, &images).await.unwrap().len(), 4);
    pacs.set_faults(Faults { no_query: true, ..Faults::default() });
    assert!(matches!(find(&pacs, &keys).await, Err(AssociationError::NoContext)));
}

#[tokio::test]
async fn a_class_can_be_refused_and_the_pacs_can_be_down() {
    let studies = studies(&[Modality::Ct, Modality::Cr]);
    let sender = pacs("CLINICAL", Vec::new()).await;
    let taker = pacs("TAKER", Vec::new()).await;
    sender.load(&studies).unwrap();
    let refuse_sop_class = Some(studies[1].objects[0].sop_class.clone());
    taker.set_faults(Faults { refuse_sop_class, ..Faults::default() });
    let to = peer("TAKER", taker.address());
    let push = sender.push(&to, &sender.studies(), 1).await;
    assert_eq!((push.acknowledged.len(), push.refused.len()), (4, 1));
    assert_eq!(push.refused[0].1, 0x0122);
    taker.go_down().await;
    let push = sender.push(&to, &sender.studies(), 1).await;
    assert!(matches!(push.broken[..], [AssociationError::Transport(_)]));
    taker.come_up().await.unwrap();
    taker.set_faults(Faults::default());
    assert_eq!(sender.push(&to, &sender.studies(), 1).await.acknowledged.len(), 5);
}

#[tokio::test]
async fn commitment_names_what_was_lost_after_the_acknowledgement() {
    let studies = studies(&[Modality::Ct]);
    let (reports, mut arrived) = mpsc::channel(1);
    let listener = listen(loopback()).unwrap();
    let asker = peer("ASKER", listener.local_addr().unwrap());
    let node = Node::new(NodeConfig::default(), Open, Nothing, Reports(reports), NoQuery);
    let stop = CancellationToken::new();
    let serving = tokio::spawn(node.serve(listener, None, stop.clone()));
    let taker = pacs("TAKER", vec![asker]).await;
    taker.set_faults(Faults { lose: 1, ..Faults::default() });
    let sender = pacs("CLINICAL", Vec::new()).await;
    sender.load(&studies).unwrap();
    let push = sender.push(&peer("TAKER", taker.address()), &sender.studies(), 1).await;
    assert_eq!(push.acknowledged.len(), 4);

    let contexts = [ProposedContext::new(STORAGE_COMMITMENT, &[TransferSyntax::IMPLICIT_LITTLE.uid])];
    let mut association = remote(&taker, "ASKER")
        .associate(&contexts, &NodeConfig::default(), CancellationToken::new())
        .await
        .unwrap();
    let instances = studies[0].objects.iter().map(|object| Reference {
        sop_class: object.sop_class.clone(),
        sop_instance: object.sop_instance.clone(),
    });
    let request = CommitmentRequest { transaction: "2.25.77".to_owned(), instances: instances.collect() };
    assert!(association.request_commitment(&request).await.unwrap().is_done());
    association.release().await.unwrap();
    let report = tokio::time::timeout(Duration::from_secs(10), arrived.recv()).await.unwrap().unwrap();
    assert_eq!((report.transaction.as_str(), report.committed.len()), ("2.25.77", 3));
    assert_eq!(report.failed[0].0.sop_instance, push.acknowledged[0]);
    stop.cancel();
    serving.await.unwrap();
}

struct Open;

impl AccessControl for Open {
    async fn decide(&self, _: &PeerInfo) -> Result<Policy, Rejection> {
        Ok(Policy::new("pacs", 4))
    }

    async fn refused(&self, _: Refused<'_>) {}
}

struct Nothing;

impl InstanceReceiver for Nothing {
    type Sink = Self;

    async fn begin(&self, _: &StoreRequest) -> Result<Self, StoreFailure> {
        Err(StoreFailure::NotAuthorised)
    }
}

impl InstanceSink for Nothing {
    async fn chunk(&mut self, _: &[u8]) -> Result<(), StoreFailure> {
        Err(StoreFailure::NotAuthorised)
    }

    async fn commit(self) -> Result<StoreReceipt, StoreFailure> {
        Err(StoreFailure::NotAuthorised)
    }

    async fn abort(self) {}
}

struct Reports(mpsc::Sender<CommitmentReport>);

impl CommitmentHandler for Reports {
    async fn requested(&self, _: &PeerInfo, _: CommitmentRequest) -> Result<(), CommitmentFailure> {
        Err(CommitmentFailure::NotAuthorised)
    }

    async fn reported(&self, _: &PeerInfo, report: CommitmentReport) -> Result<(), CommitmentFailure> {
        self.0.send(report).await.map_err(|_| CommitmentFailure::ProcessingFailure)
    }
}
