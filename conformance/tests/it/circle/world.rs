//! A site between a clinical PACS and a partner, what it wrote down, and what the partner computes.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use crate::harness::{
    Archive, Project, Server, Site, dicom_partner, json_lines, python, run, store, wait_until, web_partner,
};

/// What differs between the sites of the tests.
#[derive(Clone)]
pub(super) struct Rules {
    /// `release` of the project.
    pub(super) release: &'static str,
    /// Whether the status of the partner's software is recorded.
    pub(super) software_status: bool,
    /// Whether the clinical PACS is declared to answer queries.
    pub(super) query: bool,
    /// Whether the clinical PACS is declared to support storage commitment.
    pub(super) commitment: bool,
    /// Partner by DICOMweb, else by DIMSE.
    pub(super) by_web: bool,
    /// Partner by a folder on site, which drops its results into another.
    pub(super) by_folder: bool,
    /// `beside_study_bytes` of the partner.
    pub(super) beside_study_bytes: Option<u64>,
    /// How long originals are kept at most.
    pub(super) retention_hours: u32,
    /// `idle_seconds` of results; over DIMSE they come one by one, and two more are added.
    pub(super) idle_seconds: u32,
    /// Paths at which codes and UIDs in text are replaced (RR-3).
    pub(super) text_rules: &'static [&'static str],
    /// De-identification profile as TOML; empty: the basic one.
    pub(super) profile: &'static str,
    /// More keys of each project, one a line.
    pub(super) project_keys: &'static str,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            release: "automatic",
            software_status: true,
            query: true,
            commitment: false,
            by_web: true,
            by_folder: false,
            beside_study_bytes: None,
            retention_hours: 720,
            idle_seconds: 1,
            text_rules: &[],
            profile: "",
            project_keys: "",
        }
    }
}

/// A result set, with the study that it is in as the partner knows it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Set {
    pub(super) id: String,
    pub(super) state: String,
    pub(super) study: String,
}

/// The site and both ends.
pub(super) struct World {
    pub(super) site: Site,
    pub(super) pacs: Archive,
    pub(super) partner: Archive,
}

impl World {
    /// Orthanc at both ends.
    pub(super) fn new(rules: &Rules) -> Self {
        Self::between(Archive::orthanc("PACS"), Archive::orthanc("UNI"), rules)
    }

    pub(super) fn between(pacs: Archive, partner: Archive, rules: &Rules) -> Self {
        let site = Site::new();
        let key = site.folder("keys").join("vault.key");
        let (given, dropped) = (site.folder("partner"), site.folder("drops"));
        let mut projects = projects(rules);
        if !rules.profile.is_empty() {
            let path = site.folder("keys").join("profile.toml");
            fs::write(&path, rules.profile).unwrap();
            projects = projects
                .map(|project| Project { keys: format!("profile = \"{}\"\n", path.display()), ..project });
        }
        let site =
            site.with_projects(&key, &projects, &sections(&key, [&given, &dropped], &pacs, &partner, rules));
        let world = Self { site, pacs, partner };
        world.site.answer(&["vault", "init"], 0);
        world
    }

    /// `research-pacs WORDS --config …`; fails the test unless it exits with 0. Answers standard output.
    pub(super) fn answer_all(&self, words: &[String]) -> String {
        self.site.answer(&words.iter().map(String::as_str).collect::<Vec<_>>(), 0)
    }

    /// `research-pacs WORDS --config …`; fails the test unless it refuses. Answers what it tells.
    pub(super) fn refused(&self, words: &[String]) -> String {
        let output = self.site.command(&words.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(!output.status.success(), "{words:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    /// A folder of the test.
    pub(super) fn at(&self, name: &str) -> PathBuf {
        self.site.folder(name)
    }

    /// Writes a study with `make_patient.py` into the folder `originals`.
    pub(super) fn patient(&self, number: u32, options: &[&str]) -> PathBuf {
        let folder = self.at("originals");
        let number = number.to_string();
        run(python("make_patient.py").arg(&folder).args(["--number", &number]).args(options));
        folder
    }

    /// Puts the originals into the clinical PACS and sends them to us, as the modality does.
    pub(super) fn acquire(&self, server: &Server) {
        self.pacs.take(&self.at("originals"));
        store(server.dicom.port(), "P1", &self.at("originals"));
    }

    /// Waits until `count` jobs wait for a result.
    pub(super) fn wait_for_partner(&self, count: u64) {
        let waited = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            wait_until(&format!("{count} jobs wait for a result"), || {
                self.site.count("main", "job WHERE state = 'awaiting-result'") == count
            });
        }));
        if let Err(panic) = waited {
            eprintln!(
                "jobs: {:?}",
                self.site.rows("main", "SELECT state, increment, first_increment FROM job")
            );
            eprintln!(
                "queue: {:?}",
                self.site.rows(
                    "main",
                    "SELECT kind, state, attempts, last_error, run_at, updated_at FROM job_queue"
                )
            );
            eprintln!("held: {:?}", self.site.rows("buffer", "SELECT reason, detail FROM quarantine"));
            eprintln!(
                "received: {:?}",
                self.site.rows("buffer", "SELECT state, COUNT(*) FROM received_instance GROUP BY state")
            );
            eprintln!("studies: {:?}", self.site.rows("buffer", "SELECT closed_at FROM receiving_study"));
            std::panic::resume_unwind(panic);
        }
    }

