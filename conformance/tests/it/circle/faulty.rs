//! Results that must not return by themselves (AC7.2, AC8.1, RC-02 to RC-10): each ends with its reason, none reaches the clinical PACS.

use std::fs;
use std::path::Path;

use super::world::{Rules, World};
use crate::harness::{run, system_command, wait_until};

/// What the partner makes, see `algorithm.py`, and the state and the reason that it ends with.
const CASES: [(&str, &str, &str); 14] = [
    ("1:seg:patient-id", "manual", "patient-id-altered"),
    ("2:seg:patient-name", "manual", "patient-name-altered"),
    ("3:seg:foreign-code", "rejected", "several-participants"),
    ("4:seg:foreign-reference", "rejected", "several-participants"),
    ("5:seg:two-patients", "rejected", "several-participants"),
    ("6:seg:other-project", "rejected", "issued-elsewhere"),
    ("7:seg:original-uid", "rejected", "original-uid"),
    ("8:seg:date", "manual", "date-of-no-class"),
    ("9:seg:sop-class", "manual", "instance-not-taken"),
    ("10:pdf:active", "manual", "active-content"),
    // what may show the code where nobody can look: a person lets it go
    ("11:sc", "reconciled", "identity-same"),
    ("12:pdf", "reconciled", "identity-same"),
    ("13:seg:nested-code", "rejected", "several-participants"),
    ("14:seg,sr:missing", "retrieved", ""),
];

#[test]
fn every_faulty_result_ends_with_its_reason_and_none_reaches_the_clinical_pacs() {
    let world = World::new(&Rules::default());
    for number in 1..=CASES.len() {
        world.patient(u32::try_from(number).unwrap(), &[]);
    }
    // says nothing that we ask for
    world.patient(20, &[]);
    let server = world.site.serve();
    world.acquire(&server);
    let second = world.at("second");
    for number in 1..=3 {
        let name = format!("6_one_{number}.dcm");
        fs::copy(world.at("originals").join(&name), second.join(&name)).unwrap();
    }
    crate::harness::store(server.dicom.port(), "P2", &second);
    world.wait_for_partner(CASES.len() as u64 + 2);
    world.held_by_partner();

    let made = world.compute(&CASES.map(|(case, ..)| case), "sent");
    world.compute(&["20:seg:unknown-study"], "sent");
    world.partner.take(&world.at("sent"));
    // `retrieved` may be on the way to something else: what is wrong shows in the end
    wait_until("a set for each case", || world.sets().len() == CASES.len());
    let settled = || {
        let sets = world.sets();
        CASES
            .iter()
            .zip(&made)
            .all(|((_, state, _), study)| sets.iter().any(|set| set.study == *study && set.state == *state))
    };
    for _ in 0..200 {
        if settled() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let expect = |(case, state, reason): &(&str, &str, &str), study: &str| {
        let end = world.ends(study);
        assert!(end.contains(&format!("→ {state}")) && end.contains(reason), "{case}: {end}");
    };
    CASES.iter().zip(&made).for_each(|(case, study)| expect(case, study));
    world.assert_nothing_returned();
    server.stop();

    // after its deadline the set that lacks what it cites goes to a person; nothing else has moved
    let server = world.site.serve_later(20);
    let (rest, missing) = (&CASES[..CASES.len() - 1], &made[CASES.len() - 1]);
    wait_until("the deadline", || !world.ends(missing).contains("→ retrieved"));
    expect(&("missing", "manual", "unknown-reference"), missing);
    rest.iter().zip(&made).for_each(|(case, study)| expect(case, study));
    world.assert_nothing_returned();
    let events = world.events();
    assert!(!events.contains_key("return.confirmed"), "{events:?}");
    // each that a person has to look at was told once
    let told = CASES.iter().filter(|(_, state, _)| *state != "reconciled").count() as u64;
    assert_eq!(events["result.manual"], told, "{events:?}");
    server.stop();
}

fn deliver(world: &World, file: &str) {
    let one = world.at(&format!("only {file}"));
    fs::copy(world.at("sent").join(file), one.join(file)).unwrap();
    world.partner.take(Path::new(&one));
}

#[test]
fn rc_02_a_report_that_comes_before_its_segmentation_returns_after_it() {
    let world = World::new(&Rules::default());
    world.patient(1, &[]);
    let server = world.site.serve();
    world.acquire(&server);
    world.wait_for_partner(1);
    world.held_by_partner();
    world.compute(&["1:seg,sr"], "sent");
    deliver(&world, "1_sr.dcm");
    world.wait_for_sets(1, &["retrieved"]);
    deliver(&world, "1_seg.dcm");
    wait_until("the segmentation returned", || world.sets().iter().any(|set| set.state == "closed"));
    world.wait_for_sets(2, &["retrieved", "closed"]);
    server.stop();
    let server = world.site.serve_later(2);
    world.wait_for_sets(2, &["closed"]);
    assert_eq!(world.check_return("sent")["results"], 2);
    wait_until("the job closes", || world.site.count("main", "job WHERE state = 'closed'") == 1);
    server.stop();
}

/// Every value of an attribute in the files of a folder that say this modality.
fn values(folder: &Path, modality: &str, tag: &str) -> Vec<String> {
    let mut values = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let dump = |tag| {
            let output = run(system_command("dcmdump").args(["+P", tag]).arg(&path));
            String::from_utf8_lossy(&output.stdout).into_owned()
        };
        if dump("0008,0060").contains(&format!("[{modality}]")) {
            let values_of = dump(tag);
            let found = values_of.lines().filter_map(|line| line.split(['[', ']']).nth(1));
            values.extend(found.map(str::to_owned));
        }
    }
    values
}

