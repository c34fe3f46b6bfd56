//! A person's release of pixels clears their inspection, and no mask of the profile (AC2.7).

use archive::buffer::{Decision, QuarantineReason};
use serde_json::json;

use crate::world::{Instance, World};

const ULTRASOUND: &str = "1.2.840.10008.5.1.4.1.1.6.1";

/// A project whose profile cleans pixels, with these masks.
async fn world(masks: &str) -> (World, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let profile = folder.path().join("profile.toml");
    let text = format!(
        "name = \"masks\"\nversion = \"1\"\nedition = \"2026d\"\noptions = [\"clean_pixel_data\"]\n{masks}"
    );
    std::fs::write(&profile, text).unwrap();
    (World::with(json!({"profile": profile})).await, folder)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_clears_the_inspection_of_pixels() {
    let (mut world, _folder) = world("").await;
    world.receive(&Instance { class: ULTRASOUND, ..Instance::new(1) }).await;
    world.settle().await;
    let held = world.held().await;
    assert_eq!(held.iter().map(|entry| entry.reason).collect::<Vec<_>>(), [QuarantineReason::PixelRisk]);
    world.decide(&held[0], Decision::Release).await;
    world.settle().await;
    assert_eq!((world.held().await.len(), world.lines("cleared").await), (0, 1));
}

/// The pixels of this object have no description: no mask can be laid on them. Nothing lets it go on, not even a release.
#[tokio::test(flavor = "multi_thread")]
async fn a_release_clears_no_mask_that_cannot_be_laid_on() {
    let (mut world, _folder) = world("[[pixels.masks]]\nrectangles = [[0, 0, 4, 4]]\n").await;
    for class in [ULTRASOUND, crate::world::CT] {
        world.receive(&Instance { class, ..Instance::new(1) }).await;
        world.settle().await;
        for decision in [Decision::Release, Decision::Redo, Decision::Discard] {
            let held = world.held().await;
            let found: Vec<_> = held.iter().map(|entry| (entry.reason, entry.detail.as_str())).collect();
            assert!(
                matches!(found[..], [(QuarantineReason::Irregular, why)] if why.starts_with("a pixel rule of the profile")),
                "{found:?}"
            );
            world.decide(&held[0], decision).await;
            world.settle().await;
        }
        assert_eq!((world.held().await.len(), world.lines("cleared").await, world.sent()), (0, 0, 0));
    }
}
