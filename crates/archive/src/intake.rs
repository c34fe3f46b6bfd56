//! The one way in (AC1.7): whatever the door, bytes are scanned while they arrive, become durable in the spool, and only then are
//! acknowledged. Rows follow in batches, from a queue; a restart makes the missing ones from the spool (ARC-10).

use std::fmt;
use std::sync::Arc;

use dicom_stream::{Irregularity, Tag, TransferSyntax};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::buffer::ReceivedInstance;
use crate::scan::{Identification, Scan, ScanError};
use crate::spool::{Recovered, Spool, SpoolError, Staging};

/// Why an instance is not taken. Nothing of it was acknowledged.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum IntakeError {
    /// The bytes are no instance: the sender has to be corrected.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// No room, too large, or the spool failed: see the variants.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// No syntax that can be walked: the sender has to use another.
    #[error("transfer syntax cannot be read here")]
    TransferSyntax,
    /// What stands before the data of a record cannot be written: a record without it could not be found again.
    #[error("the header of the record cannot be written")]
    Header,
    /// The program is shutting down: the sender tries again.
    #[error("the index writer has ended; send again after the restart")]
    Closed,
}

/// The way in, shared by all doors.
#[derive(Debug, Clone)]
pub struct Intake {
    spool: Spool,
    /// Name of the spool in the rows.
    name: Arc<str>,
    /// Attributes that routing wants to see.
    further: Arc<[Tag]>,
    arrivals: mpsc::Sender<ReceivedInstance>,
}

/// Where an instance came from and where it belongs.
#[derive(Debug, Clone)]
pub struct Origin {
    /// Project; `None`: to be quarantined at admission.
    pub project: Option<String>,
    /// `dicom`, `stow` or `folder`.
    pub door: &'static str,
    /// Calling AE title, or the name of the token or folder.
    pub calling: String,
    /// Called AE title, or the path of the door.
    pub called: String,
    /// Address of the peer.
    pub peer: String,
    /// Domain of the Patient ID (DEC-Q).
    pub assigning_authority: String,
    /// The source delivers what is de-identified already (DEC-P).
    pub already_deidentified: bool,
    /// Epoch milliseconds.
    pub received_at: i64,
}

/// An instance that is arriving; dropped, it leaves nothing behind.
#[derive(Debug)]
pub struct Incoming {
    staging: Staging,
    scan: Scan,
    syntax: &'static TransferSyntax,
}

/// An instance that is there whole, and known, and not yet durable.
#[derive(Debug)]
pub struct Complete {
    staging: Staging,
    syntax: &'static TransferSyntax,
    /// Who and what it is.
    pub identification: Identification,
}

/// Proof that an instance is durable: only [`Intake::commit`] makes one.
#[derive(Debug)]
pub struct IntakeReceipt {
    /// Our own id of the instance.
    pub id: Uuid,
    /// Bytes of the data set.
    pub bytes: u64,
}

impl Intake {
    /// An intake into `spool`, known to the rows as `name`, that hands what is durable to `arrivals`.
    pub fn new(
        spool: Spool,
        name: &str,
        further: Arc<[Tag]>,
        arrivals: mpsc::Sender<ReceivedInstance>,
    ) -> Self {
        Self { spool, name: name.into(), further, arrivals }
    }

    /// An instance in `transfer_syntax_uid` is announced.
    ///
    /// # Errors
    /// [`IntakeError::TransferSyntax`], [`IntakeError::Spool`].
    pub fn begin(&self, transfer_syntax_uid: &str) -> Result<Incoming, IntakeError> {
        let syntax = TransferSyntax::from_uid(transfer_syntax_uid).ok_or(IntakeError::TransferSyntax)?;
        let staging = self.spool.begin()?;
        Ok(Incoming { staging, scan: Scan::new(syntax, Arc::clone(&self.further)), syntax })
    }

    /// Makes the instance durable, then hands its row on. When this returns, success may be answered.
    ///
    /// # Errors
    /// [`IntakeError::Spool`], [`IntakeError::Closed`].
    pub async fn commit(&self, complete: Complete, origin: Origin) -> Result<IntakeReceipt, IntakeError> {
        let header = RecordHeader::new(&self.name, complete.identification, complete.syntax, origin);
        let bytes = complete.staging.len();
        let encoded = serde_json::to_vec(&header).map_err(|_| IntakeError::Header)?;
        let receipt = complete.staging.commit(encoded).await?;
        let id = header.id;
        let row = header.row(receipt.location(), receipt.data_hash());
        self.arrivals.send(row).await.map_err(|_| IntakeError::Closed)?;
        Ok(IntakeReceipt { id, bytes })
    }
}

