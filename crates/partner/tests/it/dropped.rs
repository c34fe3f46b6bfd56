//! Results that are dropped (flow step 6, adapter 3; AC7.2, AC7.3): by a manifest alone, with the hashes that it names, and nowhere else.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use dicom_stream::{Limits, Tag, Token, TokenSource, TransferSyntax};
use partner::{
    DropManifest, DropReceipt, FetchRequest, Fetched, ManifestFile, Partner, PartnerError, Refusal, SideFile,
    Unusable, WantedInstance,
};
use sha2::{Digest, Sha256};

use crate::objects::{Kept, SC, SERIES, STUDY, data_set, fetch, file, list, partner, uid, wanted};

const PDF: &[u8] = b"%PDF-1.4\n%%EOF";

fn open(results: &Path) -> Partner {
    partner(&format!(
        "[transport.folder]\npath = '/srv/no/export'\nresults = '{}'\n[results]\nsop_classes = ['{SC}', \
         '1.2.840.10008.5.1.4.1.1.104.1']",
        results.display()
    ))
}

fn named(name: &str, bytes: &[u8]) -> ManifestFile {
    let sha256 = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    ManifestFile { name: name.to_owned(), bytes: bytes.len() as u64, sha256 }
}

/// A drop with these files, and a manifest that says this of them.
fn dropped(root: &Path, files: &[(&str, Vec<u8>)], said: Vec<ManifestFile>) {
    let folder = root.join(STUDY);
    fs::create_dir_all(&folder).unwrap();
    for (name, bytes) in files {
        fs::write(folder.join(name), bytes).unwrap();
    }
    let manifest = DropManifest { format: 1, files: said };
    fs::write(folder.join("manifest.json"), serde_json::to_vec(&manifest).unwrap()).unwrap();
}

#[tokio::test]
async fn nothing_is_there_before_the_manifest_and_only_what_it_names_after() {
    let root = tempfile::tempdir().unwrap();
    let lab = open(root.path());
    let (listed, listings) = list(&lab, &[STUDY]).await;
    listed.unwrap();
    assert!(listings[0].instances.is_empty());
    let files = [("1.dcm", file(1)), ("2.dcm", file(2)), ("t.csv", b"a,b".to_vec())];
    dropped(root.path(), &files, vec![named("1.dcm", &file(1)), named("t.csv", b"a,b")]);
    let (listed, listings) = list(&lab, &[STUDY, "1.2"]).await;
    listed.unwrap();
    let found = &listings[0].instances;
    assert_eq!((found.len(), listings[1].instances.len()), (1, 0));
    let beside = SideFile { form: "csv", bytes: 3, sha256: Sha256::digest(b"a,b").into() };
    assert_eq!(listings[0].beside, [beside]);
    assert_eq!((found[0].series.as_str(), found[0].sop_instance.as_str()), (SERIES, uid(1).as_str()));
    assert_eq!(found[0].sop_class.as_deref(), Some(SC));
    let kept = Arc::new(Kept::default());
    let (fetched, answers) = fetch(&lab, &wanted([1, 2], false), &kept).await;
    assert_eq!(fetched.unwrap().stored, 1);
    assert_eq!(answers, [(uid(1), Fetched::Stored), (uid(2), Fetched::Missing)]);
    let stored = kept.stored.lock().unwrap();
    let (announced, bytes) = &stored[&uid(1)];
    assert_eq!(*bytes, data_set(1));
    assert!(announced.is_declared && announced.study == STUDY);
}

#[tokio::test]
async fn a_file_that_is_not_the_one_of_the_manifest_is_never_committed() {
    let root = tempfile::tempdir().unwrap();
    let lab = open(root.path());
    let mut flipped = file(1);
    *flipped.last_mut().unwrap() ^= 1;
    dropped(root.path(), &[("1.dcm", flipped)], vec![named("1.dcm", &file(1))]);
    let kept = Arc::new(Kept::default());
    let (fetched, answers) = fetch(&lab, &wanted([1], true), &kept).await;
    assert_eq!(fetched.unwrap().stored, 0);
    assert_eq!(answers, [(uid(1), Fetched::Refused(Refusal::Unreadable))]);
    assert_eq!((kept.stored.lock().unwrap().len(), *kept.aborted.lock().unwrap()), (0, 1));
}

