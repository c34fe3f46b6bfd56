//! A database: one pool that writes, one pool that reads.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Any, AnyPool, Executor, Transaction};

use crate::dialect::Role;
use crate::{DatabaseError, Dialect, Migration, migration};

/// Limits of a [`Database`].
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Connections that read at the same time.
    pub readers: u32,
    /// Write transactions at the same time on PostgreSQL; SQLite has one.
    pub writers: u32,
    /// The longest wait for a free connection; after it the answer is [`DatabaseError::Busy`].
    pub wait: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { readers: 8, writers: 4, wait: Duration::from_secs(10) }
    }
}

/// An open database; clones share its connections.
#[derive(Debug, Clone)]
pub struct Database {
    dialect: Dialect,
    reader: AnyPool,
    writer: AnyPool,
}

impl Database {
    /// Opens `sqlite:PATH` (created with mode 0600 when missing) or `postgres://…` and proves that it answers.
    ///
    /// # Errors
    /// [`DatabaseError::Url`], [`DatabaseError::File`], [`DatabaseError::Unavailable`]; none shows the URL.
    pub async fn open(url: &str, options: Options) -> Result<Self, DatabaseError> {
        sqlx::any::install_default_drivers();
        let dialect = Dialect::of_url(url).ok_or(DatabaseError::Url("unknown scheme"))?;
        let connect = AnyConnectOptions::from_str(url).map_err(|_| DatabaseError::Url("not a URL"))?;
        let writers = match dialect {
            Dialect::Sqlite => {
                create_file(url)?;
                1
            }
            Dialect::PostgreSql => options.writers,
        };
        // the writer comes first: it sets the journal mode, which is a property of the file
        let writer = pool(dialect, Role::Writer, writers, options.wait).connect_with(connect.clone()).await;
        let reader = pool(dialect, Role::Reader, options.readers, options.wait).connect_with(connect).await;
        Ok(Self { dialect, reader: reader.map_err(opening)?, writer: writer.map_err(opening)? })
    }

    /// Applies the migrations that this database does not have yet, in the order given, in one transaction.
    ///
    /// # Errors
    /// [`DatabaseError::Migration`] with the name of the one that failed; then none of this call is kept.
    pub async fn migrate(&self, migrations: &[Migration]) -> Result<(), DatabaseError> {
        let now = self.now().await?;
        let mut transaction = self.write().await?;
        migration::apply(&mut transaction, self.dialect, migrations, now).await?;
        Ok(transaction.commit().await?)
    }

    /// The time in epoch milliseconds that leases and timers of this database go by: the server's on PostgreSQL, which several
    /// programs share, our own on SQLite.
    ///
    /// # Errors
    /// [`DatabaseError::Busy`], [`DatabaseError::Unavailable`].
    pub async fn now(&self) -> Result<i64, DatabaseError> {
        match self.dialect {
            Dialect::Sqlite => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
                Ok(i64::try_from(now).unwrap_or(i64::MAX))
            }
            Dialect::PostgreSql => {
                let now = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)";
                Ok(sqlx::query_scalar(now).fetch_one(&self.reader).await?)
            }
        }
    }

    /// The engine.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The connections that read; the engine refuses a write on them.
    #[must_use]
    pub fn reader(&self) -> &AnyPool {
        &self.reader
    }

    /// Opens a write transaction; dropped without `commit`, it is rolled back.
    ///
    /// On SQLite it holds the only write lock: keep it short and do nothing else meanwhile, least of all ask for another.
    ///
    /// # Errors
    /// [`DatabaseError::Busy`] after [`Options::wait`], [`DatabaseError::Unavailable`].
    pub async fn write(&self) -> Result<Transaction<'static, Any>, DatabaseError> {
        Ok(self.writer.begin_with(self.dialect.begin()).await?)
    }

    /// Waits for the connections in use and closes all of them; clones are closed with it.
    pub async fn close(self) {
        self.reader.close().await;
        self.writer.close().await;
    }
}

fn pool(dialect: Dialect, role: Role, size: u32, wait: Duration) -> AnyPoolOptions {
    AnyPoolOptions::new().max_connections(size.max(1)).acquire_timeout(wait).after_connect(
        move |connection, _| {
            Box::pin(async move {
                for statement in dialect.session(role) {
                    connection.execute(*statement).await?;
                }
                Ok(())
            })
        },
    )
}

/// While a server refuses connections, the pool tries again until its time is over.
fn opening(error: sqlx::Error) -> DatabaseError {
    match error {
        sqlx::Error::PoolTimedOut => DatabaseError::Unavailable("no connection in time".into()),
        error => error.into(),
    }
}

/// Creates the file for its owner alone; SQLite gives the same mode to the write-ahead log beside it.
fn create_file(url: &str) -> Result<(), DatabaseError> {
    let options = SqliteConnectOptions::from_str(url).map_err(|_| DatabaseError::Url("not an SQLite URL"))?;
    let path = options.get_filename();
    if path.as_os_str().is_empty() || path.as_os_str().as_encoded_bytes().starts_with(b"file:") {
        return Err(DatabaseError::Url("the database must be a file"));
    }
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(file) => file.sync_all().map_err(|error| DatabaseError::File(error.kind())),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(DatabaseError::File(error.kind())),
    }
}
