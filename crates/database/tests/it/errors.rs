use std::time::Duration;

use database::testing::engines;
use database::{Database, DatabaseError, Migration, Options};

const PATIENT: Migration = Migration {
    name: "test/0001_patient",
    sql: "CREATE TABLE patient (name TEXT PRIMARY KEY NOT NULL, born BIGINT)",
};

#[tokio::test]
async fn no_error_shows_the_url_or_a_row() {
    let options = Options { wait: Duration::from_millis(50), ..Options::default() };
    for url in
        ["postgres://user:geheim@127.0.0.1:1/x", "mysql://user:geheim@h/x", "postgres://user:geheim@:99999/x"]
    {
        let error = Database::open(url, options).await.unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(!text.contains("geheim") && !text.contains("user"), "{text}");
    }
    for database in engines().await {
        database.migrate(&[PATIENT]).await.unwrap();
        let insert = "INSERT INTO patient (name) VALUES ($1)";
        let mut transaction = database.write().await.unwrap();
        sqlx::query(insert).bind("MUSTER^ANNA").execute(&mut *transaction).await.unwrap();
        let error = sqlx::query(insert).bind("MUSTER^ANNA").execute(&mut *transaction).await.unwrap_err();
        let error = DatabaseError::from(error);
        assert!(matches!(error, DatabaseError::Constraint(_)));
        let text = format!("{error} {error:?}");
        assert!(!text.contains("MUSTER"), "{text}");
    }
}

#[tokio::test]
async fn a_missing_directory_is_said_and_a_database_in_memory_refused() {
    let error = Database::open("sqlite:/no/such/place/x.db", Options::default()).await.unwrap_err();
    assert!(matches!(error, DatabaseError::File(std::io::ErrorKind::NotFound)));
    let error = Database::open("sqlite::memory:", Options::default()).await.unwrap_err();
    assert!(matches!(error, DatabaseError::Url(_)));
}
