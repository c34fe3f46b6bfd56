//! The invariants of the flow (`flow.md` 3.3) as properties: random walks against a real database. What must happen is written
//! here from the tables of the flow, never read from the tables of the crate.
//!
//! | Id | Here | Elsewhere |
//! |---|---|---|
//! | INV-1 | `machines`: state, history and ledger line are written together or not at all; `ledger`: lines and sums | outbox entry: `notification` `outbox` (a message exists with its transaction); gate record: `register` `gate_record`; `kill -9`: `conformance` `outbound::kills`, `circle::kills`, `faults` |
//! | INV-2 | `machines`: every change is in the history as it was given; one without actor, cause or dossier version is refused | audit trail: `register` |
//! | INV-3 | `machines`: `sent` and `returned` only with a hash; `ledger`: no line `sent` or `returned` without one; a job that was never sent is not reopened into the poll set | the stored evaluation: `register` `gate_record`; each batch and each send: `conformance` `outbound::gate` |
//! | INV-4 | `machines`: from every state, with and without a detour; what waits never runs, what runs loses its lease; `queue`: of any work. | lists and gate: `conformance` `outbound::gate`, `circle::withheld` |
//! | INV-5 | `machines`, `ledger`, `queue`, `buffer`: an event twice is refused or changes nothing. | remote content: `conformance` `outbound::kills`, `circle::kills` |
//! | INV-6 | `machines`: no job in anonymise mode gets a result set, in whatever state | no: `pipeline` opens jobs in pseudonymise mode alone |
//! | INV-7 | `buffer`: what is confirmed stays so, and all are confirmed when each one is | that only then the set is returned: `conformance` `circle::returned`, `circle::faulty` |
//! | INV-8 | – : this crate knows no outbox | `notification` `outbox`; a mail server that swallows everything: `conformance` `outbound::message` |
//! | INV-9 | `buffer`: rows leave from the states that permit it and by their timers, then nothing is left | objects: `conformance` `circle::whole`, `circle::withheld` |
//! | INV-10 | – | `archive` `spool`, `conformance` `faults` |
//! | INV-11 | `buffer`: received = in the buffer + left by a way that has a ledger line | `conformance` `faults::ledger`, `faults::loss` |

mod buffer;
mod ledger;
mod machines;
mod queue;

use std::fmt::Debug;

use database::Database;
use database::testing::TestDatabase;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

/// Ends of a case.
type Outcome = Result<(), TestCaseError>;

/// Runs a property on every engine; all cases share a database.
fn check<V: Debug>(
    cases: u32,
    databases: impl AsyncFn() -> Vec<TestDatabase>,
    values: &impl Strategy<Value = V>,
    property: impl AsyncFn(&Database, V) -> Outcome,
) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for database in runtime.block_on(databases()) {
        let config = Config { cases, failure_persistence: None, max_shrink_iters: 500, ..Config::default() };
        let mut runner = TestRunner::new(config);
        runner.run(values, |value| runtime.block_on(property(&database, value))).unwrap();
    }
}

/// True this often.
fn often(probability: f64) -> impl Strategy<Value = bool> {
    proptest::bool::weighted(probability)
}

/// One of `choices`, or `None` where there is none.
fn pick<T: Copy>(index: Index, choices: &[T]) -> Option<T> {
    (!choices.is_empty()).then(|| *index.get(choices))
}
