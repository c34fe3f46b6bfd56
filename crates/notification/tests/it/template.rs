//! Every event type in every language, against `tests/it/mails/*.txt`, which a person has read.

use std::fmt::Write;
use std::path::Path;

use notification::{Event, EventType, Language, Templates};
use uuid::Uuid;

use crate::{NOW, event};

fn all_mails(language: Language) -> String {
    let templates = Templates::load(None).unwrap();
    let mut text = String::new();
    for kind in EventType::ALL {
        let mail = templates.render(language, &event(*kind), Some("https://research.example.org/")).unwrap();
        write!(text, "=== {kind}\n{}\n\n{}\n", mail.subject, mail.body).unwrap();
    }
    let bare = Event { id: Uuid::from_u128(1), ..Event::new(EventType::AccessReviewDue, NOW) };
    let mail = templates.render(language, &bare, None).unwrap();
    write!(text, "=== without job, project, counts and link\n{}\n\n{}\n", mail.subject, mail.body).unwrap();
    text
}

#[test]
fn the_mails_are_those_that_were_read() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/mails");
    for (language, name) in [(Language::En, "en.txt"), (Language::Fr, "fr.txt")] {
        let text = all_mails(language);
        if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
            std::fs::write(directory.join(name), &text).unwrap();
        }
        let expected = std::fs::read_to_string(directory.join(name)).unwrap();
        assert_eq!(text, expected, "{name}; UPDATE_SNAPSHOTS=1 writes it anew");
    }
}

#[test]
fn the_operator_may_replace_one_language() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(
        directory.path().join("en.txt"),
        "Subject: {{ type }}\n\n{{ counts.instances }} of ours\n",
    )
    .unwrap();
    let templates = Templates::load(Some(directory.path())).unwrap();
    let mail = |language| templates.render(language, &event(EventType::ExportSent), None).unwrap();
    assert_eq!(mail(Language::En).subject, "export.sent");
    assert_eq!(mail(Language::En).body, "12 of ours\n");
    assert!(mail(Language::Fr).subject.contains("PACS de recherche"));
}

#[test]
fn a_template_that_fails_for_one_event_is_refused_at_the_start() {
    for bad in [
        "Subject: x\n\n{{ patient_name }}",
        "Subject: x\n\n{{ counts.patients }}",
        "Subject: x",
        "no subject\n\nbody",
        "Subject: {{ type }}\n\n{% if type == 'poll.silent' %}{{ nothing }}{% endif %}",
        "Subject: x\nBcc: y@example.org\n\nbody",
        "Subject: x\n\n{% include '/etc/passwd' %}",
        "Subject: {{ '\n' }}\n\nbody",
    ] {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("fr.txt"), bad).unwrap();
        assert!(Templates::load(Some(directory.path())).is_err(), "{bad}");
    }
}