/// What keeps the drop of [`STUDY`] from being looked at; the study `other` beside it is listed all the same.
async fn unusable(lab: &Partner, other: &str) -> Option<Unusable> {
    let (listed, listings) = list(lab, &[STUDY, other]).await;
    listed.unwrap();
    assert_eq!((listings[1].instances.len(), listings[1].unusable), (1, None));
    assert!(listings[0].unusable.is_none() || listings[0].instances.is_empty());
    listings[0].unusable
}

/// A drop with one good object under another study.
fn good_drop(root: &Path) -> &'static str {
    let other = "2.25.7777";
    fs::create_dir_all(root.join(other)).unwrap();
    fs::write(root.join(other).join("9.dcm"), file(9)).unwrap();
    let manifest = DropManifest { format: 1, files: vec![named("9.dcm", &file(9))] };
    fs::write(root.join(other).join("manifest.json"), serde_json::to_vec(&manifest).unwrap()).unwrap();
    other
}

#[tokio::test]
async fn a_manifest_that_names_what_is_not_there_or_lies_elsewhere_is_none_and_the_other_studies_go_on() {
    let root = tempfile::tempdir().unwrap();
    let lab = open(root.path());
    let other = good_drop(root.path());
    fs::write(root.path().join("secret.dcm"), file(1)).unwrap();
    dropped(root.path(), &[("1.dcm", file(1))], vec![]);
    std::os::unix::fs::symlink(root.path().join("secret.dcm"), root.path().join(STUDY).join("link.dcm"))
        .unwrap();
    let longer = ManifestFile { bytes: 9_999, ..named("1.dcm", &file(1)) };
    let no_hash = ManifestFile { sha256: "0".repeat(63), ..named("1.dcm", &file(1)) };
    for (said, why) in [
        (named("../secret.dcm", &file(1)), Unusable::Manifest),
        (named("link.dcm", &file(1)), Unusable::NotPlain),
        (named("2.dcm", &file(2)), Unusable::Incomplete),
        (longer, Unusable::Incomplete),
        (named("", b""), Unusable::Manifest),
        (no_hash, Unusable::Manifest),
    ] {
        dropped(root.path(), &[], vec![said.clone()]);
        assert_eq!(unusable(&lab, other).await, Some(why), "{said:?}");
        let (fetched, _) = fetch(&lab, &wanted([1], true), &Arc::new(Kept::default())).await;
        assert!(matches!(fetched, Err(PartnerError::Transient { .. })), "{said:?}");
    }
    fs::write(root.path().join(STUDY).join("manifest.json"), b"{").unwrap();
    assert_eq!(unusable(&lab, other).await, Some(Unusable::Manifest));
    // a copy that was under way ends
    dropped(root.path(), &[], vec![named("1.dcm", &file(1))]);
    assert_eq!(unusable(&lab, other).await, None);
}

#[tokio::test]
async fn a_content_is_known_by_its_hash_and_two_under_one_uid_are_none() {
    let root = tempfile::tempdir().unwrap();
    let lab = open(root.path());
    let content = async || list(&lab, &[STUDY]).await.1.remove(0).instances.remove(0).content.unwrap();
    dropped(root.path(), &[("1.dcm", file(1))], vec![named("1.dcm", &file(1))]);
    let first = content().await;
    // the same under another name, or twice
    dropped(root.path(), &[("x.dcm", file(1))], vec![named("x.dcm", &file(1)), named("1.dcm", &file(1))]);
    assert_eq!(content().await, first);
    let kept = Arc::new(Kept::default());
    let mut request = wanted([1], true);
    request.instances[0].content = Some(first);
    assert_eq!(fetch(&lab, &request, &kept).await.1, [(uid(1), Fetched::Stored)]);
    // other bytes under the same UID: not what was listed before
    let mut other = file(1);
    *other.last_mut().unwrap() ^= 1;
    dropped(root.path(), &[("1.dcm", other.clone())], vec![named("1.dcm", &other)]);
    assert_ne!(content().await, first);
    assert_eq!(fetch(&lab, &request, &kept).await.1, [(uid(1), Fetched::Missing)]);
    // both
    dropped(root.path(), &[], vec![named("x.dcm", &file(1)), named("1.dcm", &other)]);
    request.instances[0].content = Some(content().await);
    let (_, answers) = fetch(&lab, &request, &kept).await;
    assert_eq!(answers, [(uid(1), Fetched::Refused(Refusal::SeveralContents))]);
}

