//! Command line: answers and exit codes (0 done, 1 negative result, 2 usage or failure).

use std::process::{Command, Output};

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_research-pacs")).args(arguments).output().unwrap()
}

fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_example_configuration_is_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let example = run(&["config", "example"]);
    assert_eq!(example.status.code(), Some(0));
    let file = folder.path().join("site.toml");
    std::fs::write(&file, &example.stdout).unwrap();
    let check = run(&["config", "check", "--config", file.to_str().unwrap()]);
    assert_eq!((check.status.code(), text_of(&check.stdout).as_str()), (Some(0), ""));
}

#[test]
fn an_inconsistent_configuration_is_a_negative_result_and_stops_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("site.toml");
    std::fs::write(&file, "[[project]]\nid = \"A B\"\nmode = \"receive-only\"\n").unwrap();
    let file = file.to_str().unwrap();
    let check = run(&["config", "check", "--config", file]);
    assert_eq!(check.status.code(), Some(1));
    assert!(text_of(&check.stdout).contains("project \"A B\""), "{}", text_of(&check.stdout));
    let serve = run(&["serve", "--config", file]);
    assert_eq!(serve.status.code(), Some(2));
    assert!(text_of(&serve.stderr).contains("inconsistent"), "{}", text_of(&serve.stderr));
}

/// What the document names is looked at too, as a start does.
#[test]
fn a_profile_that_cannot_be_used_is_found_by_the_check() {
    let folder = tempfile::tempdir().unwrap();
    let (file, profile) = (folder.path().join("site.toml"), folder.path().join("profile.toml"));
    let text = |key: &str| {
        format!(
            "[vault]\nkey = {{ file = \"/k\" }}\n[[project]]\nid = \"a\"\nmode = \"pseudonymise\"\nprofile = \"{}\"\npartners = [\"lab\"]\n[project.dossier]\nstate = \"active\"\n\
             version = 1\nvalid_until = \"2099-12-31\"\nmode = \"pseudonymise\"\nrecipients = [\"lab\"]\n\
             [[partner]]\nid = \"lab\"\n[partner.transport.dicomweb]\nstow_url = \"https://lab.example/dicom-web\"\n{key}",
            profile.display()
        )
    };
    let head = "name = \"own\"\nversion = \"1\"\nedition = \"2026d\"\n";
    std::fs::write(&file, text("")).unwrap();
    for (options, said) in
        [("options = []\n", ""), ("options = [\"retain_everything\"]\n", "retain_everything")]
    {
        std::fs::write(&profile, format!("{head}{options}")).unwrap();
        let check = run(&["config", "check", "--config", file.to_str().unwrap()]);
        assert_eq!(check.status.code(), Some(i32::from(!said.is_empty())), "{check:?}");
        assert!(text_of(&check.stdout).contains(said), "{check:?}");
    }
    std::fs::write(&profile, head).unwrap();
    std::fs::write(&file, text("ca_file = \"/nowhere/ca.pem\"\n")).unwrap();
    let check = run(&["config", "check", "--config", file.to_str().unwrap()]);
    assert!(text_of(&check.stdout).contains("partner \"lab\""), "{check:?}");
}

#[test]
fn an_unknown_key_is_named_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("site.toml");
    std::fs::write(&file, "[site]\nnam = \"x\"\n").unwrap();
    let check = run(&["config", "check", "--config", file.to_str().unwrap()]);
    assert_eq!(check.status.code(), Some(2));
    let said = text_of(&check.stderr);
    assert!(said.contains("line 2") && said.contains("nam"), "{said}");
}

#[test]
fn a_vault_key_in_a_folder_that_is_not_there_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("site.toml");
    let key = folder.path().join("keys/vault.key");
    std::fs::write(&file, format!("[vault]\nkey = {{ file = \"{}\" }}\n", key.display())).unwrap();
    let init = run(&["vault", "init", "--config", file.to_str().unwrap()]);
    assert_eq!(init.status.code(), Some(2));
    let said = text_of(&init.stderr);
    assert!(said.contains("cannot make the key file") && said.contains("folder"), "{said}");
}

#[test]
fn a_missing_file_is_named() {
    let check = run(&["config", "check", "--config", "/nowhere/site.toml"]);
    assert_eq!(check.status.code(), Some(2));
    assert!(text_of(&check.stderr).contains("/nowhere/site.toml"));
}

#[test]
fn an_echo_to_nobody_fails() {
    let echo = run(&["echo", "127.0.0.1", "1", "--called", "NOBODY"]);
    assert_eq!(echo.status.code(), Some(2));
}

#[test]
fn a_mistyped_state_is_told_apart_from_an_empty_list() {
    for (what, one) in [("job", "awaiting-result"), ("result", "manual")] {
        let list = run(&[what, "list", "--state", "atention"]);
        assert_eq!(list.status.code(), Some(2));
        assert!(text_of(&list.stderr).contains(one), "{}", text_of(&list.stderr));
    }
}

/// What is printed of a shipped profile is a profile: the same one.
#[test]
fn a_shipped_profile_can_be_printed_to_start_from() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("own.toml");
    let file_name = file.to_str().unwrap();
    let printed = run(&["profile", "show", "--toml", "tcia"]);
    std::fs::write(&file, &printed.stdout).unwrap();
    assert_eq!(run(&["profile", "diff", "tcia", file_name]).status.code(), Some(0));
}
