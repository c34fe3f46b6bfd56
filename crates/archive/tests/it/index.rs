//! The index of Z3 on every engine.

use archive::buffer::Arrival;
use archive::index::{
    self, FoundStudy, Indexed, Instance, Patient, Series, Study, StudyFilter, Total, Upserted,
};
use database::Database;
use uuid::Uuid;

use super::main_databases;

fn instance(number: i32) -> Instance {
    Instance {
        id: Uuid::now_v7(),
        sop_instance_uid: format!("2.25.3.{number}"),
        sop_class_uid: "1.2.840.10008.5.1.4.1.1.2".into(),
        transfer_syntax_uid: "1.2.840.10008.1.2.1".into(),
        instance_number: number,
        number_of_frames: 1,
        location: format!("archive/{number}"),
        bytes: 100,
        blake3: [7; 32],
    }
}

/// Series `series` of study `study` of a patient, with `instances` instances that no other series has.
fn indexed(name: &str, study: i64, series: i32, instances: i32) -> Indexed {
    let first = i32::try_from(study).unwrap() * 1000 + series * 100;
    Indexed {
        project: "p1".into(),
        source: Uuid::now_v7(),
        patient: Patient {
            patient_id: format!("C-{name}"),
            patient_name: name.into(),
            patient_sex: "F".into(),
        },
        study: Study {
            study_instance_uid: format!("2.25.1.{study}"),
            study_date: 20_260_100 + study,
            accession_number: format!("A{study}"),
            ..Study::default()
        },
        series: Series {
            series_instance_uid: format!("2.25.2.{study}.{series}"),
            modality: "CT".into(),
            series_number: series,
            ..Series::default()
        },
        instances: (first..first + instances).map(instance).collect(),
    }
}

fn ids(indexed: &Indexed) -> Vec<Uuid> {
    indexed.instances.iter().map(|instance| instance.id).collect()
}

async fn upsert(database: &Database, indexed: &Indexed) -> Upserted {
    let mut transaction = database.write().await.unwrap();
    let upserted = index::upsert(&mut transaction, indexed, 5).await.unwrap();
    transaction.commit().await.unwrap();
    upserted
}

async fn clear(database: &Database, instances: &[Uuid]) -> u64 {
    let mut transaction = database.write().await.unwrap();
    let cleared = index::clear(&mut transaction, instances).await.unwrap();
    transaction.commit().await.unwrap();
    cleared
}

async fn add(database: &Database, indexed: &Indexed) -> Uuid {
    let upserted = upsert(database, indexed).await;
    clear(database, &ids(indexed)).await;
    upserted.study
}

async fn find(database: &Database, filter: StudyFilter<'_>) -> Vec<FoundStudy> {
    index::find_studies(database.reader(), "p1", &filter, 100).await.unwrap()
}

fn uids(found: &[FoundStudy]) -> Vec<&str> {
    found.iter().map(|found| found.study.study_instance_uid.as_str()).collect()
}

#[tokio::test]
async fn nothing_is_seen_before_it_is_cleared() {
    for database in main_databases().await {
        let rows = indexed("MULLER^ANNE", 1, 1, 3);
        upsert(&database, &rows).await;
        assert_eq!(find(&database, StudyFilter::default()).await, []);
        assert_eq!(index::totals(database.reader()).await.unwrap(), []);
        let of_source = index::instances_of_source(database.reader(), rows.source, None, 9).await.unwrap();
        assert_eq!(of_source, []);

        assert_eq!(clear(&database, &ids(&rows)[..2]).await, 2);
        let found = find(&database, StudyFilter::default()).await.pop().unwrap();
        assert_eq!((found.series, found.instances, found.bytes), (1, 2, 200));
        assert_eq!((found.patient, found.study), (rows.patient.clone(), rows.study.clone()));
        assert_eq!(clear(&database, &ids(&rows)).await, 1, "two are cleared already");
        let series = index::series_of_study(database.reader(), found.id).await.unwrap();
        assert_eq!(
            (series[0].series.clone(), series[0].instances, series.len()),
            (rows.series.clone(), 3, 1)
        );
        let of_source = index::instances_of_source(database.reader(), rows.source, None, 2).await.unwrap();
        assert_eq!(of_source.len(), 2);
        let last = Some(of_source[1].instance.id);
        let rest = index::instances_of_source(database.reader(), rows.source, last, 2).await.unwrap();
        assert_eq!(rest[0].instance, rows.instances[2]);
    }
}

