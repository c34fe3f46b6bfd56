//! Mail over SMTP: STARTTLS or TLS, authentication only under TLS.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lettre::Message;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, SinglePart};
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, CertificateStore, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::{self, SMTP_PORT, SUBMISSION_PORT, SUBMISSIONS_PORT};

use crate::channels::value;
use crate::template::Mail;
use crate::{ConfigError, DeliveryError, Event, ReadSecret, SmtpConfig, SmtpSecurity, trust};

/// How long the polite end of a session may take after the server has accepted the mail.
const QUIT: Duration = Duration::from_secs(2);

/// The configured mail server.
pub(crate) struct MailServer {
    host: String,
    port: u16,
    protection: Protection,
    credentials: Option<Credentials>,
    from: Mailbox,
    hello: ClientId,
    timeout: Duration,
}

enum Protection {
    Starttls(TlsParameters),
    Tls(TlsParameters),
    None,
}

impl MailServer {
    pub(crate) fn new(
        config: &SmtpConfig,
        timeout: Duration,
        read: ReadSecret<'_>,
    ) -> Result<Self, ConfigError> {
        let from: Mailbox =
            config.from.parse().map_err(|_| value("smtp.from", "`Name <address>` is expected"))?;
        let hello = ClientId::Domain(from.email.domain().to_owned());
        let (protection, port) = match config.security {
            SmtpSecurity::Starttls => (Protection::Starttls(tls(config)?), SUBMISSION_PORT),
            SmtpSecurity::Tls => (Protection::Tls(tls(config)?), SUBMISSIONS_PORT),
            SmtpSecurity::None => (plain(config)?, SMTP_PORT),
        };
        Ok(Self {
            host: config.host.clone(),
            port: config.port.unwrap_or(port),
            protection,
            credentials: credentials(config, read)?,
            from,
            hello,
            timeout,
        })
    }

    /// Sends one mail; success means that the server answered the end of the data with 250 (RFC 5321 §4.2.5).
    pub(crate) async fn send(
        &self,
        to: &Mailbox,
        mail: &Mail,
        event: &Event,
        now: i64,
    ) -> Result<(), DeliveryError> {
        let message = self.message(to, mail, event, now)?;
        let exchange = async {
            let mut connection = self.connect().await?;
            connection.send(message.envelope(), &message.formatted()).await?;
            Ok::<_, smtp::Error>(connection)
        };
        let mut connection = tokio::time::timeout(self.timeout, exchange)
            .await
            .map_err(|_| DeliveryError::TimedOut)?
            .map_err(|error| of_smtp(&error))?;
        // the server has the mail: a failed goodbye must not send it again
        let _ = tokio::time::timeout(QUIT, connection.quit()).await;
        Ok(())
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, smtp::Error> {
        let wrapper = match &self.protection {
            Protection::Tls(parameters) => Some(parameters.clone()),
            Protection::Starttls(_) | Protection::None => None,
        };
        let server = (self.host.as_str(), self.port);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(server, Some(self.timeout), &self.hello, wrapper, None)
                .await?;
        if let Protection::Starttls(parameters) = &self.protection {
            connection.starttls(parameters.clone(), &self.hello).await?;
        }
        if let Some(credentials) = &self.credentials {
            connection.auth(&[Mechanism::Plain, Mechanism::Login], credentials).await?;
        }
        Ok(connection)
    }

    /// The message id comes from the event, so that a second delivery can be recognised.
    fn message(&self, to: &Mailbox, mail: &Mail, event: &Event, now: i64) -> Result<Message, DeliveryError> {
        let date = UNIX_EPOCH + Duration::from_millis(u64::try_from(now).unwrap_or_default());
        Message::builder()
            .from(self.from.clone())
            .to(to.clone())
            .subject(mail.subject.as_str())
            .date(SystemTime::min(date, UNIX_EPOCH + Duration::from_secs(253_402_300_799)))
            .message_id(Some(format!("<{}@{}>", event.id, self.from.email.domain())))
            .raw_header(header("Auto-Submitted", "auto-generated"))
            .raw_header(header("Research-PACS-Event-Id", &event.id.to_string()))
            .singlepart(SinglePart::builder().header(ContentType::TEXT_PLAIN).body(mail.body.clone()))
            .map_err(|_| DeliveryError::Message("mail"))
    }
}

fn header(name: &'static str, content: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), content.to_owned())
}

fn tls(config: &SmtpConfig) -> Result<TlsParameters, ConfigError> {
    let unusable = || ConfigError::Certificate { key: "smtp.ca_file".into() };
    let builder = TlsParameters::builder(config.host.clone());
    let builder = match &config.ca_file {
        None => builder.certificate_store(CertificateStore::WebpkiRoots),
        Some(file) => {
            let pem = trust::read_pem("smtp", file)?;
            let certificate = Certificate::from_pem(&pem).map_err(|_| unusable())?;
            builder.certificate_store(CertificateStore::None).add_root_certificate(certificate)
        }
    };
    builder.build_rustls().map_err(|_| unusable())
}

fn plain(config: &SmtpConfig) -> Result<Protection, ConfigError> {
    let host = config.host.trim_matches(['[', ']']);
    let loopback =
        host == "localhost" || host.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback());
    if !loopback && !config.allow_plain {
        return Err(value("smtp.security", "none is possible on loopback only, or with allow_plain"));
    }
    if config.user.is_some() || config.password.is_some() {
        return Err(value("smtp.password", "a password is never sent without TLS"));
    }
    Ok(Protection::None)
}

fn credentials(config: &SmtpConfig, read: ReadSecret<'_>) -> Result<Option<Credentials>, ConfigError> {
    match (&config.user, &config.password) {
        (None, None) => Ok(None),
        (Some(user), Some(reference)) => {
            let key = "smtp.password";
            let secret = read(reference).map_err(|source| ConfigError::Read { key: key.into(), source })?;
            let password =
                std::str::from_utf8(secret.bytes()).map_err(|_| value(key, "UTF-8 is expected"))?;
            Ok(Some(Credentials::new(user.clone(), password.to_owned())))
        }
        _ => Err(value("smtp.user", "user and password belong together")),
    }
}

/// 4xx: later; 5xx: a person (RFC 5321 §4.2.1). The server's text could hold the recipient and is not kept.
fn of_smtp(error: &smtp::Error) -> DeliveryError {
    match error.status().map(u16::from) {
        Some(code) if error.is_permanent() => DeliveryError::SmtpRefused(code),
        Some(code) => DeliveryError::SmtpDeferred(code),
        None if error.is_timeout() => DeliveryError::TimedOut,
        None if error.is_tls() => DeliveryError::Unreachable("TLS failed; check its certificate"),
        None if error.is_client() => {
            DeliveryError::Unreachable("it does not offer STARTTLS or a known authentication")
        }
        None => DeliveryError::Unreachable("no connection, or it broke"),
    }
}
