use database::testing::engines;
use database::{Database, DatabaseError, Migration, Options};
use sqlx::Row;

const PERSON: Migration = Migration {
    name: "test/0001_person",
    sql: r#"CREATE TABLE person (id TEXT PRIMARY KEY NOT NULL, name TEXT COLLATE "binary" NOT NULL, image BYTEA, size DOUBLE PRECISION, living SMALLINT);
            CREATE INDEX person_name ON person (name)"#,
};
const AGE: Migration = Migration { name: "test/0002_age", sql: "ALTER TABLE person ADD COLUMN born BIGINT" };
const BROKEN: Migration =
    Migration { name: "test/0003_broken", sql: "CREATE TABLE other (id TEXT); CREATE NONSENSE" };

#[tokio::test]
async fn a_migration_runs_once() {
    for database in engines().await {
        database.migrate(&[PERSON]).await.unwrap();
        database.migrate(&[PERSON, AGE]).await.unwrap();
        database.migrate(&[PERSON, AGE]).await.unwrap();
        let names: Vec<String> = sqlx::query("SELECT name FROM schema_migration ORDER BY name")
            .fetch_all(database.reader())
            .await
            .unwrap()
            .iter()
            .map(|row| row.get("name"))
            .collect();
        assert_eq!(names, [PERSON.name, AGE.name]);
    }
}

#[tokio::test]
async fn a_failed_migration_leaves_the_schema_as_it_was_and_says_its_name() {
    for database in engines().await {
        let error = database.migrate(&[PERSON, BROKEN]).await.unwrap_err();
        assert!(matches!(error, DatabaseError::Migration { name: "test/0003_broken", .. }), "{error}");
        let error = sqlx::query("SELECT id FROM person").execute(database.reader()).await.unwrap_err();
        assert!(matches!(DatabaseError::from(error), DatabaseError::Statement { .. }));
        database.migrate(&[PERSON]).await.unwrap();
    }
}

#[tokio::test]
async fn two_programs_may_migrate_at_once() {
    for database in engines().await {
        let other = Database::open(database.url(), Options::default()).await.unwrap();
        let (one, two) = tokio::join!(database.migrate(&[PERSON, AGE]), other.migrate(&[PERSON, AGE]));
        one.unwrap();
        two.unwrap();
    }
}

#[tokio::test]
async fn a_prefix_is_a_range_of_bytes_whatever_the_language_of_the_server() {
    for database in engines().await {
        database.migrate(&[PERSON]).await.unwrap();
        let mut transaction = database.write().await.unwrap();
        for name in ["DE", "DE LA TOUR", "DE-LA", "DEA", "DELATOUR", "DF", "de"] {
            sqlx::query("INSERT INTO person (id, name, image, size, living) VALUES ($1, $1, $2, $3, $4)")
                .bind(name)
                .bind(vec![0_u8, 255])
                .bind(0.5_f64)
                .bind(Option::<i16>::None)
                .execute(&mut *transaction)
                .await
                .unwrap();
        }
        transaction.commit().await.unwrap();
        let rows = sqlx::query(
            "SELECT name, image, size, living FROM person WHERE name >= $1 AND name < $2 ORDER BY name",
        )
        .bind("DE")
        .bind("DF")
        .fetch_all(database.reader())
        .await
        .unwrap();
        let names: Vec<&str> = rows.iter().map(|row| row.get("name")).collect();
        assert_eq!(names, ["DE", "DE LA TOUR", "DE-LA", "DEA", "DELATOUR"]);
        assert_eq!(rows[0].get::<Vec<u8>, _>("image"), [0, 255]);
        assert_eq!(rows[0].get::<Option<i16>, _>("living"), None);
    }
}
