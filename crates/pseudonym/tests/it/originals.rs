//! rc_06: real clinical UIDs in a result, whoever they belong to.

use pseudonym::{MappedUid, UidKind};

use crate::support::*;

#[tokio::test]
async fn a_real_uid_is_known_whosever_it_is_in_any_project() {
    for world in worlds().await {
        let vault = &world.vault;
        let (one, two) = (admit(vault, "trial", "1111").await, admit(vault, "other", "2222").await);
        let mapped = map(vault, &one, STUDY, 1).await;
        map(vault, &two, "1.2.276.0.888", 1).await;
        let asked = [STUDY, "1.2.276.0.888.1", "1.2.276.0.999", &mapped.study];
        let found = vault.originals_among(&asked).await.unwrap();
        assert_eq!(found, [STUDY.to_owned(), "1.2.276.0.888.1".to_owned()].into());
        let access = vault.reidentify("trial", one.id, &purpose(), NOW).await.unwrap();
        let own = vault.originals_of(&access, &asked).await.unwrap();
        assert_eq!(own, [STUDY.to_owned()].into(), "rc_15: of this one person");
        // an erased person's are known to nobody
        vault.erase_participant(two.id, &purpose(), NOW).await.unwrap();
        assert_eq!(vault.originals_among(&asked).await.unwrap(), [STUDY.to_owned()].into());
    }
}

#[tokio::test]
async fn what_was_retained_is_a_real_uid_and_no_pseudonym() {
    for world in worlds().await {
        let vault = &world.vault;
        let participant = admit(vault, "trial", "4711").await;
        let retained =
            MappedUid { kind: UidKind::Instance, original: "1.2.840.99.7", pseudonym: "1.2.840.99.7" };
        vault.record_mapping(&participant, "1.2.840.99", &[retained], &[]).await.unwrap();
        assert!(vault.recognise("trial", "uni", &["1.2.840.99.7"]).await.unwrap().elsewhere.is_empty());
        assert_eq!(vault.originals_among(&["1.2.840.99.7"]).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn rows_from_before_there_was_a_hash_get_theirs_when_the_vault_is_opened() {
    for world in worlds().await {
        let participant = admit(&world.vault, "trial", "4711").await;
        map(&world.vault, &participant, STUDY, 1200).await;
        world.tamper("UPDATE mapped_uid SET original_hash = NULL").await;
        assert!(world.vault.originals_among(&[STUDY]).await.unwrap().is_empty());
        assert!(world.again(None).await.locked().is_some());
        assert_eq!(world.count("SELECT COUNT(*) FROM mapped_uid WHERE original_hash IS NOT NULL").await, 0);
        let vault = world.again(Some(ring(1, None))).await;
        assert_eq!(world.count("SELECT COUNT(*) FROM mapped_uid WHERE original_hash IS NULL").await, 0);
        let last = format!("{STUDY}.1.1199");
        assert_eq!(vault.originals_among(&[STUDY, &last]).await.unwrap().len(), 2);
    }
}
