//! Orthanc as the partner, with its DICOMweb plug-in and by DIMSE.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use partner::{Fetched, Partner};

use crate::objects::{
    Kept, SC, SERIES, STUDY, Source, all_acknowledged, batch, data_set, fetch, list, partner, send, uid,
    wanted, web,
};
use crate::programs::{self, Running};

const PLUGINS: &str = "/usr/share/orthanc/plugins";

struct Orthanc {
    _running: Running,
    dicom: u16,
    http: u16,
}

fn orthanc(folder: &Path) -> Option<Orthanc> {
    let program = programs::find("Orthanc")?;
    if !Path::new(PLUGINS).join("libOrthancDicomWeb.so").exists() {
        eprintln!("skipped: the DICOMweb plug-in of Orthanc is not installed; `make test` installs it");
        return None;
    }
    let (dicom, http) = (programs::free_port(), programs::free_port());
    let config = serde_json::json!({
        "Name": "LAB", "DicomAet": "LAB", "DicomPort": dicom, "HttpPort": http, "StorageDirectory": folder,
        "IndexDirectory": folder, "RemoteAccessAllowed": false, "AuthenticationEnabled": false,
        "DicomAlwaysAllowStore": true, "DicomAlwaysAllowFind": true, "DicomAlwaysAllowGet": true,
        "Plugins": [PLUGINS], "DicomWeb": { "Enable": true, "Root": "/dicom-web/" },
    });
    fs::write(folder.join("orthanc.json"), config.to_string()).unwrap();
    let running = programs::start(&program, &["orthanc.json"], folder, &[dicom, http]);
    Some(Orthanc { _running: running, dicom, http })
}

async fn circle(lab: &Partner) {
    lab.test().await.unwrap();
    for _ in 0..2 {
        let (sent, answers) = send(lab, batch(0..12), Source::default()).await;
        sent.unwrap();
        assert!(all_acknowledged(&answers, 12));
    }
    let (listed, listings) = list(lab, &[STUDY, "2.25.404"]).await;
    listed.unwrap();
    let mut found: Vec<_> = listings[0].instances.iter().map(|found| found.sop_instance.clone()).collect();
    found.sort();
    assert_eq!(found, (0..12).map(uid).collect::<Vec<_>>());
    assert!(
        listings[0]
            .instances
            .iter()
            .all(|found| found.series == SERIES && found.sop_class.as_deref() == Some(SC))
    );
    assert!(listings[1].instances.is_empty());
    for (numbers, whole) in [(vec![3, 4, 77], false), ((0..12).collect(), true)] {
        let kept = Arc::new(Kept::default());
        let (fetched, answers) = fetch(lab, &wanted(numbers.clone(), whole), &kept).await;
        assert_eq!(fetched.unwrap().unasked, 0);
        let expected = |number: usize| if number < 12 { Fetched::Stored } else { Fetched::Missing };
        let mut numbered: Vec<_> = numbers.iter().map(|number| (uid(*number), expected(*number))).collect();
        numbered.sort_by(|a, b| a.0.cmp(&b.0));
        assert_eq!(answers, numbered);
        for (uid_of, (_, bytes)) in kept.stored.lock().unwrap().iter() {
            let number = (0..12).find(|number| uid(*number) == *uid_of).unwrap();
            assert_eq!(*bytes, data_set(number));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn orthanc_by_dicomweb() {
    let folder = tempfile::tempdir().unwrap();
    let Some(peer) = orthanc(folder.path()) else { return };
    circle(&web(peer.http, "request_instances = 5\nconnections = 2")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn orthanc_by_dimse() {
    let folder = tempfile::tempdir().unwrap();
    let Some(peer) = orthanc(folder.path()) else { return };
    let port = peer.dicom;
    circle(&partner(&format!(
        "[transport.dicom]\nhost = '127.0.0.1'\nport = {port}\ncalled = 'LAB'\ncalling = 'RPACS'\nassociations = 2"
    )))
    .await;
}
