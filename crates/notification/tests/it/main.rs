//! The outbox on every engine, and both channels against scripted peers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod email;
mod http_peer;
mod outbox;
mod smtp_peer;
mod template;
mod webhook;

use notification::{
    Channels, ConfigError, Counts, Event, EventType, NotificationConfig, ProjectName, Secret, SecretRef,
};
use uuid::Uuid;

/// 2026-11-22 19:53:46 UTC
const NOW: i64 = 1_795_377_226_000;

/// An event whose every field is known.
fn event(kind: EventType) -> Event {
    Event {
        id: Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0001),
        kind,
        job: Some(Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0002)),
        project: Some(ProjectName::try_from("trial".to_owned()).unwrap()),
        counts: Counts { instances: 12, failed: 2 },
        at: NOW,
    }
}

/// Channels of a configuration in which every secret is `0123456789abcdef` or the content of its file.
fn channels(toml: &str) -> Result<Channels, ConfigError> {
    let config: NotificationConfig = toml::from_str(toml).unwrap();
    Channels::new(&config, &|reference| match reference {
        SecretRef::Env(name) if name == "SHORT" => Ok(Secret::new(b"short".to_vec())),
        SecretRef::Env(_) => Ok(Secret::new(b"0123456789abcdef".to_vec())),
        SecretRef::File(path) => std::fs::read(path).map(Secret::new),
    })
}

/// The text of the error of a configuration that must not be accepted.
fn refused(toml: &str) -> String {
    channels(toml).err().expect("must be refused").to_string()
}
