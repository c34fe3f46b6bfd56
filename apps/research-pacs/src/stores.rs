//! Opens what a server keeps: databases, receive buffer and the way in.

use std::path::Path;

use anyhow::Context;
use archive::spool::{Recovery, Spool};
use archive::{IndexWriter, QUEUE, ReceivedInstance, buffer};
use builder::Site;
use database::{Database, Options};
use tokio::sync::mpsc;

/// Name of the receive buffer in the rows; a cluster gives each receiver its own.
pub(crate) const SPOOL: &str = "main";

/// Everything that is open.
pub(crate) struct Stores {
    pub(crate) main: Database,
    pub(crate) buffer: Database,
    pub(crate) spool: Spool,
}

impl Stores {
    /// Opens or creates the stores in `site.data`. The recovery still has to be walked.
    pub(crate) async fn open(site: &Site) -> anyhow::Result<(Self, Recovery)> {
        let data = &site.site.data;
        std::fs::create_dir_all(data).with_context(|| format!("cannot create {}", data.display()))?;
        let data = data.canonicalize()?;
        let main = open_database(&data, "main").await?;
        main.migrate(register::MIGRATIONS).await?;
        let buffer = open_database(&data, "buffer").await?;
        buffer.migrate(buffer::MIGRATIONS).await?;
        let checkpoint = buffer::checkpoint(buffer.reader(), SPOOL).await?;
        let mut config = site.spool.clone();
        config.directory = data.join(&config.directory);
        let (spool, recovery) = tokio::task::block_in_place(|| Spool::open(config, checkpoint))?;
        Ok((Self { main, buffer, spool }, recovery))
    }

    /// The task that writes rows, and the queue to it.
    pub(crate) fn index_writer(
        &self,
    ) -> (IndexWriter, mpsc::Sender<ReceivedInstance>, mpsc::Receiver<ReceivedInstance>) {
        let (sender, receiver) = mpsc::channel(QUEUE);
        (IndexWriter::new(self.buffer.clone(), self.spool.clone(), SPOOL), sender, receiver)
    }
}

async fn open_database(data: &Path, name: &str) -> anyhow::Result<Database> {
    let path = data.join(format!("{name}.sqlite"));
    let url = format!("sqlite:{}", path.display());
    Database::open(&url, Options::default()).await.with_context(|| format!("cannot open database {name}"))
}
