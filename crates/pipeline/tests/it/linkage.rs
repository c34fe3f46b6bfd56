//! Linkage `partner` (ARC-15b, DEC-J): what two partners get cannot be joined, and nothing leaves that was not searched as it leaves (DI-57).

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::PathBuf;

use archive::job::JobState;
use dicom_stream::{FileStart, Limits, Tag, Token, TokenSource, VR};
use pipeline::line::{Project, ProjectError};
use pseudonym::{CodePrefix, Linkage};
use serde_json::{Value, json};

use crate::world::{Instance, World};

fn two_partners() -> Value {
    json!({
        "partners": ["lab", "uni"],
        "dossier": {
            "state": "active", "version": 7, "valid_until": "2099-12-31", "mode": "pseudonymise",
            "recipients": ["lab", "uni"], "inclusion_required": false,
        },
    })
}

/// What a set of files says: its UIDs without those of the standard, its codes, and its pixels.
#[derive(Default)]
struct Set {
    uids: BTreeSet<String>,
    codes: BTreeSet<String>,
    pixels: BTreeSet<Vec<u8>>,
    hashes: BTreeSet<String>,
    names: BTreeSet<String>,
}

fn read(files: &[PathBuf]) -> Set {
    let mut set = Set::default();
    for path in files {
        let bytes = fs::read(path).unwrap();
        set.hashes.insert(format!("blake3:{}", blake3::hash(&bytes)));
        set.names.insert(path.file_name().unwrap().to_str().unwrap().to_owned());
        let start = FileStart::read(&bytes).unwrap();
        set.uids.insert(start.meta.unwrap().media_storage_sop_instance_uid.clone());
        let mut file = File::open(path).unwrap();
        file.seek(SeekFrom::Start(start.data_set as u64)).unwrap();
        let mut tokens = TokenSource::new(file, start.transfer_syntax, Limits::INSTANCE, None);
        while let Some(token) = tokens.next_token().unwrap() {
            let Token::Value { header, value } = token else { continue };
            let text = String::from_utf8_lossy(value).trim_end_matches([' ', '\0']).to_owned();
            match header.tag {
                Tag(0x0010, 0x0010 | 0x0020) | Tag(0x0012, 0x0040) => _ = set.codes.insert(text),
                Tag(0x7FE0, 0x0010) => _ = set.pixels.insert(value.to_vec()),
                _ if header.vr == VR::UI && !text.starts_with("1.2.840.10008.") => _ = set.uids.insert(text),
                _ => {}
            }
        }
    }
    set
}

/// Fails the test unless both hold so many instances, and nothing of one says which instance of the other it is.
fn assert_apart(world: &World, instances: usize) {
    let [lab, uni] = ["out", "out-uni"].map(|folder| read(&world.files_of(folder)));
    assert_eq!((lab.names.len(), uni.names.len()), (instances, instances));
    assert_eq!((lab.uids.len(), uni.uids.len()), (instances + 2, instances + 2));
    assert_eq!((lab.codes.len(), uni.codes.len()), (1, 1), "code, name and subject are one");
    for (ours, theirs) in [
        (&lab.uids, &uni.uids),
        (&lab.codes, &uni.codes),
        (&lab.hashes, &uni.hashes),
        (&lab.names, &uni.names),
    ] {
        assert!(ours.is_disjoint(theirs), "{ours:?} {theirs:?}");
    }
    assert_eq!(lab.pixels, uni.pixels);
}

