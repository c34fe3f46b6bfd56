//! Mail and webhooks that end here.

use simulation::sinks::{MailSink, WebhookSink};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::loopback;

/// The conversation of RFC 5321 §D.1, shortened.
#[tokio::test]
async fn a_mail_is_kept_without_stuffed_dots() {
    let sink = MailSink::start(loopback()).await.unwrap();
    let mut stream = TcpStream::connect(sink.address()).await.unwrap();
    let session = b"EHLO bar.com\r\nMAIL FROM:<Smith@bar.com>\r\nRCPT TO:<Jones@foo.com>\r\nRCPT TO:<Green@foo.com>\r\n\
        DATA\r\nSubject: x\r\n\r\n..dot\r\nline\r\n.\r\nDATA\r\nQUIT\r\n";
    stream.write_all(session).await.unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).await.unwrap();
    let codes: Vec<&str> = answers.lines().filter_map(|line| line.get(..3)).collect();
    assert_eq!(codes, ["220", "250", "250", "250", "250", "250", "354", "250", "503", "221"]);
    let mails = sink.messages();
    assert_eq!(mails[0].from, "Smith@bar.com");
    assert_eq!(mails[0].to, ["Jones@foo.com", "Green@foo.com"]);
    assert_eq!(mails[0].data, "Subject: x\r\n\r\n.dot\r\nline\r\n");
    assert_eq!((mails.len(), sink.count()), (1, 1));
}

#[tokio::test]
async fn a_post_is_kept_with_its_headers() {
    let sink = WebhookSink::start(loopback()).await.unwrap();
    let mut stream = TcpStream::connect(sink.address()).await.unwrap();
    let post = b"POST /hook HTTP/1.1\r\nHost: x\r\nX-Signature: abc\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
    stream.write_all(post).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 204"));
    let message = &sink.messages()[0];
    assert_eq!((message.path.as_str(), &message.body[..]), ("/hook", &b"{}"[..]));
    assert_eq!(message.headers["x-signature"], "abc");
    assert_eq!(sink.count(), 1);
}
