use database::Database;
use register::{Rejection, RejectionReason, RejectionWriter, Text, export_json_lines, verify_chain};

use crate::{databases, trail};

fn rejection(peer: &str, calling: &str) -> Rejection {
    Rejection {
        at: 1_000,
        peer: peer.parse().unwrap(),
        calling: Text::from_peer(calling),
        called: Text::from_peer("RESEARCH"),
        reason: RejectionReason::CallingTitle,
    }
}

/// (rows of single refusals, sum of the suppressed ones)
async fn counts(database: &Database) -> (u64, u64) {
    let mut out = Vec::new();
    export_json_lines(database, 0, &mut out).await.unwrap();
    let (mut rows, mut suppressed) = (0, 0);
    for line in String::from_utf8(out).unwrap().lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        match line["entry"]["event"]["kind"].as_str().unwrap() {
            "association-rejected" => rows += 1,
            "rejections-suppressed" => suppressed += line["entry"]["event"]["count"].as_u64().unwrap(),
            other => panic!("{other}"),
        }
    }
    (rows, suppressed)
}

/// AC1.1 d): address and titles of each peer are there; a flood leaves a count, not a row each.
#[tokio::test]
async fn a_flood_is_bounded_and_counted_and_hides_no_other_peer() {
    for database in databases().await {
        let (sink, writer) = RejectionWriter::new(trail(), Database::clone(&database));
        for number in 0..100_000 {
            sink.record(rejection("192.0.2.1", &format!("FLOOD{number}")));
            if number == 100 {
                sink.record(rejection("192.0.2.2", "LOST"));
            }
        }
        drop(sink);
        writer.run(|| 1_000).await;
        let (rows, suppressed) = counts(&database).await;
        assert_eq!(rows, 6);
        assert_eq!(rows + suppressed, 100_001);
        verify_chain(&database, None).await.unwrap();
    }
}

#[tokio::test]
async fn what_the_database_refuses_is_counted_when_it_is_back() {
    for database in databases().await {
        let (sink, writer) = RejectionWriter::new(trail(), Database::clone(&database));
        let mut transaction = database.write().await.unwrap();
        sqlx::query("ALTER TABLE audit_head RENAME TO away").execute(&mut *transaction).await.unwrap();
        transaction.commit().await.unwrap();
        sink.record(rejection("192.0.2.1", "A"));
        // the clock is asked once per round: at the second question the first round is over
        let (ask, asked) = std::sync::mpsc::channel();
        let writer = tokio::spawn(writer.run(move || {
            ask.send(()).unwrap();
            1_000
        }));
        for _ in 0..2 {
            while asked.try_recv().is_err() {
                tokio::task::yield_now().await;
            }
            sink.record(rejection("192.0.2.2", "B"));
        }
        let mut transaction = database.write().await.unwrap();
        sqlx::query("ALTER TABLE away RENAME TO audit_head").execute(&mut *transaction).await.unwrap();
        transaction.commit().await.unwrap();
        drop(sink);
        writer.await.unwrap();
        let (rows, suppressed) = counts(&database).await;
        assert!(suppressed >= 1, "the first one was refused by the database");
        assert_eq!(rows + suppressed, 3);
    }
}
