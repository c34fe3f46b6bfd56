use archive::buffer::{self, BufferState, ReceivingStudy};
use database::Database;

use super::{buffers, ids, insert, instance, stored};

const IDLE: i64 = 60_000;

async fn stable(database: &Database, now: i64) -> Vec<ReceivingStudy> {
    buffer::stable_studies(database.reader(), "p1", now - IDLE, 10).await.unwrap()
}

#[tokio::test]
async fn a_study_is_stable_when_nothing_arrived_for_the_idle_time() {
    for database in buffers().await {
        insert(&database, &[instance(10), instance(20)]).await;
        assert_eq!(stable(&database, 20 + IDLE - 1).await, []);
        let study = stable(&database, 20 + IDLE).await.pop().unwrap();
        assert_eq!(
            (study.instances, study.first_arrival, study.last_activity, study.increment),
            (2, 10, 20, 1)
        );
    }
}

#[tokio::test]
async fn a_late_instance_opens_the_next_increment() {
    for database in buffers().await {
        insert(&database, &[instance(1)]).await;
        let seen = stable(&database, IDLE + 1).await.pop().unwrap();
        insert(&database, &[instance(2)]).await;
        let mut transaction = database.write().await.unwrap();
        assert!(
            !buffer::close_study(&mut transaction, &seen, IDLE + 1).await.unwrap(),
            "one arrived meanwhile"
        );
        transaction.commit().await.unwrap();

        let seen = stable(&database, IDLE + 2).await.pop().unwrap();
        let mut transaction = database.write().await.unwrap();
        assert!(buffer::close_study(&mut transaction, &seen, IDLE + 2).await.unwrap());
        assert!(!buffer::close_study(&mut transaction, &seen, IDLE + 2).await.unwrap(), "closed once");
        transaction.commit().await.unwrap();
        assert_eq!(stable(&database, 9 * IDLE).await, []);

        let late = instance(3);
        insert(&database, std::slice::from_ref(&late)).await;
        let next = stable(&database, 9 * IDLE).await.pop().unwrap();
        assert_eq!((next.increment, next.instances), (2, 1));
        let progress = buffer::progress(database.reader(), next.id).await.unwrap();
        assert_eq!(progress, [(BufferState::Received, 1)]);
        let stored = stored(&database, &ids(&[late])).await;
        assert_eq!(stored[0].receiving_study, Some(next.id));
    }
}