#[tokio::test]
async fn counts_go_with_the_rows_up_and_down() {
    for database in main_databases().await {
        let rows =
            [indexed("A", 1, 1, 300), indexed("A", 1, 9, 2), indexed("A", 2, 1, 1), indexed("B", 3, 1, 4)];
        for row in &rows {
            add(&database, row).await;
        }
        let total = |patients, studies, series, instances| Total {
            project: "p1".into(),
            patients,
            studies,
            series,
            instances,
            bytes: instances * 100,
        };
        assert_eq!(index::totals(database.reader()).await.unwrap(), [total(2, 3, 4, 307)]);

        let mut transaction = database.write().await.unwrap();
        let gone = index::remove(&mut transaction, &ids(&rows[1])).await.unwrap();
        assert_eq!(gone, ["archive/1900", "archive/1901"]);
        index::remove(&mut transaction, &ids(&rows[3])).await.unwrap();
        index::remove(&mut transaction, &ids(&rows[3])).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(index::totals(database.reader()).await.unwrap(), [total(1, 2, 2, 301)]);
        assert_eq!(uids(&find(&database, StudyFilter::default()).await), ["2.25.1.1", "2.25.1.2"]);
        let left = sqlx::query("SELECT COUNT(*) FROM patient").fetch_one(database.reader()).await.unwrap();
        assert_eq!(sqlx::Row::get::<i64, _>(&left, 0), 1, "no row of B is left");
    }
}

#[tokio::test]
async fn the_same_uid_again_is_a_duplicate_or_flagged() {
    for database in main_databases().await {
        let rows = indexed("A", 1, 1, 1);
        let study = add(&database, &rows).await;
        let again = upsert(&database, &rows).await;
        let first = rows.instances[0].id;
        assert_eq!((again.study, again.arrivals), (study, vec![Arrival::Duplicate { of: first }]));

        let mut other = rows.clone();
        other.instances[0] = Instance { id: Uuid::now_v7(), blake3: [8; 32], ..rows.instances[0].clone() };
        assert_eq!(upsert(&database, &other).await.arrivals, [Arrival::Differs { from: first }]);
        clear(&database, &ids(&other)).await;
        let uid = &rows.instances[0].sop_instance_uid;
        let found = index::instances_by_uid(database.reader(), "p1", uid).await.unwrap();
        assert_eq!(found.iter().map(|found| found.differs).collect::<Vec<_>>(), [true, true]);
        assert_eq!(index::instances_by_uid(database.reader(), "p2", uid).await.unwrap(), []);
        let mut reader = database.reader().acquire().await.unwrap();
        for (project, source, others) in
            [("p1", Uuid::nil(), 1), ("p1", rows.source, 0), ("p2", Uuid::nil(), 0)]
        {
            let uids = std::slice::from_ref(uid);
            let found = index::uids_of_others(&mut reader, project, source, uids).await.unwrap();
            assert_eq!(found.len(), others);
        }
    }
}

#[tokio::test]
async fn a_second_try_replaces_what_was_never_cleared() {
    for database in main_databases().await {
        let rows = indexed("A", 1, 1, 2);
        upsert(&database, &rows).await;
        let mut again = rows.clone();
        again.instances[0].blake3 = [9; 32];
        again.instances[0].location = "archive/new".into();
        let upserted = upsert(&database, &again).await;
        assert_eq!(upserted.arrivals, [Arrival::New, Arrival::New]);
        assert_eq!(upserted.replaced, [rows.instances[0].location.clone()]);
        clear(&database, &ids(&again)).await;
        assert_eq!(find(&database, StudyFilter::default()).await[0].instances, 2);
    }
}

