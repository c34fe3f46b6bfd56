//! Encrypted Attributes of a result, as GDCM's `gdcmanon` makes and opens them (RC-15, PS3.15 E.1): a check of who it is, never the source.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::world::{Rules, World};
use crate::harness::{Server, python, run, system_command};

/// A private key and a certificate for it; the first key is the project's.
fn make_key(world: &World, name: &str) {
    let folder = world.at("keys");
    let mut command = system_command("openssl");
    command.args([
        "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=site", "-keyout",
    ]);
    run(command.arg(folder.join(name)).arg("-out").arg(folder.join(name).with_extension("pem")));
}

fn world() -> World {
    let mut world = World::new(&Rules::default());
    make_key(&world, "site.key");
    make_key(&world, "other.key");
    let key = world.at("keys").join("site.key");
    let line = format!("poll_seconds = 1\nencrypted_attributes_key = \"{}\"\n", key.display());
    world.site.change("poll_seconds = 1\n", &line);
    world
}

/// The studies of so many patients wait for their results, and a segmentation of each is made.
fn results<'w>(world: &'w World, character_sets: &[&str]) -> (Server<'w>, Vec<String>) {
    for (number, set) in (1..).zip(character_sets) {
        world.patient(number, &["--charset", set]);
    }
    let server = world.site.serve();
    world.acquire(&server);
    world.wait_for_partner(character_sets.len() as u64);
    world.held_by_partner();
    let cases: Vec<String> = (1..=character_sets.len()).map(|number| format!("{number}:seg")).collect();
    let studies = world.compute(&cases.iter().map(String::as_str).collect::<Vec<_>>(), "sent");
    (server, studies)
}

/// An original of a patient, changed by `change`, as `gdcmanon -e` leaves it for the owner of `key`.
fn encrypted(world: &World, number: u32, key: &str, change: impl FnOnce(&Path)) -> PathBuf {
    let folder = world.at("encrypted");
    let (plain, file) = (folder.join(format!("{number} plain.dcm")), folder.join(format!("{number}.dcm")));
    fs::copy(world.at("originals").join(format!("{number}_one_1.dcm")), &plain).unwrap();
    change(&plain);
    let mut command = system_command("gdcmanon");
    command.args(["-e", "-c"]).arg(world.at("keys").join(key).with_extension("pem"));
    run(command.arg("-i").arg(&plain).arg("-o").arg(&file));
    file
}

fn put(world: &World, from: &Path, into: u32, options: &[&str]) -> PathBuf {
    let into = world.at("sent").join(format!("{into}_seg.dcm"));
    run(python("encrypted.py").arg(from).arg(&into).args(options));
    into
}

