use pseudonym::{IssuedUid, MappedUid, Opposition, OppositionKind, PastData, Purpose, UidKind, VaultError};

use crate::support::*;

#[tokio::test]
async fn the_round_trip_gives_the_bytes_as_received() {
    for world in worlds().await {
        let vault = &world.vault;
        let participant = admit(vault, "trial", " 4711 ").await;
        let mapped = map(vault, &participant, STUDY, 2).await;
        let uids: Vec<_> = mapped
            .instances
            .iter()
            .map(|uid| IssuedUid { kind: UidKind::Instance, base: uid, pseudonym: uid })
            .collect();
        vault.issue(&export(&participant, "uni", &mapped.study, "job-1"), &uids).await.unwrap();

        let vault = world.again(Some(ring(1, None))).await;
        let access = vault.reidentify("trial", participant.id, &purpose(), NOW).await.unwrap();
        assert_eq!(vault.own_records(&access, &mapped.study).await.unwrap(), [record(STUDY)]);
        assert_eq!(vault.subject_keys(&access).await.unwrap(), [subject("trial", "4711")]);
        let originals =
            vault.originals(&access, "uni", &[&mapped.series, &mapped.instances[1], "2.25.5"]).await.unwrap();
        assert_eq!(originals.len(), 2);
        assert_eq!(originals[&mapped.series], format!("{STUDY}.1"));
        assert_eq!(originals[&mapped.instances[1]], format!("{STUDY}.1.1"));
        assert!(vault.originals(&access, "lab", &[&mapped.series]).await.unwrap().is_empty());
        let dates = vault.issued_dates(&access, "job-1").await.unwrap();
        assert_eq!(dates.shift_days, participant.mapping.shift_days());
        assert_eq!(dates.values, [20200105, 20200106].into());
        let unknown = vault.own_records(&access, "2.25.5").await;
        assert!(matches!(unknown, Err(VaultError::Unknown(_))));
    }
}

#[tokio::test]
async fn one_persons_access_opens_nothing_of_another() {
    for world in worlds().await {
        let vault = &world.vault;
        let (one, two) = (admit(vault, "trial", "1111").await, admit(vault, "trial", "2222").await);
        let mapped = map(vault, &two, STUDY, 1).await;
        vault.issue(&export(&two, "uni", &mapped.study, "job-2"), &[]).await.unwrap();
        let access = vault.reidentify("trial", one.id, &purpose(), NOW).await.unwrap();
        assert!(matches!(vault.own_records(&access, &mapped.study).await, Err(VaultError::Unknown(_))));
        assert!(vault.originals(&access, "uni", &[&mapped.study, &mapped.series]).await.unwrap().is_empty());
        assert!(matches!(vault.issued_dates(&access, "job-2").await, Err(VaultError::Unknown(_))));
        let other = vault.reidentify("other", one.id, &purpose(), NOW).await;
        assert!(matches!(other, Err(VaultError::Unknown(_))));
    }
}

#[tokio::test]
async fn every_access_is_logged_refusals_too() {
    for world in worlds().await {
        let vault = &world.vault;
        let participant = admit(vault, "trial", "4711").await;
        for parts in [["", "a", "o", "r"], ["u", " ", "o", "r"], ["u", "a", "", "r"], ["u", "a", "o", "\t"]] {
            let [user, application, organisation, reason] = parts;
            let purpose = Purpose::new(user, application, organisation, reason);
            assert!(matches!(purpose, Err(VaultError::PurposeMissing)));
        }
        vault.reidentify("trial", participant.id, &purpose(), NOW).await.unwrap();
        let withdrawal =
            Opposition { kind: OppositionKind::Withdrawal, past_data: PastData::Keep, date: 20261101 };
        vault.oppose(&subject("trial", "4711"), withdrawal, NOW).await.unwrap();
        let refused = vault.reidentify("trial", participant.id, &purpose(), NOW + 1).await;
        assert!(matches!(refused, Err(VaultError::Opposed)));

        let log = vault.access_log(0, 10).await.unwrap();
        let lines: Vec<_> = log.iter().map(|entry| (entry.seq, entry.at, entry.outcome.as_str())).collect();
        assert_eq!(lines, [(1, NOW, "done"), (2, NOW + 1, "refused: opposed")]);
        assert!(
            log.iter()
                .all(|entry| entry.purpose == purpose() && entry.participant == participant.id.to_string())
        );
        assert_eq!(vault.access_log(1, 10).await.unwrap().len(), 1);
        assert_eq!(vault.verify_access_log().await.unwrap(), 2);
    }
}

#[tokio::test]
async fn accesses_at_the_same_time_make_one_chain() {
    for world in worlds().await {
        let id = admit(&world.vault, "trial", "4711").await.id;
        let vault = std::sync::Arc::new(world.again(Some(ring(1, None))).await);
        let tasks: Vec<_> = (0..20)
            .map(|_| {
                let vault = std::sync::Arc::clone(&vault);
                tokio::spawn(async move { vault.reidentify("trial", id, &purpose(), NOW).await.map(drop) })
            })
            .collect();
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        assert_eq!(vault.verify_access_log().await.unwrap(), 20);
    }
}

#[tokio::test]
async fn dates_of_every_study_that_a_partner_was_given_were_issued() {
    for world in worlds().await {
        let vault = &world.vault;
        let participant = admit(vault, "trial", "4711").await;
        let mut studies = Vec::new();
        for (at, day) in [20200105, 20210203, 20220304].into_iter().enumerate() {
            let original = format!("{STUDY}.{at}");
            let study = participant.mapping.uid(&original);
            let uid = MappedUid { kind: UidKind::Study, original: &original, pseudonym: &study };
            vault.record_mapping(&participant, &study, &[uid], &[day]).await.unwrap();
            studies.push(study);
        }
        vault.issue(&export(&participant, "uni", &studies[0], "job-1"), &[]).await.unwrap();
        vault.issue(&export(&participant, "uni", &studies[1], "job-2"), &[]).await.unwrap();
        vault.issue(&export(&participant, "lab", &studies[2], "job-3"), &[]).await.unwrap();
        let access = vault.reidentify("trial", participant.id, &purpose(), NOW).await.unwrap();
        for (record, days) in [
            ("job-1", vec![20200105, 20210203]),
            ("job-2", vec![20200105, 20210203]),
            ("job-3", vec![20220304]),
        ] {
            let dates = vault.issued_dates(&access, record).await.unwrap();
            assert_eq!(dates.values, days.into_iter().collect(), "{record}");
        }
    }
}