#[tokio::test]
async fn studies_are_found_by_each_key() {
    for database in main_databases().await {
        for (name, study) in
            [("Müller^Änne", 1), ("MULLER^BERT", 2), ("MULLERIN", 3), ("Meier", 4), ("MULLER^ANNE", 5)]
        {
            add(&database, &indexed(name, study, 1, 1)).await;
        }
        let mut elsewhere = indexed("MULLER", 6, 1, 1);
        elsewhere.project = "p2".into();
        add(&database, &elsewhere).await;

        let by_uid = StudyFilter { study_instance_uid: Some("2.25.1.2"), ..StudyFilter::default() };
        assert_eq!(uids(&find(&database, by_uid.clone()).await), ["2.25.1.2"]);
        let by_day = StudyFilter { days: Some((20_260_102, 20_260_103)), ..StudyFilter::default() };
        assert_eq!(uids(&find(&database, by_day).await), ["2.25.1.2", "2.25.1.3"]);
        let by_code = StudyFilter { patient_id: Some("C-Meier"), ..StudyFilter::default() };
        assert_eq!(uids(&find(&database, by_code).await), ["2.25.1.4"]);
        let by_name = StudyFilter { name_prefix: Some("müller^a"), ..StudyFilter::default() };
        assert_eq!(uids(&find(&database, by_name).await), ["2.25.1.1", "2.25.1.5"]);
        let other = StudyFilter { patient_id: Some("C-Meier"), ..by_uid.clone() };
        assert_eq!(find(&database, other).await, [], "both have to hold");
        let by_accession = StudyFilter { accession_number: Some("A3"), ..StudyFilter::default() };
        assert_eq!(uids(&find(&database, by_accession).await), ["2.25.1.3"]);
        let both = StudyFilter {
            name_prefix: Some("MULLER"),
            days: Some((20_260_102, 20_260_104)),
            ..StudyFilter::default()
        };
        assert_eq!(uids(&find(&database, both).await), ["2.25.1.2", "2.25.1.3"]);
    }
}

#[tokio::test]
async fn pages_follow_one_another_without_gap() {
    for database in main_databases().await {
        for study in 0..7_i64 {
            let mut row = indexed("A", study, 1, 1);
            row.study.study_date = 20_260_101 + study / 3;
            add(&database, &row).await;
        }
        let all = find(&database, StudyFilter::default()).await;
        let mut paged = Vec::new();
        let mut after = None;
        loop {
            let filter = StudyFilter { after, ..StudyFilter::default() };
            let page = index::find_studies(database.reader(), "p1", &filter, 2).await.unwrap();
            let Some(last) = page.last() else { break };
            after = Some((last.study.study_date, last.id));
            paged.extend(page);
        }
        assert_eq!(paged, all);
        assert_eq!(paged.len(), 7);

        let mut row = indexed("B", 9, 1, 5);
        row.instances.reverse();
        let study = add(&database, &row).await;
        let series = index::series_of_study(database.reader(), study).await.unwrap()[0].id;
        let page = index::instances_of_series(database.reader(), series, None, 3).await.unwrap();
        let last = (page[2].instance.instance_number, page[2].instance.id);
        let rest = index::instances_of_series(database.reader(), series, Some(last), 3).await.unwrap();
        let numbers: Vec<_> = page.iter().chain(&rest).map(|found| found.instance.instance_number).collect();
        assert_eq!(numbers, [9100, 9101, 9102, 9103, 9104]);
    }
}

#[tokio::test]
async fn text_that_one_engine_refuses_is_stored_all_the_same() {
    for database in main_databases().await {
        let mut rows = indexed("A\0B", 1, 1, 1);
        rows.study.study_description = "\0'; DROP TABLE study; --".into();
        add(&database, &rows).await;
        let found = find(&database, StudyFilter { name_prefix: Some("a"), ..StudyFilter::default() }).await;
        assert_eq!(found[0].patient.patient_name, "A\u{FFFD}B");
    }
}