async fn ledger(world: &World, event: &str, destination: &str) -> BTreeSet<(String, i64)> {
    sqlx::query_as("SELECT hash, bytes FROM ledger WHERE event = $1 AND destination = $2")
        .bind(event)
        .bind(destination)
        .fetch_all(world.line.main.reader())
        .await
        .unwrap()
        .into_iter()
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_partners_share_nothing_and_the_ledger_says_what_left() {
    let mut world = World::with(two_partners()).await;
    for number in 1..=3 {
        world.receive(&Instance { pixel: number as u8, ..Instance::new(number) }).await;
    }
    world.settle().await;
    world.become_stable().await;
    assert_apart(&world, 3);
    let archive = read(&world.object_files());
    for (partner, folder) in [("lab", "out"), ("uni", "out-uni")] {
        let files = world.files_of(folder);
        let set = read(&files);
        assert!(set.uids.is_disjoint(&archive.uids) && set.codes.is_disjoint(&archive.codes));
        assert_eq!(set.pixels, archive.pixels);
        let left: BTreeSet<(String, i64)> = files
            .iter()
            .map(|path| fs::read(path).unwrap())
            .map(|bytes| (format!("blake3:{}", blake3::hash(&bytes)), bytes.len() as i64))
            .collect();
        assert_eq!(ledger(&world, "sent", partner).await, left);
        assert_eq!(ledger(&world, "acknowledged", partner).await, left);
    }
    assert!(world.jobs().await.iter().all(|job| job.state == JobState::Closed));
    let unfinished = world.folder.path().join("objects/unfinished");
    assert_eq!(fs::read_dir(unfinished).unwrap().count(), 0, "what was derived does not stay");

    // an increment goes out under the same names
    let before = ["out", "out-uni"].map(|folder| read(&world.files_of(folder)));
    world.receive(&Instance { pixel: 4, ..Instance::new(4) }).await;
    world.settle().await;
    world.become_stable().await;
    assert_apart(&world, 4);
    for (folder, before) in ["out", "out-uni"].into_iter().zip(before) {
        assert!(read(&world.files_of(folder)).uids.is_superset(&before.uids));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_again_are_the_same_bytes() {
    let mut world = World::with(two_partners()).await;
    for number in 1..=2 {
        world.receive(&Instance { pixel: number as u8, ..Instance::new(number) }).await;
    }
    world.settle().await;
    world.become_stable().await;
    let before = read(&world.files_of("out-uni"));
    // as after a crash between the sending and the answers, at a partner that kept nothing
    let out = world.folder.path().join("out-uni");
    for job in fs::read_dir(&out).unwrap() {
        fs::remove_dir_all(job.unwrap().path()).unwrap();
    }
    let main = &world.line.main;
    World::execute(main, "DELETE FROM ledger WHERE event = 'acknowledged' AND destination = 'uni'").await;
    World::execute(main, "UPDATE job SET state = 'deidentified' WHERE partner = 'uni'").await;
    World::execute(main, "UPDATE job_queue SET state = 'ready' WHERE kind = 'export' AND partner = 'uni'")
        .await;
    world.settle().await;
    let after = read(&world.files_of("out-uni"));
    assert_eq!((after.hashes.len(), after.hashes, after.names), (2, before.hashes, before.names));
    assert_eq!(world.lines("sent").await, 4, "once for each");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_keeps_what_it_was_first_issued() {
    let mut world = World::with(two_partners()).await;
    world.receive(&Instance::new(1)).await;
    world.settle().await;
    let participant = world.jobs().await[0].participant.clone().unwrap().parse().unwrap();
    let vault = &world.line.vault;
    // as when it was the only one
    vault.partner_mapping(participant, "lab", Linkage::Project, &CodePrefix::default(), 0).await.unwrap();
    world.become_stable().await;
    assert_apart(&world, 1);
    let (lab, archive) = (read(&world.files_of("out")), read(&world.object_files()));
    assert_eq!((lab.uids, lab.codes, lab.hashes), (archive.uids, archive.codes, archive.hashes));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_archive_calls_the_participant_is_found_in_what_would_leave() {
    let planted: [fn(Set) -> String; 3] = [
        |archive| archive.codes.into_iter().next().unwrap(),
        |archive| archive.uids.into_iter().next().unwrap(),
        |_| "see 1.2.276.0.777.1".to_owned(),
    ];
    for of in planted {
        let mut world = World::with(two_partners()).await;
        world.receive(&Instance::new(1)).await;
        world.settle().await;
        let object = world.object_files().remove(0);
        let mut text = of(read(std::slice::from_ref(&object))).into_bytes();
        text.resize(text.len().next_multiple_of(2), b' ');
        // as if the profile had let it through: Data Set Trailing Padding
        let length = u32::try_from(text.len()).unwrap().to_le_bytes();
        let element = [&b"\xFC\xFF\xFC\xFFOB\0\0"[..], &length, &text].concat();
        OpenOptions::new().append(true).open(&object).unwrap().write_all(&element).unwrap();
        world.become_stable().await;
        assert_eq!(world.files_of("out").len() + world.files_of("out-uni").len(), 0, "nothing is sent");
        assert_eq!(world.lines("sent").await, 0);
        let told: Vec<(String,)> = sqlx::query_as("SELECT last_error FROM job_queue WHERE kind = 'export'")
            .fetch_all(world.line.main.reader())
            .await
            .unwrap();
        let is_told = |why: &str| why.contains("is left at (FFFC,FFFC)") && !why.contains("1.2.276");
        assert!(told.len() == 2 && told.iter().all(|(why,)| is_told(why)), "{told:?}");
        assert!(world.jobs().await.iter().all(|job| job.state == JobState::Attention));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_as_received_does_not_leave_under_linkage_partner() {
    let phantom = Instance {
        patient_id: "PHANTOM-1",
        name: "PHANTOM",
        birth_date: "",
        already_deidentified: true,
        marker: "YES",
        ..Instance::new(1)
    };
    let mut world = World::with(two_partners()).await;
    world.receive(&phantom).await;
    world.settle().await;
    world.become_stable().await;
    assert_eq!(world.files_of("out").len() + world.files_of("out-uni").len(), 0);
    assert!(world.jobs().await.iter().all(|job| job.state == JobState::Attention));

    let mut settings = two_partners();
    settings["linkage"] = json!("project");
    let mut world = World::with(settings).await;
    world.receive(&phantom).await;
    world.settle().await;
    world.become_stable().await;
    assert_eq!((world.files_of("out").len(), world.files_of("out-uni").len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_anonymised_study_is_apart_for_each_partner_too() {
    let mut settings = two_partners();
    settings["mode"] = json!("anonymise");
    settings["dossier"]["mode"] = json!("anonymise");
    let mut world = World::with(settings).await;
    world.receive(&Instance::new(1)).await;
    world.receive(&Instance { pixel: 9, ..Instance::new(2) }).await;
    world.settle().await;
    world.become_stable().await;
    assert_apart(&world, 2);
    assert!(world.line.vault.concerned_by_erasure("trial", None).await.unwrap().is_empty());
}

#[test]
fn the_default_follows_the_number_of_partners_and_a_profile_that_keeps_uids_or_dates_contradicts_it() {
    let folder = tempfile::tempdir().unwrap();
    let profile = folder.path().join("profile.toml");
    let with = |partners: Value, linkage: Value, options: &str| {
        let text = deidentification::Profile::basic().to_toml().unwrap();
        let (options, rules) = if options.contains("hash") { ("", options) } else { (options, "") };
        let text = text.replace("options = []", &format!("options = [{options}]"));
        fs::write(&profile, text.replace("rules = []", &format!("rules = [{rules}]"))).unwrap();
        let mut settings = two_partners();
        settings["id"] = json!("trial");
        settings["mode"] = json!("pseudonymise");
        settings["partners"] = partners;
        settings["linkage"] = linkage;
        settings["profile"] = json!(profile);
        Project::new(&serde_json::from_value(settings).unwrap())
    };
    let linkage = |partners, linkage| with(partners, linkage, "").unwrap().unwrap().config.linkage();
    assert_eq!(linkage(json!(["lab"]), Value::Null), Linkage::Project);
    assert_eq!(linkage(json!(["lab", "uni"]), Value::Null), Linkage::Partner);
    assert_eq!(linkage(json!(["lab", "uni"]), json!("project")), Linkage::Project);
    assert_eq!(linkage(json!(["lab"]), json!("partner")), Linkage::Partner);
    let rule = "{ attributes = [\"AccessionNumber\"], action = { hash = 16 } }";
    for option in ["\"retain_uids\"", "\"retain_longitudinal_full_dates\"", rule] {
        let refused = with(json!(["lab", "uni"]), Value::Null, option).err().unwrap();
        assert!(matches!(refused, ProjectError::LinkageContradicted(..)), "{refused}");
        assert!(refused.to_string().contains("linkage = \"project\""), "{refused}");
    }
}
