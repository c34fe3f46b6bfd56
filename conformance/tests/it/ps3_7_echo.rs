//! C-ECHO: PS3.7 §9.1.5, PS3.4 Annex A; AC1.1 a.

use serde_json::json;

use crate::harness::{Association, EXPLICIT, Site, associate, dcmtk};

#[test]
fn pynetdicom_and_dcmtk_are_answered() {
    let site = Site::new();
    let server = site.serve();
    let answers = associate(&server, &[("MODALITY", "RX", "127.0.0.1")]);
    assert_eq!(answers, [json!({ "accepted": true, "echo": 0 })]);
    let output = dcmtk("echoscu", &["-aet", "MODALITY", "-aec", "RX", "--repeat", "50"], &server, &[]);
    assert!(output.status.success(), "{output:?}");
    server.stop();
}

#[test]
fn an_association_ends_as_its_requestor_asks() {
    let site = Site::new();
    let server = site.serve();
    let association = Association::open(server.dicom, "RX", "1.2.840.10008.1.1", EXPLICIT).unwrap();
    assert!(association.release(), "A-RELEASE-RP is due (PS3.8 §9.3.7)");
    server.stop();
}