impl Incoming {
    /// Takes the next bytes of the data set.
    ///
    /// # Errors
    /// [`IntakeError::Scan`] as soon as it cannot be an instance any more, [`IntakeError::Spool`].
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), IntakeError> {
        self.scan.push(bytes)?;
        Ok(self.staging.write(bytes).await?)
    }

    /// The data set is complete.
    ///
    /// # Errors
    /// [`IntakeError::Scan`].
    pub fn complete(self) -> Result<Complete, IntakeError> {
        let identification = self.scan.finish()?;
        Ok(Complete { staging: self.staging, syntax: self.syntax, identification })
    }
}

/// What stands before the data in a spool record: enough to make the row again. Versioned: fields are only added.
#[derive(Serialize, Deserialize)]
struct RecordHeader {
    v: u8,
    id: Uuid,
    spool: String,
    project: Option<String>,
    door: String,
    calling: String,
    called: String,
    peer: String,
    patient_id: String,
    issuer_of_patient_id: String,
    assigning_authority: String,
    study_instance_uid: String,
    series_instance_uid: String,
    sop_instance_uid: String,
    sop_class_uid: String,
    transfer_syntax_uid: String,
    modality: String,
    irregularities: String,
    #[serde(default)]
    already_deidentified: bool,
    received_at: i64,
}

impl fmt::Debug for RecordHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordHeader").field("id", &self.id).finish_non_exhaustive()
    }
}

impl RecordHeader {
    fn new(spool: &str, identification: Identification, syntax: &TransferSyntax, origin: Origin) -> Self {
        let irregularities = &identification.irregularities;
        let mut notes: Vec<String> = irregularities.first().iter().map(Irregularity::to_string).collect();
        let more = irregularities.count().saturating_sub(notes.len() as u64);
        if more > 0 {
            notes.push(format!("and {more} more"));
        }
        Self {
            v: 1,
            id: Uuid::now_v7(),
            spool: spool.to_owned(),
            project: origin.project,
            door: origin.door.to_owned(),
            calling: origin.calling,
            called: origin.called,
            peer: origin.peer,
            patient_id: identification.patient_id,
            issuer_of_patient_id: identification.issuer_of_patient_id,
            assigning_authority: origin.assigning_authority,
            study_instance_uid: identification.study_instance_uid,
            series_instance_uid: identification.series_instance_uid,
            sop_instance_uid: identification.sop_instance_uid,
            sop_class_uid: identification.sop_class_uid,
            transfer_syntax_uid: syntax.uid.to_owned(),
            modality: identification.modality,
            irregularities: serde_json::to_string(&notes).unwrap_or_default(),
            already_deidentified: origin.already_deidentified,
            received_at: origin.received_at,
        }
    }

    fn row(self, location: crate::spool::RecordLocation, data_hash: blake3::Hash) -> ReceivedInstance {
        ReceivedInstance {
            id: self.id,
            project: self.project,
            door: self.door,
            calling: self.calling,
            called: self.called,
            peer: self.peer,
            patient_id: self.patient_id,
            issuer_of_patient_id: self.issuer_of_patient_id,
            assigning_authority: self.assigning_authority,
            study_instance_uid: self.study_instance_uid,
            series_instance_uid: self.series_instance_uid,
            sop_instance_uid: self.sop_instance_uid,
            sop_class_uid: self.sop_class_uid,
            transfer_syntax_uid: self.transfer_syntax_uid,
            modality: self.modality,
            spool: self.spool,
            location,
            blake3: *data_hash.as_bytes(),
            irregularities: self.irregularities,
            already_deidentified: self.already_deidentified,
            received_at: self.received_at,
        }
    }
}

/// The row of a record that a restart found; `None` when the header is of another program or version.
pub(crate) fn recovered_row(record: &Recovered) -> Option<ReceivedInstance> {
    let header: RecordHeader = serde_json::from_slice(&record.header).ok()?;
    (header.v == 1).then(|| header.row(record.location, record.data_hash))
}
