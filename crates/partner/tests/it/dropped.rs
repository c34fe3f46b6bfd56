//! Results that are dropped (flow step 6, adapter 3; AC7.2, AC7.3): by a manifest alone, with the hashes that it names, and nowhere else.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use dicom_stream::{Limits, Tag, Token, TokenSource, TransferSyntax};
use partner::{
    DropManifest, FetchRequest, Fetched, ManifestFile, Partner, PartnerError, Refusal, WantedInstance,
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
    assert_eq!((found.len(), listings[0].beside, listings[1].instances.len()), (1, 1, 0));
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

#[tokio::test]
async fn a_manifest_that_names_what_is_not_there_or_lies_elsewhere_is_none() {
    let root = tempfile::tempdir().unwrap();
    let lab = open(root.path());
    fs::write(root.path().join("secret.dcm"), file(1)).unwrap();
    dropped(root.path(), &[("1.dcm", file(1))], vec![]);
    std::os::unix::fs::symlink(root.path().join("secret.dcm"), root.path().join(STUDY).join("link.dcm"))
        .unwrap();
    let longer = ManifestFile { bytes: 9_999, ..named("1.dcm", &file(1)) };
    for said in [
        named("../secret.dcm", &file(1)),
        named("link.dcm", &file(1)),
        named("2.dcm", &file(2)),
        longer,
        named("", b""),
    ] {
        dropped(root.path(), &[], vec![said.clone()]);
        let (listed, _) = list(&lab, &[STUDY]).await;
        assert!(matches!(listed, Err(PartnerError::Permanent { .. })), "{said:?}");
    }
    fs::write(root.path().join(STUDY).join("manifest.json"), b"{").unwrap();
    assert!(matches!(list(&lab, &[STUDY]).await.0, Err(PartnerError::Permanent { .. })));
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
        let found = listings[0].instances[0].clone();
        let wanted = WantedInstance { sop_instance: found.sop_instance.clone(), sop_class: None };
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
