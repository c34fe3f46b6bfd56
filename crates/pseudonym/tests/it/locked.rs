use database::Database;
use database::testing::engines;
use pseudonym::{LockReason, Vault, VaultError};

use crate::support::*;

#[tokio::test]
async fn without_its_key_the_vault_opens_locked() {
    for world in worlds().await {
        let before = given(&admit(&world.vault, "trial", "4711").await);
        assert_eq!(world.vault.locked(), None);
        for (ring, reason) in [(None, LockReason::NoKey), (Some(ring(2, None)), LockReason::WrongKey)] {
            let vault = world.again(ring).await;
            assert_eq!(vault.locked(), Some(reason));
            let refused = try_admit(&vault, &subject("trial", "4711"), STUDY).await;
            assert!(matches!(refused, Err(VaultError::VaultLocked(said)) if said == reason));
            assert!(matches!(vault.standing(&subject("trial", "1")).await, Err(VaultError::VaultLocked(_))));
            assert!(matches!(vault.recognise("trial", "p", &["1.2"]).await, Err(VaultError::VaultLocked(_))));
            assert!(matches!(vault.rotate(10, NOW).await, Err(VaultError::VaultLocked(_))));
        }
        let vault = world.again(Some(ring(1, None))).await;
        assert_eq!(given(&admit(&vault, "trial", "4711").await), before);
    }
}

#[tokio::test]
async fn a_vault_is_created_once() {
    for database in engines().await {
        let vault = Vault::open(Database::clone(&database), Some(ring(1, None))).await.unwrap();
        assert_eq!(vault.locked(), Some(LockReason::NotCreated));
        let create = |number| Vault::create(Database::clone(&database), ring(number, None), NOW);
        let (a, b) = tokio::join!(create(1), create(2));
        let made = [a, b].into_iter().filter_map(Result::ok).collect::<Vec<_>>();
        assert_eq!(made.len(), 1, "of two creators at once one wins");
        for number in [1, 2] {
            assert!(matches!(create(number).await, Err(VaultError::Exists)));
        }
        admit(&made[0], "trial", "4711").await;
    }
}
