//! Invented instances, a source that gives them, and a receiver that keeps what comes.

use std::collections::HashMap;
use std::io::{self, Cursor, Read};
use std::sync::{Arc, Mutex};

use dicom_node::receiver::{InstanceSink, StoreReceipt};
use dicom_node::status::StoreFailure;
use dicom_stream::{Encoding, FileMeta, Lengths, Tag, VR, Writer};
use partner::{
    Announced, Answer, Batch, FetchAnswer, FetchReport, FetchRequest, Fetched, InstanceSource, Listing,
    Outcome, OutgoingInstance, Partner, PartnerConfig, PartnerError, ResultReceiver, WantedInstance,
};
use tokio::sync::mpsc;
use uuid::Uuid;

pub(crate) const SC: &str = "1.2.840.10008.5.1.4.1.1.7";
pub(crate) const EXPLICIT: &str = "1.2.840.10008.1.2.1";
pub(crate) const STUDY: &str = "2.25.1000";
pub(crate) const SERIES: &str = "2.25.2000";

pub(crate) fn uid(number: usize) -> String {
    format!("2.25.{}", 3000 + number)
}

/// A secondary capture of 64 x 64 pixels.
pub(crate) fn data_set(number: usize) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), Encoding::ExplicitLittle, Lengths::AsReceived);
    let short = |value: u16| value.to_le_bytes().to_vec();
    let elements: Vec<(Tag, VR, Vec<u8>)> = vec![
        (Tag(0x0008, 0x0016), VR::UI, SC.into()),
        (Tag(0x0008, 0x0018), VR::UI, uid(number).into()),
        (Tag(0x0008, 0x0020), VR::DA, "20200101".into()),
        (Tag(0x0008, 0x0030), VR::TM, "".into()),
        (Tag(0x0008, 0x0050), VR::SH, "".into()),
        (Tag(0x0008, 0x0060), VR::CS, "OT".into()),
        (Tag(0x0008, 0x0064), VR::CS, "WSD".into()),
        (Tag(0x0008, 0x0090), VR::PN, "".into()),
        (Tag(0x0010, 0x0010), VR::PN, "CODE-1".into()),
        (Tag(0x0010, 0x0020), VR::LO, "CODE-1".into()),
        (Tag(0x0010, 0x0030), VR::DA, "".into()),
        (Tag(0x0010, 0x0040), VR::CS, "".into()),
        (Tag(0x0020, 0x000D), VR::UI, STUDY.into()),
        (Tag(0x0020, 0x000E), VR::UI, SERIES.into()),
        (Tag(0x0020, 0x0010), VR::SH, "1".into()),
        (Tag(0x0020, 0x0011), VR::IS, "1".into()),
        (Tag(0x0020, 0x0013), VR::IS, number.to_string().into()),
        (Tag(0x0028, 0x0002), VR::US, short(1)),
        (Tag(0x0028, 0x0004), VR::CS, "MONOCHROME2".into()),
        (Tag(0x0028, 0x0010), VR::US, short(64)),
        (Tag(0x0028, 0x0011), VR::US, short(64)),
        (Tag(0x0028, 0x0100), VR::US, short(8)),
        (Tag(0x0028, 0x0101), VR::US, short(8)),
        (Tag(0x0028, 0x0102), VR::US, short(7)),
        (Tag(0x0028, 0x0103), VR::US, short(0)),
        (Tag(0x7FE0, 0x0010), VR::OB, vec![number as u8; 64 * 64]),
    ];
    for (tag, vr, value) in elements {
        writer.value(tag, vr, &value).unwrap();
    }
    writer.finish().unwrap()
}

/// The same as a DICOM file.
pub(crate) fn file(number: usize) -> Vec<u8> {
    let mut file = Vec::new();
    let meta = FileMeta {
        media_storage_sop_class_uid: SC.to_owned(),
        media_storage_sop_instance_uid: uid(number),
        transfer_syntax_uid: EXPLICIT.to_owned(),
    };
    meta.write(&mut file).unwrap();
    file.extend_from_slice(&data_set(number));
    file
}

pub(crate) fn id(number: usize) -> Uuid {
    Uuid::from_u128(0xA000 + number as u128)
}

pub(crate) fn instance(number: usize) -> OutgoingInstance {
    OutgoingInstance {
        id: id(number),
        sop_class: SC.to_owned(),
        sop_instance: uid(number),
        transfer_syntax: EXPLICIT.to_owned(),
        length: Some(data_set(number).len() as u64),
    }
}

pub(crate) fn batch(numbers: impl IntoIterator<Item = usize>) -> Batch {
    let instances = numbers.into_iter().map(instance).collect();
    Batch { job: Uuid::from_u128(0xB000), instances, closing: None }
}

/// Gives the data sets; those of `bad` fail in the middle.
#[derive(Default)]
pub(crate) struct Source {
    pub(crate) bad: Vec<usize>,
    pub(crate) opened: Mutex<Vec<Uuid>>,
}

struct Fails;

impl Read for Fails {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("the disk is broken"))
    }
}

