//! Command line: answers and exit codes (0 done, 1 negative result, 2 usage or failure).

use std::process::{Command, Output};

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_research-pacs")).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
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
    assert_eq!((check.status.code(), text(&check.stdout).as_str()), (Some(0), ""));
}

#[test]
fn an_inconsistent_configuration_is_a_negative_result_and_stops_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("site.toml");
    std::fs::write(&file, "[[project]]\nid = \"A B\"\nmode = \"receive-only\"\n").unwrap();
    let file = file.to_str().unwrap();
    let check = run(&["config", "check", "--config", file]);
    assert_eq!(check.status.code(), Some(1));
    assert!(text(&check.stdout).contains("project \"A B\""), "{}", text(&check.stdout));
    let serve = run(&["serve", "--config", file]);
    assert_eq!(serve.status.code(), Some(2));
    assert!(text(&serve.stderr).contains("inconsistent"), "{}", text(&serve.stderr));
}

#[test]
fn an_unknown_key_is_named_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("site.toml");
    std::fs::write(&file, "[site]\nnam = \"x\"\n").unwrap();
    let check = run(&["config", "check", "--config", file.to_str().unwrap()]);
    assert_eq!(check.status.code(), Some(2));
    let said = text(&check.stderr);
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
    let said = text(&init.stderr);
    assert!(said.contains("cannot make the key file") && said.contains("folder"), "{said}");
}

#[test]
fn a_missing_file_is_named() {
    let check = run(&["config", "check", "--config", "/nowhere/site.toml"]);
    assert_eq!(check.status.code(), Some(2));
    assert!(text(&check.stderr).contains("/nowhere/site.toml"));
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
        assert!(text(&list.stderr).contains(one), "{}", text(&list.stderr));
    }
}
