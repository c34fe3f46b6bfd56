//! From a recipient's name to its mailbox or webhook.

use std::collections::HashMap;
use std::time::Duration;

use lettre::message::Mailbox;
use reqwest::Url;

use crate::email::MailServer;
use crate::template::Templates;
use crate::webhook::Webhook;
use crate::{ConfigError, DeliveryError, Event, Language, NotificationConfig, ReadSecret, RecipientConfig};

/// Delivers one event to one recipient. Called again after a failure, so the recipient may see an event id twice.
pub trait Carrier: Send + Sync {
    /// Delivers at `now` (epoch milliseconds); returns when the recipient has taken over.
    fn deliver(
        &self,
        recipient: &str,
        event: &Event,
        now: i64,
    ) -> impl Future<Output = Result<(), DeliveryError>> + Send;
}

/// The configured recipients.
pub struct Channels {
    link_base: Option<String>,
    templates: Templates,
    mail: Option<MailServer>,
    recipients: HashMap<String, Channel>,
}

enum Channel {
    Email { to: Mailbox, language: Language },
    Webhook(Box<Webhook>),
}

impl Channels {
    /// Most recipients in one configuration.
    pub const MAX_RECIPIENTS: usize = 64;

    /// Checks the configuration, reads secrets (through `read`), certificates and templates.
    ///
    /// # Errors
    /// [`ConfigError`] with the key to correct.
    pub fn new(config: &NotificationConfig, read: ReadSecret<'_>) -> Result<Self, ConfigError> {
        check_limits(config)?;
        let timeout = Duration::from_secs(config.timeout_seconds);
        let mail = match &config.smtp {
            Some(smtp) => Some(MailServer::new(smtp, timeout, read)?),
            None => None,
        };
        let mut recipients = HashMap::new();
        for recipient in &config.recipient {
            let channel = channel(recipient, mail.is_some(), timeout, read)?;
            if recipients.insert(recipient.name.clone(), channel).is_some() {
                return Err(value("recipient.name", "each recipient needs a name of its own"));
            }
        }
        let templates = Templates::load(config.templates.as_deref())?;
        Ok(Self { link_base: config.link_base.clone(), templates, mail, recipients })
    }
}

impl Carrier for Channels {
    async fn deliver(&self, recipient: &str, event: &Event, now: i64) -> Result<(), DeliveryError> {
        let link_base = self.link_base.as_deref();
        match (self.recipients.get(recipient), &self.mail) {
            (Some(Channel::Email { to, language }), Some(server)) => {
                let mail = self.templates.render(*language, event, link_base)?;
                server.send(to, &mail, event, now).await
            }
            (Some(Channel::Webhook(webhook)), _) => {
                webhook.post(&event.message(link_base), event.id, now).await
            }
            (Some(Channel::Email { .. }), None) | (None, _) => Err(DeliveryError::NoRecipient),
        }
    }
}

fn channel(
    recipient: &RecipientConfig,
    has_mail: bool,
    timeout: Duration,
    read: ReadSecret<'_>,
) -> Result<Channel, ConfigError> {
    let name = &recipient.name;
    if name.is_empty() || name.len() > 64 || name.chars().any(char::is_control) {
        return Err(value("recipient.name", "1 to 64 printable characters are expected"));
    }
    match (&recipient.email, &recipient.webhook) {
        (Some(_), None) if !has_mail => {
            Err(value(&format!("recipient.{name}.email"), "there is no [notification.smtp] to send it with"))
        }
        (Some(address), None) => {
            let to = address
                .parse()
                .map_err(|_| value(&format!("recipient.{name}.email"), "a mail address is expected"))?;
            Ok(Channel::Email { to, language: recipient.language })
        }
        (None, Some(webhook)) => {
            let key = format!("recipient.{name}.webhook");
            Ok(Channel::Webhook(Box::new(Webhook::new(&key, webhook, timeout, read)?)))
        }
        _ => Err(value(&format!("recipient.{name}"), "either email or webhook is expected")),
    }
}

fn check_limits(config: &NotificationConfig) -> Result<(), ConfigError> {
    if config.recipient.len() > Channels::MAX_RECIPIENTS {
        return Err(value("recipient", "at most 64 recipients are possible"));
    }
    if !(1..=60).contains(&config.timeout_seconds) {
        return Err(value("timeout_seconds", "1 to 60 is expected"));
    }
    if config.give_up_after_hours < 24 {
        return Err(value("give_up_after_hours", "24 or more is expected"));
    }
    let link_fits = config.link_base.as_ref().is_none_or(|link| {
        Url::parse(link).is_ok_and(|url| {
            ["https", "http"].contains(&url.scheme())
                && url.username().is_empty()
                && url.password().is_none()
                && url.query().is_none()
                && url.fragment().is_none()
        })
    });
    if !link_fits {
        return Err(value(
            "link_base",
            "an http or https URL without account, query and fragment is expected",
        ));
    }
    Ok(())
}

/// A [`ConfigError::Value`].
pub(crate) fn value(key: &str, problem: &'static str) -> ConfigError {
    ConfigError::Value { key: key.to_owned(), problem }
}
