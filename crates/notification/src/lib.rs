//! Messages to people and programs outside, without any identity in them (DEC-F), delivered at least once.
//!
//! | File | Idea |
//! |---|---|
//! | `event` | the closed struct that a message is made of |
//! | `outbox`, `outbox_view` | rows (event, recipient) in the main database: enqueue, claim with lease, settle; list, replay, purge |
//! | `backoff`, `dispatcher` | when to try again; the task that delivers, one worker per recipient |
//! | `channels` | a recipient's name → `email` or `webhook`; `template` writes the mail, `address` guards the webhook |
//! | `config` | `[notification]` of `site.toml` |
//!
//! A stage calls [`enqueue`] in the transaction that changes its state (INV-1). Nothing here can fail or delay a stage (INV-8).

mod address;
mod backoff;
mod channels;
mod config;
mod dispatcher;
mod email;
mod error;
mod event;
mod outbox;
mod outbox_view;
mod template;
mod trust;
mod webhook;

pub use channels::{Carrier, Channels};
pub use config::{
    NotificationConfig, ReadSecret, RecipientConfig, Secret, SecretRef, SmtpConfig, SmtpSecurity,
    WebhookConfig,
};
pub use dispatcher::{Clock, Dispatcher};
pub use error::{ConfigError, DeliveryError};
pub use event::{Counts, Event, EventType, ProjectName, ProjectNameError};
pub use outbox::enqueue;
pub use outbox_view::{
    Attempt, MessageState, OutboxCounts, OutboxMessage, attempts, count, messages, purge, replay, replay_dead,
};
pub use template::{Language, Mail, Templates};

use database::Migration;

/// The tables of this crate, for `Database::migrate` on the main database.
pub const MIGRATIONS: &[Migration] = &[Migration { name: "notification/0001_outbox", sql: outbox::SCHEMA }];
