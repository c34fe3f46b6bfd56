//! What a person accepts is what the person saw (AC8.1, docs/adr/0005).

use archive::job::{self, NewJob};
use archive::question::{self, IdentityChoice};
use archive::result_set::{self, ResultSet, ResultSetEvent, ResultSetState};
use archive::state::{ActorKind, Change};
use pipeline::accept::{self, AcceptError};
use uuid::Uuid;

use crate::world::{START, World};

fn change(at: i64) -> Change<'static> {
    Change {
        actor_kind: ActorKind::Person,
        actor: "Dr Grey",
        cause: "looked up",
        dossier_version: "7",
        gate_hash: None,
        at,
    }
}

async fn asked(world: &World, set: Option<Uuid>, reasons: &[&str], at: i64) -> ResultSet {
    let mut transaction = world.line.main.write().await.unwrap();
    let id = match set {
        Some(id) => id,
        None => {
            let new = NewJob {
                project: "trial",
                partner: "lab",
                receiving_study: Uuid::now_v7(),
                first_increment: None,
                increment: 1,
                reversible: true,
            };
            let job = job::create(&mut transaction, new, &change(at)).await.unwrap();
            let id = result_set::create(&mut transaction, job, &change(at)).await.unwrap();
            result_set::advance(&mut transaction, id, ResultSetEvent::Retrieve, &change(at)).await.unwrap();
            id
        }
    };
    question::ask(&mut transaction, id, reasons, None, at).await.unwrap();
    result_set::advance(&mut transaction, id, ResultSetEvent::AskPerson, &change(at)).await.unwrap();
    transaction.commit().await.unwrap();
    result_set::show(world.line.main.reader(), id).await.unwrap()
}

async fn token(world: &World, set: &ResultSet) -> Option<String> {
    accept::token(set.id, &question::of_set(world.line.main.reader(), set.id).await.unwrap())
}

async fn accepted(world: &World, set: &ResultSet, answer: &str, at: i64) -> Result<(), AcceptError> {
    let mut transaction = world.line.main.write().await.unwrap();
    accept::accept(&mut transaction, set, answer, Some(IdentityChoice::Pacs), &change(at)).await?;
    transaction.commit().await.unwrap();
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_older_questions_is_refused() {
    let world = World::new().await;
    let set = asked(&world, None, &["identity-differs"], START).await;
    let seen = token(&world, &set).await.unwrap();
    assert_eq!(token(&world, &set).await.as_ref(), Some(&seen), "the same until something else is asked");

    // Somebody else accepts, and the clinical PACS says yet another identity when the set is reconciled with that.
    accepted(&world, &set, &seen, START + 1).await.unwrap();
    assert_eq!(token(&world, &set).await, None, "nothing is open");
    let set = asked(&world, Some(set.id), &["identity-differs"], START + 2).await;
    let refused = accepted(&world, &set, &seen, START + 3).await.unwrap_err();
    assert!(refused.to_string().contains("result show"), "{refused}");
    let now = result_set::show(world.line.main.reader(), set.id).await.unwrap();
    assert_eq!(now.state, ResultSetState::Manual);
    let open = question::of_set(world.line.main.reader(), set.id).await.unwrap();
    assert!(open.iter().all(|question| question.accepted_at.is_none()));

    let seen_now = token(&world, &set).await.unwrap();
    accepted(&world, &set, &seen_now, START + 4).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_of_one_set() {
    let world = World::new().await;
    let (one, other) = (
        asked(&world, None, &["identity-differs"], START).await,
        asked(&world, None, &["identity-differs"], START).await,
    );
    let token = token(&world, &one).await.unwrap();
    assert!(matches!(accepted(&world, &other, &token, START + 1).await, Err(AcceptError::NotOpen)));
}