/// Gives the second project an object with this UID, as a result of another partner would be.
fn give_elsewhere(world: &World, uid: &str) {
    let code = "import sqlite3, sys, uuid; c = sqlite3.connect(sys.argv[1], timeout=10); \
                c.execute('CREATE TEMP TABLE copy AS SELECT * FROM instance WHERE project = ? LIMIT 1', ('second',)); \
                c.execute('UPDATE copy SET id = ?, sop_instance_uid = ?', (str(uuid.uuid4()), sys.argv[2])); \
                c.execute('INSERT INTO instance SELECT * FROM copy'); c.commit()";
    let database = world.site.data_folder().join("main.sqlite");
    run(system_command("python3").args(["-c", code]).arg(database).arg(uid));
}

#[test]
fn rr_7_a_report_cites_its_segmentation_by_the_new_uid_that_it_got_in_an_earlier_set() {
    let world = World::new(&Rules::default());
    world.patient(1, &[]);
    let server = world.site.serve();
    world.acquire(&server);
    crate::harness::store(server.dicom.port(), "P2", &world.at("originals"));
    world.wait_for_partner(2);
    world.held_by_partner();
    world.compute(&["1:seg,sr"], "sent");
    let taken = &values(&world.at("sent"), "SEG", "0008,0018")[0];
    assert!(values(&world.at("sent"), "SR", "0008,1155").contains(taken));
    give_elsewhere(&world, taken);
    deliver(&world, "1_sr.dcm");
    world.wait_for_sets(1, &["retrieved"]);
    deliver(&world, "1_seg.dcm");
    wait_until("the segmentation returned", || world.sets().iter().any(|set| set.state == "closed"));
    server.stop();
    let server = world.site.serve_later(2);
    world.wait_for_sets(2, &["closed"]);
    let pacs = world.at("pacs");
    world.pacs.export(&pacs);
    let new = &values(&pacs, "SEG", "0008,0018")[0];
    assert_ne!(new, taken);
    let cited = values(&pacs, "SR", "0008,1155");
    assert!(cited.contains(new) && !cited.contains(taken), "{taken} {new}: {cited:?}");
    server.stop();
}

#[test]
fn what_is_offered_again_or_too_late_is_not_returned() {
    let world = World::new(&Rules::default());
    for number in [1, 2] {
        world.patient(number, &[]);
    }
    let server = world.site.serve();
    world.acquire(&server);
    world.wait_for_partner(2);
    world.held_by_partner();
    world.compute(&["1:seg"], "sent");
    world.partner.take(&world.at("sent"));
    world.wait_for_sets(1, &["closed"]);
    // the same again, and something new for a closed job
    world.partner.take(&world.at("sent"));
    world.compute(&["1:kos"], "late");
    world.partner.take(&world.at("late"));
    // the partner was asked since: the other job's result is back
    world.compute(&["2:seg"], "sent");
    world.partner.take(&world.at("sent"));
    world.wait_for_sets(2, &["closed"]);
    assert_eq!(world.check_return("sent")["results"], 2);
    assert_eq!(world.events()["return.confirmed"], 2);
    world.assert_purged();
    server.stop();
}
