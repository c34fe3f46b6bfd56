use notification::{Carrier, Channels, DeliveryError, EventType};

use crate::http_peer::HttpPeer;
use crate::smtp_peer::certificate;
use crate::{NOW, channels, event, refused};

const LOOPBACK: &str = r#"["127.0.0.0/8", "::1/128"]"#;

fn hook(url: &str, networks: &str) -> String {
    format!(
        "link_base = 'https://research.example.org/'\ntimeout_seconds = 5\n[[recipient]]\nname = 'hook'\n\
         webhook = {{ url = '{url}', secret = {{ env = 'HOOK' }}, allow_networks = {networks} }}"
    )
}

async fn deliver(channels: &Channels) -> Result<(), DeliveryError> {
    channels.deliver("hook", &event(EventType::ExportSent), NOW).await
}

/// Signature by Python: `hmac.new(b"0123456789abcdef", f"{timestamp}.{body}".encode(), "sha256").hexdigest()`.
#[tokio::test]
async fn the_receiver_can_check_signature_and_event_id() {
    let mut peer = HttpPeer::status("204 No Content").await;
    let channels = channels(&hook(&format!("http://127.0.0.1:{}/in?a=b", peer.port), LOOPBACK)).unwrap();
    deliver(&channels).await.unwrap();
    let request = peer.requests.recv().await.unwrap();
    assert_eq!(request.line, "POST /in?a=b HTTP/1.1");
    assert_eq!(request.header("content-type"), "application/json");
    assert_eq!(request.header("research-pacs-event-id"), "01930000-0000-7000-8000-000000000001");
    assert_eq!(request.header("research-pacs-timestamp"), "1795377226");
    assert_eq!(request.body, include_str!("webhook.json").trim_end());
    assert_eq!(
        request.header("research-pacs-signature"),
        "v1=ecb5e989bd87e0150a979607516ca728d7dc08a04eed9019abff9fda1c5f771d"
    );
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let mut target = HttpPeer::status("200 OK").await;
    for status in ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let location = format!("http://127.0.0.1:{}/", target.port);
        let answer = format!("HTTP/1.1 {status}\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
        let peer = HttpPeer::start(answer, false).await;
        let channels = channels(&hook(&format!("http://127.0.0.1:{}/", peer.port), LOOPBACK)).unwrap();
        let error = deliver(&channels).await.unwrap_err();
        assert!(matches!(error, DeliveryError::Redirected(_)) && error.is_permanent(), "{error}");
    }
    assert!(target.requests.try_recv().is_err());
}

#[tokio::test]
async fn answers_decide_what_happens_next() {
    for (status, permanent) in [
        ("500 X", false),
        ("503 X", false),
        ("429 X", false),
        ("401 X", false),
        ("404 X", false),
        ("410 X", true),
    ] {
        let peer = HttpPeer::status(status).await;
        let channels = channels(&hook(&format!("http://127.0.0.1:{}/", peer.port), LOOPBACK)).unwrap();
        let error = deliver(&channels).await.unwrap_err();
        assert!(matches!(error, DeliveryError::HttpStatus(_)), "{error}");
        assert_eq!(error.is_permanent(), permanent, "{status}");
    }
}