impl InstanceSource for Source {
    fn open(&self, instance: &OutgoingInstance) -> io::Result<Box<dyn Read + Send>> {
        self.opened.lock().unwrap().push(instance.id);
        let number = (instance.id.as_u128() - 0xA000) as usize;
        let data = Cursor::new(data_set(number));
        if self.bad.contains(&number) {
            Ok(Box::new(data.take(1000).chain(Fails)))
        } else {
            Ok(Box::new(data))
        }
    }
}

pub(crate) fn partner(toml: &str) -> Partner {
    let config: PartnerConfig = toml::from_str(&format!("id = 'lab'\n{toml}")).unwrap();
    Partner::open(&config, &|_| Ok("token-of-the-test".to_owned())).unwrap()
}

pub(crate) fn web(port: u16, more: &str) -> Partner {
    partner(&format!("[transport.dicomweb]\nstow_url = 'http://127.0.0.1:{port}/dicom-web'\n{more}"))
}

/// Sends, and gives the outcomes in the order of the instances' numbers.
pub(crate) async fn send(
    partner: &Partner,
    batch: Batch,
    source: Source,
) -> (Result<(), PartnerError>, Vec<(usize, Outcome)>) {
    let (sender, mut receiver) = mpsc::channel(4);
    let mut answers = Vec::new();
    let listen = async {
        while let Some(Answer { id, outcome }) = receiver.recv().await {
            answers.push(((id.as_u128() - 0xA000) as usize, outcome));
        }
    };
    let (sent, ()) = tokio::join!(partner.send(batch, Arc::new(source), sender), listen);
    answers.sort_by_key(|(number, _)| *number);
    (sent, answers)
}

pub(crate) const ACK: Outcome = Outcome::Acknowledged { status: 0 };

pub(crate) fn all_acknowledged(answers: &[(usize, Outcome)], count: usize) -> bool {
    answers.iter().map(|(number, _)| *number).eq(0..count)
        && answers.iter().all(|(_, outcome)| *outcome == ACK)
}

pub(crate) async fn list(partner: &Partner, studies: &[&str]) -> (Result<(), PartnerError>, Vec<Listing>) {
    let (sender, mut receiver) = mpsc::channel(1);
    let studies: Vec<String> = studies.iter().map(|study| (*study).to_owned()).collect();
    let mut listings = Vec::new();
    let listen = async {
        while let Some(listing) = receiver.recv().await {
            listings.push(listing);
        }
    };
    let (listed, ()) = tokio::join!(partner.list(&studies, sender), listen);
    (listed, listings)
}

/// Keeps what is committed.
#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) fail: Option<StoreFailure>,
    pub(crate) stored: Mutex<HashMap<String, (Announced, Vec<u8>)>>,
    pub(crate) aborted: Mutex<usize>,
    /// Keeps no bytes, only their number.
    pub(crate) count_only: bool,
    pub(crate) bytes: Mutex<u64>,
}

pub(crate) struct Sink {
    kept: Arc<Kept>,
    announced: Announced,
    bytes: Vec<u8>,
}

/// The receiver, which hands itself to its sinks.
pub(crate) struct Receiver(pub(crate) Arc<Kept>);

impl ResultReceiver for Receiver {
    type Sink = Sink;

    async fn begin(&self, announced: &Announced) -> Result<Sink, StoreFailure> {
        match self.0.fail {
            Some(failure) => Err(failure),
            None => Ok(Sink { kept: Arc::clone(&self.0), announced: announced.clone(), bytes: Vec::new() }),
        }
    }
}

impl InstanceSink for Sink {
    async fn chunk(&mut self, bytes: &[u8]) -> Result<(), StoreFailure> {
        *self.kept.bytes.lock().unwrap() += bytes.len() as u64;
        if !self.kept.count_only {
            self.bytes.extend_from_slice(bytes);
        }
        Ok(())
    }

    async fn commit(self) -> Result<StoreReceipt, StoreFailure> {
        let uid = self.announced.sop_instance.clone();
        self.kept.stored.lock().unwrap().insert(uid, (self.announced, self.bytes));
        Ok(StoreReceipt)
    }

    async fn abort(self) {
        *self.kept.aborted.lock().unwrap() += 1;
    }
}

pub(crate) fn wanted(numbers: impl IntoIterator<Item = usize>, whole: bool) -> FetchRequest {
    let instance =
        |number| WantedInstance { sop_instance: uid(number), sop_class: Some(SC.to_owned()), content: None };
    let instances = numbers.into_iter().map(instance).collect();
    FetchRequest { study: STUDY.to_owned(), series: SERIES.to_owned(), instances, whole }
}

pub(crate) async fn fetch(
    partner: &Partner,
    request: &FetchRequest,
    kept: &Arc<Kept>,
) -> (Result<FetchReport, PartnerError>, Vec<(String, Fetched)>) {
    let (sender, mut receiver) = mpsc::channel(4);
    let mut answers = Vec::new();
    let listen = async {
        while let Some(FetchAnswer { sop_instance, fetched }) = receiver.recv().await {
            answers.push((sop_instance, fetched));
        }
    };
    let (fetched, ()) =
        tokio::join!(partner.fetch(request, Arc::new(Receiver(Arc::clone(kept))), sender), listen);
    answers.sort_by(|a, b| a.0.cmp(&b.0));
    (fetched, answers)
}
