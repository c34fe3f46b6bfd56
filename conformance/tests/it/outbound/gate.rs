//! Nothing leaves that the dossier, the lists or a doubt holds back (R01, AC1.6, AC2.12, AC3.2, ACX.4, DEC-S).

use std::fs;
use std::path::PathBuf;

use super::world::{ScriptedPartner, World, push, study};
use crate::harness::{Launcher, Project, Server, dicom_partner, wait_until};

/// The inclusion or opposition list as a file.
fn list(world: &World, name: &str, lines: &str) -> PathBuf {
    let path = world.site.folder("lists").join(name);
    fs::write(&path, lines).unwrap();
    path
}

const INCLUSION: &str = "patient_id,issuer,subject_code,consent_date,form_version\n";
const OPPOSITION: &str = "patient_id,issuer,kind,date,action\n";

/// A partner that listens and a world whose projects send to it.
fn world(projects: &[Project]) -> (World, ScriptedPartner) {
    let partner = ScriptedPartner::new();
    let world = World::new(projects, &dicom_partner("uni", partner.port));
    (world, partner)
}

#[test]
fn a_dossier_that_is_suspended_closed_or_expired_lets_nothing_out() {
    let of = |id, title| Project::open(id, title, "uni");
    let (world, partner) = world(&[
        Project { state: "suspended", ..of("suspended", "P1") },
        Project { state: "closed", eager: true, ..of("closed", "P2") },
        Project { valid_until: "2020-02-29", ..of("expired", "P3") },
        of("open", "P4"),
    ]);
    let _peer = partner.start(&[]);
    let server = world.site.serve();
    for title in ["P1", "P2", "P3", "P4"] {
        push(&server, title, &study(&world.site.folder(title), &format!("MRN-{title}"), &["--images", "2"]));
    }
    wait_until("each job is decided", || {
        let jobs = world.jobs();
        jobs.len() == 4 && jobs.iter().all(|job| job.state == "attention" || job.is_acknowledged())
    });
    server.stop();
    let open: Vec<String> =
        world.jobs().into_iter().filter(|job| job.is_acknowledged()).map(|job| job.project).collect();
    assert_eq!(open, ["open"]);
    let codes: Vec<String> = partner.arrivals().into_iter().map(|arrival| arrival.patient).collect();
    assert_eq!(codes.len(), 2, "the two of the open project");
    assert_eq!(world.site.count("main", "ledger WHERE event = 'sent' AND project <> 'open'"), 0);
    let reasons = world
        .site
        .rows("main", "SELECT last_error FROM job_queue WHERE state = 'attention' ORDER BY last_error");
    let reasons: String = reasons.iter().map(|row| row["last_error"].as_str().unwrap()).collect();
    for code in ["RPACS-GATE-0001", "RPACS-GATE-0002", "RPACS-GATE-0003"] {
        assert!(reasons.contains(code), "{reasons}");
    }
}

#[test]
fn a_partner_that_the_dossier_does_not_name_is_a_fault_of_the_configuration() {
    let (world, _) = world(&[Project::open("one", "P1", "uni")]);
    let stranger = Project { partner: "stranger", ..Project::open("one", "P1", "uni") };
    let changed = world.changed(&[stranger], &dicom_partner("uni", 1));
    let said = changed.site.answer(&["config", "check"], 1);
    assert!(said.contains("stranger"), "{said}");
    changed.site.answer(&["serve"], 2);
}

