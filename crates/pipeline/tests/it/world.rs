//! One project `trial` that sends to the folder of partner `lab`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use archive::blob::{BlobConfig, BlobStore};
use archive::buffer::{self, Decision, Quarantined};
use archive::job::{self, Job};
use archive::spool::{Spool, SpoolConfig};
use archive::{IndexWriter, Intake, Origin, ReceivedInstance};
use database::testing::{TestDatabase, engines};
use database::{Database, Migration};
use partner::{Partner, PartnerConfig};
use pipeline::admit::Admission;
use pipeline::clock::Clock;
use pipeline::config::ProjectConfig;
use pipeline::deface::{Defacing, DefacingLimits};
use pipeline::line::{Line, Project, Wake};
use pipeline::route::Routes;
use pipeline::{driver, retention};
use pixel::deface::Defacer;
use pseudonym::{
    InclusionList, KeyRing, Opposition, OppositionKind, PastData, SubjectKey, Vault, WrappingKey,
};
use register::AuditTrail;
use serde_json::json;
use sqlx::Row;
use tempfile::TempDir;
use tokio::sync::{Notify, mpsc};

/// 2026-11-18T09:20:00Z.
pub(crate) const START: i64 = 1_794_993_600_000;
pub(crate) const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
const EXPLICIT: &str = "1.2.840.10008.1.2.1";

pub(crate) struct World {
    pub(crate) line: Arc<Line>,
    admission: Admission,
    intake: Intake,
    arrivals: mpsc::Receiver<ReceivedInstance>,
    now: Arc<AtomicI64>,
    pub(crate) folder: TempDir,
    databases: [TestDatabase; 3],
}

