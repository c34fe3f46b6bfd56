use pseudonym::{InclusionList, ListEntry, Opposition, OppositionKind, PastData, Standing, VaultError};

use crate::support::*;

const OBJECTION: Opposition =
    Opposition { kind: OppositionKind::Opposition, past_data: PastData::Stop, date: 20261101 };

#[tokio::test]
async fn an_opposed_person_is_refused_before_and_after_being_seen() {
    for world in worlds().await {
        let vault = &world.vault;
        let (seen, unseen) = (subject("trial", "4711"), subject("trial", "4712"));
        let participant = try_admit(vault, &seen, STUDY).await.unwrap();
        assert_eq!(vault.standing(&seen).await.unwrap(), Standing::Unlisted);
        vault.check_usable(participant.id).await.unwrap();

        assert_eq!(vault.oppose(&seen, OBJECTION, NOW).await.unwrap(), Some(participant.id));
        assert_eq!(vault.oppose(&unseen, OBJECTION, NOW).await.unwrap(), None);
        for subject in [&seen, &unseen] {
            assert_eq!(vault.standing(subject).await.unwrap(), Standing::Opposed(OBJECTION));
            assert!(matches!(try_admit(vault, subject, STUDY).await, Err(VaultError::Opposed)));
        }
        assert!(matches!(vault.check_usable(participant.id).await, Err(VaultError::Opposed)));
        let refused = vault.record_mapping(&participant, "2.25.1", &[], &[]).await;
        assert!(matches!(refused, Err(VaultError::Opposed)));
        assert_eq!(
            vault.standing(&subject("other", "4711")).await.unwrap(),
            Standing::Unlisted,
            "per project"
        );
    }
}

#[tokio::test]
async fn an_opposition_reaches_merged_numbers() {
    for world in worlds().await {
        let vault = &world.vault;
        let (old, new) = (subject("trial", "old"), subject("trial", "new"));
        let (former, head) =
            (try_admit(vault, &old, STUDY).await.unwrap(), try_admit(vault, &new, STUDY).await.unwrap());
        vault.merge(&old, head.id, &purpose(), NOW).await.unwrap();
        vault.oppose(&old, OBJECTION, NOW).await.unwrap();
        assert_eq!(vault.standing(&new).await.unwrap(), Standing::Opposed(OBJECTION));
        for id in [former.id, head.id] {
            assert!(matches!(vault.check_usable(id).await, Err(VaultError::Opposed)));
        }
    }
}

#[tokio::test]
async fn the_list_is_shown_to_its_keeper_and_logged() {
    for world in worlds().await {
        let subject = subject("trial", "4711");
        world.vault.oppose(&subject, OBJECTION, NOW).await.unwrap();
        let entries = world.vault.list("trial", &purpose(), NOW).await.unwrap();
        assert_eq!(entries, [ListEntry { subject: Some(subject), standing: Standing::Opposed(OBJECTION) }]);
        assert!(world.vault.list("other", &purpose(), NOW).await.unwrap().is_empty());
        assert_eq!(world.vault.access_log(0, 10).await.unwrap().len(), 2);
    }
}

#[tokio::test]
async fn inclusion_is_asked_of_a_participant_by_all_its_numbers() {
    for world in worlds().await {
        let vault = &world.vault;
        let table = "patient_id,issuer,subject_code,consent_date,form_version\nold,,,2026-11-01,3\nlisted,,,2026-11-01,3\n";
        let authority = |_: &str| Some("hospital".to_owned());
        let list = InclusionList::parse(table.as_bytes(), "trial", &authority, NOW).unwrap();
        vault.import_inclusions(&list, NOW).await.unwrap();
        let (old, new, other) = (subject("trial", "old"), subject("trial", "new"), subject("trial", "other"));
        let (former, head, unlisted) = (
            try_admit(vault, &old, STUDY).await.unwrap().id,
            try_admit(vault, &new, STUDY).await.unwrap().id,
            try_admit(vault, &other, STUDY).await.unwrap().id,
        );
        assert!(vault.is_included(former).await.unwrap());
        assert!(!vault.is_included(head).await.unwrap());
        vault.merge(&old, head, &purpose(), NOW).await.unwrap();
        assert!(vault.is_included(head).await.unwrap() && vault.is_included(former).await.unwrap());
        assert!(!vault.is_included(unlisted).await.unwrap());
        for (number, is_known) in [("other", true), ("listed", true), ("nobody", false)] {
            assert_eq!(vault.is_known(&subject("trial", number)).await.unwrap(), is_known, "{number}");
        }
    }
}