/// What `dcmdump` shows of the attributes of a file, without their places.
fn dumped(file: &Path, tags: &[&str]) -> Vec<String> {
    let mut command = system_command("dcmdump");
    command.args(tags.iter().flat_map(|tag| ["+P", tag])).arg(file);
    let text = String::from_utf8_lossy(&run(&mut command).stdout).into_owned();
    text.lines().map(|line| line.split('#').next().unwrap_or_default().trim().to_owned()).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

const SEGMENTATION: &str = "1.2.840.10008.5.1.4.1.1.66.4";

#[test]
fn rc_15_encrypted_attributes_that_agree_let_a_result_go_back_and_stay_behind() {
    let world = world();
    let (server, _) = results(&world, &["latin", "japanese", "utf8"]);
    let implicit = |file: &Path| drop(run(system_command("dcmconv").arg("+ti").arg(file).arg(file)));
    for number in 1..=3 {
        let change = |file: &Path| {
            if number == 3 {
                implicit(file)
            }
        };
        put(&world, &encrypted(&world, number, "site.key", change), number, &[]);
    }
    world.partner.take(&world.at("sent"));
    world.wait_for_sets(3, &["closed"]);
    assert_eq!(world.check_return("sent")["results"], 3);
    // both ways name the same patient and study, and the second one ends here
    let tags = ["0010,0020", "0010,0030", "0020,000d"];
    let returned = files(&world.at("pacs"));
    // from implicit VR GDCM encrypts and restores every value as UN: nothing to compare as text
    for sent in files(&world.at("sent")).into_iter().filter(|file| !file.ends_with("3_seg.dcm")) {
        let opened = world.at("encrypted").join("opened.dcm");
        let mut command = system_command("gdcmanon");
        command.args(["-d", "-k"]).arg(world.at("keys").join("site.key"));
        run(command.arg("-i").arg(&sent).arg("-o").arg(&opened));
        let of = |file: &PathBuf| dumped(file, &["0008,0018"]) == dumped(&sent, &["0008,0018"]);
        let back = returned.iter().find(|file| of(file)).unwrap();
        assert_eq!(dumped(back, &tags), dumped(&opened, &tags));
        assert_eq!(dumped(back, &tags).len(), tags.len());
        // the name as bytes: the object may be in another character set
        let number = sent.file_name().unwrap().to_str().unwrap().trim_end_matches("_seg.dcm").to_owned();
        let original = world.at("originals").join(format!("{number}_one_1.dcm"));
        assert_eq!(dumped(&opened, &["0010,0010"]), dumped(&original, &["0010,0010"]));
    }
    assert!(returned.iter().all(|file| dumped(file, &["0400,0500"]).is_empty()));
    assert_archived_without(&world, 3);
    server.stop();
}

/// The archive has a segmentation of each set, without a second way back and as its row says.
fn assert_archived_without(world: &World, count: usize) {
    let sql = format!(
        "SELECT id, bytes, lower(hex(blake3)) AS hash FROM instance WHERE sop_class_uid = '{SEGMENTATION}'"
    );
    let rows = world.site.rows("main", &sql);
    assert_eq!(rows.len(), count);
    for row in rows {
        let found = run(system_command("find").arg(world.site.data_folder()).args([
            "-path",
            "*archive*",
            "-name",
            &format!("*{}*", row["id"].as_str().unwrap()),
        ]));
        let path = String::from_utf8_lossy(&found.stdout).trim().to_owned();
        let bytes = fs::read(&path).unwrap();
        assert_eq!(row["bytes"].as_u64().unwrap(), bytes.len() as u64);
        assert_eq!(row["hash"], blake3::hash(&bytes).to_hex().as_str());
        assert!(dumped(Path::new(&path), &["0400,0500"]).is_empty(), "{path}");
        assert!(dumped(Path::new(&path), &["0012,0062"])[0].contains("[YES]"));
    }
}

#[test]
fn rc_15_encrypted_attributes_of_somebody_else_or_that_nobody_can_open_hold_the_set() {
    let world = world();
    let (server, studies) = results(&world, &["latin"; 6]);
    let as_it_was = |_: &Path| {};
    let other_number = |file: &Path| {
        drop(run(system_command("dcmodify").args(["-nb", "-m", "(0010,0020)=HOSP-9999"]).arg(file)))
    };
    // another patient's, the own with another number, for another key, at another place, damaged, no enveloped data
    put(&world, &encrypted(&world, 2, "site.key", as_it_was), 1, &[]);
    put(&world, &encrypted(&world, 2, "site.key", other_number), 2, &[]);
    put(&world, &encrypted(&world, 3, "other.key", as_it_was), 3, &[]);
    put(&world, &encrypted(&world, 4, "site.key", as_it_was), 4, &["--nested"]);
    let damaged = put(&world, &encrypted(&world, 5, "site.key", as_it_was), 5, &[]);
    let change = "(0400,0500)[0].(0400,0520)=01\\02\\03\\04";
    run(system_command("dcmodify").args(["-nb", "-m", change]).arg(damaged));
    world.compute(&["6:seg:encrypted"], "sent");
    world.partner.take(&world.at("sent"));
    world.wait_for_sets(6, &["manual"]);
    let reasons = [
        "encrypted-attributes: (0020,000D) has another value in the own record",
        "encrypted-attributes: (0010,0020) has another value in the own record",
        // a wrong key may give an error or random bytes
        "encrypted-attributes: ",
        "encrypted-attributes",
        "encrypted-attributes: not opened by the key, the program failed",
        "encrypted-attributes: not opened by the key, the program failed",
    ];
    for (study, reason) in studies.iter().zip(reasons) {
        let set = world.sets().into_iter().find(|set| set.study == *study).unwrap();
        let shown = world.show(&set.id);
        assert!(shown.contains(reason) && shown.contains("\"may_be_accepted\":false"), "{reason}: {shown}");
        assert!(!shown.contains("HOSP-"), "{shown}");
    }
    world.assert_nothing_returned();
    assert_eq!(world.blobs("return-buffer"), 0);
    assert_archived_without(&world, 0);
    let log = fs::read_to_string(world.site.log()).unwrap();
    assert!(!log.contains("HOSP-"));
    server.stop();
}

#[test]
fn rc_15_a_key_that_cannot_be_used_ends_the_start() {
    let mut world = world();
    let key = world.at("keys").join("site.key");
    let says = |world: &World, why: &str| {
        let told = world.refused(&["serve".to_owned()]);
        assert!(told.contains("encrypted_attributes_key") && told.contains(why), "{told}");
    };
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    says(&world, "may be read by everybody");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&key, "no key").unwrap();
    says(&world, "no private key in PEM");
    world.site.change("site.key", "nowhere.key");
    says(&world, "cannot be read");
}