async fn database(migrations: &[&[Migration]]) -> TestDatabase {
    let database = engines().await.swap_remove(0);
    for migrations in migrations {
        database.migrate(migrations).await.unwrap();
    }
    database
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(json!({})).await
    }

    /// A project with these settings beside the usual ones.
    pub(crate) async fn with(settings: serde_json::Value) -> Self {
        Self::on_volume(settings, 0).await
    }

    /// The same, where so many bytes have to stay free beside the objects.
    pub(crate) async fn on_volume(settings: serde_json::Value, keep_free_bytes: u64) -> Self {
        Self::made(settings, keep_free_bytes, None).await
    }

    /// A site with this defacing program, for up to four instances of 1 KiB each.
    pub(crate) async fn defacing(settings: serde_json::Value, program: Arc<dyn Defacer>) -> Self {
        Self::made(settings, 0, Some(program)).await
    }

    async fn made(
        settings: serde_json::Value,
        keep_free_bytes: u64,
        defacer: Option<Arc<dyn Defacer>>,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let main = database(&[register::MIGRATIONS, archive::MIGRATIONS, notification::MIGRATIONS]).await;
        let (buffer, vault) = (database(&[buffer::MIGRATIONS]).await, database(&[]).await);
        let key = WrappingKey::parse(&"0123456789abcdef".repeat(4)).unwrap();
        let ring = KeyRing::new(key, None);
        let config =
            SpoolConfig { staging_instance_bytes: 64 << 10, ..SpoolConfig::new(folder.path().join("spool")) };
        let (spool, recovery) = Spool::open(config, None).unwrap();
        let mut recovery = recovery;
        assert!(recovery.by_ref().next().is_none());
        recovery.finish().unwrap();
        let objects = BlobConfig { keep_free_bytes: Some(keep_free_bytes) };
        let partner = |id: &str, out: &str| {
            let out = folder.path().join(out);
            std::fs::create_dir(&out).unwrap();
            let partner: PartnerConfig =
                serde_json::from_value(json!({"id": id, "transport": {"folder": {"path": out}}})).unwrap();
            let partner = Partner::open(&partner, &|_| Err(std::io::Error::other("no secret"))).unwrap();
            (id.to_owned(), Arc::new(partner))
        };
        let partners = BTreeMap::from([partner("lab", "out"), partner("uni", "out-uni")]);
        let mut project = json!({
            "id": "trial", "called_ae_titles": ["TRIAL"], "mode": "pseudonymise", "partners": ["lab"],
            "stable_after_seconds": 60,
            "dossier": {
                "state": "active", "version": 7, "valid_until": "2099-12-31", "mode": "pseudonymise",
                "recipients": ["lab"], "inclusion_required": false,
            },
        });
        for (key, value) in settings.as_object().unwrap() {
            project[key] = value.clone();
        }
        let project: ProjectConfig = serde_json::from_value(project).unwrap();
        let now = Arc::new(AtomicI64::new(START));
        let clock = {
            let now = Arc::clone(&now);
            Clock::new(move || now.load(Ordering::Relaxed))
        };
        let (sender, arrivals) = mpsc::channel(4096);
        let intake = Intake::new(spool.clone(), "main", [].into(), sender);
        let defacing = defacer.map(|program| {
            let limits = DefacingLimits { instances: 4, bytes: 4096 };
            Arc::new(Defacing::open(program, folder.path().join("spool/defacing"), limits).unwrap())
        });
        let line = Arc::new(Line {
            recogniser: None,
            renderer: None,
            defacing,
            main: Database::clone(&main),
            buffer: Database::clone(&buffer),
            vault: Arc::new(Vault::create(Database::clone(&vault), ring, START).await.unwrap()),
            spool,
            blobs: Arc::new(BlobStore::open_store(folder.path().join("objects"), &objects).unwrap()),
            trail: AuditTrail::new("hospital", "research-pacs"),
            projects: Project::new(&project)
                .unwrap()
                .into_iter()
                .map(|of| (project.id.clone(), of))
                .collect(),
            configured: BTreeSet::from([project.id.clone()]),
            partners,
            notification: notification(),
            clock,
            work: Wake::default(),
            messages: Arc::new(Notify::new()),
            quarantine_hours: 24,
            nodes: BTreeMap::new(),
            site: "hospital".to_owned(),
            polls: Arc::default(),
            oppositions: Mutex::default(),
            turns: Default::default(),
            faults: Arc::default(),
            warnings: Arc::default(),
            sweep: Mutex::default(),
        });
        let projects = [project];
        let routes = Arc::new(Routes::new(&projects).unwrap());
        let admission = Admission::new(Arc::clone(&line), routes, &projects);
        Self { line, admission, intake, arrivals, now, folder, databases: [main, buffer, vault] }
    }

    /// Receives an instance and writes its row.
    pub(crate) async fn receive(&mut self, instance: &Instance) {
        let mut incoming = self.intake.begin(EXPLICIT).unwrap();
        incoming.write(&instance.data_set()).await.unwrap();
        let complete = incoming.complete().unwrap();
        let origin = Origin {
            project: Some("trial".to_owned()),
            door: "dicom",
            calling: "MODALITY".to_owned(),
            called: "TRIAL".to_owned(),
            peer: "192.0.2.7".to_owned(),
            assigning_authority: "hospital".to_owned(),
            already_deidentified: instance.already_deidentified,
            received_at: self.line.clock.now(),
        };
        self.intake.commit(complete, origin).await.unwrap();
        let (sender, row) = mpsc::channel(1);
        sender.send(self.arrivals.recv().await.unwrap()).await.unwrap();
        drop(sender);
        let writer = IndexWriter::new(self.line.buffer.clone(), self.line.spool.clone(), "spool");
        writer.run(row, |_| {}).await;
    }

    /// What a start takes up.
    pub(crate) async fn resume(&self) {
        self.admission.resume().await.unwrap();
    }

    /// Enters these Patient IDs on the inclusion list, as by `vault include`.
    pub(crate) async fn include(&self, patient_ids: &[&str]) {
        let lines: String = patient_ids.iter().map(|id| format!("\n{id},hospital,,2026-11-01,3")).collect();
        let table = format!("patient_id,issuer,subject_code,consent_date,form_version{lines}\n");
        let list = InclusionList::parse(table.as_bytes(), "trial", &|issuer| Some(issuer.to_owned()), START)
            .unwrap();
        self.line.vault.import_inclusions(&list, START).await.unwrap();
    }

    /// One round of admission.
    pub(crate) async fn admit(&self) {
        self.admission.round().await.unwrap();
    }

    /// Does everything that can be done now.
    pub(crate) async fn settle(&self) {
        for _ in 0..3 {
            self.admit().await;
            driver::work_off(&self.line).await.unwrap();
        }
    }

    pub(crate) async fn retention(&self) {
        retention::run(&self.line).await.unwrap();
    }

    /// Lets the studies become stable, and does what then is due.
    pub(crate) async fn become_stable(&self) {
        self.pass_seconds(61);
        self.settle().await;
    }

    pub(crate) fn pass_seconds(&self, seconds: i64) {
        self.now.fetch_add(seconds * 1000, Ordering::Relaxed);
    }

    /// A withdrawal or an opposition is entered, as by `vault oppose`.
    pub(crate) async fn oppose(&self, patient_id: &str, kind: OppositionKind) {
        let subject = SubjectKey::new("trial", "hospital", patient_id).unwrap();
        let opposition = Opposition { kind, past_data: PastData::Stop, date: 20_261_118 };
        self.line.vault.oppose(&subject, opposition, START).await.unwrap();
    }

    pub(crate) async fn jobs(&self) -> Vec<Job> {
        job::list(self.line.main.reader(), None, None, 100).await.unwrap()
    }

    pub(crate) async fn held(&self) -> Vec<Quarantined> {
        buffer::list_quarantined(self.line.buffer.reader(), None, None, 1000).await.unwrap()
    }

    pub(crate) async fn decide(&self, entry: &Quarantined, decision: Decision) {
        let mut transaction = self.line.buffer.write().await.unwrap();
        buffer::decide(&mut transaction, entry.id, decision, "admin", self.line.clock.now()).await.unwrap();
        transaction.commit().await.unwrap();
    }

    /// Lines of the ledger with this event.
    pub(crate) async fn lines(&self, event: &str) -> i64 {
        let row = sqlx::query("SELECT COUNT(*) AS n FROM ledger WHERE event = $1")
            .bind(event)
            .fetch_one(self.line.main.reader())
            .await
            .unwrap();
        row.try_get("n").unwrap()
    }

    /// The rows of Z2.
    pub(crate) fn vault_rows(&self) -> &Database {
        &self.databases[2]
    }

    pub(crate) async fn count(database: &Database, sql: &'static str) -> i64 {
        sqlx::query_as::<_, (i64,)>(sql).fetch_one(database.reader()).await.unwrap().0
    }

    /// Changes a database as a crash or another program would leave it.
    pub(crate) async fn execute(database: &Database, sql: &'static str) -> u64 {
        let mut transaction = database.write().await.unwrap();
        let done = sqlx::query(sql).execute(&mut *transaction).await.unwrap();
        transaction.commit().await.unwrap();
        done.rows_affected()
    }

    /// DICOM files that the partner has.
    pub(crate) fn sent(&self) -> usize {
        self.files_of("out").len()
    }

    /// The same of the partner whose folder this is: `out` is that of `lab`, `out-uni` of `uni`.
    pub(crate) fn files_of(&self, folder: &str) -> Vec<PathBuf> {
        let is_dicom = |path: &PathBuf| {
            let bytes = std::fs::read(path).unwrap();
            bytes.get(128..132) == Some(b"DICM")
        };
        files_below(&self.folder.path().join(folder)).into_iter().filter(is_dicom).collect()
    }

    /// Objects of Z3.
    pub(crate) fn objects(&self) -> usize {
        self.object_files().len()
    }

    /// Their files.
    pub(crate) fn object_files(&self) -> Vec<PathBuf> {
        files_below(&self.folder.path().join("objects/archive"))
    }

    /// The files of the receive buffer.
    pub(crate) fn spool_files(&self) -> Vec<PathBuf> {
        files_below(&self.folder.path().join("spool"))
    }
}

