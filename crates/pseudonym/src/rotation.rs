//! Rotation of the wrapping key: the vault is opened with the new key as current and the old one as previous, then every wrapped
//! row is turned over in batches. Interrupted at any point it is resumed by calling it again. It changes no hash, code, UID, shift.

use sqlx::AnyConnection;

use crate::VaultError;
use crate::key::WrappingKey;
use crate::participant::secret_place;
use crate::seal;
use crate::vault::{Keys, Vault, lock, register, root_place};

/// What a rotation did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotation {
    /// Participants whose secret was wrapped anew by this call.
    pub rewrapped: u64,
}

impl Vault {
    /// Makes the current key of the ring the one key of the vault, `batch` participants per transaction (at least 1).
    ///
    /// Order for a running server: give it both keys and restart, rotate, then take the old key away. A server that still has the
    /// old key alone answers [`VaultError::KeyRetired`] or [`VaultError::KeyMissing`]; it writes nothing under the old key.
    ///
    /// # Errors
    /// [`VaultError::KeyMissing`]: give the key named as the previous one and repeat. [`VaultError::KeyRetired`]: the current key
    /// served before and was retired; make a new one.
    pub async fn rotate(&self, batch: u32, now: i64) -> Result<Rotation, VaultError> {
        let keys = self.keys()?;
        let mut transaction = self.database.write().await?;
        begin(&mut transaction, keys, now).await?;
        transaction.commit().await?;
        let mut rewrapped = 0;
        loop {
            let mut transaction = self.database.write().await?;
            let turned = turn_batch(&mut transaction, keys, batch.max(1)).await?;
            transaction.commit().await?;
            rewrapped += turned;
            if turned == 0 {
                return Ok(Rotation { rewrapped });
            }
        }
    }
}

/// Retires the old key and wraps the root secret anew; does nothing when that was done before.
async fn begin(connection: &mut AnyConnection, keys: &Keys, now: i64) -> Result<(), VaultError> {
    let old = lock(connection, keys, now).await?;
    let new = keys.ring.current();
    if old.id() == new.id() {
        return Ok(());
    }
    register(connection, new, now).await?;
    sqlx::query("UPDATE wrapping_key SET retired_at = $2 WHERE key_id = $1")
        .bind(old.id())
        .bind(now)
        .execute(&mut *connection)
        .await?;
    let (sealed,): (Vec<u8>,) =
        sqlx::query_as("SELECT secret FROM root_secret WHERE id = 1").fetch_one(&mut *connection).await?;
    let root = seal::open_key(old.bytes(), root_place(old.id()), &sealed)?;
    let sealed = seal::seal(new.bytes(), root_place(new.id()), &*root)?;
    sqlx::query("UPDATE root_secret SET key_id = $1, secret = $2 WHERE id = 1")
        .bind(new.id())
        .bind(sealed)
        .execute(connection)
        .await?;
    Ok(())
}

async fn turn_batch(connection: &mut AnyConnection, keys: &Keys, batch: u32) -> Result<u64, VaultError> {
    let new = keys.ring.current();
    let rows: Vec<(String, String, Vec<u8>)> =
        sqlx::query_as("SELECT id, key_id, secret FROM participant WHERE key_id <> $1 ORDER BY id LIMIT $2")
            .bind(new.id())
            .bind(i64::from(batch))
            .fetch_all(&mut *connection)
            .await?;
    for (id, key_id, sealed) in &rows {
        let sealed = turn(keys.ring.get(key_id)?, new, id, sealed)?;
        // the old key in the condition: a row erased or turned by another hand meanwhile stays as it is
        sqlx::query("UPDATE participant SET key_id = $1, secret = $2 WHERE id = $3 AND key_id = $4")
            .bind(new.id())
            .bind(sealed)
            .bind(id.as_str())
            .bind(key_id.as_str())
            .execute(&mut *connection)
            .await?;
    }
    Ok(rows.len() as u64)
}

fn turn(old: &WrappingKey, new: &WrappingKey, id: &str, sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
    let row = [id.as_bytes()];
    let secret = seal::open_key(old.bytes(), secret_place(old.id(), &row), sealed)?;
    seal::seal(new.bytes(), secret_place(new.id(), &row), &*secret)
}