/// The job waits for the partner; before it can go on, the dossier is suspended, or the participant withdraws.
#[test]
fn what_waits_in_the_queue_is_stopped_by_the_dossier_and_by_a_withdrawal() {
    let (world, partner) = world(&[Project::open("one", "P1", "uni"), Project::open("two", "P2", "uni")]);
    let server = world.site.serve();
    push(&server, "P1", &study(&world.site.folder("a"), "MRN-0001", &["--images", "2"]));
    push(&server, "P2", &study(&world.site.folder("b"), "MRN-0002", &["--images", "2"]));
    push(&server, "P2", &study(&world.site.folder("c"), "MRN-0003", &["--images", "2"]));
    wait_until("three failed tries", || {
        world.site.count("main", "job_queue WHERE kind = 'export' AND attempts > 0") == 3
    });
    let path =
        list(&world, "withdrawn.csv", &format!("{OPPOSITION}MRN-0002,site,withdrawal,2024-05-01,stop\n"));
    let said = world.site.answer(&["vault", "oppose", "--project", "two", path.to_str().unwrap()], 0);
    assert!(said.contains("1 known"), "{said}");
    server.stop();

    let suspended = Project { state: "suspended", ..Project::open("one", "P1", "uni") };
    let changed =
        world.changed(&[suspended, Project::open("two", "P2", "uni")], &dicom_partner("uni", partner.port));
    let _peer = partner.start(&[]);
    let server = changed.site.serve_later(60);
    wait_until("each job is decided", || {
        changed
            .jobs()
            .iter()
            .all(|job| ["attention", "withdrawn"].contains(&job.state.as_str()) || job.is_acknowledged())
    });
    server.stop();
    assert_eq!(partner.arrivals().len(), 2, "those of the one who takes part still");
    assert_eq!(changed.jobs().iter().filter(|job| job.is_acknowledged()).count(), 1);
}

/// An erasure stops what is in flight as a withdrawal does, and takes the originals along.
#[test]
fn what_waits_is_stopped_by_an_erasure() {
    let (world, partner) = world(&[Project::open("one", "P1", "uni")]);
    let server = world.site.serve();
    push(&server, "P1", &study(&world.site.folder("a"), "MRN-0001", &["--images", "2"]));
    wait_until("a failed try", || {
        world.site.count("main", "job_queue WHERE kind = 'export' AND attempts > 0") == 1
    });
    let erase = ["vault", "erase", "--project", "one", "--by", "Dr Table Holder", "--reason", "request 12"];
    // nobody erases a whole project by leaving something out
    world.site.answer(&erase, 2);
    let said = world.site.answer(&[&erase[..], &["--whole-project"]].concat(), 0);
    assert!(said.contains("1 participants erased, 1 jobs withdrawn"), "{said}");
    server.stop();
    let _peer = partner.start(&[]);
    let server = world.site.serve_later(60);
    wait_until("the originals are purged", || {
        world.site.count("main", "ledger WHERE event = 'opposed'") == 2
    });
    server.stop();
    assert!(partner.arrivals().is_empty());
    assert!(world.jobs().iter().all(|job| job.state == "withdrawn"), "{:?}", world.jobs());
    assert!(world.site.listing().instances.is_empty());
}

/// AC1.9, by the folder door: what is marked keeps its UIDs and has no participant; what is not marked is de-identified.
#[test]
fn a_source_without_identity_is_kept_as_it_is() {
    let partner = ScriptedPartner::new();
    let _peer = partner.start(&[]);
    let drop = tempfile::tempdir().unwrap();
    let door = format!(
        "[[import]]\nname = \"phantoms\"\nfolder = \"{}\"\nproject = \"one\"\nsource_class = \"already-deidentified\"\n",
        drop.path().display()
    );
    let sections = format!("{}{door}", dicom_partner("uni", partner.port));
    let world = World::new(&[Project::open("one", "P1", "uni")], &sections);
    study(drop.path(), "PHANTOM-7", &["--images", "2", "--marked"]);
    study(drop.path(), "PHANTOM-8", &["--images", "1"]);
    let server = world.site.serve();
    world.wait_for_acknowledged(2);
    server.stop();
    let codes: Vec<String> = partner.arrivals().into_iter().map(|arrival| arrival.patient).collect();
    assert_eq!(codes.iter().filter(|code| *code == "PHANTOM-7").count(), 2, "{codes:?}");
    assert!(codes.len() == 3 && !codes.contains(&"PHANTOM-8".to_owned()), "{codes:?}");
    assert_eq!(world.site.count("vault", "participant"), 1);
    assert_eq!(world.site.count("main", "ledger WHERE cause = 'already-deidentified: marker'"), 2);
}

