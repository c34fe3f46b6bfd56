//! Association negotiation: PS3.8 §7.1.1 and §9.3.4 (rejection), PS3.4 §B.5 and PS3.5 Annex A (what is negotiated); AC1.1, AC1.2.

use serde_json::Value;

use crate::harness::{Site, associate, negotiate};

/// PS3.8 Table 9-21: source "DICOM UL service-user".
const SERVICE_USER: u64 = 1;
const CALLING_NOT_RECOGNISED: u64 = 3;
const CALLED_NOT_RECOGNISED: u64 = 7;

#[test]
fn only_listed_titles_and_addresses_may_associate() {
    let site = Site::new();
    let server = site.serve();
    let answers = associate(
        &server,
        &[
            ("MODALITY", "RX", "127.0.0.1"),
            ("STRANGER", "RX", "127.0.0.1"),
            ("MODALITY", "RX", "127.0.0.2"),
            ("MODALITY", "NOBODY", "127.0.0.1"),
            ("modality", "RX", "127.0.0.1"),
            ("MODALITY", "RX", "127.0.0.1"),
        ],
    );
    let accepted: Vec<bool> = answers.iter().map(|answer| answer["accepted"].as_bool().unwrap()).collect();
    assert_eq!(accepted, [true, false, false, false, false, true], "{answers:?}");
    let rejection = |answer: &Value| (answer["source"].as_u64(), answer["reason"].as_u64());
    assert_eq!(rejection(&answers[1]), (Some(SERVICE_USER), Some(CALLING_NOT_RECOGNISED)));
    assert_eq!(answers[2]["source"], SERVICE_USER, "the address is refused on the association: {answers:?}");
    assert_eq!(rejection(&answers[3]), (Some(SERVICE_USER), Some(CALLED_NOT_RECOGNISED)));
    server.stop();
}

#[test]
fn a_server_without_nodes_rejects_everybody() {
    let site = Site::new().section("[[node]]\nname = \"silent\"\nae_title = \"SILENT\"\n");
    let server = site.serve();
    let answers = associate(&server, &[("SILENT", "RX", "127.0.0.1")]);
    assert_eq!(answers[0]["accepted"], false, "a node without addresses may not send");
    server.stop();
}

#[test]
fn every_storage_class_is_accepted_in_every_transfer_syntax() {
    let site = Site::new();
    let server = site.serve();
    let answers = negotiate(&server, "RX", &[]);
    assert!(
        answers.len() > 5_000,
        "the peer knows 170 classes and 34 transfer syntaxes, not {}",
        answers.len()
    );
    let refused: Vec<&Value> = answers.iter().filter(|answer| answer["result"] != 0).collect();
    assert!(refused.is_empty(), "{} refused, first {:?}", refused.len(), &refused[..refused.len().min(20)]);
    server.stop();
}

/// PS3.8 Table 9-18: 3 abstract syntax not supported, 4 transfer syntaxes not supported.
#[test]
fn what_is_not_storage_is_refused_context_by_context() {
    const IMPLICIT: &str = "1.2.840.10008.1.2";
    const PRIVATE: &str = "1.2.840.113619.4.26";
    let pairs = [
        ("1.2.840.10008.1.1", IMPLICIT), // Verification
        ("1.2.840.10008.5.1.4.1.1.2", "1.2.826.0.1.3680043.2.1143.99.1"), // CT in a transfer syntax that nobody has
        ("1.2.840.10008.5.1.4.31", IMPLICIT),                             // Modality Worklist
        (PRIVATE, IMPLICIT),
    ];
    let results = |site: &Site| -> Vec<u64> {
        let server = site.serve();
        let answers = negotiate(&server, "RX", &pairs);
        server.stop();
        pairs
            .map(|pair| {
                answers.iter().find(|answer| answer["abstract"] == pair.0).unwrap()["result"]
                    .as_u64()
                    .unwrap()
            })
            .to_vec()
    };
    assert_eq!(results(&Site::new()), [0, 4, 3, 3]);
    // AC1.2 a: private ones by configuration
    assert_eq!(results(&Site::new().private_sop_class(PRIVATE)), [0, 4, 3, 0]);
}
