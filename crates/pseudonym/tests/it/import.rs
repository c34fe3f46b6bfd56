use pseudonym::{
    CodeError, CodeScheme, Correspondence, Holder, ImportSummary, InclusionList, LineError, LineProblem,
    Linkage, Opposition, OppositionKind, OppositionList, PastData, ShiftRange, Standing, SubjectError,
    VaultError,
};

use crate::support::*;

fn authority(issuer: &str) -> Option<String> {
    matches!(issuer, "" | "hospital" | "HOSP").then(|| "hospital".to_owned())
}

fn inclusions(text: &str) -> Result<InclusionList, Vec<LineError>> {
    InclusionList::parse(text.as_bytes(), "trial", &authority, NOW)
}

fn correspondence(text: &str) -> Result<Correspondence, Vec<LineError>> {
    Correspondence::parse(text.as_bytes(), "trial", &authority)
}

const HEADER: &str = "patient_id,issuer,subject_code,consent_date,form_version\n";
const UNI: Holder<'static> = Holder { partner: "uni", dossier: "v1", shift: ShiftRange::DEFAULT };

#[tokio::test]
async fn each_faulty_line_is_named_and_nothing_is_imported() {
    let text = format!(
        "{HEADER}\
         1001,HOSP,S-001,2026-01-15,v2\n\
         ,HOSP,S-002,2026-01-15,v2\n\
         1003,elsewhere,S-003,2026-01-15,v2\n\
         1004,HOSP,S 004,2026-01-15,v2\n\
         1005,HOSP,S-1005,2026-01-15,v2\n\
         1006,HOSP,S19570301,2026-01-15,v2\n\
         1007,HOSP,s-001,2026-01-15,v2\n\
         1001,hospital,S-008,2026-01-15,v2\n\
         1009,HOSP,S-009,15/01/2026,v2\n\
         1010,HOSP,S-010,2026-11-19,v2\n\
         1011,HOSP,S-011,2026-02-30,v2\n\
         1012,HOSP,S-012,2026-01-15,\n"
    );
    let code = |problem| ("subject_code", LineProblem::Code(problem));
    let expected = [
        (3, ("patient_id", LineProblem::Subject(SubjectError::EmptyPatientId))),
        (4, ("issuer", LineProblem::UnknownIssuer)),
        (5, code(CodeError::Malformed)),
        (6, code(CodeError::ShowsPatientId)),
        (7, code(CodeError::ShowsBirthDate)),
        (8, code(CodeError::InUse)),
        (9, ("patient_id", LineProblem::Twice)),
        (10, ("consent_date", LineProblem::Date)),
        (11, ("consent_date", LineProblem::Date)),
        (12, ("consent_date", LineProblem::Date)),
        (13, ("form_version", LineProblem::Empty)),
    ];
    let errors = inclusions(&text).unwrap_err();
    let found: Vec<_> = errors.iter().map(|error| (error.line, (error.column, error.problem))).collect();
    assert_eq!(found, expected);
    let shown: String = errors.iter().map(ToString::to_string).collect();
    for identity in ["1001", "S-1005", "19570301", "15/01"] {
        assert!(!shown.contains(identity));
    }
}

#[test]
fn the_form_of_a_file_is_checked() {
    let first = |text: &str| inclusions(text).unwrap_err()[0];
    let error = |line, column, problem| LineError { line, column, problem };
    assert_eq!(first("patient_id,issuer\n"), error(1, "subject_code", LineProblem::MissingColumn));
    assert_eq!(first(&format!("name,{HEADER}")), error(1, "", LineProblem::UnknownColumn));
    assert_eq!(first(&format!("patient_id,{HEADER}")), error(1, "patient_id", LineProblem::MissingColumn));
    assert_eq!(first(&format!("{HEADER}1,2\n")), error(2, "", LineProblem::FieldCount));
    assert_eq!(first(""), error(1, "", LineProblem::Encoding));
    let latin = InclusionList::parse(&b"patient_id\n\xe9\n"[..], "trial", &authority, NOW).unwrap_err();
    assert_eq!(latin[0].problem, LineProblem::Encoding);
    // what a French spreadsheet writes: byte order mark, semicolons, CRLF, another order of the columns
    let french = "\u{feff}issuer;patient_id;form_version;subject_code;consent_date\r\nHOSP; 1001 ;v2;S-001;2026-01-15\r\n";
    inclusions(french).unwrap();
}

