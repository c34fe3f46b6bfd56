use pseudonym::VaultError;

use crate::support::*;

#[tokio::test]
async fn a_value_moved_to_another_row_does_not_open() {
    for world in worlds().await {
        let (one, two) = (admit(&world.vault, "trial", "1").await, admit(&world.vault, "trial", "2").await);
        let (mapped, _) = (map(&world.vault, &one, STUDY, 1).await, map(&world.vault, &two, STUDY, 1).await);
        let vault = &world.vault;

        world.tamper("UPDATE own_record SET record = (SELECT o.record FROM own_record o WHERE o.participant <> own_record.participant)").await;
        let access = vault.reidentify("trial", one.id, &purpose(), NOW).await.unwrap();
        let records = vault.own_records(&access, &mapped.study).await;
        assert!(matches!(records, Err(VaultError::Tampered("own_record"))));

        // the secret of one participant under the name of the other: the wrong patient
        world.tamper("UPDATE participant SET secret = (SELECT p.secret FROM participant p WHERE p.id <> participant.id)").await;
        let moved = try_admit(vault, &subject("trial", "1"), STUDY).await;
        assert!(matches!(moved, Err(VaultError::Tampered("participant"))));
    }
}

#[tokio::test]
async fn a_key_turned_to_another_participant_shows_nothing_of_the_first() {
    for world in worlds().await {
        let vault = &world.vault;
        let (one, _) = (admit(vault, "trial", "1").await, admit(vault, "trial", "2").await);
        world.tamper("UPDATE participant_key SET participant = (SELECT MIN(id) FROM participant)").await;
        let access = vault.reidentify("trial", one.id, &purpose(), NOW).await.unwrap();
        assert!(matches!(vault.subject_keys(&access).await, Err(VaultError::Tampered("participant_key"))));
    }
}

#[tokio::test]
async fn a_changed_or_missing_line_of_the_access_log_shows() {
    let statements = [
        "UPDATE access_log SET user_name = 'nobody' WHERE seq = 2",
        "UPDATE access_log SET at = at + 1 WHERE seq = 2",
        "DELETE FROM access_log WHERE seq = 2",
        "DELETE FROM access_log WHERE seq = 3",
        "UPDATE access_log_head SET seq = 2",
    ];
    for statement in statements {
        for world in worlds().await {
            let id = admit(&world.vault, "trial", "1").await.id;
            for _ in 0..3 {
                world.vault.reidentify("trial", id, &purpose(), NOW).await.unwrap();
            }
            assert_eq!(world.vault.verify_access_log().await.unwrap(), 3);
            assert_eq!(world.tamper(statement).await, 1);
            let checked = world.vault.verify_access_log().await;
            assert!(matches!(checked, Err(VaultError::Tampered("access_log"))), "{statement}");
        }
    }
}

#[tokio::test]
async fn the_database_file_holds_no_identity_in_clear() {
    // SQLite only: the files are at hand
    let world = worlds().await.remove(0);
    let vault = &world.vault;
    let participant = admit(vault, "trial", "CANARY4711").await;
    let mapped = map(vault, &participant, STUDY, 3).await;
    vault.issue(&export(&participant, "uni", &mapped.study, "job-1"), &[]).await.unwrap();
    vault
        .oppose(
            &subject("trial", "CANARY4712"),
            pseudonym::Opposition {
                kind: pseudonym::OppositionKind::Opposition,
                past_data: pseudonym::PastData::Stop,
                date: 20261101,
            },
            NOW,
        )
        .await
        .unwrap();
    vault.reidentify("trial", participant.id, &purpose(), NOW).await.unwrap();

    let path = std::path::Path::new(world.database.url().strip_prefix("sqlite:").unwrap());
    let mut searched = 0;
    for entry in std::fs::read_dir(path.parent().unwrap()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        searched += bytes.len();
        for canary in ["CANARY", "Canarysson", STUDY, "result of job", "\u{0}hospital"] {
            let found = bytes.windows(canary.len()).any(|window| window == canary.as_bytes());
            assert!(!found, "{canary}");
        }
        // base64 of the beginning of the name, as the record stores it before sealing
        assert!(!bytes.windows(8).any(|window| window == b"Q2FuYXJ5"));
    }
    assert!(searched > 100_000);
}
