//! DCMTK as the partner: storescp takes, dcmqrscp takes, lists and gives.

use std::fs;
use std::sync::Arc;

use partner::{Fetched, Partner};

use crate::objects::{
    Kept, SC, STUDY, Source, all_acknowledged, batch, data_set, fetch, list, partner, send, uid, wanted,
};
use crate::programs::{self, Running};

fn node(port: u16, called: &str, associations: u8) -> Partner {
    partner(&format!(
        "[transport.dicom]\nhost = '127.0.0.1'\nport = {port}\ncalled = '{called}'\ncalling = 'RPACS'\nassociations = {associations}"
    ))
}

#[tokio::test(flavor = "multi_thread")]
async fn storescp_takes_what_is_sent() {
    let Some(program) = programs::find("storescp") else { return };
    let (folder, port) = (tempfile::tempdir().unwrap(), programs::free_port());
    let arguments = ["--fork", "-od", ".", &port.to_string()];
    let _peer = programs::start(&program, &arguments, folder.path(), &[port]);
    let lab = node(port, "STORESCP", 2);
    lab.test().await.unwrap();
    let (sent, answers) = send(&lab, batch(0..25), Source::default()).await;
    sent.unwrap();
    assert!(all_acknowledged(&answers, 25));
    let files: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect();
    assert_eq!(files.len(), 25);
    assert!((0..25).all(|number| files.iter().any(|file| file.ends_with(&data_set(number)))));
}

fn dcmqrscp(folder: &std::path::Path) -> Option<(Running, Partner)> {
    let program = programs::find("dcmqrscp")?;
    let port = programs::free_port();
    let area = folder.join("area");
    fs::create_dir(&area).unwrap();
    let config = format!(
        "NetworkTCPPort = {port}\nMaxPDUSize = 131072\nMaxAssociations = 16\nHostTable BEGIN\nHostTable END\n\
         VendorTable BEGIN\nVendorTable END\nAETable BEGIN\nLAB {} RW (100, 1024mb) ANY\nAETable END\n",
        area.display()
    );
    fs::write(folder.join("dcmqrscp.cfg"), config).unwrap();
    Some((programs::start(&program, &["-c", "dcmqrscp.cfg"], folder, &[port]), node(port, "LAB", 1)))
}

/// One association: dcmqrscp 3.6.7 gives two instances the same file name when two of its processes store at the same time.
#[tokio::test(flavor = "multi_thread")]
async fn dcmqrscp_takes_lists_and_gives() {
    let folder = tempfile::tempdir().unwrap();
    let Some((_peer, lab)) = dcmqrscp(folder.path()) else { return };
    let (sent, answers) = send(&lab, batch(0..10), Source::default()).await;
    sent.unwrap();
    assert!(all_acknowledged(&answers, 10));
    let (sent, answers) = send(&lab, batch(0..10), Source::default()).await;
    sent.unwrap();
    assert!(all_acknowledged(&answers, 10), "again is no harm");

    let (listed, listings) = list(&lab, &[STUDY, "2.25.404"]).await;
    listed.unwrap();
    let mut found: Vec<_> = listings[0].instances.iter().map(|found| found.sop_instance.clone()).collect();
    found.sort();
    assert_eq!(found, (0..10).map(uid).collect::<Vec<_>>());
    assert!(
        listings[0].instances.iter().all(|found| found.sop_class.as_deref().is_none_or(|class| class == SC))
    );
    assert!(listings[1].instances.is_empty());

    for (numbers, whole) in [(vec![2, 5, 77], false), ((0..10).collect(), true)] {
        let kept = Arc::new(Kept::default());
        let (fetched, answers) = fetch(&lab, &wanted(numbers.clone(), whole), &kept).await;
        fetched.unwrap();
        let expected = |number: usize| if number < 10 { Fetched::Stored } else { Fetched::Missing };
        assert_eq!(
            answers,
            numbers.iter().map(|number| (uid(*number), expected(*number))).collect::<Vec<_>>()
        );
        for (uid_of, (announced, bytes)) in kept.stored.lock().unwrap().iter() {
            let number = (0..10).find(|number| uid(*number) == *uid_of).unwrap();
            assert_eq!(*bytes, data_set(number), "{announced:?}");
        }
    }
}
