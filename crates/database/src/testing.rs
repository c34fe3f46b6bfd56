//! Fresh databases for tests, one per engine.
//!
//! ```ignore
//! for database in database::testing::engines().await {
//!     database.migrate(archive::MAIN).await.unwrap();
//!     …
//! }
//! ```
//!
//! PostgreSQL takes part when the environment variable `RESEARCH_PACS_TEST_POSTGRES` holds the URL of a database made to be
//! thrown away: each call leaves a schema of its own there.

#![allow(clippy::unwrap_used, clippy::missing_panics_doc)]

use std::ops::Deref;

use sqlx::{AssertSqlSafe, Executor};

use crate::{Database, Options};

/// A fresh database that lives as long as this value.
#[derive(Debug)]
pub struct TestDatabase {
    database: Database,
    url: String,
    /// Removed when dropped; `None` on PostgreSQL.
    _directory: Option<tempfile::TempDir>,
}

impl Deref for TestDatabase {
    type Target = Database;

    fn deref(&self) -> &Database {
        &self.database
    }
}

impl TestDatabase {
    /// The URL, to open the same database a second time, as after a restart or from a second program.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

/// One empty database per engine.
pub async fn engines() -> Vec<TestDatabase> {
    let mut engines = vec![sqlite().await];
    if let Ok(url) = std::env::var("RESEARCH_PACS_TEST_POSTGRES") {
        engines.push(postgresql(&url).await);
    }
    engines
}

async fn sqlite() -> TestDatabase {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", directory.path().join("test.db").display());
    let database = Database::open(&url, Options::default()).await.unwrap();
    TestDatabase { database, url, _directory: Some(directory) }
}

async fn postgresql(server: &str) -> TestDatabase {
    let schema = format!("test_{}", uuid::Uuid::now_v7().simple());
    let setup = Database::open(server, Options::default()).await.unwrap();
    let mut transaction = setup.write().await.unwrap();
    // the name is made of hexadecimal digits, four lines above
    transaction.execute(AssertSqlSafe(format!("CREATE SCHEMA {schema}"))).await.unwrap();
    transaction.commit().await.unwrap();
    setup.close().await;
    let separator = if server.contains('?') { '&' } else { '?' };
    let url = format!("{server}{separator}options[search_path]={schema}");
    let database = Database::open(&url, Options::default()).await.unwrap();
    TestDatabase { database, url, _directory: None }
}
