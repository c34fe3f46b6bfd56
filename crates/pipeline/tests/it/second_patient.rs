//! The identity of every instance is looked at, not of the first alone (table 8.2).

use archive::buffer::{Decision, QuarantineReason};

use crate::world::{Instance, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_second_patient_inside_a_series_is_held() {
    let mut world = World::new().await;
    for number in [1, 3] {
        world.receive(&Instance::new(number)).await;
    }
    world.receive(&Instance { name: "Other^Person", ..Instance::new(2) }).await;
    world.receive(&Instance { birth_date: "19600101", ..Instance::new(4) }).await;
    world.receive(&Instance { patient_id: "MRN-0001", ..Instance::new(5) }).await;
    // the same one, written otherwise
    world.receive(&Instance { name: "CANARYSSON^WILMA", birth_date: "", ..Instance::new(6) }).await;
    world.settle().await;
    world.become_stable().await;
    let held = world.held().await;
    assert_eq!(held.len(), 3, "{held:?}");
    assert!(held.iter().all(|entry| entry.reason == QuarantineReason::SecondPatient));
    assert_eq!(world.sent(), 3);
    // a person may know better about a name
    let of_name = "SELECT object FROM quarantine JOIN received_instance ON received_instance.id = object \
                   WHERE patient_id = 'MRN-0042'";
    let named: Vec<(String,)> = sqlx::query_as(of_name).fetch_all(world.line.buffer.reader()).await.unwrap();
    for entry in held.iter().filter(|entry| named.iter().any(|(id,)| *id == entry.object.to_string())) {
        world.decide(entry, Decision::Release).await;
    }
    world.settle().await;
    world.become_stable().await;
    assert_eq!((world.held().await.len(), world.sent()), (1, 5));
    // in a later increment, too, the study is that of the first; a redo does not change that
    let other = world.held().await.remove(0);
    world.decide(&other, Decision::Redo).await;
    world.settle().await;
    world.become_stable().await;
    assert_eq!((world.held().await.len(), world.sent()), (1, 5));
}
