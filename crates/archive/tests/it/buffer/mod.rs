//! The buffer database on every engine.

mod arrival;
mod quarantine;
mod result;
mod retention;
mod study;

use archive::buffer::{self, Arrival, BufferedInstance, ReceivedInstance};
use database::Database;
use database::testing::{TestDatabase, engines};
use uuid::Uuid;

/// Databases with the schema of the buffer.
async fn buffers() -> Vec<TestDatabase> {
    let engines = engines().await;
    for database in &engines {
        database.migrate(buffer::MIGRATIONS).await.unwrap();
    }
    engines
}

/// Instance `number` of a series of study 1.2.3 that arrived at `number` milliseconds.
fn instance(number: u32) -> ReceivedInstance {
    ReceivedInstance {
        id: Uuid::now_v7(),
        project: Some("p1".into()),
        door: "dicom".into(),
        calling: "PACS".into(),
        called: "RESEARCH".into(),
        peer: "192.0.2.7".into(),
        patient_id: "4711".into(),
        issuer_of_patient_id: String::new(),
        assigning_authority: "hospital".into(),
        study_instance_uid: "1.2.3".into(),
        series_instance_uid: "1.2.3.1".into(),
        sop_instance_uid: format!("1.2.3.1.{number}"),
        sop_class_uid: "1.2.840.10008.5.1.4.1.1.2".into(),
        transfer_syntax_uid: "1.2.840.10008.1.2.1".into(),
        modality: "CT".into(),
        spool: "spool".into(),
        location: format!("segment/{}/{number}/200/1000", number / 10).parse().unwrap(),
        blake3: [u8::try_from(number % 251).unwrap(); 32],
        irregularities: "[]".into(),
        already_deidentified: false,
        received_at: i64::from(number),
    }
}

async fn insert(database: &Database, rows: &[ReceivedInstance]) -> Vec<Arrival> {
    let mut transaction = database.write().await.unwrap();
    let arrivals = buffer::insert_batch(&mut transaction, rows, None).await.unwrap();
    transaction.commit().await.unwrap();
    arrivals
}

async fn stored(database: &Database, ids: &[Uuid]) -> Vec<BufferedInstance> {
    let mut connection = database.reader().acquire().await.unwrap();
    buffer::by_id(&mut connection, ids).await.unwrap()
}

fn ids(rows: &[ReceivedInstance]) -> Vec<Uuid> {
    rows.iter().map(|row| row.id).collect()
}
