//! What the demonstration ends with: counts, and the proof that each result is in its original study.

use std::path::Path;

use archive::buffer;
use archive::ledger::{self, LedgerEvent};

use super::search::identifiers_found;
use super::world::World;
use crate::serve::Addresses;

/// The figures.
pub(super) struct Table {
    sent: usize,
    exported: u64,
    returned: u64,
    /// Of each instance held for a person, why.
    quarantined: Vec<String>,
    mails: usize,
    webhooks: usize,
    released: u64,
    identifiers: usize,
    searched: usize,
    studies: Vec<InStudy>,
}

/// What the clinical PACS holds of one study now.
struct InStudy {
    number: usize,
    modality: &'static str,
    originals: usize,
    results: usize,
    untouched: bool,
}

impl Table {
    pub(super) async fn take(
        world: &World,
        database: &database::Database,
        at: &Addresses,
        folder: &Path,
        sent: usize,
        released: u64,
    ) -> anyhow::Result<Self> {
        let totals = ledger::totals(database.reader()).await?;
        let count =
            |event: LedgerEvent| totals.iter().filter(|of| of.event == event).map(|of| of.lines).sum::<u64>();
        let buffer = crate::stores::open_database(&folder.join("data"), "buffer").await?;
        let held = buffer::list_quarantined(buffer.reader(), None, None, 1000).await?;
        let quarantined = held.iter().map(|item| format!("{}: {}", item.reason, item.detail)).collect();
        buffer.close().await;
        let tokens: Vec<String> = world
            .studies
            .iter()
            .flat_map(|study| study.planted())
            .filter_map(|planted| planted.token.clone())
            .collect();
        let mut pages = Vec::new();
        for path in ["", "metrics", "readyz"] {
            pages.push(page(&format!("http://{}/{path}", at.http)).await?);
        }
        let identifiers = identifiers_found(world, folder, &pages, &tokens)?;
        let studies = world.studies.iter().enumerate().map(|(number, study)| {
            let holdings = world.pacs.holdings(&study.uid);
            InStudy {
                number: number + 1,
                modality: study.modality.word(),
                originals: holdings.iter().filter(|holding| holding.original).count(),
                results: holdings.iter().filter(|holding| !holding.original).count(),
                untouched: world.pacs.is_untouched(study),
            }
        });
        Ok(Self {
            sent,
            exported: count(LedgerEvent::Acknowledged),
            returned: count(LedgerEvent::Confirmed),
            quarantined,
            mails: world.mails.count(),
            webhooks: world.webhooks.count(),
            released,
            identifiers,
            searched: tokens.len(),
            studies: studies.collect(),
        })
    }

    /// Whether the circle is closed and nothing leaked.
    pub(super) fn is_good(&self) -> bool {
        let each = self.studies.iter().all(|study| study.results > 0 && study.untouched);
        let messages = self.mails > 0 && self.webhooks > 0;
        let results: usize = self.studies.iter().map(|study| study.results).sum();
        each && messages
            && self.identifiers == 0
            && self.searched > 0
            && self.exported as usize == self.sent
            && self.returned as usize == results
    }

    #[allow(clippy::print_stdout, reason = "the command's answer")]
    pub(super) fn print(&self) {
        println!();
        println!("instances sent to us       {:5}", self.sent);
        println!("instances exported         {:5}", self.exported);
        println!("instances returned         {:5}", self.returned);
        println!("instances quarantined      {:5}", self.quarantined.len());
        let mut reasons = self.quarantined.clone();
        reasons.sort_unstable();
        reasons.dedup();
        for reason in reasons {
            println!("  {reason}");
        }
        println!(
            "messages                   {:5}  ({} mails, {} webhooks)",
            self.mails + self.webhooks,
            self.mails,
            self.webhooks
        );
        println!("released by a named person {:5}  result sets", self.released);
        println!(
            "identifiers found outside the vault: {}  ({} names, numbers and UIDs of the patients searched for in main database,",
            self.identifiers, self.searched
        );
        println!(
            "  research archive, file names, log, pages, messages, and in everything that the partners hold)"
        );
        println!();
        println!("At the clinical PACS:");
        for study in &self.studies {
            let InStudy { number, modality, originals, results, untouched } = study;
            let state = if *untouched { "originals untouched" } else { "ORIGINALS CHANGED" };
            println!(
                "  study {number} ({modality}): originals {originals}, results in the same study {results}, {state}"
            );
        }
        println!();
        println!("{}", if self.is_good() { "The circle is closed." } else { "THE CIRCLE IS NOT CLOSED." });
    }
}

/// The text of one of our own pages.
async fn page(url: &str) -> anyhow::Result<String> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let rest = url.strip_prefix("http://").unwrap_or(url);
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut stream = tokio::net::TcpStream::connect(host).await?;
    let request = format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