#[tokio::test]
async fn an_assigned_code_is_used_at_receipt() {
    for world in worlds().await {
        let vault = &world.vault;
        let list =
            inclusions(&format!("{HEADER}1001,HOSP,S-001,2026-01-15,v2\n1002,HOSP,WC-7,2026-01-15,v2\n"))
                .unwrap();
        assert_eq!(
            vault.import_inclusions(&list, NOW).await.unwrap(),
            ImportSummary { participants: 2, uids: 0 }
        );
        let Standing::Included(inclusion) = vault.standing(&subject("trial", "1001")).await.unwrap() else {
            panic!()
        };
        assert_eq!((inclusion.consent_date, inclusion.form_version.as_str()), (20260115, "v2"));

        assert_eq!(admit(vault, "trial", "1001").await.code.as_str(), "S-001");
        // WC are the initials of the patient: known only now (C13)
        let shown = try_admit(vault, &subject("trial", "1002"), STUDY).await;
        assert!(matches!(shown, Err(VaultError::Code(CodeError::ShowsInitials))));
        let (unlisted, record) = (subject("trial", "1003"), record(STUDY));
        let missing = vault.participant(&admission(&unlisted, &record, &CodeScheme::Assigned), NOW).await;
        assert!(matches!(missing, Err(VaultError::Code(CodeError::Missing))));
        assert_eq!(world.count("SELECT COUNT(*) FROM participant").await, 1);
    }
}

#[tokio::test]
async fn a_list_may_not_contradict_the_vault() {
    for world in worlds().await {
        let vault = &world.vault;
        let first = inclusions(&format!("{HEADER}1001,HOSP,S-001,2026-01-15,v2\n1002,HOSP,,2026-01-15,v2\n"))
            .unwrap();
        vault.import_inclusions(&first, NOW).await.unwrap();
        vault.import_inclusions(&first, NOW).await.unwrap();
        let (one, two) = (admit(vault, "trial", "1001").await, admit(vault, "trial", "1002").await);
        let opposition =
            Opposition { kind: OppositionKind::Opposition, past_data: PastData::Stop, date: 20260101 };
        vault.oppose(&subject("trial", "1006"), opposition, NOW).await.unwrap();

        let second = format!(
            "{HEADER}1001,HOSP,S-999,2026-01-15,v3\n1002,HOSP,S-002,2026-01-15,v3\n1003,HOSP,s-001,2026-01-15,v3\n\
             1004,HOSP,{},2026-01-15,v3\n1005,HOSP,S-005,2026-01-15,v3\n1006,HOSP,,2026-01-15,v3\n",
            two.code.as_str()
        );
        let Err(VaultError::Import(errors)) =
            vault.import_inclusions(&inclusions(&second).unwrap(), NOW).await
        else {
            panic!()
        };
        let found: Vec<_> = errors.iter().map(|error| (error.line, error.problem)).collect();
        assert_eq!(
            found,
            [
                (2, LineProblem::Code(CodeError::AlreadyCoded)),
                (3, LineProblem::Code(CodeError::AlreadyCoded)),
                (4, LineProblem::Code(CodeError::InUse)),
                (5, LineProblem::Code(CodeError::InUse)),
                (7, LineProblem::Opposed),
            ]
        );
        assert_eq!(
            vault.standing(&subject("trial", "1005")).await.unwrap(),
            Standing::Unlisted,
            "nothing by halves"
        );
        assert_eq!(admit(vault, "trial", "1001").await.code, one.code);
    }
}

#[tokio::test]
async fn an_opposition_list_stops_participants() {
    for world in worlds().await {
        let vault = &world.vault;
        let seen = admit(vault, "trial", "1001").await;
        let text = "patient_id,issuer,kind,date,action\n1001,HOSP,withdrawal,2026-10-01,delete\n1002,,opposition,2026-10-02,stop\n";
        let list = OppositionList::parse(text.as_bytes(), "trial", &authority, NOW).unwrap();
        assert_eq!(vault.import_oppositions(&list, NOW).await.unwrap(), [seen.id]);
        let withdrawal =
            Opposition { kind: OppositionKind::Withdrawal, past_data: PastData::Delete, date: 20261001 };
        assert_eq!(vault.standing(&subject("trial", "1001")).await.unwrap(), Standing::Opposed(withdrawal));
        assert!(matches!(try_admit(vault, &subject("trial", "1002"), STUDY).await, Err(VaultError::Opposed)));

        let faulty = "patient_id,issuer,kind,date,action\n1,HOSP,erasure,2026-10-01,stop\n2,HOSP,opposition,2026-10-01,burn\n";
        let errors = OppositionList::parse(faulty.as_bytes(), "trial", &authority, NOW).unwrap_err();
        let found: Vec<_> = errors.iter().map(|error| (error.line, error.column)).collect();
        assert_eq!(found, [(2, "kind"), (3, "action")]);
    }
}

const FULL: &str = "patient_id,issuer,subject_code,kind,original_uid,pseudonym_uid\n";

