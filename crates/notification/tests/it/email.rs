use std::fmt::Write as _;

use notification::{Carrier, Channels, DeliveryError, EventType};

use crate::smtp_peer::{Script, SmtpPeer, certificate};
use crate::{NOW, channels, event, refused};

/// `u`, `secret` as AUTH PLAIN (RFC 4616), by Python's base64.
const CREDENTIALS: &str = "AHUAMDEyMzQ1Njc4OWFiY2RlZg==";

fn config(port: u16, smtp: &str) -> String {
    format!(
        "link_base = 'https://research.example.org'\ntimeout_seconds = 5\n\
         [smtp]\nhost = '127.0.0.1'\nport = {port}\nfrom = 'Research PACS <pacs@example.org>'\n{smtp}\n\
         [[recipient]]\nname = 'crc'\nlanguage = 'fr'\nemail = 'crc@example.org'"
    )
}

async fn deliver(channels: &Channels) -> Result<(), DeliveryError> {
    channels.deliver("crc", &event(EventType::ReturnConfirmed), NOW).await
}

/// A file that holds the certificate, for `ca_file`.
fn trusted(pem: &str) -> (tempfile::NamedTempFile, String) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), pem).unwrap();
    let line = format!("ca_file = '{}'\n", file.path().display());
    (file, line)
}

#[tokio::test]
async fn a_mail_on_loopback_says_what_it_must_and_repeats_its_id() {
    let mut peer = SmtpPeer::start(Script::default()).await;
    let channels = channels(&config(peer.port, "security = 'none'")).unwrap();
    deliver(&channels).await.unwrap();
    deliver(&channels).await.unwrap();
    let (first, second) = (peer.mails.recv().await.unwrap(), peer.mails.recv().await.unwrap());
    assert_eq!(first.data, second.data);
    assert_eq!(first.to, "<crc@example.org>");
    let (head, body) = first.data.split_once("\n\n").unwrap();
    // folded lines are one header (RFC 5322 §2.2.3)
    let head = head.replace("\n ", " ");
    let mut headers: Vec<_> = head.lines().collect();
    headers.sort_unstable();
    assert_eq!(
        headers,
        [
            "Auto-Submitted: auto-generated",
            "Content-Transfer-Encoding: quoted-printable",
            "Content-Type: text/plain; charset=utf-8",
            "Date: Sun, 22 Nov 2026 19:53:46 +0000",
            "From: \"Research PACS\" <pacs@example.org>",
            "MIME-Version: 1.0",
            "Message-ID: <01930000-0000-7000-8000-000000000001@example.org>",
            "Research-PACS-Event-Id: 01930000-0000-7000-8000-000000000001",
            "Subject: [PACS de recherche] =?utf-8?b?UsOpc3VsdGF0IHJldG91cm7DqQ==?= - trial",
            "To: crc@example.org",
        ]
    );
    // soft line breaks of quoted-printable (RFC 2045 §6.7)
    let body = body.replace("=\n", "");
    assert!(body.contains("T=C3=A2che :"), "{body}");
    assert!(
        body.contains("https://research.example.org/jobs/01930000-0000-7000-8000-000000000002"),
        "{body}"
    );
}

#[tokio::test]
async fn starttls_and_implicit_tls_with_authentication() {
    let (tls, pem) = certificate();
    let (_file, ca) = trusted(&pem);
    for (implicit, security) in [(false, "starttls"), (true, "tls")] {
        let script =
            Script { tls: Some(tls.clone()), implicit, auth: Some(CREDENTIALS), ..Script::default() };
        let mut peer = SmtpPeer::start(script).await;
        let smtp = format!("security = '{security}'\nuser = 'u'\npassword = {{ env = 'X' }}\n{ca}");
        deliver(&channels(&config(peer.port, &smtp)).unwrap()).await.unwrap();
        assert!(peer.mails.recv().await.unwrap().tls);
    }
}

#[tokio::test]
async fn wrong_credentials_need_a_person() {
    let (tls, pem) = certificate();
    let (_file, ca) = trusted(&pem);
    let script = Script { tls: Some(tls), auth: Some("AHUAb3RoZXI="), ..Script::default() };
    let mut peer = SmtpPeer::start(script).await;
    let smtp = format!("user = 'u'\npassword = {{ env = 'X' }}\n{ca}");
    let error = deliver(&channels(&config(peer.port, &smtp)).unwrap()).await.unwrap_err();
    assert_eq!(error, DeliveryError::SmtpRefused(535));
    assert!(error.is_permanent());
    assert!(peer.mails.try_recv().is_err());
}