/// A recipient of every event.
fn notification() -> notification::NotificationConfig {
    serde_json::from_value(json!({
        "recipient": [{"name": "crc", "email": "crc@hospital.example"}],
    }))
    .unwrap()
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files_below(&path)) } else { found.push(path) }
    }
    found
}

/// A CT image with an invented identity.
#[derive(Clone)]
pub(crate) struct Instance {
    pub(crate) number: u32,
    pub(crate) patient_id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) birth_date: &'static str,
    pub(crate) study: &'static str,
    pub(crate) pixel_bytes: usize,
    /// Value of each byte of the pixels.
    pub(crate) pixel: u8,
    /// (0008,0016)
    pub(crate) class: &'static str,
    /// Its source is of this class (DEC-P).
    pub(crate) already_deidentified: bool,
    /// (0012,0062)
    pub(crate) marker: &'static str,
    /// (0008,103E)
    pub(crate) description: &'static str,
    /// (0018,0015), with all that an image of 4 rows and 8 columns of 16 bits has.
    pub(crate) body_part: &'static str,
}

impl Instance {
    pub(crate) fn new(number: u32) -> Self {
        Self {
            number,
            patient_id: "MRN-0042",
            name: "Canarysson^Wilma",
            birth_date: "19570301",
            study: "1.2.276.0.777.1",
            pixel_bytes: 64,
            pixel: 7,
            class: CT,
            already_deidentified: false,
            marker: "",
            description: "CT",
            body_part: "",
        }
    }