#[tokio::test]
async fn a_file_that_is_no_dicom_object_is_taken_by_its_hash_alone() {
    let root = tempfile::tempdir().unwrap();
    let lab = open(root.path());
    let (table, volume) = (b"a,b".to_vec(), vec![7_u8; 700_000]);
    let said = vec![
        named("DUPONT_BOB.CSV", &table),
        named("v.nii.gz", &volume),
        // the same twice, another content of the same length, and a form that nobody knows
        named("again.csv", &table),
        ManifestFile { name: "x.csv".to_owned(), ..named("x.csv", b"c,d") },
        named("gz", b"e"),
    ];
    let files = [
        ("DUPONT_BOB.CSV", table.clone()),
        ("v.nii.gz", volume.clone()),
        ("again.csv", table.clone()),
        ("x.csv", b"c,e".to_vec()),
        ("gz", b"e".to_vec()),
    ];
    dropped(root.path(), &files, said);
    let listed = list(&lab, &[STUDY]).await.1.remove(0).beside;
    assert_eq!(listed.iter().map(|of| of.form).collect::<Vec<_>>(), ["csv", "nii.gz", "csv", "csv", "other"]);
    let wanted: Vec<[u8; 32]> = listed[..4].iter().map(|of| of.sha256).collect();
    let taken = lab.take_beside(STUDY, wanted, || Ok(Vec::new())).await.unwrap();
    assert_eq!(taken, [(listed[0].clone(), table), (listed[1].clone(), volume)]);
}

fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[tokio::test]
async fn a_pipe_a_socket_or_a_link_in_a_drop_is_not_waited_for_and_not_followed() {
    let root = tempfile::tempdir().unwrap();
    let lab = open(root.path());
    let other = good_drop(root.path());
    let manifest = root.path().join(STUDY).join("manifest.json");
    for (name, as_file) in [("manifest.json", false), ("1.dcm", true)] {
        let path = root.path().join(STUDY).join(name);
        let places: [&dyn Fn(); 4] = [
            &|| pipe(&path),
            &|| drop(std::os::unix::net::UnixListener::bind(&path).unwrap()),
            &|| fs::create_dir(&path).unwrap(),
            &|| std::os::unix::fs::symlink(root.path().join(other).join("manifest.json"), &path).unwrap(),
        ];
        for put in places {
            dropped(root.path(), &[], vec![ManifestFile { bytes: 0, ..named("1.dcm", b"") }]);
            if !as_file {
                fs::remove_file(&manifest).unwrap();
            }
            put();
            assert_eq!(unusable(&lab, other).await, Some(Unusable::NotPlain));
            fs::remove_dir_all(root.path().join(STUDY)).unwrap();
        }
    }
    // the folder of the study itself
    std::os::unix::fs::symlink(root.path().join(other), root.path().join(STUDY)).unwrap();
    assert_eq!(unusable(&lab, other).await, Some(Unusable::NotPlain));
    fs::remove_file(root.path().join(STUDY)).unwrap();
    pipe(&root.path().join(STUDY));
    assert_eq!(unusable(&lab, other).await, Some(Unusable::NotPlain));
}

#[tokio::test]
async fn a_drop_with_more_files_than_the_limit_is_told_and_not_cut() {
    let root = tempfile::tempdir().unwrap();
    let lab = partner(&format!(
        "[transport.folder]\npath = '/srv/no/export'\nresults = '{}'\n[results]\nsop_classes = ['{SC}']\nstudy_instances = 2",
        root.path().display()
    ));
    let other = good_drop(root.path());
    let files = [("1.dcm", file(1)), ("2.dcm", file(2)), ("3.dcm", file(3))];
    dropped(root.path(), &files, files.iter().map(|(name, bytes)| named(name, bytes)).collect());
    assert_eq!(unusable(&lab, other).await, Some(Unusable::TooMany));
    dropped(root.path(), &[], files[..2].iter().map(|(name, bytes)| named(name, bytes)).collect());
    assert_eq!(unusable(&lab, other).await, None);
}

#[tokio::test]
async fn a_folder_of_results_that_is_not_there_is_for_the_administrator() {
    let lab = open(Path::new("/nonexistent/results"));
    assert!(matches!(list(&lab, &[STUDY]).await.0, Err(PartnerError::Configuration { .. })));
}

