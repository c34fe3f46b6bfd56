//! The ledger: lines are only added, their sums are those of the lines, a lost transaction leaves neither.

use std::collections::{BTreeMap, BTreeSet};

use archive::ArchiveError;
use archive::ledger::{self, LedgerEvent, LedgerLine, Line, Of};
use database::Database;
use proptest::prelude::*;
use proptest::sample::Index;
use uuid::Uuid;

use super::{Outcome, check, often};
use crate::main_databases;

/// What a line says, and whether the gate was asked.
#[derive(Debug, Clone)]
struct Said {
    event: LedgerEvent,
    instance: Index,
    destination: &'static str,
    bytes: u64,
    gate: bool,
}

fn appends() -> impl Strategy<Value = Vec<(Vec<Said>, bool)>> {
    let event = prop::sample::select(LedgerEvent::ALL.to_vec());
    let destination = prop::sample::select(vec!["", "lab", "PACS"]);
    let said = (event, any::<Index>(), destination, 0u64..1000, often(0.9)).prop_map(
        |(event, instance, destination, bytes, gate)| Said { event, instance, destination, bytes, gate },
    );
    prop::collection::vec((prop::collection::vec(said, 1..7), often(0.75)), 1..10)
}

async fn all(database: &Database, job: Uuid) -> Vec<LedgerLine> {
    ledger::list(database.reader(), Of::Job(job), None, 999).await.unwrap()
}

async fn appended(database: &Database, steps: Vec<(Vec<Said>, bool)>) -> Outcome {
    let job = Uuid::now_v7();
    let project = format!("project {job}");
    let instances: Vec<Uuid> = (0..4).map(|_| Uuid::now_v7()).collect();
    let mut model: Vec<(LedgerEvent, Uuid, &str, u64)> = Vec::new();
    let mut before = Vec::new();
    for (said, commit) in steps {
        let lines: Vec<Line<'_>> = said
            .iter()
            .map(|said| Line {
                event: said.event,
                project: &project,
                job: Some(job),
                result_set: None,
                instance: *said.instance.get(&instances),
                destination: said.destination,
                hash: "blake3:00",
                bytes: said.bytes,
                dossier_version: "d3",
                gate_hash: said.gate.then_some("abc"),
                cause: "",
                at: 5,
            })
            .collect();
        // INV-3: what leaves
        let leaves = |said: &Said| matches!(said.event.as_str(), "sent" | "returned");
        let refused = said.iter().any(|said| leaves(said) && !said.gate);
        let mut transaction = database.write().await.unwrap();
        let done = ledger::append(&mut transaction, &lines).await;
        prop_assert_eq!(matches!(done, Err(ArchiveError::GateMissing { .. })), refused);
        prop_assert_eq!(done.is_ok(), !refused);
        if commit {
            transaction.commit().await.unwrap();
            let lines = lines.iter().map(|line| (line.event, line.instance, line.destination, line.bytes));
            model.extend(lines.filter(|_| !refused));
        } else {
            drop(transaction);
        }
        let now = all(database, job).await;
        prop_assert!(now.starts_with(&before), "a line was changed or taken away");
        before = now;
    }
    let written =
        before.iter().map(|line| (line.event, line.instance, line.destination.as_str(), line.bytes));
    prop_assert_eq!(&written.collect::<Vec<_>>(), &model);

    let mut sums: BTreeMap<(&str, &str), (u64, u64)> = BTreeMap::new();
    for (event, _, destination, bytes) in &model {
        let sum = sums.entry((event.as_str(), destination)).or_default();
        *sum = (sum.0 + 1, sum.1 + bytes);
    }
    let totals = ledger::totals(database.reader()).await.unwrap();
    let own = totals.iter().filter(|total| total.project == project);
    let own: BTreeMap<_, _> = own
        .map(|total| ((total.event.as_str(), total.destination.as_str()), (total.lines, total.bytes)))
        .collect();
    prop_assert_eq!(own, sums);

    let counts = ledger::count(database.reader(), Of::Job(job)).await.unwrap();
    let mut connection = database.reader().acquire().await.unwrap();
    for event in LedgerEvent::ALL {
        let of: BTreeSet<Uuid> = model.iter().filter(|line| line.0 == *event).map(|line| line.1).collect();
        let counted = counts.iter().find(|(counted, _)| counted == event).map_or(0, |(_, count)| *count);
        prop_assert_eq!(counted, of.len() as u64);
        let left = ledger::without(&mut connection, Of::Job(job), *event, &instances).await.unwrap();
        let expected: Vec<Uuid> = instances.iter().copied().filter(|id| !of.contains(id)).collect();
        prop_assert_eq!(left, expected, "what is left to do is what has no line");
    }
    Ok(())
}

#[test]
fn lines_are_only_added_and_their_sums_are_theirs() {
    check(32, main_databases, &appends(), appended);
}