    fn data_set(&self) -> Vec<u8> {
        let mut data_set = Vec::new();
        let mut text = |group: u16, element: u16, vr: &[u8; 2], value: &str| {
            let mut value = value.as_bytes().to_vec();
            let padding = if vr == b"UI" { 0 } else { b' ' };
            value.resize(value.len().next_multiple_of(2), padding);
            data_set.extend(group.to_le_bytes());
            data_set.extend(element.to_le_bytes());
            data_set.extend(vr);
            data_set.extend(u16::try_from(value.len()).unwrap().to_le_bytes());
            data_set.extend(value);
        };
        let Self { number, study, .. } = self;
        text(0x0008, 0x0016, b"UI", self.class);
        text(0x0008, 0x0018, b"UI", &format!("{study}.1.{number}"));
        text(0x0008, 0x0020, b"DA", "20261101");
        text(0x0008, 0x0060, b"CS", "CT");
        text(0x0008, 0x103E, b"LO", self.description);
        text(0x0010, 0x0010, b"PN", self.name);
        text(0x0010, 0x0020, b"LO", self.patient_id);
        text(0x0010, 0x0030, b"DA", self.birth_date);
        if !self.marker.is_empty() {
            text(0x0012, 0x0062, b"CS", self.marker);
        }
        if !self.body_part.is_empty() {
            text(0x0018, 0x0015, b"CS", self.body_part);
        }
        text(0x0020, 0x000D, b"UI", study);
        text(0x0020, 0x000E, b"UI", &format!("{study}.1"));
        text(0x0020, 0x0013, b"IS", &number.to_string());
        if !self.body_part.is_empty() {
            text(0x0020, 0x0032, b"DS", &format!("0\\0\\{number}"));
            let short = |value: u16| (b"US", value.to_le_bytes().to_vec());
            for (element, (vr, value)) in [
                (0x02_u16, short(1)),
                (0x04, (b"CS", b"MONOCHROME2 ".to_vec())),
                (0x10, short(4)),
                (0x11, short(8)),
                (0x100, short(16)),
                (0x101, short(16)),
                (0x102, short(15)),
                (0x103, short(0)),
            ] {
                data_set.extend([0x28, 0x00]);
                data_set.extend(element.to_le_bytes());
                data_set.extend(vr);
                data_set.extend(u16::try_from(value.len()).unwrap().to_le_bytes());
                data_set.extend(value);
            }
        }
        data_set.extend([0xE0, 0x7F, 0x10, 0x00, b'O', b'W', 0, 0]);
        data_set.extend(u32::try_from(self.pixel_bytes).unwrap().to_le_bytes());
        data_set.resize(data_set.len() + self.pixel_bytes, self.pixel);
        data_set
    }
}