    /// What the partner holds, in the folder `partner`.
    pub(super) fn held_by_partner(&self) -> PathBuf {
        let folder = self.at("partner");
        self.partner.export(&folder);
        folder
    }

    /// Lets the partner compute; what `cases` are is in `algorithm.py`. The results are in the folder `out`, and not yet with the
    /// partner. Answers the study of each case, as the partner knows it.
    pub(super) fn compute(&self, cases: &[&str], out: &str) -> Vec<String> {
        let mut command = python("algorithm.py");
        command.arg(self.at("partner")).arg(self.at(out)).arg("--originals").arg(self.at("originals"));
        command.args(["--project", "PROTOCOL-first"]).args(cases);
        let made = json_lines(&run(&mut command));
        made.iter().map(|line| line["study"].as_str().unwrap().to_owned()).collect()
    }

    /// The result sets, the oldest first.
    pub(super) fn sets(&self) -> Vec<Set> {
        let sql = "SELECT r.id, r.state, s.study_instance_uid AS study FROM result_set r JOIN job j ON j.id = r.job \
                   JOIN study s ON s.id = j.study ORDER BY r.id";
        self.site.rows("main", sql).into_iter().map(|row| serde_json::from_value(row).unwrap()).collect()
    }

    /// Waits until there are `count` sets and each is in one of these states.
    pub(super) fn wait_for_sets(&self, count: usize, states: &[&str]) -> Vec<Set> {
        let mut sets = Vec::new();
        let started = std::time::Instant::now();
        while sets.len() != count || !sets.iter().all(|set: &Set| states.contains(&set.state.as_str())) {
            let told: Vec<String> = sets.iter().map(|set| self.show(&set.id)).collect();
            assert!(started.elapsed().as_secs() < 50, "waited for {count} {states:?}: {told:#?}");
            std::thread::sleep(std::time::Duration::from_millis(100));
            sets = self.sets();
        }
        sets
    }

    /// What `result show` tells.
    pub(super) fn show(&self, set: &str) -> String {
        self.site.answer(&["result", "show", set], 0)
    }

    /// The token with which `result show` asks about a set; one that answers nothing when it asks nothing.
    pub(super) fn token(&self, set: &str) -> String {
        let shown = self.show(set);
        let mut lines = shown.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let token = lines.find_map(|line| line["answer"].as_str().map(str::to_owned));
        token.unwrap_or_else(|| "00000000".to_owned())
    }

    /// How often each event was put into the outbox.
    pub(super) fn events(&self) -> BTreeMap<String, u64> {
        let rows = self.site.rows(
            "main",
            "SELECT event_type AS type, COUNT(*) AS n FROM notification_outbox GROUP BY event_type",
        );
        rows.iter()
            .map(|row| (row["type"].as_str().unwrap().to_owned(), row["n"].as_u64().unwrap()))
            .collect()
    }

    /// Fails the test unless zone and buffer rows of results are empty (AC9.5, INV-9).
    pub(super) fn assert_purged(&self) {
        let left = self.blobs("inbound") + self.blobs("return-buffer");
        assert_eq!(left, 0, "objects in Z4 or Z5 of {}", self.site.data_folder().display());
        assert_eq!(
            self.site.count("buffer", "inbound_instance") + self.site.count("buffer", "return_instance"),
            0
        );
    }

