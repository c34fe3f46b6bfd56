//! The vault itself: opened with its key, or locked.

use std::fmt;

use database::{Database, Migration};
use sqlx::AnyConnection;

use crate::key::{KeyRing, WrappingKey};
use crate::prf::{Key, prf, random_key};
use crate::seal::{self, Place};
use crate::{LockReason, VaultError};

/// The schema of the vault database.
pub const MIGRATIONS: &[Migration] = &[
    Migration { name: "pseudonym/0001_vault", sql: include_str!("../migrations/0001_vault.sql") },
    Migration { name: "pseudonym/0002_issued_base", sql: include_str!("../migrations/0002_issued_base.sql") },
    Migration {
        name: "pseudonym/0003_original_hash",
        sql: include_str!("../migrations/0003_original_hash.sql"),
    },
];

const LOOKUP: &str = "research-pacs/1/lookup-key:";
const LIST: &str = "research-pacs/1/list-key:";
const LOG: &str = "research-pacs/1/log-key:";

/// The vault (zone Z2): a database of its own and the key to it.
pub struct Vault {
    pub(crate) database: Database,
    keys: Result<Keys, LockReason>,
}

/// What an open vault holds in memory.
pub(crate) struct Keys {
    pub(crate) ring: KeyRing,
    /// Keyed hashes of participants.
    pub(crate) lookup: Key,
    /// Display values of the lists.
    pub(crate) list: Key,
    /// Reasons in the access log, and its chain.
    pub(crate) log: Key,
}

impl Vault {
    /// Opens the vault and brings its schema up to date. Without its key it opens *locked*: every later call answers
    /// [`VaultError::VaultLocked`], and the rest of the program goes on.
    ///
    /// # Errors
    /// [`VaultError::Database`]; [`VaultError::Tampered`] when the key is right and the root secret damaged: restore it.
    pub async fn open(database: Database, ring: Option<KeyRing>) -> Result<Self, VaultError> {
        database.migrate(MIGRATIONS).await?;
        let root: Option<(String, Vec<u8>)> =
            sqlx::query_as("SELECT key_id, secret FROM root_secret WHERE id = 1")
                .fetch_optional(database.reader())
                .await?;
        let keys = match (root, ring) {
            (None, _) => Err(LockReason::NotCreated),
            (Some(_), None) => Err(LockReason::NoKey),
            (Some((key_id, sealed)), Some(ring)) => match ring.get(&key_id).map(WrappingKey::bytes) {
                Err(_) => Err(LockReason::WrongKey),
                Ok(key) => {
                    let root = seal::open_key(key, root_place(&key_id), &sealed)?;
                    Ok(Keys {
                        lookup: prf(&root, LOOKUP, b""),
                        list: prf(&root, LIST, b""),
                        log: prf(&root, LOG, b""),
                        ring,
                    })
                }
            },
        };
        let vault = Self { database, keys };
        if vault.keys.is_ok() {
            vault.hash_originals().await?;
        }
        Ok(vault)
    }

    /// Makes the vault of an empty database and opens it; `now` in epoch milliseconds.
    ///
    /// # Errors
    /// [`VaultError::Exists`]: open it; its key is never replaced this way.
    pub async fn create(database: Database, ring: KeyRing, now: i64) -> Result<Self, VaultError> {
        database.migrate(MIGRATIONS).await?;
        let mut transaction = database.write().await?;
        let key = ring.current();
        register(&mut transaction, key, now).await.map_err(|error| match error {
            VaultError::KeyRetired => VaultError::Exists,
            error => error,
        })?;
        let sealed = seal::seal(key.bytes(), root_place(key.id()), &*random_key()?)?;
        let made = sqlx::query(
            "INSERT INTO root_secret (id, key_id, secret) VALUES (1, $1, $2) ON CONFLICT (id) DO NOTHING",
        )
        .bind(key.id())
        .bind(sealed)
        .execute(&mut *transaction)
        .await?;
        if made.rows_affected() == 0 {
            return Err(VaultError::Exists);
        }
        sqlx::query("INSERT INTO access_log_head (id, seq, mac) VALUES (1, 0, $1)")
            .bind([0_u8; 32].as_slice())
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Self::open(database, Some(ring)).await
    }

    /// Why the vault is locked; `None` when it is open.
    #[must_use]
    pub fn locked(&self) -> Option<LockReason> {
        self.keys.as_ref().err().copied()
    }

    pub(crate) fn keys(&self) -> Result<&Keys, VaultError> {
        self.keys.as_ref().map_err(|reason| VaultError::VaultLocked(*reason))
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Vault(locked: {:?})", self.locked())
    }
}

/// Takes the lock of the vault until the end of the transaction and gives the key that wraps new rows.
///
/// The lock is the row of the one key that is not retired. Whoever creates or imports participants holds it, so two of them cannot
/// make the same person twice; and a rotation retires that row, so no row is wrapped by the old key once the rotation has begun.
pub(crate) async fn lock<'a>(
    connection: &mut AnyConnection,
    keys: &'a Keys,
    now: i64,
) -> Result<&'a WrappingKey, VaultError> {
    for key in keys.ring.all() {
        let taken =
            sqlx::query("UPDATE wrapping_key SET used_at = $2 WHERE key_id = $1 AND retired_at IS NULL")
                .bind(key.id())
                .bind(now)
                .execute(&mut *connection)
                .await?;
        if taken.rows_affected() == 1 {
            return Ok(key);
        }
    }
    Err(VaultError::KeyRetired)
}

pub(crate) async fn register(
    connection: &mut AnyConnection,
    key: &WrappingKey,
    now: i64,
) -> Result<(), VaultError> {
    let made = sqlx::query(
        "INSERT INTO wrapping_key (key_id, created_at, used_at) VALUES ($1, $2, $2) ON CONFLICT (key_id) DO NOTHING",
    )
    .bind(key.id())
    .bind(now)
    .execute(connection)
    .await?;
    // a key that served before stays retired: it may have been given away since
    if made.rows_affected() == 1 { Ok(()) } else { Err(VaultError::KeyRetired) }
}

pub(crate) fn root_place(key_id: &str) -> Place<'_> {
    Place { table: "root_secret", column: "secret", key: key_id, row: &[b"1"] }
}