#[tokio::test]
async fn imported_uids_win_and_come_back() {
    for world in worlds().await {
        let vault = &world.vault;
        let text = format!(
            "{FULL}1001,HOSP,S-001,study,{STUDY},9.1.1\n1001,HOSP,S-001,instance,1.2.3.4,9.1.2\n1002,HOSP,S-002,,,\n"
        );
        let file = correspondence(&text).unwrap();
        for _ in 0..2 {
            let summary = vault.import_correspondence(&file, UNI, NOW).await.unwrap();
            assert_eq!(summary, ImportSummary { participants: 2, uids: 2 });
        }
        assert_eq!(world.count("SELECT COUNT(*) FROM participant").await, 2);

        // the next study of the same participant
        let participant = try_admit(vault, &subject("trial", "1001"), "1.2.99").await.unwrap();
        assert_eq!(participant.code.as_str(), "S-001");
        assert_eq!(participant.mapping.uid(STUDY), "9.1.1");
        assert_eq!(participant.mapping.uid("1.2.3.4\0"), "9.1.2");
        assert!(participant.mapping.uid("1.2.99").starts_with("2.25."));
        assert_eq!(admit(vault, "trial", "1002").await.code.as_str(), "S-002");

        // a result that cites imported UIDs
        let found = vault.recognise("trial", "uni", &["9.1.1", "9.1.2", "9.1.3"]).await.unwrap();
        assert_eq!(found.issued.len(), 2);
        assert_eq!(vault.participant_by_code("trial", "uni", "S-001").await.unwrap(), Some(participant.id));
        let access = vault.reidentify("trial", participant.id, &purpose(), NOW).await.unwrap();
        let originals = vault.originals(&access, "uni", &["9.1.1", "9.1.2"]).await.unwrap();
        assert_eq!((originals["9.1.1"].as_str(), originals["9.1.2"].as_str()), (STUDY, "1.2.3.4"));
    }
}

#[tokio::test]
async fn a_correspondence_is_one_to_one() {
    let text = format!(
        "{FULL}1001,HOSP,S-001,study,1.2.1,9.1\n\
         1001,HOSP,S-001,series,1.2.1,9.2\n\
         1002,HOSP,S-002,series,1.2.2,9.1\n\
         1001,HOSP,S-003,,,\n\
         1004,HOSP,S-001,,,\n\
         1005,HOSP,S-005,series,1.02.2,9.5\n\
         1006,HOSP,S-006,slice,1.2.2,9.6\n\
         1007,HOSP,S-007,series,,9.7\n"
    );
    let found: Vec<_> = correspondence(&text)
        .unwrap_err()
        .iter()
        .map(|error| (error.line, error.column, error.problem))
        .collect();
    assert_eq!(
        found,
        [
            (3, "original_uid", LineProblem::UidInUse),
            (4, "pseudonym_uid", LineProblem::UidInUse),
            (5, "subject_code", LineProblem::Code(CodeError::AlreadyCoded)),
            (6, "subject_code", LineProblem::Code(CodeError::InUse)),
            (7, "original_uid", LineProblem::Uid),
            (8, "kind", LineProblem::Word),
            (9, "original_uid", LineProblem::Empty),
        ]
    );
}

#[tokio::test]
async fn a_correspondence_may_not_change_what_was_given() {
    for world in worlds().await {
        let vault = &world.vault;
        let one = admit(vault, "trial", "1001").await;
        let mapped = map(vault, &one, STUDY, 1).await;
        let code = one.code.as_str();
        let text = format!(
            "{FULL}1001,HOSP,{code},study,{STUDY},9.1\n1002,HOSP,S-002,study,1.2.5,{}\n1003,HOSP,{code},,,\n",
            mapped.series
        );
        let Err(VaultError::Import(mut errors)) = vault
            .import_correspondence(
                &correspondence(&text.replace(&format!("1003,HOSP,{code}"), "1003,HOSP,S-003")).unwrap(),
                UNI,
                NOW,
            )
            .await
        else {
            panic!()
        };
        errors.sort_by_key(|error| error.line);
        let found: Vec<_> = errors.iter().map(|error| (error.line, error.column)).collect();
        assert_eq!(found, [(2, "original_uid"), (3, "pseudonym_uid")]);
        assert_eq!(world.count("SELECT COUNT(*) FROM participant").await, 1, "nothing by halves");

        let taken = correspondence(&format!("{FULL}1003,HOSP,{code},,,\n")).unwrap();
        let Err(VaultError::Import(errors)) = vault.import_correspondence(&taken, UNI, NOW).await else {
            panic!()
        };
        assert_eq!(errors[0].problem, LineProblem::Code(CodeError::InUse));
        // what agrees with the vault may be imported over it
        let same =
            correspondence(&format!("{FULL}1001,HOSP,{code},study,{STUDY},{}\n", mapped.study)).unwrap();
        vault.import_correspondence(&same, UNI, NOW).await.unwrap();
        assert_eq!(given(&admit(vault, "trial", "1001").await), given(&one));

        let prefix = pseudonym::CodePrefix::default();
        vault.partner_mapping(one.id, "lab", Linkage::Partner, &prefix, NOW).await.unwrap();
        let own = vault.import_correspondence(&same, Holder { partner: "lab", ..UNI }, NOW).await;
        assert!(matches!(own, Err(VaultError::Contradiction(_))));
    }
}
