use pseudonym::{IssuedUid, Opposition, OppositionKind, PastData, Standing, UidKind, VaultError};

use crate::support::*;

const TOMBSTONE: Opposition =
    Opposition { kind: OppositionKind::Erasure, past_data: PastData::Delete, date: 20261118 };

#[tokio::test]
async fn after_an_erasure_nothing_can_be_derived_and_a_push_is_recognised() {
    for world in worlds().await {
        let vault = &world.vault;
        let participant = admit(vault, "trial", "4711").await;
        let mapped = map(vault, &participant, STUDY, 2).await;
        let record = export(&participant, "uni", &mapped.study, "job-1");
        let uid = &mapped.instances[0];
        vault
            .issue(&record, &[IssuedUid { kind: UidKind::Instance, base: uid, pseudonym: uid }])
            .await
            .unwrap();
        let other = given(&admit(vault, "trial", "4712").await);

        vault.erase_participant(participant.id, &purpose(), NOW).await.unwrap();
        vault.erase_participant(participant.id, &purpose(), NOW).await.unwrap();
        for sql in [
            "SELECT COUNT(*) FROM own_record WHERE participant <> (SELECT id FROM participant WHERE erased_at IS NULL)",
            "SELECT COUNT(*) FROM mapped_uid",
            "SELECT COUNT(*) FROM mapped_date",
            "SELECT COUNT(*) FROM opposition WHERE subject IS NOT NULL",
        ] {
            assert_eq!(world.count(sql).await, 0, "{sql}");
        }
        let subject = subject("trial", "4711");
        assert_eq!(vault.standing(&subject).await.unwrap(), Standing::Opposed(TOMBSTONE));
        assert!(matches!(try_admit(vault, &subject, STUDY).await, Err(VaultError::Opposed)));
        assert_eq!(vault.participant_of(&subject).await.unwrap(), None);

        // a result that still comes is known to be an erased person's, and ends there
        let found = vault.recognise("trial", "uni", &[uid]).await.unwrap();
        assert_eq!(found.issued[0].participant, participant.id);
        let refused = vault.reidentify("trial", participant.id, &purpose(), NOW).await;
        assert!(matches!(refused, Err(VaultError::Erased)));
        assert!(matches!(vault.check_usable(participant.id).await, Err(VaultError::Erased)));
        assert_eq!(vault.stopped_by(participant.id).await.unwrap(), Some(OppositionKind::Erasure));
        // and what a process still holds in memory is not written any more
        let late = vault.record_mapping(&participant, &mapped.study, &[], &[20200101]).await;
        assert!(matches!(late, Err(VaultError::Erased)));
        assert!(matches!(vault.issue(&record, &[]).await, Err(VaultError::Erased)));

        assert_eq!(given(&admit(vault, "trial", "4712").await), other, "nobody else is touched");
        assert_eq!(vault.verify_access_log().await.unwrap(), 2);
    }
}

#[tokio::test]
async fn an_erasure_takes_merged_numbers_with_it() {
    for world in worlds().await {
        let vault = &world.vault;
        let (old, new) = (admit(vault, "trial", "old").await, admit(vault, "trial", "new").await);
        vault.merge(&subject("trial", "old"), new.id, &purpose(), NOW).await.unwrap();
        for (participant, concerned) in [(Some(old.id), 2), (Some(new.id), 2), (None, 2)] {
            let found = vault.concerned_by_erasure("trial", participant).await.unwrap();
            assert_eq!(found.len(), concerned, "whose work is to be stopped");
        }
        vault.erase_participant(old.id, &purpose(), NOW).await.unwrap();
        for id in ["old", "new"] {
            assert!(matches!(try_admit(vault, &subject("trial", id), STUDY).await, Err(VaultError::Opposed)));
        }
        assert!(matches!(vault.check_usable(new.id).await, Err(VaultError::Erased)));
    }
}

#[tokio::test]
async fn a_withdrawal_stays_one_after_the_erasure() {
    for world in worlds().await {
        let vault = &world.vault;
        let (subject, id) = (subject("trial", "4711"), admit(&world.vault, "trial", "4711").await.id);
        let withdrawal =
            Opposition { kind: OppositionKind::Withdrawal, past_data: PastData::Delete, date: 20261101 };
        vault.oppose(&subject, withdrawal, NOW).await.unwrap();
        vault.erase_participant(id, &purpose(), NOW).await.unwrap();
        assert_eq!(vault.standing(&subject).await.unwrap(), Standing::Opposed(withdrawal));
        assert_eq!(vault.list("trial", &purpose(), NOW).await.unwrap()[0].subject, None);
    }
}

#[tokio::test]
async fn a_project_is_erased_without_the_others() {
    for world in worlds().await {
        let vault = &world.vault;
        for at in 0..120 {
            admit(vault, "ended", &format!("p{at}")).await;
        }
        let kept = given(&admit(vault, "running", "p1").await);
        assert_eq!(vault.erase_project("ended", &purpose(), NOW).await.unwrap(), 120);
        assert_eq!(vault.erase_project("ended", &purpose(), NOW).await.unwrap(), 0);
        assert!(matches!(try_admit(vault, &subject("ended", "p1"), STUDY).await, Err(VaultError::Opposed)));
        assert_eq!(given(&admit(vault, "running", "p1").await), kept);
        assert_eq!(world.count("SELECT COUNT(*) FROM participant_key").await, 1);
        assert_eq!(vault.verify_access_log().await.unwrap(), 122);
    }
}
