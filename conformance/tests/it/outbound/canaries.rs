//! Every identifying attribute holds a value that occurs nowhere else; after a full run it is outside of nothing but the zones that may
//! hold identity (ACX.1, AC2.2, AC2.10, AC4.3).

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::message::{mail_sink, recipients, webhook_sink};
use super::world::{ScriptedPartner, World, files_in, push};
use crate::harness::{Launcher, Project, dicom_partner, get, json_lines, python, run, wait_until};

const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/deidentification/data/table_e1_1.csv");

/// Canaries found in each place.
fn search(canaries: &Path, places: &[PathBuf]) -> BTreeMap<PathBuf, Vec<Value>> {
    let lines = json_lines(&run(python("find_canaries.py").arg(canaries).args(places)));
    lines
        .into_iter()
        .map(|line| {
            (PathBuf::from(line["place"].as_str().unwrap()), line["found"].as_array().unwrap().clone())
        })
        .collect()
}

#[test]
fn no_canary_is_outside_after_a_full_run() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(&path).unwrap();
        path
    };
    let objects = at("objects");
    let made = &json_lines(&run(python("make_canaries.py").arg(&objects).arg(TABLE)))[0];
    let (count, canaries) = (made["objects"].as_u64().unwrap() as usize, objects.join("canaries.json"));
    assert!(made["canaries"].as_u64().unwrap() > 600);

    let (hook, mail) = (webhook_sink(&at("hook")), mail_sink(&at("mail"), None));
    let partner = ScriptedPartner::new();
    let _peer = partner.start(&[]);
    let picky = ScriptedPartner::new();
    let _picky = picky.start(&["--refuse-every", "1"]);
    let smtp = format!("host = \"127.0.0.1\"\nport = {}\nsecurity = \"none\"\n", mail.port);
    let local = format!(
        "[[partner]]\nid = \"usb\"\n[partner.transport.folder]\npath = \"{}\"\n",
        at("usb").display()
    );
    let sections = dicom_partner("uni", partner.port)
        + &dicom_partner("picky", picky.port)
        + &dicom_partner("away", 1)
        + &local
        + &recipients(folder.path(), hook.port, &smtp);
    // Documents leave as dummies: the site decided so (AC2.8).
    let profile = at("profiles").join("profile.toml");
    fs::write(&profile, "name = \"plain\"\nversion = \"1\"\nedition = \"2026d\"\ndocuments = \"dummy\"\n")
        .unwrap();
    let keys = format!("profile = \"{}\"\n", profile.display());
    let open = |id, title, partner| Project { keys: keys.clone(), ..Project::open(id, title, partner) };
    let projects = [
        open("sent", "P1", "uni"),
        open("local", "P2", "usb"),
        open("refused", "P3", "picky"),
        open("waiting", "P4", "away"),
        Project { inclusion_required: true, ..open("held", "P5", "uni") },
        Project { state: "suspended", ..open("closed", "P6", "uni") },
    ];
    let world = World::new(&projects, &sections);
    let loud = Launcher::new(["sh", "-c", "exec \"$0\" \"$@\" --log debug"])
        .variable("RESEARCH_PACS__DICOM__AE_TITLES", "[\"RPACS\"]");
    let server = world.site.serve_under(&loud);
    for title in ["P1", "P2", "P3", "P4", "P5", "P6", "RPACS"] {
        push(&server, title, &objects.join("sent"));
    }
    push(&server, "P1", &objects.join("held"));
    wait_until("the run is through", || {
        world.jobs().iter().filter(|job| job.is_acknowledged()).count() == 2 * count
            && files_in(partner.folder()) == count
            && world.held().len() == 2 * count + 1
            && world.site.count("main", "job_queue WHERE kind = 'export' AND attempts > 0")
                >= 2 * count as u64
    });
    wait_until("messages of both kinds", || files_in(&at("hook")) > count && files_in(&at("mail")) > count);
    let pages = at("pages");
    for (number, path) in ["/", "/metrics", "/healthz", "/readyz", "/ZK0001KZ"].iter().enumerate() {
        fs::write(pages.join(number.to_string()), get(server.http, path).1).unwrap();
    }
    let told = at("told");
    fs::write(told.join("list"), world.site.command(&["quarantine", "list"]).stdout).unwrap();
    fs::write(told.join("problems"), world.site.command(&["config", "show"]).stdout).unwrap();
    let data = world.site.data_folder();
    // as they are beside the running program, with their write-ahead logs
    let databases = at("databases");
    let dumps = at("dumps");
    for name in ["main", "buffer", "vault"] {
        let copy = databases.join(name);
        fs::create_dir_all(&copy).unwrap();
        for end in ["", "-wal", "-shm"] {
            let _ = fs::copy(data.join(format!("{name}.sqlite{end}")), copy.join(format!("db{end}")));
        }
    }
    server.stop();
    fs::write(dumps.join("main"), dump(&data.join("main.sqlite"))).unwrap();
    let names = at("names");
    let mut all = Vec::new();
    walk(data, &mut all);
    walk(&at("usb"), &mut all);
    walk(partner.folder(), &mut all);
    fs::write(names.join("names"), all.join("\n")).unwrap();

    let mut places = vec![
        partner.folder().to_owned(),
        data.join("objects"),
        databases.join("main"),
        databases.join("vault"),
        world.site.log().to_owned(),
    ];
    places.extend(["usb", "hook", "mail", "pages", "told", "dumps", "names"].map(at));
    places.extend(["main.sqlite", "vault.sqlite"].map(|name| data.join(name)));
    let found = search(&canaries, &places);
    for place in &places {
        assert!(fs::metadata(place).is_ok(), "{}", place.display());
        assert_eq!(found[place], Vec::<Value>::new(), "{}", place.display());
    }
    // the search itself works: these may hold identity, and do
    let [sent, held, spool, buffer] =
        [objects.join("sent"), objects.join("held"), data.join("spool"), databases.join("buffer")];
    let inside = search(&canaries, &[sent.clone(), held.clone(), spool.clone(), buffer.clone()]);
    assert!(inside[&sent].len() > 550);
    assert_eq!(inside[&spool].len(), inside[&sent].len() + inside[&held].len());
    assert!(inside[&buffer].len() > 20);
    let log = fs::read_to_string(world.site.log()).unwrap();
    assert!(log.contains("DEBUG"), "the log tells much");
}

/// The whole database as text.
fn dump(database: &Path) -> Vec<u8> {
    let script = "import sqlite3, sys\nfor line in sqlite3.connect(sys.argv[1]).iterdump(): print(line)";
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.venv/bin/python");
    run(std::process::Command::new(python).args(["-c", script]).arg(database)).stdout
}

fn walk(folder: &Path, names: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        names.push(entry.path().display().to_string());
        if entry.file_type().unwrap().is_dir() {
            walk(&entry.path(), names);
        }
    }
}
