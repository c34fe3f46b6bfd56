//! Linkage `partner` (ARC-15b, DEC-J, DI-57): one project, two partners whose sets cannot be joined, and the results of both come back to
//! the right patient, after the originals are gone and the program was restarted.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::world::{Rules, World, projects, sections};
use crate::harness::{Archive, Project, Site, dicom_partner, json_lines, program, python, run, wait_until};

/// Two partners: `uni` by DICOMweb, `lab` by DIMSE.
struct Two {
    world: World,
    lab: Archive,
}

impl Two {
    fn new() -> Self {
        Self::with(Some("lab"))
    }

    /// With `lab` known to the site, and in the project or not yet.
    fn with(second_partner: Option<&'static str>) -> Self {
        let (pacs, uni, lab) = (Archive::orthanc("PACS"), Archive::orthanc("UNI"), Archive::dcmqrscp("UNI"));
        let site = Site::new();
        let key = site.folder("keys").join("vault.key");
        let rules = Rules { retention_hours: 0, ..Rules::default() };
        // over DIMSE the results come one by one
        let [first, second] = projects(&Rules { by_web: false, ..rules.clone() });
        let keys = "profile = \"longitudinal-research\"\n".to_owned();
        let first = Project { second_partner, keys, ..first };
        let sections = dicom_partner("lab", lab.port)
            + "associations = 1\n"
            + &sections(&key, [Path::new(""); 2], &pacs, &uni, &rules);
        let site = site.with_projects(&key, &[first, second], &sections);
        let world = World { site, pacs, partner: uni };
        world.site.answer(&["vault", "init"], 0);
        Self { world, lab }
    }

    /// What each holds, in a folder.
    fn held(&self) -> [PathBuf; 2] {
        let lab = self.world.at("lab");
        self.lab.export(&lab);
        [self.world.held_by_partner(), lab]
    }

    /// A partner computes on what is in `held`; see `algorithm.py`.
    fn compute(&self, [held, elsewhere]: [&Path; 2], out: &str, cases: &[&str]) -> PathBuf {
        let out = self.world.at(out);
        let mut command = python("algorithm.py");
        command.arg(held).arg(&out).arg("--elsewhere").arg(elsewhere).args(["--project", "PROTOCOL-first"]);
        run(command.args(cases));
        out
    }

    /// Judges the results of one partner at the clinical PACS, beside those of the other.
    fn check_return(&self, held: &Path, sent: &Path, beside: &Path) -> Value {
        let pacs = self.world.at("pacs");
        self.world.pacs.export(&pacs);
        let originals = self.world.at("originals");
        let folders = [originals.as_path(), held, sent, &pacs, beside];
        json_lines(&run(python("check_return.py").args(folders)))[0].clone()
    }
}

#[test]
fn two_partners_cannot_join_their_sets_and_the_results_of_both_return() {
    let two = Two::new();
    let world = &two.world;
    for (number, charset) in [(1, "latin"), (2, "japanese"), (3, "utf8"), (4, "latin")] {
        world.patient(number, &["--charset", charset]);
    }
    let server = world.site.serve();
    world.acquire(&server);
    world.wait_for_partner(8);
    let [uni, lab] = two.held();
    let mut check = python("check_apart.py");
    check.args([&uni, &lab, &world.at("originals"), &world.site.data_folder().join("objects/archive")]);
    let apart = json_lines(&run(&mut check));
    assert_eq!(apart[0]["instances"], 12);
    assert!(apart[0]["dates"].as_u64().unwrap() >= 12 * 4, "{}", apart[0]);
    assert!(apart[0]["uids"].as_u64().unwrap() >= 12 + 4 + 4 + 4, "{}", apart[0]);
    wait_until("the originals are purged", || {
        world.site.count("buffer", "received_instance WHERE state <> 'released'") == 0
    });
    server.stop();
    let shown = run(Command::new(program()).args(["profile", "show", "longitudinal-research", "--json"]));
    let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
    let cause = format!("cause = 'profile sha256:{}'", shown["hash"].as_str().unwrap());
    assert_eq!(world.site.count("main", &format!("ledger WHERE event = 'deidentified' AND {cause}")), 12);
    for (partner, held) in [("uni", &uni), ("lab", &lab)] {
        let [patients, uids] = map_for_auditor(world, partner);
        let mut check = python("check_map.py");
        let found = json_lines(&run(check.args([&patients, &uids, &world.at("originals"), held])));
        assert_eq!((&found[0]["images"], &found[0]["patients"]), (&12.into(), &4.into()));
    }

    let by_uni = two.compute([&uni, &lab], "of uni", &["1:seg,sr", "2:seg", "3:rtstruct"]);
    let by_lab = two.compute([&lab, &uni], "of lab", &["1:seg,sr", "2:seg,kos"]);
    // one that knows what the other holds, and one that says another grid than the images it was given (RC-06, RC-08)
    let joined = two.compute([&lab, &uni], "joined", &["3:seg:other-partner", "4:seg:geometry"]);
    world.partner.take(&by_uni);
    two.lab.take_by_store(&by_lab);
    two.lab.take_by_store(&joined);
    let server = world.site.serve();
    let ended = |state: &str| world.site.count("main", &format!("result_set WHERE state = '{state}'"));
    wait_until("every set ends", || [ended("closed"), ended("rejected"), ended("manual")] == [5, 1, 1]);
    for (state, reason) in [("rejected", "issued-elsewhere"), ("manual", "geometry-differs")] {
        let set = world.sets().into_iter().find(|set| set.state == state).unwrap();
        assert!(world.show(&set.id).contains(reason), "{}", world.show(&set.id));
    }
    for (held, sent, beside, results) in [(&uni, &by_uni, &by_lab, 4), (&lab, &by_lab, &by_uni, 4)] {
        let found = two.check_return(held, sent, beside);
        assert_eq!(found["results"], results);
        assert!(
            found["references"].as_u64().unwrap() > 0 && found["restored"].as_u64().unwrap() > 0,
            "{found}"
        );
    }
    assert_eq!(world.blobs("return-buffer"), 0);
    server.stop();
}

