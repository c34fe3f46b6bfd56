//! A million instances in the index, on the engine of a URL: how fast are the questions and the writes? (docs/adr/0002)
//!
//! ```text
//! cargo run --release -p archive --example million_rows -- sqlite:/tmp/million.db
//! cargo run --release -p archive --example million_rows -- postgres://postgres@127.0.0.1/empty 100000
//! ```
//!
//! The database has to be empty; one that an earlier run filled is only asked. The second argument is the number of instances.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::indexing_slicing)]

use std::time::{Duration, Instant};

use archive::buffer::{self, ReceivedInstance};
use archive::index::{self, Indexed, Instance, Patient, Series, Study, StudyFilter};
use archive::job_queue::{self, NewEntry};
use archive::ledger::{self, LedgerEvent, Line};
use database::{Database, Options};
use sqlx::AnyExecutor;
use uuid::Uuid;

const INSTANCES_PER_SERIES: u32 = 20;
const SERIES_PER_STUDY: u32 = 2;
const DAYS: u32 = 3320;
const PROJECT: &str = "p1";

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().unwrap_or_else(|| "sqlite:million.db".into());
    let instances: u32 = arguments.next().map_or(1_000_000, |number| number.parse().unwrap());
    let studies = instances / INSTANCES_PER_SERIES / SERIES_PER_STUDY;
    let database = Database::open(&url, Options::default()).await.unwrap();
    database.migrate(archive::MIGRATIONS).await.unwrap();
    database.migrate(buffer::MIGRATIONS).await.unwrap();

    println!("| {:?}: index of {instances} instances, {studies} studies | |\n|---|---|", database.dialect());
    if !index::totals(database.reader()).await.unwrap().is_empty() {
        return questions(&database, studies).await;
    }
    fill(&database, studies).await;
    questions(&database, studies).await;
    beside_a_writer(&database, studies).await;
    rows_of_the_buffer(&database).await;
    lines_of_the_ledger(&database).await;
    jobs(&database).await;
    database.close().await;
}

/// Names that share prefixes; each belongs to a few patients.
fn name(study: u32) -> String {
    const SYLLABLES: [&str; 16] =
        ["ba", "ce", "di", "fo", "gu", "ha", "je", "ki", "lo", "mü", "na", "pe", "ri", "so", "tu", "va"];
    let patient = study / 3;
    (0..4).map(|place| SYLLABLES[(patient >> (4 * place)) as usize % 16]).collect()
}

fn series(study: u32, series: u32) -> Indexed {
    Indexed {
        project: PROJECT.into(),
        source: Uuid::now_v7(),
        patient: Patient {
            patient_id: format!("C{}", study / 3),
            patient_name: name(study),
            patient_sex: "O".into(),
        },
        study: Study {
            study_instance_uid: format!("2.25.1000000000000000000000.{study}"),
            study_date: day(study % DAYS),
            accession_number: format!("A{study}"),
            study_description: "CT thorax with contrast".into(),
            ..Study::default()
        },
        series: Series {
            series_instance_uid: format!("2.25.2000000000000000000000.{study}.{series}"),
            modality: "CT".into(),
            series_number: i32::try_from(series).unwrap(),
            ..Series::default()
        },
        instances: (0..INSTANCES_PER_SERIES).map(|number| instance(study, series, number)).collect(),
    }
}

fn instance(study: u32, series: u32, number: u32) -> Instance {
    Instance {
        id: Uuid::now_v7(),
        sop_instance_uid: format!("2.25.3000000000000000000000.{study}.{series}.{number}"),
        sop_class_uid: "1.2.840.10008.5.1.4.1.1.2".into(),
        transfer_syntax_uid: "1.2.840.10008.1.2.1".into(),
        instance_number: i32::try_from(number).unwrap(),
        number_of_frames: 1,
        location: format!("archive/{PROJECT}/{}", Uuid::now_v7()),
        bytes: 530_000,
        blake3: *blake3::hash(&(study * 1000 + series * 100 + number).to_le_bytes()).as_bytes(),
    }
}

/// Days as yyyymmdd, 28 per month.
fn day(number: u32) -> i64 {
    i64::from(20_150_101 + number / 336 * 10_000 + number % 336 / 28 * 100 + number % 28)
}

async fn write_study(database: &Database, study: u32) {
    let mut transaction = database.write().await.unwrap();
    for number in 0..SERIES_PER_STUDY {
        let series = series(study, number);
        index::upsert(&mut transaction, &series, 1).await.unwrap();
        let ids: Vec<_> = series.instances.iter().map(|instance| instance.id).collect();
        index::clear(&mut transaction, &ids).await.unwrap();
    }
    transaction.commit().await.unwrap();
}

async fn fill(database: &Database, studies: u32) {
    let watch = Watch::start();
    for study in 0..studies {
        write_study(database, study).await;
    }
    watch.rate("index: upsert and clear, one study of 40 per transaction", studies * 40);
}

