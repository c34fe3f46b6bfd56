//! What was done to each instance can be read afterwards, without any of its values (AC2.11).

use archive::report;

use crate::world::{Instance, World};

#[tokio::test(flavor = "multi_thread")]
async fn equal_reports_are_kept_once_and_hold_no_value() {
    let mut world = World::new().await;
    for number in 1..=3 {
        world.receive(&Instance::new(number)).await;
    }
    world.settle().await;
    let job = world.jobs().await.remove(0);
    let first = report::of_source(world.line.main.reader(), job.receiving_study, None, 2).await.unwrap();
    let rest =
        report::of_source(world.line.main.reader(), job.receiving_study, Some(first[1].0), 9).await.unwrap();
    assert_eq!((first.len(), rest.len()), (2, 1));
    assert!(first[0].1.contains("(0010,0010)"), "{}", first[0].1);
    for (_, report) in first.iter().chain(&rest) {
        for value in ["Canarysson", "MRN-0042", "19570301", "1.2.276.0.777"] {
            assert!(!report.contains(value), "{value}: {report}");
        }
    }
    let kept = "SELECT COUNT(*) FROM deidentification_report";
    assert_eq!(World::count(&world.line.main, kept).await, 1);
}
