use std::time::Duration;

use pseudonym::{LockReason, Rotation, VaultError};

use crate::support::*;

#[tokio::test]
async fn rotation_changes_no_code_uid_or_shift() {
    for world in worlds().await {
        let mut before = Vec::new();
        for at in 0..25 {
            before.push(given(&admit(&world.vault, "trial", &format!("p{at}")).await));
        }
        let both = world.again(Some(ring(2, Some(1)))).await;
        assert_eq!(
            given(&admit(&both, "trial", "p0").await),
            before[0],
            "both keys at hand, not yet rotated"
        );
        assert_eq!(both.rotate(10, NOW).await.unwrap(), Rotation { rewrapped: 25 });
        assert_eq!(both.rotate(10, NOW).await.unwrap(), Rotation { rewrapped: 0 });

        assert_eq!(world.again(Some(ring(1, None))).await.locked(), Some(LockReason::WrongKey));
        let vault = world.again(Some(ring(2, None))).await;
        for (at, before) in before.iter().enumerate() {
            assert_eq!(given(&admit(&vault, "trial", &format!("p{at}")).await), *before);
        }
        let log = vault.verify_access_log().await.unwrap();
        assert_eq!(log, 0);
    }
}

#[tokio::test]
async fn a_process_with_the_old_key_writes_nothing_under_it() {
    for world in worlds().await {
        admit(&world.vault, "trial", "p0").await;
        world.again(Some(ring(2, Some(1)))).await.rotate(10, NOW).await.unwrap();
        let new = try_admit(&world.vault, &subject("trial", "new"), STUDY).await;
        assert!(matches!(new, Err(VaultError::KeyRetired)));
        let old = try_admit(&world.vault, &subject("trial", "p0"), STUDY).await;
        assert!(matches!(old, Err(VaultError::KeyMissing(id)) if id == key(2).id()));
        // and a retired key does not come back
        let back = world.again(Some(ring(1, Some(2)))).await;
        assert!(matches!(back.rotate(10, NOW).await, Err(VaultError::KeyRetired)));
    }
}

#[tokio::test]
async fn an_interrupted_rotation_goes_on() {
    for world in worlds().await {
        let mut before = Vec::new();
        for at in 0..20 {
            before.push(given(&admit(&world.vault, "trial", &format!("p{at}")).await));
        }
        let both = world.again(Some(ring(2, Some(1)))).await;
        // cut off after a longer and longer time: wherever the cut falls, the rows stay readable
        for cut in 1.. {
            let done = tokio::time::timeout(Duration::from_millis(cut), both.rotate(1, NOW)).await.is_ok();
            let at = usize::try_from(cut).unwrap() % 20;
            assert_eq!(given(&admit(&both, "trial", &format!("p{at}")).await), before[at]);
            if done {
                break;
            }
        }
        assert_eq!(world.count("SELECT COUNT(DISTINCT key_id) FROM participant").await, 1);
        let vault = world.again(Some(ring(2, None))).await;
        for (at, before) in before.iter().enumerate() {
            assert_eq!(given(&admit(&vault, "trial", &format!("p{at}")).await), *before);
        }
    }
}