/// Time on the wall, and CPU time of this process (not of a database server), since it began.
struct Watch(Instant, Duration);

impl Watch {
    fn start() -> Self {
        Self(Instant::now(), cpu())
    }

    fn rate(&self, what: &str, rows: u32) {
        let wall = f64::from(rows) / self.0.elapsed().as_secs_f64();
        let micros = (cpu() - self.1).as_micros() as f64 / f64::from(rows);
        println!("| {what} | {wall:.0} rows/s, {micros:.0} µs CPU per row |");
    }
}

/// User and system time of all threads, in hundredths of a second (fields 14 and 15 of the file).
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let ticks = stat
        .rsplit(") ")
        .next()
        .unwrap()
        .split(' ')
        .skip(11)
        .take(2)
        .map(|field| field.parse::<u64>().unwrap());
    Duration::from_millis(ticks.sum::<u64>() * 10)
}

/// Runs a question with changing numbers and prints the median and the 95th percentile.
async fn ask<F: Future<Output = usize>>(what: &str, repeats: u32, question: impl Fn(u32) -> F) {
    let mut times = Vec::new();
    let mut rows = 0;
    for repeat in 0..repeats {
        // a step without common divisor visits the numbers in no order
        let number = repeat.wrapping_mul(2_654_435_761);
        let start = Instant::now();
        rows += question(number).await;
        times.push(start.elapsed());
    }
    times.sort_unstable();
    let at = |part: usize| times[times.len() * part / 100].as_secs_f64() * 1000.0;
    let mean = rows as f64 / f64::from(repeats);
    println!("| {what} ({mean:.1} rows) | p50 {:.2} ms, p95 {:.2} ms |", at(50), at(95));
}

async fn find(database: &Database, filter: StudyFilter<'_>, limit: u32) -> usize {
    index::find_studies(database.reader(), PROJECT, &filter, limit).await.unwrap().len()
}

async fn by_uid(database: &Database, study: u32) -> usize {
    let uid = format!("2.25.1000000000000000000000.{study}");
    find(database, StudyFilter { study_instance_uid: Some(&uid), ..StudyFilter::default() }, 2).await
}

async fn questions(database: &Database, studies: u32) {
    let everything = find(database, StudyFilter::default(), 1000).await;
    assert!(everything > 0);
    let page = index::find_studies(database.reader(), PROJECT, &StudyFilter::default(), 1000).await.unwrap();
    let page = &page;
    ask("study by UID", 500, |number| by_uid(database, number % studies)).await;
    ask("studies of one day", 300, async |number| {
        let day = day(number % DAYS);
        find(database, StudyFilter { days: Some((day, day)), ..StudyFilter::default() }, 200).await
    })
    .await;
    ask("studies by patient id", 500, async |number| {
        let code = format!("C{}", number % studies / 3);
        find(database, StudyFilter { patient_id: Some(&code), ..StudyFilter::default() }, 200).await
    })
    .await;
    ask("studies by begin of the name", 300, async |number| {
        let prefix = &name(number % studies);
        let prefix: String = prefix.chars().take(6).collect();
        find(database, StudyFilter { name_prefix: Some(&prefix), ..StudyFilter::default() }, 200).await
    })
    .await;
    ask("page of 100 studies behind any other", 300, async |number| {
        let after = Some((day(number % DAYS), Uuid::nil()));
        find(database, StudyFilter { after, ..StudyFilter::default() }, 100).await
    })
    .await;
    ask("series of a study", 500, async |number| {
        let study = page[number as usize % page.len()].id;
        index::series_of_study(database.reader(), study).await.unwrap().len()
    })
    .await;
    ask("instance by UID", 500, async |number| {
        let uid = format!("2.25.3000000000000000000000.{}.1.7", number % studies);
        index::instances_by_uid(database.reader(), PROJECT, &uid).await.unwrap().len()
    })
    .await;
    let first = index::series_of_study(database.reader(), page[0].id).await.unwrap()[0].id;
    ask("instances of a series", 500, async |_| {
        index::instances_of_series(database.reader(), first, None, 1000).await.unwrap().len()
    })
    .await;
    ask("sums kept", 300, async |_| index::totals(database.reader()).await.unwrap().len()).await;
    ask("sums computed, for comparison", 5, |_| sums_computed(database.reader())).await;
}

async fn sums_computed(executor: impl AnyExecutor<'_>) -> usize {
    let sums = "SELECT COUNT(*), CAST(SUM(bytes) AS BIGINT) FROM instance WHERE project = $1";
    sqlx::query(sums).bind(PROJECT).fetch_all(executor).await.unwrap().len()
}

