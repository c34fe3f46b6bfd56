use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use database::testing::engines;
use database::{Database, DatabaseError, Dialect, Migration, Options};
use sqlx::Row;

const COUNTER: Migration = Migration {
    name: "test/0001_counter",
    sql: "CREATE TABLE counter (id TEXT PRIMARY KEY NOT NULL, value BIGINT NOT NULL);
          CREATE TABLE part (id TEXT PRIMARY KEY NOT NULL, counter TEXT NOT NULL REFERENCES counter (id))",
};

async fn add(database: &Database, id: &str) -> Result<(), DatabaseError> {
    let mut transaction = database.write().await?;
    sqlx::query("INSERT INTO counter (id, value) VALUES ($1, 1) ON CONFLICT (id) DO UPDATE SET value = counter.value + 1")
        .bind(id)
        .execute(&mut *transaction)
        .await?;
    Ok(transaction.commit().await?)
}

async fn value(database: &Database, id: &str) -> Option<i64> {
    let row = sqlx::query("SELECT value FROM counter WHERE id = $1")
        .bind(id)
        .fetch_optional(database.reader())
        .await
        .unwrap();
    row.map(|row| row.get("value"))
}

#[tokio::test]
async fn many_writers_lose_no_increment() {
    for database in engines().await {
        database.migrate(&[COUNTER]).await.unwrap();
        let tasks: Vec<_> = (0..40)
            .map(|_| {
                let database = Database::clone(&database);
                tokio::spawn(async move { add(&database, "a").await })
            })
            .collect();
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        assert_eq!(value(&database, "a").await, Some(40));
    }
}

#[tokio::test]
async fn a_dropped_transaction_leaves_nothing() {
    for database in engines().await {
        database.migrate(&[COUNTER]).await.unwrap();
        let mut transaction = database.write().await.unwrap();
        sqlx::query("INSERT INTO counter (id, value) VALUES ('a', 1)")
            .execute(&mut *transaction)
            .await
            .unwrap();
        assert_eq!(value(&database, "a").await, None, "not seen before the commit");
        drop(transaction);
        add(&database, "b").await.unwrap();
        assert_eq!(value(&database, "a").await, None);
    }
}

#[tokio::test]
async fn a_reader_cannot_write_and_foreign_keys_hold() {
    for database in engines().await {
        database.migrate(&[COUNTER]).await.unwrap();
        let insert = "INSERT INTO counter (id, value) VALUES ('a', 1)";
        sqlx::query(insert).execute(database.reader()).await.unwrap_err();
        let mut transaction = database.write().await.unwrap();
        let error = sqlx::query("INSERT INTO part (id, counter) VALUES ('p', 'no such')")
            .execute(&mut *transaction)
            .await;
        assert!(matches!(DatabaseError::from(error.unwrap_err()), DatabaseError::Constraint(_)));
    }
}

#[tokio::test]
async fn the_wait_for_the_writer_is_bounded() {
    for database in engines().await {
        let options = Options { readers: 1, writers: 1, wait: Duration::from_millis(50) };
        let narrow = Database::open(database.url(), options).await.unwrap();
        let _held = narrow.write().await.unwrap();
        assert_eq!(narrow.write().await.unwrap_err(), DatabaseError::Busy);
    }
}

#[tokio::test]
async fn commits_are_synced_to_the_medium() {
    for database in engines().await {
        let mut transaction = database.write().await.unwrap();
        let durable = match database.dialect() {
            Dialect::Sqlite => {
                let row = sqlx::query(
                    "SELECT j.journal_mode, s.synchronous FROM pragma_journal_mode j, pragma_synchronous s",
                )
                .fetch_one(&mut *transaction)
                .await
                .unwrap();
                (row.get::<String, _>(0), row.get::<i64, _>(1)) == ("wal".into(), 2)
            }
            Dialect::PostgreSql => {
                let row = sqlx::query("SHOW synchronous_commit").fetch_one(&mut *transaction).await.unwrap();
                row.get::<String, _>(0) == "on"
            }
        };
        assert!(durable);
    }
}

#[tokio::test]
async fn the_file_and_its_log_belong_to_the_owner_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("buffer.db");
    let database = Database::open(&format!("sqlite:{}", path.display()), Options::default()).await.unwrap();
    database.migrate(&[COUNTER]).await.unwrap();
    for entry in std::fs::read_dir(&directory).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.file_name());
    }
    database.close().await;
}

#[tokio::test]
async fn the_clock_of_the_database_is_in_epoch_milliseconds() {
    for database in engines().await {
        let own = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
        let difference = database.now().await.unwrap() - i64::try_from(own).unwrap();
        assert!(difference.abs() < 60_000, "{difference}");
    }
}
