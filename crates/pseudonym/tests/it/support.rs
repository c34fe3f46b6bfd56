//! A vault per engine, and people to put into it.

use database::testing::{TestDatabase, engines};
use database::{Database, Options};
use pseudonym::{
    Admission, Attribute, Code, CodePrefix, CodeScheme, ExportRecord, KeyRing, Linkage, MappedUid, OwnRecord,
    Participant, Purpose, Receipt, ShiftRange, SubjectKey, UidKind, Value, Vault, VaultError, WrappingKey,
};

/// 2026-11-18T09:20:00Z.
pub(crate) const NOW: i64 = 1_794_993_600_000;
pub(crate) const NAME: &str = "Canarysson^Wilma";
pub(crate) const BIRTH_DATE: &str = "19570301";
pub(crate) const STUDY: &str = "1.2.276.0.777.1";

pub(crate) fn key(number: u8) -> WrappingKey {
    WrappingKey::parse(&format!("{number:02x}").repeat(31).chars().chain("ff".chars()).collect::<String>())
        .unwrap()
}

pub(crate) fn ring(current: u8, previous: Option<u8>) -> KeyRing {
    KeyRing::new(key(current), previous.map(key))
}

pub(crate) struct World {
    pub(crate) database: TestDatabase,
    pub(crate) vault: Vault,
}

/// A new vault on each engine, under key 1.
pub(crate) async fn worlds() -> Vec<World> {
    let mut worlds = Vec::new();
    for database in engines().await {
        let vault = Vault::create(Database::clone(&database), ring(1, None), NOW).await.unwrap();
        worlds.push(World { database, vault });
    }
    worlds
}

impl World {
    /// The same vault as after a restart, or as a second process sees it.
    pub(crate) async fn again(&self, ring: Option<KeyRing>) -> Vault {
        let database = Database::open(self.database.url(), Options::default()).await.unwrap();
        Vault::open(database, ring).await.unwrap()
    }

    /// Runs a statement behind the vault's back.
    pub(crate) async fn tamper(&self, sql: &'static str) -> u64 {
        let mut transaction = self.database.write().await.unwrap();
        let done = sqlx::query(sql).execute(&mut *transaction).await.unwrap();
        transaction.commit().await.unwrap();
        done.rows_affected()
    }

    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_as::<_, (i64,)>(sql).fetch_one(self.database.reader()).await.unwrap().0
    }
}

pub(crate) fn subject(project: &str, patient_id: &str) -> SubjectKey {
    SubjectKey::new(project, "hospital", patient_id).unwrap()
}

pub(crate) fn record(study: &str) -> OwnRecord {
    let attribute = |tag, vr: &[u8; 2], value| Attribute { tag, vr: *vr, value };
    OwnRecord {
        study: study.to_owned(),
        character_set: Value::Bytes(b"ISO_IR 100".to_vec()),
        attributes: vec![
            attribute(0x0010_0010, b"PN", Value::Bytes(b"Canarysson^Wilma".to_vec())),
            attribute(0x0010_0020, b"LO", Value::Bytes(b"4711 ".to_vec())),
            attribute(0x0010_0030, b"DA", Value::Empty),
            attribute(0x0010_1010, b"AS", Value::Absent),
        ],
        receipt: Receipt {
            calling_ae: "PACS".into(),
            peer: "clinical".into(),
            received_at: NOW,
            dossier: "v1".into(),
        },
    }
}

pub(crate) fn random() -> CodeScheme {
    CodeScheme::Random(CodePrefix::new("T-").unwrap())
}

pub(crate) fn admission<'a>(
    subject: &'a SubjectKey,
    record: &'a OwnRecord,
    codes: &'a CodeScheme,
) -> Admission<'a> {
    Admission {
        subject,
        record,
        name: NAME,
        birth_date: BIRTH_DATE,
        codes,
        shift: ShiftRange::default(),
        second_person_accepted: false,
    }
}

pub(crate) async fn try_admit(
    vault: &Vault,
    subject: &SubjectKey,
    study: &str,
) -> Result<Participant, VaultError> {
    vault.participant(&admission(subject, &record(study), &random()), NOW).await
}

pub(crate) async fn admit(vault: &Vault, project: &str, patient_id: &str) -> Participant {
    try_admit(vault, &subject(project, patient_id), STUDY).await.unwrap()
}

/// What must never change once given out.
pub(crate) fn given(participant: &Participant) -> (String, Code, String, i32) {
    let mapping = &participant.mapping;
    (participant.id.to_string(), participant.code.clone(), mapping.uid(STUDY), mapping.shift_days())
}

pub(crate) fn purpose() -> Purpose {
    Purpose::new("d.holder", "research-pacs", "hospital", "result of job 1").unwrap()
}

pub(crate) struct Mapped {
    pub(crate) study: String,
    pub(crate) series: String,
    pub(crate) frame: String,
    pub(crate) instances: Vec<String>,
}

/// De-identifies a study of `count` instances as far as the vault is concerned.
pub(crate) async fn map(vault: &Vault, participant: &Participant, study: &str, count: usize) -> Mapped {
    let uid = |original: &str| participant.mapping.uid(original);
    let originals: Vec<String> = (0..count).map(|at| format!("{study}.1.{at}")).collect();
    let mapped = Mapped {
        study: uid(study),
        series: uid(&format!("{study}.1")),
        frame: uid(&format!("{study}.9")),
        instances: originals.iter().map(|original| uid(original)).collect(),
    };
    let (series, frame) = (format!("{study}.1"), format!("{study}.9"));
    let mut uids = vec![
        MappedUid { kind: UidKind::Study, original: study, pseudonym: &mapped.study },
        MappedUid { kind: UidKind::Series, original: &series, pseudonym: &mapped.series },
        MappedUid { kind: UidKind::FrameOfReference, original: &frame, pseudonym: &mapped.frame },
    ];
    for (original, pseudonym) in originals.iter().zip(&mapped.instances) {
        uids.push(MappedUid { kind: UidKind::Instance, original, pseudonym });
    }
    vault.record_mapping(participant, &mapped.study, &uids, &[20200105, 20200106]).await.unwrap();
    mapped
}

pub(crate) fn export(participant: &Participant, partner: &str, study: &str, id: &str) -> ExportRecord {
    ExportRecord {
        id: id.to_owned(),
        project: participant.project.clone(),
        partner: partner.to_owned(),
        participant: participant.id,
        study: study.to_owned(),
        code: participant.code.clone(),
        linkage: Linkage::Project,
        dossier: "v1".to_owned(),
        issued_at: NOW,
    }
}
