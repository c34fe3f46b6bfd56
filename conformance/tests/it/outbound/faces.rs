//! Heads through a defacing program that is not ours: series in, series out, checked (PS3.15 E.3.2, ADR 0013).

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::world::{ScriptedPartner, World};
use crate::harness::{Project, Server, dicom_partner, json_lines, python, run, wait_until};

const PROFILE: &str = r#"
name = "faces"
version = "1"
edition = "2026d"
options = ["clean_recognizable_visual_features"]
faces = "deface"
"#;

/// A site whose defacing program is `peers/deface.py` in this mode, and the heads that are sent there.
struct Clinic {
    world: World,
    partner: ScriptedPartner,
    heads: PathBuf,
}

impl Clinic {
    fn new(mode: &str, seconds: u32) -> Self {
        let partner = ScriptedPartner::new();
        let folder = tempfile::tempdir().unwrap().keep();
        let (profile, program) = (folder.join("profile.toml"), folder.join("deface"));
        fs::write(&profile, PROFILE).unwrap();
        let call = python("deface.py");
        let words: Vec<_> = [call.get_program()].into_iter().chain(call.get_args()).collect();
        let words: Vec<String> = words.iter().map(|word| format!("'{}'", word.display())).collect();
        fs::write(&program, format!("#!/bin/sh\nexec {} {mode} \"$1\" \"$2\"\n", words.join(" "))).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
        let project = Project {
            keys: format!("profile = \"{}\"\n", profile.display()),
            ..Project::open("heads", "P1", "uni")
        };
        let defacing = format!(
            "[defacing]\nprogram = \"{}\"\nname = \"box 1.0\"\nseconds = {seconds}\n",
            program.display()
        );
        let world = World::new(&[project], &format!("{defacing}{}", dicom_partner("uni", partner.port)));
        let heads = world.site.folder("heads");
        run(python("heads.py").arg("make").arg(&heads));
        Self { world, partner, heads }
    }

    fn send(&self, server: &Server<'_>) {
        let mut command = python("send.py");
        command.args(["--port", &server.dicom.port().to_string(), "--called", "P1"]);
        let mut files: Vec<PathBuf> =
            fs::read_dir(&self.heads).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        let sent = json_lines(&run(command.args(&files)));
        assert!(sent.len() == 8 && sent.iter().all(|line| line["status"] == 0), "{sent:?}");
    }

    /// Originals that lie about after the work.
    fn left(&self) -> usize {
        let folder: &Path = &self.world.site.data_folder().join("spool/defacing");
        fs::read_dir(folder).unwrap().count()
    }
}

#[test]
fn both_series_leave_defaced_under_their_own_identity_and_nothing_is_left_behind() {
    for mode in ["box", "identity"] {
        let clinic = Clinic::new(mode, 60);
        let _peer = clinic.partner.start(&[]);
        let server = clinic.world.site.serve();
        clinic.send(&server);
        clinic.world.wait_for_acknowledged(1);
        server.stop();
        let mut check = python("heads.py");
        let received = json_lines(&run(check.arg("check").arg(&clinic.heads).arg(clinic.partner.folder())));
        assert_eq!(received.len(), 8);
        for one in &received {
            assert_eq!((&one["features"], &one["temporal"]), (&"NO".into(), &"REMOVED".into()), "{one}");
            assert_eq!(one["codes"], serde_json::json!(["113100", "113102"]), "{one}");
            let methods = one["method"].as_array().unwrap();
            assert!(methods.contains(&"faces removed by box 1.0".into()), "{one}");
            assert!(one["defaced"] == true && one["named"].as_array().unwrap().is_empty(), "{mode}: {one}");
            // PS3.6 A: Explicit VR Little Endian, for the program was given native samples
            assert_eq!(one["syntax"], "1.2.840.10008.1.2.1", "{one}");
        }
        assert_eq!((clinic.world.held().len(), clinic.left()), (0, 0));
    }
}

#[test]
fn a_series_that_does_not_come_back_as_it_was_waits_for_a_person() {
    for (mode, seconds, why) in
        [("drop", 60, "other instances"), ("shift", 60, "the geometry"), ("hang", 2, "longer than 2 s")]
    {
        let clinic = Clinic::new(mode, seconds);
        let server = clinic.world.site.serve();
        clinic.send(&server);
        wait_until("all of it is held", || clinic.world.held().len() == 8);
        server.stop();
        for held in clinic.world.site.rows("buffer", "SELECT reason, detail FROM quarantine") {
            assert_eq!(held["reason"], "recognizable-features", "{held}");
            assert!(held["detail"].as_str().unwrap().contains(why), "{mode}: {held}");
        }
        assert_eq!((clinic.left(), clinic.world.site.count("main", "instance WHERE cleared = 1")), (0, 0));
    }
}
