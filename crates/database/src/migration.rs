//! Steps of the schema.

use sqlx::{AnyConnection, Executor};

use crate::{DatabaseError, Dialect};

/// One step of a schema, run once per database. Its SQL runs on both engines.
///
/// A text column that is searched by prefix is declared `TEXT COLLATE "binary"`: SQLite knows that collation, and on
/// PostgreSQL it is made before the first migration. Without it a range would follow the language of the server.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// Unique over all crates, as several of them migrate the same database: `archive/0001_buffer`.
    pub name: &'static str,
    /// Statements divided by `;`.
    pub sql: &'static str,
}

const TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_migration (name TEXT PRIMARY KEY NOT NULL, applied_at BIGINT NOT NULL)";

/// Held until the end of the transaction, so that two programs that start at once migrate one after the other. The number is
/// ours alone ("pacs"). The cast gives the function's empty answer a type that `any` knows.
const LOCK: &str = "SELECT CAST(pg_advisory_xact_lock(1885430643) AS TEXT)";

const COLLATION: &str = r#"CREATE COLLATION IF NOT EXISTS "binary" (PROVIDER = libc, LOCALE = 'C')"#;

/// Applies the missing ones of `migrations` inside the caller's transaction; `now` is in epoch milliseconds.
pub(crate) async fn apply(
    connection: &mut AnyConnection,
    dialect: Dialect,
    migrations: &[Migration],
    now: i64,
) -> Result<(), DatabaseError> {
    if dialect == Dialect::PostgreSql {
        connection.execute(LOCK).await?;
        connection.execute(COLLATION).await?;
    }
    connection.execute(TABLE).await?;
    for migration in migrations {
        step(connection, migration, now).await.map_err(|error| DatabaseError::Migration {
            name: migration.name,
            cause: Box::new(error.into()),
        })?;
    }
    Ok(())
}

async fn step(connection: &mut AnyConnection, migration: &Migration, now: i64) -> Result<(), sqlx::Error> {
    let new = sqlx::query(
        "INSERT INTO schema_migration (name, applied_at) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING",
    )
    .bind(migration.name)
    .bind(now)
    .execute(&mut *connection)
    .await?
    .rows_affected();
    if new == 1 {
        sqlx::raw_sql(migration.sql).execute(connection).await?;
    }
    Ok(())
}