/// `vault map` of what a partner was given; the access log has a line for each participant.
fn map_for_auditor(world: &World, partner: &str) -> [PathBuf; 2] {
    let files = ["patients", "uids"].map(|name| world.at("maps").join(format!("{partner} {name}.csv")));
    let [patients, uids] = files.each_ref().map(|file| file.to_str().unwrap());
    let words =
        ["vault", "map", "--project", "first", "--partner", partner, "--patients", patients, "--uids", uids];
    let why = ["--by", "Dr Grey", "--reason", "audit"];
    let logged = |world: &World| {
        world.site.count("vault", "access_log WHERE user_name = 'Dr Grey' AND outcome = 'done'")
    };
    let misspelt = words.map(|word| if word == partner { "nobody" } else { word });
    world.site.answer(&[&misspelt[..], &why].concat(), 2);
    assert!(files.iter().all(|file| !file.exists()), "a misspelt partner is not one that was given nothing");
    let before = logged(world);
    let told = world.site.answer(&[&words[..], &why].concat(), 0);
    assert!(told.starts_with("4 participants, ") && !told.contains("HOSP-"), "{told}");
    assert_eq!(logged(world), before + 4);
    for file in &files {
        assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o077, 0, "its owner alone reads it");
    }
    world.site.answer(&[&words[..], &why].concat(), 2);
    files
}

/// A study that left with the archive's own shift, and, once a second partner is there, with another one as well: each result goes back by the
/// record of its own export.
#[test]
fn rc_12_a_study_exported_with_two_shifts_returns_by_the_record_of_each() {
    let mut two = Two::with(None);
    two.world.patient(1, &[]);
    let server = two.world.site.serve();
    two.world.acquire(&server);
    two.world.wait_for_partner(1);
    server.stop();
    let alone = "partners = [\"uni\"]\nprofile";
    two.world.site.change(alone, "partners = [\"uni\", \"lab\"]\nprofile");
    two.world.site.change("recipients = [\"uni\"]", "recipients = [\"uni\", \"lab\"]");
    let world = &two.world;
    world.patient(1, &["--images", "5"]);
    let server = world.site.serve();
    world.acquire(&server);
    world.wait_for_partner(3);
    let [uni, lab] = two.held();
    let by_uni = two.compute([&uni, &lab], "of uni", &["1:dated"]);
    let by_lab = two.compute([&lab, &uni], "of lab", &["1:dated,seg"]);
    world.partner.take(&by_uni);
    two.lab.take_by_store(&by_lab);
    world.wait_for_sets(2, &["closed"]);
    for (held, sent, beside, results) in [(&uni, &by_uni, &by_lab, 1), (&lab, &by_lab, &by_uni, 2)] {
        assert_eq!(two.check_return(held, sent, beside)["results"], results);
        let dates = world.check_dates(held, sent);
        assert!(dates["restored"].as_u64().unwrap() >= 5, "{dates}");
    }
    server.stop();
}
