//! A damaged record of the receive buffer holds its own instance, and no other.

use archive::buffer::QuarantineReason;

use crate::world::{Instance, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_record_is_held_alone() {
    for damage in [Damage::Gone, Damage::Frame] {
        let mut world = World::new().await;
        world.receive(&Instance::new(1)).await;
        let before = world.spool_files();
        // large enough for a file of its own
        world.receive(&Instance { pixel_bytes: 256 << 10, ..Instance::new(2) }).await;
        world.receive(&Instance::new(3)).await;
        let own: Vec<_> = world.spool_files().into_iter().filter(|path| !before.contains(path)).collect();
        assert_eq!(own.len(), 1, "{own:?}");
        match damage {
            Damage::Gone => std::fs::remove_file(&own[0]).unwrap(),
            Damage::Frame => {
                let mut bytes = std::fs::read(&own[0]).unwrap();
                bytes[..4096].fill(0xAA);
                std::fs::write(&own[0], bytes).unwrap();
            }
        }
        world.settle().await;
        world.become_stable().await;
        let held: Vec<_> = world.held().await.iter().map(|entry| entry.reason).collect();
        assert_eq!(held, [QuarantineReason::Damaged]);
        assert_eq!((world.lines("cleared").await, world.sent()), (2, 2));
        assert_eq!(world.lines("quarantined").await, 1);

        // The sender deletes its own after our success: the copy it sends again must not be taken for a duplicate of the damaged one.
        world.receive(&Instance { pixel_bytes: 256 << 10, ..Instance::new(2) }).await;
        world.settle().await;
        world.become_stable().await;
        assert!(world.held().await.is_empty());
        assert_eq!((world.lines("cleared").await, world.sent()), (3, 3));
    }
}

#[derive(Clone, Copy)]
enum Damage {
    Gone,
    Frame,
}