/// RFC 3207 §6: who strips STARTTLS from the answer gets neither mail nor password.
#[tokio::test]
async fn without_starttls_nothing_is_sent() {
    let mut peer = SmtpPeer::start(Script::default()).await;
    let error = deliver(&channels(&config(peer.port, "")).unwrap()).await.unwrap_err();
    assert!(matches!(error, DeliveryError::Unreachable(_)), "{error}");
    assert!(peer.mails.try_recv().is_err());
}

#[tokio::test]
async fn an_unknown_authority_is_refused() {
    let (tls, _) = certificate();
    let (_, other) = certificate();
    let (_file, ca) = trusted(&other);
    for ca in ["", &ca] {
        let mut peer = SmtpPeer::start(Script { tls: Some(tls.clone()), ..Script::default() }).await;
        let error = deliver(&channels(&config(peer.port, ca)).unwrap()).await.unwrap_err();
        assert!(matches!(error, DeliveryError::Unreachable(_)), "{error}");
        assert!(peer.mails.try_recv().is_err());
    }
}

/// platform D-14: 4xx → later, 5xx → a person.
#[tokio::test]
async fn replies_decide_what_happens_next() {
    for (at, reply, expected) in [
        ("RCPT", "451 later", DeliveryError::SmtpDeferred(451)),
        ("RCPT", "550 no such user", DeliveryError::SmtpRefused(550)),
        ("MAIL", "421 closing", DeliveryError::SmtpDeferred(421)),
        ("DATA", "554 no", DeliveryError::SmtpRefused(554)),
    ] {
        let peer = SmtpPeer::start(Script { reply: Some((at, reply)), ..Script::default() }).await;
        let error = deliver(&channels(&config(peer.port, "security = 'none'")).unwrap()).await.unwrap_err();
        assert_eq!(error, expected, "{at} {reply}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_black_hole_costs_the_time_out_and_no_more() {
    let peer = SmtpPeer::start(Script { silent: Some("EHLO"), ..Script::default() }).await;
    let channels = channels(&config(peer.port, "security = 'none'")).unwrap();
    let start = tokio::time::Instant::now();
    let error = deliver(&channels).await.unwrap_err();
    assert_eq!(error, DeliveryError::TimedOut);
    assert!(start.elapsed().as_secs() <= 5);
}

/// The mail was accepted: a server that does not say goodbye gets it once.
#[tokio::test]
async fn a_lost_goodbye_is_a_success() {
    let mut peer = SmtpPeer::start(Script { reply: Some(("QUIT", "554 no")), ..Script::default() }).await;
    deliver(&channels(&config(peer.port, "security = 'none'")).unwrap()).await.unwrap();
    assert!(peer.mails.recv().await.is_some());
}

#[test]
fn a_configuration_that_leaks_or_cannot_work_is_refused_at_the_start() {
    let plain = |host: &str, more: &str| {
        config(25, &format!("security = 'none'\n{more}"))
            .replace("host = '127.0.0.1'", &format!("host = '{host}'"))
    };
    assert!(refused(&plain("mail.example.org", "")).contains("loopback"));
    assert!(channels(&plain("mail.example.org", "allow_plain = true")).is_ok());
    assert!(channels(&plain("localhost", "")).is_ok());
    let password = "user = 'u'\npassword = { env = 'X' }";
    assert!(refused(&plain("localhost", password)).contains("without TLS"));
    assert!(
        refused(&plain("mail.example.org", &format!("allow_plain = true\n{password}")))
            .contains("without TLS")
    );
    assert!(refused(&config(25, "user = 'u'")).contains("belong together"));
    assert!(refused(&config(25, "ca_file = '/no/file'")).contains("ca_file"));
    assert!(refused(&config(25, "").replace("crc@", "crc at ")).contains("mail address"));
    assert!(refused("[[recipient]]\nname = 'crc'\nemail = 'crc@example.org'").contains("notification.smtp"));
    let mut many = String::new();
    for number in 0..65 {
        write!(many, "[[recipient]]\nname = 'r{number}'\nemail = 'r@example.org'\n").unwrap();
    }
    assert!(refused(&many).contains("64"));
}
