//! Opens what a server keeps: databases, receive buffer and the way in.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use archive::blob::BlobStore;
use archive::spool::{Recovery, Spool};
use archive::{IndexWriter, QUEUE, ReceivedInstance, buffer};
use builder::Site;
use database::{Database, Options};
use pseudonym::Vault;
use tokio::sync::mpsc;

/// Name of the receive buffer in the rows; a cluster gives each receiver its own.
pub(crate) const SPOOL: &str = "main";

/// Everything that is open.
pub(crate) struct Stores {
    pub(crate) main: Database,
    pub(crate) buffer: Database,
    pub(crate) vault: Arc<Vault>,
    pub(crate) spool: Spool,
    pub(crate) blobs: Arc<BlobStore>,
}

impl Stores {
    /// Opens or creates the stores in `site.data`. The recovery still has to be walked.
    pub(crate) async fn open(site: &Site) -> anyhow::Result<(Self, Recovery)> {
        let data = &site.site.data;
        std::fs::create_dir_all(data).with_context(|| format!("cannot create {}", data.display()))?;
        let data = data.canonicalize()?;
        let main = open_database(&data, "main").await?;
        for migrations in [register::MIGRATIONS, archive::MIGRATIONS, notification::MIGRATIONS] {
            main.migrate(migrations).await?;
        }
        let buffer = open_database(&data, "buffer").await?;
        buffer.migrate(buffer::MIGRATIONS).await?;
        let checkpoint = buffer::checkpoint(buffer.reader(), SPOOL).await?;
        let mut config = site.spool.clone();
        config.directory = data.join(&config.directory);
        let (spool, recovery) = tokio::task::block_in_place(|| Spool::open(config, checkpoint))?;
        let blobs =
            tokio::task::block_in_place(|| BlobStore::open_store(data.join("objects"), &site.objects))?;
        let vault = open_vault(site, &data).await?;
        Ok((Self { main, buffer, vault: Arc::new(vault), spool, blobs: Arc::new(blobs) }, recovery))
    }

    /// The task that writes rows, and the queue to it.
    pub(crate) fn index_writer(
        &self,
    ) -> (IndexWriter, mpsc::Sender<ReceivedInstance>, mpsc::Receiver<ReceivedInstance>) {
        let (sender, receiver) = mpsc::channel(QUEUE);
        (IndexWriter::new(self.buffer.clone(), self.spool.clone(), SPOOL), sender, receiver)
    }
}

/// The vault, locked when its key is not at hand: reception goes on without it (ARC-16).
pub(crate) async fn open_vault(site: &Site, data: &Path) -> anyhow::Result<Vault> {
    let database = open_database(data, "vault").await?;
    let ring = match site.vault.key_ring(|name| std::env::var(name).ok()) {
        Ok(ring) => ring,
        Err(error) => {
            tracing::error!(%error, "the key of the vault cannot be read; nothing is de-identified until it can");
            None
        }
    };
    Ok(Vault::open(database, ring).await?)
}

pub(crate) async fn open_database(data: &Path, name: &str) -> anyhow::Result<Database> {
    let path = data.join(format!("{name}.sqlite"));
    let url = format!("sqlite:{}", path.display());
    Database::open(&url, Options::default()).await.with_context(|| format!("cannot open database {name}"))
}
