use std::collections::HashSet;
use std::sync::Arc;

use pseudonym::{Admission, ShiftRange, SubjectKey, VaultError};

use crate::support::*;

#[tokio::test]
async fn racing_creators_get_the_same_participant() {
    for world in worlds().await {
        let vaults = [
            Arc::new(world.again(Some(ring(1, None))).await),
            Arc::new(world.again(Some(ring(1, None))).await),
        ];
        let tasks: Vec<_> = (0..24)
            .map(|at| {
                let vault = Arc::clone(&vaults[at % 2]);
                tokio::spawn(async move { given(&admit(&vault, "trial", "4711").await) })
            })
            .collect();
        let mut all = HashSet::new();
        for task in tasks {
            all.insert(task.await.unwrap());
        }
        assert_eq!(all.len(), 1);
        assert_eq!(world.count("SELECT COUNT(*) FROM participant").await, 1);
        assert_eq!(world.count("SELECT COUNT(*) FROM own_record").await, 1);
    }
}

#[tokio::test]
async fn a_restart_and_another_shift_range_change_nothing() {
    for world in worlds().await {
        let before = given(&admit(&world.vault, "trial", "4711").await);
        let vault = world.again(Some(ring(1, None))).await;
        let (subject, record, codes) = (subject("trial", "4711"), record("1.9.9"), random());
        let admission =
            Admission { shift: ShiftRange::new(-3, -1).unwrap(), ..admission(&subject, &record, &codes) };
        assert_eq!(given(&vault.participant(&admission, NOW + 86_400_000).await.unwrap()), before);
    }
}

#[tokio::test]
async fn two_projects_share_nothing() {
    for world in worlds().await {
        let (a, b) = (admit(&world.vault, "a", "4711").await, admit(&world.vault, "b", "4711").await);
        assert_ne!(a.id, b.id);
        assert_ne!(a.code, b.code);
        assert_ne!(a.mapping.uid(STUDY), b.mapping.uid(STUDY));
        assert_eq!(world.count("SELECT COUNT(DISTINCT subject_hash) FROM participant_key").await, 2);
        assert_eq!(world.count("SELECT COUNT(DISTINCT study_hash) FROM own_record").await, 2);
    }
}

#[tokio::test]
async fn a_participant_is_authority_and_trimmed_id_and_case() {
    for world in worlds().await {
        let id = |authority: &'static str, id: &'static str| {
            let subject = SubjectKey::new("trial", authority, id).unwrap();
            let vault = &world.vault;
            async move { try_admit(vault, &subject, STUDY).await.unwrap().id }
        };
        let first = id("north", "ab12").await;
        assert_eq!(id("north", " ab12 \0").await, first);
        assert_ne!(id("south", "ab12").await, first);
        assert_ne!(id("north", "AB12").await, first);
    }
}

#[tokio::test]
async fn codes_are_unique_and_well_formed() {
    for world in worlds().await {
        let mut codes = HashSet::new();
        for at in 0..50 {
            codes.insert(admit(&world.vault, "trial", &format!("p{at}")).await.code);
        }
        assert_eq!(codes.len(), 50);
        let prefix = pseudonym::CodePrefix::new("T-").unwrap();
        assert!(codes.iter().all(|code| pseudonym::is_well_formed(&prefix, code.as_str())));
    }
}

#[tokio::test]
async fn the_identity_is_kept_once_per_study_and_difference() {
    for world in worlds().await {
        let (subject, codes) = (subject("trial", "4711"), random());
        let one = record(STUDY);
        let mut later = one.clone();
        later.receipt.received_at += 1000;
        later.attributes.reverse();
        let mut renamed = later.clone();
        renamed.attributes[0].value = pseudonym::Value::Empty;
        for record in [&one, &one, &later, &renamed, &renamed, &record("1.2.3")] {
            world.vault.participant(&admission(&subject, record, &codes), NOW).await.unwrap();
        }
        assert_eq!(
            world.count("SELECT COUNT(*) FROM own_record").await,
            3,
            "two of the first study, one of the second"
        );
        assert_eq!(world.count("SELECT COUNT(DISTINCT study_hash) FROM own_record").await, 2);
    }
}

