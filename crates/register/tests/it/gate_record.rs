use chrono::NaiveDate;
use register::{Dossier, DossierState, Mode, Outflow, Standing, gate, record_decision};
use sqlx::Row;
use uuid::Uuid;

use crate::databases;

/// INV-3: the evaluation is there with its hash, or nothing is.
#[tokio::test]
async fn a_decision_is_stored_with_the_transition_or_not_at_all() {
    let dossier = Dossier {
        project: "trial".into(),
        state: DossierState::Suspended,
        version: 7,
        valid_until: NaiveDate::from_ymd_opt(2027, 12, 31).unwrap(),
        mode: Mode::Pseudonymise,
        recipients: ["lab".to_owned()].into(),
        inclusion_required: true,
    };
    let as_of = NaiveDate::from_ymd_opt(2026, 11, 22).unwrap();
    let decision = gate(&dossier, as_of, &Outflow::export("lab", Standing::Included));
    let subject = Uuid::now_v7();
    for database in databases().await {
        let mut transaction = database.write().await.unwrap();
        record_decision(&mut transaction, 1, subject, &decision).await.unwrap();
        drop(transaction);
        let mut transaction = database.write().await.unwrap();
        let id = record_decision(&mut transaction, 2, subject, &decision).await.unwrap();
        transaction.commit().await.unwrap();

        let rows = sqlx::query("SELECT id, at, dossier_version, inputs, reasons, hash FROM gate_evaluation")
            .fetch_all(database.reader())
            .await
            .unwrap();
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].get::<String, _>("id"), id.to_string());
        assert_eq!(rows[0].get::<i64, _>("dossier_version"), 7);
        assert_eq!(rows[0].get::<String, _>("inputs"), decision.inputs);
        assert_eq!(rows[0].get::<String, _>("reasons"), r#"["dossier-suspended"]"#);
        assert_eq!(rows[0].get::<String, _>("hash"), decision.hash);
    }
}
