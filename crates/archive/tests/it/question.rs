//! Questions to a person about a result set, and the answers.

use archive::job::{self, NewJob};
use archive::question::{self, IdentityChoice, Proposal};
use archive::result_set;
use archive::state::{ActorKind, Change};
use uuid::Uuid;

use super::main_databases;

#[tokio::test]
async fn an_answer_stays_until_the_same_is_asked_again() {
    for database in main_databases().await {
        let new = NewJob {
            project: "p1",
            partner: "lab",
            receiving_study: Uuid::now_v7(),
            first_increment: None,
            increment: 1,
            reversible: true,
        };
        let change = Change {
            actor_kind: ActorKind::Stage,
            actor: "reconcile",
            cause: "test",
            dossier_version: "d3",
            gate_hash: None,
            at: 1,
        };
        let proposal = Proposal { participant: Uuid::now_v7(), study: Some("2.25.7".to_owned()) };
        let mut transaction = database.write().await.unwrap();
        let job = job::create(&mut transaction, new, &change).await.unwrap();
        let set = result_set::create(&mut transaction, job, &change).await.unwrap();
        question::ask(&mut transaction, set, &["dropped"], None, 2).await.unwrap();
        question::ask(&mut transaction, set, &["a", "b"], Some(&proposal), 3).await.unwrap();
        let accepted = question::accept(&mut transaction, set, Some(IdentityChoice::Pacs), 4).await.unwrap();
        assert_eq!(accepted, 2, "what was not asked again is gone");
        question::ask(&mut transaction, set, &["b", "c"], None, 5).await.unwrap();
        transaction.commit().await.unwrap();

        let questions = question::of_set(database.reader(), set).await.unwrap();
        let told: Vec<_> = questions
            .iter()
            .map(|of| (of.reason.as_str(), of.proposal.as_ref(), of.identity, of.asked_at, of.accepted_at))
            .collect();
        let pacs = Some(IdentityChoice::Pacs);
        assert_eq!(
            told,
            [
                ("a", Some(&proposal), pacs, 3, Some(4)),
                ("b", None, None, 5, None),
                ("c", None, None, 5, None)
            ]
        );
    }
}