/// The inside is not reachable by address or by a name that stands for it, unless configured.
#[tokio::test]
async fn private_addresses_are_refused_after_resolution() {
    let mut peer = HttpPeer::status("200 OK").await;
    for host in
        ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0x7f.1", "2130706433", "169.254.169.254"]
    {
        for scheme in ["http", "https"] {
            let url = format!("{scheme}://{host}:{}/", peer.port);
            // a network must be named for http; this one does not hold the address
            let channels = channels(&hook(&url, r#"["192.0.2.0/24"]"#)).unwrap();
            let error = deliver(&channels).await.unwrap_err();
            assert_eq!(error, DeliveryError::AddressRefused, "{url}");
            assert!(error.is_permanent());
        }
    }
    assert!(peer.requests.try_recv().is_err());
    let channels = channels(&hook(&format!("http://localhost:{}/", peer.port), LOOPBACK)).unwrap();
    deliver(&channels).await.unwrap();
    assert_eq!(peer.requests.recv().await.unwrap().header("host"), format!("localhost:{}", peer.port));
}

/// Plain HTTP does not leave the named networks: 1.1.1.1 would be allowed with https.
#[tokio::test]
async fn plain_http_goes_to_named_networks_only() {
    let outside = channels(&hook("http://1.1.1.1/", LOOPBACK)).unwrap();
    assert_eq!(deliver(&outside).await.unwrap_err(), DeliveryError::AddressRefused);
    assert!(refused(&hook("http://partner.example.org/", "[]")).contains("https is expected"));
}

#[tokio::test]
async fn an_endless_answer_is_not_read() {
    let peer = HttpPeer::start("HTTP/1.1 200 OK\r\n\r\n".to_owned(), true).await;
    let channels = channels(&hook(&format!("http://127.0.0.1:{}/", peer.port), LOOPBACK)).unwrap();
    deliver(&channels).await.unwrap();
}

#[tokio::test]
async fn endless_headers_and_non_http_fail() {
    for answer in ["HTTP/1.1 200 OK\r\nx: ", "220 mail.example.org ESMTP\r\n"] {
        let peer = HttpPeer::start(answer.to_owned(), true).await;
        let channels = channels(&hook(&format!("http://127.0.0.1:{}/", peer.port), LOOPBACK)).unwrap();
        let error = deliver(&channels).await.unwrap_err();
        assert_eq!(error, DeliveryError::Unreachable("the exchange broke"));
    }
}

/// Only the authorities of `ca_file`, and a name that the certificate carries.
#[tokio::test]
async fn https_checks_the_certificate() {
    let (tls, pem) = certificate();
    let (_, other) = certificate();
    let mut peer = HttpPeer::tls("200 OK", tls).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    let to = |host: &str, ca: bool| {
        let ca = if ca { format!("ca_file = '{}', ", file.path().display()) } else { String::new() };
        let toml = hook(&format!("https://{host}:{}/", peer.port), LOOPBACK);
        channels(&toml.replace("webhook = { ", &format!("webhook = {{ {ca}"))).unwrap()
    };
    std::fs::write(file.path(), &pem).unwrap();
    deliver(&to("localhost", true)).await.unwrap();
    let failures = [to("localhost", false), to("[::ffff:127.0.0.1]", true)];
    std::fs::write(file.path(), &other).unwrap();
    for channels in failures.into_iter().chain([to("localhost", true)]) {
        let error = deliver(&channels).await.unwrap_err();
        assert_eq!(error, DeliveryError::Unreachable("TLS failed; check its certificate"));
    }
    std::fs::write(file.path(), "no certificate").unwrap();
    let toml = hook("https://localhost/", LOOPBACK)
        .replace("webhook = { ", &format!("webhook = {{ ca_file = '{}', ", file.path().display()));
    assert!(refused(&toml).contains("no usable PEM certificate"));
    assert!(peer.requests.recv().await.is_some());
    assert!(peer.requests.try_recv().is_err(), "one request got through, the one that was to");
}

#[tokio::test(start_paused = true)]
async fn a_black_hole_costs_the_time_out_and_no_more() {
    let hole = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", hole.local_addr().unwrap());
    let channels = channels(&hook(&url, LOOPBACK)).unwrap();
    let start = tokio::time::Instant::now();
    assert_eq!(deliver(&channels).await.unwrap_err(), DeliveryError::TimedOut);
    assert_eq!(start.elapsed().as_secs(), 5);
}

#[tokio::test]
async fn nobody_there_is_tried_again() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let channels = channels(&hook(&format!("http://{free}/"), LOOPBACK)).unwrap();
    let error = deliver(&channels).await.unwrap_err();
    assert_eq!(error, DeliveryError::Unreachable("no connection"));
    assert!(!error.is_permanent());
}

#[test]
fn a_configuration_that_cannot_work_is_refused_at_the_start() {
    assert!(refused(&hook("ftp://partner.example.org/", "[]")).contains("recipient.hook.webhook.url"));
    assert!(refused(&hook("https://user:pw@partner.example.org/", "[]")).contains("account"));
    assert!(refused(&hook("https://p.example.org/", "[]").replace("HOOK", "SHORT")).contains("16 bytes"));
    assert!(
        refused(&hook("https://p.example.org/", "[]").replace("env = 'HOOK'", "file = '/no/file'"))
            .contains("secret")
    );
    let twice = hook("https://p.example.org/", "[]");
    let (_, second) = twice.split_once("[[").unwrap();
    assert!(refused(&format!("{twice}\n[[{second}")).contains("name of its own"));
    assert!(refused("[[recipient]]\nname = 'x'").contains("either email or webhook"));
    assert!(refused("give_up_after_hours = 23").contains("24"));
    assert!(refused("timeout_seconds = 61").contains("60"));
    assert!(refused("link_base = 'https://h/?patient=1'").contains("link_base"));
}