#[test]
fn only_who_is_included_leaves_under_the_code_that_the_list_assigns() {
    let project = Project { inclusion_required: true, ..Project::open("trial", "P1", "uni") };
    let (world, partner) = world(&[project]);
    let _peer = partner.start(&[]);
    // by halves nothing is entered: the second line names no date, the third a code that shows the id
    let faulty = format!(
        "{INCLUSION}MRN-0001,site,TRIAL-01,2024-05-01,v2\nMRN-0002,site,TRIAL-02,soon,v2\n\
         MRN-0003,site,X-MRN-0003,2024-05-01,v2\nMRN-0004,nowhere,TRIAL-04,2024-05-01,v2\nMRN-0005,site,trial-01,2024-05-01,v2\n"
    );
    let faulty = list(&world, "faulty.csv", &faulty);
    let said = world.site.answer(&["vault", "include", "--project", "trial", faulty.to_str().unwrap()], 1);
    for line in ["line 3", "line 4", "line 5", "line 6", "nothing was entered"] {
        assert!(said.contains(line), "{said}");
    }
    assert!(!said.contains("MRN"), "{said}");

    let server = world.site.serve();
    push(&server, "P1", &study(&world.site.folder("a"), "MRN-0001", &["--images", "2"]));
    wait_until("it is held", || world.held().len() == 2);
    assert!(world.held().iter().all(|held| held["reason"] == "not-included"));
    assert!(world.jobs().is_empty() && partner.arrivals().is_empty());

    let good = list(&world, "good.csv", &format!("{INCLUSION}MRN-0001,site,TRIAL-01,2024-05-01,v2\n"));
    world.site.answer(&["vault", "include", "--project", "trial", good.to_str().unwrap()], 0);
    // what contradicts the vault is named as well, and a list is for a project that there is
    let twice = list(&world, "twice.csv", &format!("{INCLUSION}MRN-0007,site,TRIAL-01,2024-05-01,v2\n"));
    let said = world.site.answer(&["vault", "include", "--project", "trial", twice.to_str().unwrap()], 1);
    assert!(said.contains("line 2") && said.contains("nothing was entered"), "{said}");
    world.site.answer(&["vault", "include", "--project", "trail", good.to_str().unwrap()], 2);
    let opposed =
        list(&world, "opposed.csv", &format!("{OPPOSITION}MRN-0009,site,opposition,2024-05-01,stop\n"));
    world.site.answer(&["vault", "oppose", "--project", "trail", opposed.to_str().unwrap()], 2);
    for held in world.held() {
        decide(&world, "redo", held["id"].as_str().unwrap());
    }
    world.wait_for_acknowledged(1);
    assert!(world.held().is_empty());
    // somebody who is in no list is not let out by a person either: the list is what has to be corrected (R02)
    push(&server, "P1", &study(&world.site.folder("b"), "MRN-0009", &["--images", "1"]));
    wait_until("it is held", || world.held().len() == 1);
    let first = world.held()[0]["id"].clone();
    decide(&world, "release", first.as_str().unwrap());
    wait_until("it is held anew", || world.held().len() == 1 && world.held()[0]["id"] != first);
    server.stop();
    let codes: Vec<String> = partner.arrivals().into_iter().map(|arrival| arrival.patient).collect();
    assert_eq!(codes, ["TRIAL-01", "TRIAL-01"]);
    let decisions = world.site.count("main", "audit_trail WHERE entry LIKE '%Dr Table Holder%'");
    assert_eq!(decisions, 3, "each decision is in the trail with its name");
}

fn decide(world: &World, decision: &str, id: &str) {
    world.site.answer(
        &["quarantine", decision, id, "--by", "Dr Table Holder", "--reason", "consent form is here"],
        0,
    );
}

/// A job is one study of one participant (flow §0.2): gate, issued map and withdrawal look at one person.
#[test]
fn a_second_patient_in_a_study_waits_for_a_person() {
    let project = Project { stable_after_seconds: 4, ..Project::open("one", "P1", "uni") };
    let (world, partner) = world(&[project]);
    let _peer = partner.start(&[]);
    let server = world.site.serve();
    push(&server, "P1", &study(&world.site.folder("a"), "MRN-0001", &["--images", "2"]));
    wait_until("the first is de-identified", || !world.jobs().is_empty());
    let intruder = ["--images", "2", "--first", "11", "--in-study-of", "MRN-0001"];
    push(&server, "P1", &study(&world.site.folder("b"), "MRN-0002", &intruder));
    world.wait_for_acknowledged(1);
    wait_until("the second is held", || world.held().len() == 2);
    server.stop();
    assert!(world.held().iter().all(|held| held["reason"] == "second-patient"), "{:?}", world.held());
    let numbers: Vec<u32> = partner.arrivals().iter().map(|arrival| arrival.number).collect();
    assert!(numbers.len() == 2 && numbers.iter().all(|number| *number < 11), "{numbers:?}");
}

