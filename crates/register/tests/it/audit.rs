use database::Database;
use register::{
    Actor, AuditError, AuditEvent, AuditRecord, DecisionKind, Head, RejectionReason, Text, export_json_lines,
    verify_chain,
};
use uuid::Uuid;

use crate::{databases, trail};

const ADDRESS: &str = "192.0.2.7";

fn rejected(at: i64, calling: &str) -> AuditRecord {
    AuditRecord {
        at,
        actor: Actor::Peer(ADDRESS.parse().unwrap()),
        event: AuditEvent::AssociationRejected {
            peer: ADDRESS.parse().unwrap(),
            calling: Text::from_peer(calling),
            called: Text::from_peer("RESEARCH"),
            reason: RejectionReason::CallingTitle,
        },
    }
}

fn decided(at: i64) -> AuditRecord {
    AuditRecord {
        at,
        actor: Actor::Person(Text::from_operator("Hélène Martin")),
        event: AuditEvent::Decided {
            decision: DecisionKind::Release,
            subject: Uuid::from_u128(42),
            reason: Text::from_operator("checked\nby eye"),
        },
    }
}

async fn append(database: &Database, records: &[AuditRecord]) {
    let mut transaction = database.write().await.unwrap();
    trail().append(&mut transaction, records).await.unwrap();
    transaction.commit().await.unwrap();
}

async fn export(database: &Database, after: i64) -> Vec<String> {
    let mut out = Vec::new();
    export_json_lines(database, after, &mut out).await.unwrap();
    String::from_utf8(out).unwrap().lines().map(str::to_owned).collect()
}

async fn execute(database: &Database, sql: &'static str) {
    let mut transaction = database.write().await.unwrap();
    sqlx::query(sql).execute(&mut *transaction).await.unwrap();
    transaction.commit().await.unwrap();
}

/// The two hashes were made with coreutils: `printf '%s\n%s' "$previous" "$entry" | sha256sum`.
#[tokio::test]
async fn the_export_can_be_checked_with_sha256sum() {
    for database in databases().await {
        append(&database, &[rejected(1_000, "EVIL\r\nTITLE"), decided(2_000)]).await;
        let lines = export(&database, 0).await;
        assert_eq!(lines, include_str!("audit.jsonl").lines().collect::<Vec<_>>());
        assert_eq!(export(&database, 1).await, lines[1..]);
    }
}

#[tokio::test]
async fn appended_in_the_callers_transaction() {
    for database in databases().await {
        let mut transaction = database.write().await.unwrap();
        trail().append(&mut transaction, &[decided(1)]).await.unwrap();
        drop(transaction);
        assert_eq!(verify_chain(&database, None).await.unwrap().head.seq, 0);
        assert!(export(&database, 0).await.is_empty());
    }
}

#[tokio::test]
async fn a_long_chain_by_many_writers_holds() {
    for database in databases().await {
        let writers = (0..4).map(|writer| {
            let database = Database::clone(&database);
            tokio::spawn(async move {
                for batch in 0..10 {
                    let records: Vec<_> =
                        (0..30).map(|at| rejected(writer * 1_000 + batch * 30 + at, "X")).collect();
                    append(&database, &records).await;
                }
            })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.unwrap();
        }
        assert_eq!(verify_chain(&database, None).await.unwrap().head.seq, 1_200);
        assert_eq!(export(&database, 0).await.len(), 1_200);
    }
}

#[tokio::test]
async fn every_kind_of_tampering_is_found_at_its_entry() {
    let cases: [(&'static str, i64); 7] = [
        ("UPDATE audit_trail SET entry = REPLACE(entry, 'Martin', 'Durand') WHERE seq = 2", 2),
        ("UPDATE audit_trail SET at = 5 WHERE seq = 1", 1),
        ("UPDATE audit_trail SET code = 'RPACS-AUDIT-0501' WHERE seq = 3", 3),
        ("UPDATE audit_trail SET hash = REPLACE(hash, 'a', 'b') WHERE seq = 2", 2),
        ("DELETE FROM audit_trail WHERE seq = 2", 2),
        ("DELETE FROM audit_trail WHERE seq = 3", 3),
        ("DELETE FROM audit_trail", 1),
    ];
    for (tampering, at) in cases {
        for database in databases().await {
            append(&database, &[rejected(1, "A"), decided(2), rejected(3, "B")]).await;
            execute(&database, tampering).await;
            match verify_chain(&database, None).await {
                Err(AuditError::Broken { seq, .. }) => assert_eq!(seq, at, "{tampering}"),
                other => panic!("{tampering}: {other:?}"),
            }
        }
    }
}

/// Who writes rows, head and all hashes anew makes a chain that holds; the anchor kept outside does not agree.
#[tokio::test]
async fn an_anchor_finds_a_rewritten_or_shortened_chain() {
    for database in databases().await {
        append(&database, &[rejected(1, "A"), decided(2)]).await;
        let anchor = verify_chain(&database, None).await.unwrap().head;
        append(&database, &[decided(3)]).await;
        assert_eq!(verify_chain(&database, Some(&anchor)).await.unwrap().head.seq, 3);
        let forged = Head { hash: "f".repeat(64), ..anchor.clone() };
        assert!(matches!(
            verify_chain(&database, Some(&forged)).await,
            Err(AuditError::Broken { seq: 2, .. })
        ));
        let later = Head { seq: 9, ..anchor };
        assert!(matches!(
            verify_chain(&database, Some(&later)).await,
            Err(AuditError::Broken { seq: 4, .. })
        ));
    }
}
