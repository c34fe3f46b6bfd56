use database::testing::engines;
use database::{DatabaseError, Migration, Statement};
use sqlx::Row;

const STUDY: Migration = Migration {
    name: "test/0001_study",
    sql: "CREATE TABLE study (id TEXT PRIMARY KEY NOT NULL, day BIGINT, note TEXT)",
};

#[tokio::test]
async fn many_rows_and_a_list_of_values() {
    for database in engines().await {
        database.migrate(&[STUDY]).await.unwrap();
        let mut insert = Statement::new("INSERT INTO study (id, day, note) VALUES ");
        for number in 0..100_i64 {
            insert.push(if number == 0 { "(" } else { ", (" });
            insert
                .bind(format!("s{number}"))
                .push(", ")
                .bind(number)
                .push(", ")
                .bind(Option::<String>::None)
                .push(")");
        }
        let mut transaction = database.write().await.unwrap();
        insert.query().execute(&mut *transaction).await.unwrap();
        transaction.commit().await.unwrap();

        let mut find = Statement::new("SELECT COUNT(*) FROM study WHERE note IS NULL AND day IN (");
        find.list([7_i64, 8, 1000]).push(") AND id <> ").bind("x'; DROP TABLE study; --");
        let row = find.query().fetch_one(database.reader()).await.unwrap();
        assert_eq!(row.get::<i64, _>(0), 2);
    }
}

#[tokio::test]
async fn too_many_values_are_an_error_and_no_panic() {
    for database in engines().await {
        let mut find = Statement::new("SELECT 1 WHERE 1 IN (");
        find.list(0..70_000_i64).push(")");
        let error = find.query().fetch_one(database.reader()).await.map(|_| ()).unwrap_err();
        assert!(!DatabaseError::from(error).is_transient());
    }
}