    /// Objects in a zone, by its word.
    pub(super) fn blobs(&self, zone: &str) -> usize {
        let mut folders = vec![self.site.data_folder().to_owned()];
        let mut count = 0;
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|end| end == "blob") {
                    count += usize::from(path.iter().any(|part| part == zone));
                }
            }
        }
        count
    }

    /// What `result show` tells last about the one set of the study.
    pub(super) fn ends(&self, study: &str) -> String {
        let sets = self.sets();
        let of_study: Vec<&Set> = sets.iter().filter(|set| set.study == study).collect();
        assert_eq!(of_study.len(), 1, "{of_study:?}");
        let shown = self.show(&of_study[0].id);
        shown.trim_end().lines().last().unwrap().to_owned()
    }

    /// Fails the test unless the clinical PACS holds the originals and nothing else.
    pub(super) fn assert_nothing_returned(&self) {
        assert_eq!(self.pacs.count(), fs::read_dir(self.at("originals")).unwrap().count());
    }

    /// `check_return.py` on originals, partner, results and PACS; fails the test unless everything is as it has to be.
    pub(super) fn check_return(&self, sent: &str) -> Value {
        let pacs = self.at("pacs");
        self.pacs.export(&pacs);
        let folders = [self.at("originals"), self.at("partner"), self.at(sent), pacs];
        json_lines(&run(python("check_return.py").args(folders)))[0].clone()
    }

    /// `check_dates.py` on the results in `sent` of a partner that holds `held`; fails the test unless each date is as it has to be.
    pub(super) fn check_dates(&self, held: &Path, sent: &Path) -> Value {
        let pacs = self.at("pacs");
        self.pacs.export(&pacs);
        let originals = self.at("originals");
        json_lines(&run(python("check_dates.py").args([originals.as_path(), held, sent, &pacs])))[0].clone()
    }
}

impl Drop for World {
    /// What became of each set, and what both ends hold: a failed test tells it.
    fn drop(&mut self) {
        if std::thread::panicking() {
            let told: Vec<String> = self.sets().iter().map(|set| self.show(&set.id)).collect();
            eprintln!("sets: {told:#?}");
            for (end, archive) in [("partner", &self.partner), ("clinical PACS", &self.pacs)] {
                eprintln!("{end}: {:?}", archive.held());
            }
        }
    }
}

pub(super) fn projects(rules: &Rules) -> [Project; 2] {
    let Rules { release, software_status, by_web, retention_hours, idle_seconds, .. } = *rules;
    let status = if software_status { "software_status = \"research-only\"\n" } else { "" };
    let idle = if by_web { idle_seconds } else { idle_seconds + 2 };
    let results = format!(
        "return_to = \"pacs\"\npoll_seconds = 1\nidle_seconds = {idle}\npurge_after_hours = 0\nrelease = \"{release}\"\n{status}"
    );
    [("first", "P1"), ("second", "P2")].map(|(id, title)| Project {
        retention_hours,
        results: results.clone(),
        keys: rules.project_keys.to_owned(),
        ..Project::open(id, title, "uni")
    })
}

pub(super) fn sections(
    key: &Path,
    [given, dropped]: [&Path; 2],
    pacs: &Archive,
    partner: &Archive,
    rules: &Rules,
) -> String {
    let partner = if rules.by_folder {
        format!(
            "[[partner]]\nid = \"uni\"\n[partner.transport.folder]\npath = \"{}\"\nresults = \"{}\"\n",
            given.display(),
            dropped.display()
        )
    } else if rules.by_web {
        web_partner("uni", &partner.dicomweb())
    } else {
        dicom_partner("uni", partner.port) + "associations = 1\n"
    };
    let quota = |bytes: u64| format!("[partner.results]\nbeside_study_bytes = {bytes}\n");
    let partner = partner + &rules.beside_study_bytes.map(quota).unwrap_or_default();
    let rule = |path: &&str| {
        format!("[[partner.results.text_rules]]\npath = \"{path}\"\nreplaces = [\"uid\", \"code\"]\n")
    };
    let partner = partner + &rules.text_rules.iter().map(rule).collect::<String>();
    format!(
        "[[node]]\nname = \"pacs\"\nae_title = \"{}\"\naddresses = [\"127.0.0.1/32\"]\nhost = \"127.0.0.1\"\nport = {}\n\
         query = {}\nstorage_commitment = {}\n{partner}\
         [notification]\nlink_base = \"https://research.example.org\"\n\
         [[notification.recipient]]\nname = \"hook\"\nwebhook = {{ url = \"http://127.0.0.1:9/hook\", \
         secret = {{ file = \"{}\" }}, allow_networks = [\"127.0.0.0/8\"] }}\n",
        pacs.title,
        pacs.port,
        rules.query,
        rules.commitment,
        secret(key).display(),
    )
}

/// Nobody listens to the webhook: the outbox keeps what was to be told.
fn secret(key: &Path) -> PathBuf {
    let path = key.with_file_name("webhook.secret");
    fs::write(&path, "a secret of more than sixteen bytes").unwrap();
    fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
    path
}