/// DEC-S: answered with success, kept nowhere, quarantined never, one line each.
#[test]
fn of_an_opposed_participant_nothing_stays_but_a_ledger_line() {
    let (world, partner) = world(&[Project::open("one", "P1", "uni")]);
    let _peer = partner.start(&[]);
    let path =
        list(&world, "opposed.csv", &format!("{OPPOSITION}MRN-0666,site,opposition,2024-05-01,stop\n"));
    world.site.answer(&["vault", "oppose", "--project", "one", path.to_str().unwrap()], 0);
    let server = world.site.serve();
    push(&server, "P1", &study(&world.site.folder("a"), "MRN-0666", &["--images", "3"]));
    wait_until("a line each", || world.site.count("main", "ledger WHERE event = 'opposed'") == 3);
    push(&server, "P1", &study(&world.site.folder("b"), "MRN-0001", &["--images", "1"]));
    world.wait_for_acknowledged(1);
    server.stop();
    assert!(world.held().is_empty());
    assert_eq!(partner.arrivals().len(), 1);
    assert_eq!(world.site.count("main", "ledger WHERE event = 'opposed'"), 3);
    assert_eq!(world.audited("RPACS-AUDIT-0501", "objects"), 3, "with certificates of their purge");
    assert_eq!(world.site.count("buffer", "received_instance WHERE patient_id = 'MRN-0666'"), 0);
    assert_eq!(world.site.listing().instances.len(), 1, "only the other one is in the receive buffer");
}

#[test]
fn what_has_no_route_or_no_patient_id_waits_and_is_discarded_by_a_person() {
    let (world, partner) = world(&[Project::open("one", "P1", "uni")]);
    let _peer = partner.start(&[]);
    let server = with_own_title(&world);
    push(&server, "RPACS", &study(&world.site.folder("a"), "MRN-0001", &["--images", "1"]));
    push(
        &server,
        "P1",
        &study(&world.site.folder("b"), "NOBODY", &["--images", "1", "--without-patient-id"]),
    );
    wait_until("both are held", || world.held().len() == 2);
    let mut reasons: Vec<String> =
        world.held().iter().map(|held| held["reason"].as_str().unwrap().to_owned()).collect();
    reasons.sort();
    assert_eq!(reasons, ["no-patient-id", "no-route"]);
    let listed = world.site.answer(&["quarantine", "list"], 1);
    assert!(listed.contains("2 held") && !listed.contains("MRN"), "{listed}");

    // a release cannot give it a route or an identity: it is held again, and nothing leaves
    let first = world.held()[0]["id"].as_str().unwrap().to_owned();
    decide(&world, "release", &first);
    wait_until("it is held again", || {
        let held = world.held();
        held.len() == 2 && held.iter().all(|held| held["id"] != first.as_str())
    });
    // nobody decides twice, and what has no effect is not in the trail
    let again = ["quarantine", "discard", &first, "--by", "Dr Late", "--reason", "too late"];
    assert_eq!(world.site.command(&again).status.code(), Some(2));
    assert_eq!(world.site.count("main", "audit_trail WHERE entry LIKE '%Dr Late%'"), 0);
    for held in world.held() {
        decide(&world, "discard", held["id"].as_str().unwrap());
    }
    wait_until("both are gone", || {
        world.held().is_empty() && world.site.count("buffer", "received_instance") == 0
    });
    server.stop();
    assert_eq!(world.site.count("main", "ledger WHERE event = 'discarded'"), 2);
    assert_eq!(world.site.answer(&["quarantine", "list"], 0).trim(), "0 held");
    assert!(world.jobs().is_empty() && partner.arrivals().is_empty());
    assert!(world.site.listing().instances.is_empty(), "their bytes are gone as well");
}

/// The server with a title that names no project.
fn with_own_title(world: &World) -> Server<'_> {
    world.site.serve_under(&Launcher::default().variable("RESEARCH_PACS__DICOM__AE_TITLES", "[\"RPACS\"]"))
}