/// The same questions while one writer commits study after study.
async fn beside_a_writer(database: &Database, studies: u32) {
    let writing = {
        let database = database.clone();
        tokio::spawn(async move {
            let watch = Watch::start();
            let mut study = studies;
            while watch.0.elapsed() < Duration::from_secs(15) {
                write_study(&database, study).await;
                study += 1;
            }
            watch.rate("index: the writer beside them", (study - studies) * 40);
        })
    };
    ask("study by UID, beside a writer", 2000, |number| by_uid(database, number % studies)).await;
    ask("studies of one day, beside a writer", 500, async |number| {
        let day = day(number % DAYS);
        find(database, StudyFilter { days: Some((day, day)), ..StudyFilter::default() }, 200).await
    })
    .await;
    writing.await.unwrap();
}

async fn rows_of_the_buffer(database: &Database) {
    for rows_per_transaction in [256, 2000] {
        let watch = Watch::start();
        let total = 40_000;
        for first in (0..total).step_by(rows_per_transaction as usize) {
            let rows: Vec<_> = (first..first + rows_per_transaction)
                .map(|number| received(rows_per_transaction * 1_000_000 + number))
                .collect();
            let mut transaction = database.write().await.unwrap();
            buffer::insert_batch(&mut transaction, &rows, None).await.unwrap();
            transaction.commit().await.unwrap();
        }
        watch.rate(&format!("receive buffer: {rows_per_transaction} rows per transaction"), total);
    }
}

fn received(number: u32) -> ReceivedInstance {
    ReceivedInstance {
        id: Uuid::now_v7(),
        project: Some(PROJECT.into()),
        door: "dicom".into(),
        calling: "PACS".into(),
        called: "RESEARCH".into(),
        peer: "192.0.2.7".into(),
        patient_id: format!("{}", number / 400),
        issuer_of_patient_id: String::new(),
        assigning_authority: "hospital".into(),
        study_instance_uid: format!("1.2.840.113619.2.55.3.604688119.971.{}", number / 200),
        series_instance_uid: format!("1.2.840.113619.2.55.3.604688119.971.{}.1", number / 200),
        sop_instance_uid: format!("1.2.840.113619.2.55.3.604688119.971.{number}.1.1"),
        sop_class_uid: "1.2.840.10008.5.1.4.1.1.2".into(),
        transfer_syntax_uid: "1.2.840.10008.1.2.1".into(),
        modality: "CT".into(),
        spool: "spool".into(),
        location: format!("segment/{}/{}/200/530000", number / 250, number % 250 * 530_000).parse().unwrap(),
        blake3: *blake3::hash(&number.to_le_bytes()).as_bytes(),
        irregularities: "[]".into(),
        already_deidentified: false,
        received_at: i64::from(number),
    }
}

async fn lines_of_the_ledger(database: &Database) {
    let job = Some(Uuid::now_v7());
    let watch = Watch::start();
    for _ in 0..100 {
        let lines: Vec<_> = (0..400)
            .map(|_| Line {
                event: LedgerEvent::Cleared,
                project: PROJECT,
                job,
                result_set: None,
                instance: Uuid::now_v7(),
                destination: "",
                hash: "blake3:af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
                bytes: 530_000,
                dossier_version: "d3",
                gate_hash: None,
                cause: "",
                at: 1,
            })
            .collect();
        let mut transaction = database.write().await.unwrap();
        ledger::append(&mut transaction, &lines).await.unwrap();
        transaction.commit().await.unwrap();
    }
    watch.rate("ledger: 400 lines per transaction", 40_000);
}

/// Four workers claim and finish; each claim and each end is a transaction of its own.
async fn jobs(database: &Database) {
    let jobs = 2000;
    let mut transaction = database.write().await.unwrap();
    for _ in 0..jobs {
        let entry = NewEntry { kind: "verify", subject: Uuid::now_v7(), partner: None, run_at: 0 };
        job_queue::enqueue(&mut transaction, entry, 0).await.unwrap();
    }
    transaction.commit().await.unwrap();
    let watch = Watch::start();
    let workers: Vec<_> = (0..4).map(|_| tokio::spawn(work(database.clone()))).collect();
    let mut done = 0;
    for worker in workers {
        done += worker.await.unwrap();
    }
    assert_eq!(done, jobs, "each job once");
    watch.rate("jobs: claim and finish, 4 workers, 2 transactions each", jobs);
}

async fn work(database: Database) -> u32 {
    let mut done = 0;
    loop {
        let mut transaction = database.write().await.unwrap();
        let claimed =
            job_queue::claim(&mut transaction, database.dialect(), &["verify"], "spike", 1).await.unwrap();
        transaction.commit().await.unwrap();
        let Some(job) = claimed else { return done };
        let mut transaction = database.write().await.unwrap();
        job_queue::finish(&mut transaction, job.lease, 2).await.unwrap();
        transaction.commit().await.unwrap();
        done += 1;
    }
}