#[tokio::test]
async fn a_bare_pdf_is_wrapped_into_an_object_that_says_its_study_and_no_patient() {
    let root = tempfile::tempdir().unwrap();
    let lab = open(root.path());
    for pdf in [PDF.to_vec(), [PDF, b"\n"].concat()] {
        dropped(root.path(), &[("r.pdf", pdf.clone())], vec![named("r.pdf", &pdf)]);
        let (_, listings) = list(&lab, &[STUDY]).await;
        let again = list(&lab, &[STUDY]).await.1;
        assert_eq!(listings, again, "its UIDs are the same at every look");
        let mut shouted = named("r.pdf", &pdf);
        shouted.sha256.make_ascii_uppercase();
        dropped(root.path(), &[], vec![shouted]);
        let again = list(&lab, &[STUDY]).await.1;
        assert_eq!(again[0].instances, listings[0].instances, "hexadecimal digits have no case");
        let found = listings[0].instances[0].clone();
        let wanted = WantedInstance {
            sop_instance: found.sop_instance.clone(),
            sop_class: None,
            content: found.content,
        };
        let request = FetchRequest {
            study: STUDY.to_owned(),
            series: found.series.clone(),
            instances: vec![wanted],
            whole: true,
        };
        let kept = Arc::new(Kept::default());
        fetch(&lab, &request, &kept).await.0.unwrap();
        let stored = kept.stored.lock().unwrap();
        let bytes = &stored[&found.sop_instance].1;
        let mut tokens =
            TokenSource::new(&bytes[..], &TransferSyntax::EXPLICIT_LITTLE, Limits::INSTANCE, None);
        let mut values = std::collections::BTreeMap::new();
        while let Some(token) = tokens.next_token().unwrap() {
            if let Token::Value { header, value } = token {
                values.insert(header.tag, value.to_vec());
            }
        }
        let text = |group, element| {
            String::from_utf8(values[&Tag(group, element)].clone())
                .unwrap()
                .trim_end_matches(['\0', ' '])
                .to_owned()
        };
        assert_eq!(text(0x0008, 0x0016), "1.2.840.10008.5.1.4.1.1.104.1");
        assert_eq!((text(0x0020, 0x000D).as_str(), text(0x0010, 0x0020).as_str()), (STUDY, ""));
        assert_eq!(text(0x0008, 0x0018), found.sop_instance);
        let body = &values[&Tag(0x0042, 0x0011)];
        assert_eq!((&body[..pdf.len()], body.len() % 2), (&pdf[..], 0));
        assert_eq!(values[&Tag(0x0042, 0x0015)], (pdf.len() as u32).to_le_bytes());
    }
}

#[tokio::test]
async fn a_receipt_names_the_manifest_that_was_listed_and_follows_no_link() {
    let root = tempfile::tempdir().unwrap();
    let lab = open(root.path());
    dropped(root.path(), &[("1.dcm", file(1))], vec![named("1.dcm", &file(1))]);
    let (_, listings) = list(&lab, &[STUDY, "1.2"]).await;
    assert_eq!(listings[1].manifest, None);
    let manifest = listings[0].manifest.unwrap();
    let drop = root.path().join(STUDY);
    assert_eq!(manifest, <[u8; 32]>::from(Sha256::digest(fs::read(drop.join("manifest.json")).unwrap())));
    // what stands there already is replaced, and where it points to is not written
    let other = root.path().join("other");
    fs::write(&other, b"mine").unwrap();
    for name in ["received.json", ".received.json.part"] {
        std::os::unix::fs::symlink(&other, drop.join(name)).unwrap();
    }
    for _ in 0..2 {
        lab.acknowledge(STUDY, manifest).await.unwrap();
        let receipt: DropReceipt =
            serde_json::from_slice(&fs::read(drop.join("received.json")).unwrap()).unwrap();
        let expected: String = manifest.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(receipt, DropReceipt { format: 1, manifest_sha256: expected });
    }
    assert_eq!(fs::read(&other).unwrap(), b"mine");
    assert!(fs::symlink_metadata(drop.join("received.json")).unwrap().is_file());
    assert!(!drop.join(".received.json.part").exists());
    // the drop is gone, and the next listing is the same as before
    lab.acknowledge("1.2", manifest).await.unwrap();
    assert!(!root.path().join("1.2").exists());
    let (_, again) = list(&lab, &[STUDY]).await;
    assert_eq!(again[0], listings[0]);
}
