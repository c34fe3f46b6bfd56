//! C-STORE against a storage SCP that answers what it is told: AC3.3, AC3.4.

use dicom_node::status::StoreFailure;
use partner::{Outcome, PartnerError, Reason};

use crate::archive_peer::Archive;
use crate::objects::{ACK, Source, all_acknowledged, batch, data_set, list, send, uid};

#[tokio::test]
async fn instances_go_as_they_are_over_few_associations() {
    let peer = Archive::default().start().await;
    let (sent, answers) = send(&peer.partner("associations = 3"), batch(0..40), Source::default()).await;
    sent.unwrap();
    assert!(all_acknowledged(&answers, 40));
    let mut stored = peer.archive.stored.lock().unwrap().clone();
    stored.sort_by_key(|(uid, _)| uid.clone());
    let expected: Vec<_> = (0..40).map(|number| (uid(number), data_set(number))).collect();
    assert_eq!(stored, expected);
    assert_eq!(*peer.archive.associations.lock().unwrap(), 3);
}

/// AC3.4: a partner that refuses every third instance, each in another way.
#[tokio::test]
async fn each_instance_gets_its_own_outcome() {
    let refused = vec![
        (uid(0), StoreFailure::OutOfResources),
        (uid(3), StoreFailure::CannotUnderstand),
        (uid(6), StoreFailure::NotAuthorised),
    ];
    let peer = Archive { refused, ..Archive::default() }.start().await;
    let (sent, answers) = send(&peer.partner(""), batch(0..7), Source::default()).await;
    sent.unwrap();
    let refused = |status| Outcome::Refused(Reason::Status(status));
    assert_eq!(answers[0], (0, Outcome::Deferred(Reason::Status(0xA700))));
    assert_eq!((answers[3], answers[6]), ((3, refused(0xC000)), (6, refused(0x0124))));
    assert!([1, 2, 4, 5].iter().all(|number| answers[*number].1 == ACK));
}

#[tokio::test]
async fn what_the_partner_does_not_negotiate_is_refused_alone() {
    let peer = Archive::default().start().await;
    let mut mixed = batch(0..3);
    mixed.instances[1].sop_class = "1.2.3.4.5".to_owned();
    let (sent, answers) = send(&peer.partner("associations = 1"), mixed, Source::default()).await;
    sent.unwrap();
    assert_eq!(answers, [(0, ACK), (1, Outcome::Refused(Reason::NoContext)), (2, ACK)]);
}

/// One association has room for 128 contexts.
#[tokio::test]
async fn more_kinds_than_one_association_holds_go_in_rounds() {
    let peer = Archive::default().start().await;
    let mut many = batch(0..200);
    for (number, instance) in many.instances.iter_mut().enumerate() {
        if number < 198 {
            instance.sop_class = format!("1.2.3.4.{number}");
        }
    }
    let (sent, answers) = send(&peer.partner("associations = 1"), many, Source::default()).await;
    sent.unwrap();
    assert_eq!(answers.iter().filter(|(_, outcome)| *outcome == ACK).count(), 2);
    assert_eq!(answers.len(), 200);
}

#[tokio::test]
async fn an_unreadable_data_set_costs_one_association_and_no_other_instance() {
    let peer = Archive::default().start().await;
    let source = Source { bad: vec![1, 2, 3, 4, 5], ..Source::default() };
    let (sent, answers) = send(&peer.partner("associations = 1"), batch(0..7), source).await;
    sent.unwrap();
    assert_eq!(answers.iter().filter(|(_, outcome)| *outcome == Outcome::Unreadable).count(), 5);
    assert_eq!((answers[0].1, answers[6].1), (ACK, ACK));
    assert_eq!(peer.archive.stored.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_partner_that_takes_fewer_associations_still_gets_everything() {
    let peer = Archive { at_most: 1, ..Archive::default() }.start().await;
    let (sent, answers) = send(&peer.partner("associations = 4"), batch(0..30), Source::default()).await;
    sent.unwrap();
    assert!(all_acknowledged(&answers, 30));
}

#[tokio::test]
async fn nobody_there_is_transient_and_a_missing_service_is_a_setting() {
    let peer = Archive::default().start().await;
    peer.partner("").test().await.unwrap();
    let (listed, _) = list(&peer.partner(""), &["1.2"]).await;
    assert!(matches!(listed, Err(PartnerError::Configuration { .. })), "{listed:?}");
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let nobody = crate::archive_peer::Peer { archive: Archive::default(), port: free };
    let (sent, answers) = send(&nobody.partner(""), batch(0..2), Source::default()).await;
    assert!(matches!(sent, Err(PartnerError::Transient { .. })), "{sent:?}");
    assert!(answers.is_empty());
}