#[tokio::test]
async fn a_second_name_or_birth_date_in_a_study_needs_a_person() {
    for world in worlds().await {
        let (subject, codes) = (subject("trial", "4711"), random());
        let first = record(STUDY);
        let mut other = first.clone();
        other.attributes[3].value = pseudonym::Value::Empty;
        let of = |name, birth_date| Admission { name, birth_date, ..admission(&subject, &other, &codes) };
        world.vault.participant(&admission(&subject, &first, &codes), NOW).await.unwrap();
        for (name, birth_date) in [("Somebody^Else", BIRTH_DATE), (NAME, "19570302")] {
            let refused = world.vault.participant(&of(name, birth_date), NOW).await;
            assert!(matches!(refused, Err(VaultError::SecondPerson)), "{name} {birth_date}");
        }
        assert_eq!(world.count("SELECT COUNT(*) FROM own_record").await, 1);
        // spelling and what is not there are no difference
        for (name, birth_date) in [("CANARYSSON^WILMA=x", ""), ("", BIRTH_DATE)] {
            world.vault.participant(&of(name, birth_date), NOW).await.unwrap();
        }
        let mut third = first.clone();
        third.attributes[2].value = pseudonym::Value::Absent;
        let accepted = Admission {
            name: "Married^Wilma",
            second_person_accepted: true,
            ..admission(&subject, &third, &codes)
        };
        world.vault.participant(&accepted, NOW).await.unwrap();
        // another study is another question
        let elsewhere = record("1.2.3");
        let elsewhere = Admission { name: "Married^Wilma", ..admission(&subject, &elsewhere, &codes) };
        world.vault.participant(&elsewhere, NOW).await.unwrap();
    }
}

#[tokio::test]
async fn endless_identities_are_refused() {
    for world in worlds().await {
        let (subject, codes) = (subject("trial", "4711"), random());
        let mut huge = record(STUDY);
        huge.attributes[0].value = pseudonym::Value::Bytes(vec![b'A'; 300 * 1024]);
        let refused = world.vault.participant(&admission(&subject, &huge, &codes), NOW).await;
        assert!(matches!(refused, Err(VaultError::Limit(_))));
        assert_eq!(world.count("SELECT COUNT(*) FROM participant").await, 0, "nothing by halves");
        for at in 0..64_u8 {
            let mut other = record(STUDY);
            other.attributes[0].value = pseudonym::Value::Bytes(vec![at]);
            world.vault.participant(&admission(&subject, &other, &codes), NOW).await.unwrap();
        }
        let refused = try_admit(&world.vault, &subject, STUDY).await;
        assert!(matches!(refused, Err(VaultError::Limit(_))));
    }
}

#[tokio::test]
async fn a_merge_is_recorded_and_can_be_undone() {
    for world in worlds().await {
        let vault = &world.vault;
        let (wrong, right) = (admit(vault, "trial", "4712").await, admit(vault, "trial", "4711").await);
        let number = subject("trial", "4712");
        vault.merge(&number, right.id, &purpose(), NOW).await.unwrap();
        assert_eq!(given(&try_admit(vault, &number, "1.5").await.unwrap()), given(&right));
        let old = vault.reidentify("trial", wrong.id, &purpose(), NOW).await.unwrap();
        assert_eq!(old.merged_into(), Some(right.id), "results under the old code go to a person");

        vault.merge(&number, wrong.id, &purpose(), NOW).await.unwrap();
        let again = try_admit(vault, &number, "1.5").await.unwrap();
        assert_eq!((given(&again), again.merged_into), (given(&wrong), None));
        assert_eq!(given(&admit(vault, "trial", "4711").await), given(&right));

        // a correction: a number nobody had
        vault.merge(&subject("trial", "4713"), right.id, &purpose(), NOW).await.unwrap();
        assert_eq!(vault.participant_of(&subject("trial", "4713")).await.unwrap(), Some(right.id));
        let elsewhere = vault.merge(&subject("other", "4711"), right.id, &purpose(), NOW).await;
        assert!(matches!(elsewhere, Err(VaultError::Contradiction(_))));
        let actions: Vec<_> =
            vault.access_log(0, 10).await.unwrap().into_iter().map(|entry| entry.action).collect();
        assert_eq!(actions, ["merge", "reidentify", "merge", "merge"]);
    }
}

#[tokio::test]
async fn what_a_log_could_show_holds_no_identity() {
    let world = worlds().await.remove(0);
    let (subject, record, codes) = (subject("trial", "CANARY4711"), record(STUDY), random());
    let admission = admission(&subject, &record, &codes);
    let participant = world.vault.participant(&admission, NOW).await.unwrap();
    let access = world.vault.reidentify("trial", participant.id, &purpose(), NOW).await.unwrap();
    let keys = world.vault.subject_keys(&access).await.unwrap();
    let records = &record.attributes;
    let shown =
        format!("{admission:?} {record:?} {records:?} {participant:?} {access:?} {keys:?} {:?}", purpose());
    for identity in ["CANARY", "Canarysson", BIRTH_DATE, STUDY, participant.code.as_str(), "result of job"] {
        assert!(!shown.contains(identity), "{identity}");
    }
}
