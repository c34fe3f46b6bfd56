//! The product's own DICOMweb client against the simulated partner: out, list, and back.

use std::collections::HashMap;
use std::io::{self, Cursor, Read};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use dicom_node::receiver::{InstanceSink, StoreReceipt};
use dicom_node::status::StoreFailure;
use partner::{
    Announced, Batch, FetchRequest, InstanceSource, Outcome, OutgoingInstance, Partner, PartnerConfig,
    ResultReceiver, WantedInstance,
};
use simulation::generate::Modality;
use simulation::partner::Options;
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::{partner as simulated, studies};

struct Source(HashMap<String, Bytes>);

impl InstanceSource for Source {
    fn open(&self, instance: &OutgoingInstance) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(Cursor::new(self.0[&instance.sop_instance].clone())))
    }
}

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<HashMap<String, Vec<u8>>>>);

struct Sink(Kept, String, Vec<u8>);

impl ResultReceiver for Kept {
    type Sink = Sink;

    async fn begin(&self, announced: &Announced) -> Result<Sink, StoreFailure> {
        Ok(Sink(self.clone(), announced.sop_instance.clone(), Vec::new()))
    }
}

impl InstanceSink for Sink {
    async fn chunk(&mut self, bytes: &[u8]) -> Result<(), StoreFailure> {
        self.2.extend_from_slice(bytes);
        Ok(())
    }

    async fn commit(self) -> Result<StoreReceipt, StoreFailure> {
        self.0.0.lock().unwrap().insert(self.1, self.2);
        Ok(StoreReceipt)
    }

    async fn abort(self) {}
}

async fn drain<T>(mut receiver: mpsc::Receiver<T>) -> Vec<T> {
    let mut all = Vec::new();
    while let Some(next) = receiver.recv().await {
        all.push(next);
    }
    all
}

#[tokio::test]
async fn a_study_goes_out_and_its_results_come_back() {
    let study = studies(&[Modality::Ct]).remove(0);
    let lab = simulated(Options { token: Some("secret".to_owned()), ..Options::default() }).await;
    let url = lab.dicomweb_url().unwrap();
    let config = format!("id = 'lab'\n[transport.dicomweb]\nstow_url = '{url}'\ntoken = {{ env = 'T' }}");
    let config: PartnerConfig = toml::from_str(&config).unwrap();
    let client = Partner::open(&config, &|_| Ok("secret".to_owned())).unwrap();
    client.test().await.unwrap();

    let outgoing = study.objects.iter().map(|object| OutgoingInstance {
        id: Uuid::new_v4(),
        sop_class: object.sop_class.clone(),
        sop_instance: object.sop_instance.clone(),
        transfer_syntax: object.syntax.uid.to_owned(),
        length: Some(object.data.len() as u64),
    });
    let batch = Batch { job: Uuid::new_v4(), instances: outgoing.collect(), closing: None };
    let data = study.objects.iter().map(|object| (object.sop_instance.clone(), object.data.clone()));
    let (answers, receiver) = mpsc::channel(4);
    let source = Arc::new(Source(data.collect()));
    let (sent, answers) = tokio::join!(client.send(batch, source, answers), drain(receiver));
    sent.unwrap();
    assert_eq!(answers.len(), 4);
    assert!(answers.iter().all(|answer| answer.outcome == Outcome::Acknowledged { status: 0 }));

    lab.process(&study.uid, None, 1_790_000_000_000).unwrap();
    let (listings, receiver) = mpsc::channel(1);
    let asked = [study.uid.clone()];
    let (listed, listings) = tokio::join!(client.list(&asked, listings), drain(receiver));
    listed.unwrap();
    let new: Vec<_> =
        listings[0].instances.iter().filter(|found| found.series != study.objects[0].series).collect();
    assert_eq!((listings[0].instances.len(), new.len(), listings[0].ignored), (9, 5, 0));

    let kept = Kept::default();
    for found in new {
        let wanted = WantedInstance {
            sop_instance: found.sop_instance.clone(),
            sop_class: found.sop_class.clone(),
            content: None,
        };
        let request = FetchRequest {
            study: study.uid.clone(),
            series: found.series.clone(),
            instances: vec![wanted],
            whole: true,
        };
        let (answers, receiver) = mpsc::channel(1);
        let fetch = client.fetch(&request, Arc::new(kept.clone()), answers);
        let (report, _) = tokio::join!(fetch, drain(receiver));
        let report = report.unwrap();
        assert_eq!((report.stored, report.unasked), (1, 0));
    }
    let kept = kept.0.lock().unwrap();
    let offered = lab.instances(&study.uid);
    assert_eq!(kept.len(), 5);
    assert!(
        kept.iter()
            .all(|(uid, data)| offered.iter().any(|o| o.sop_instance == *uid && o.data[..] == data[..]))
    );
}
