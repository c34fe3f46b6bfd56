//! Opens what a server keeps: databases, receive buffer and the way in.

use std::fs::{DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
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
        make_private(data)?;
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

/// Makes the data folder, for nobody but us to look into; one that is there already and is open to others is made ours.
pub(crate) fn make_private(data: &Path) -> anyhow::Result<()> {
    let make = || -> std::io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(data)?;
        let permissions = data.metadata()?.permissions();
        if permissions.mode() & 0o077 != 0 {
            tracing::warn!(
                mode = permissions.mode() & 0o777,
                "the data folder was open to others: set to 700"
            );
            std::fs::set_permissions(data, Permissions::from_mode(0o700))?;
        }
        Ok(())
    };
    make().with_context(|| format!("cannot make {} a private folder", data.display()))
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
