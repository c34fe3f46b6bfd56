use std::collections::BTreeSet;

use pseudonym::{CodePrefix, ExportRecord, IssuedUid, Linkage, MappedUid, UidKind, VaultError};

use crate::support::*;

fn instances(mapped: &Mapped) -> Vec<IssuedUid<'_>> {
    mapped
        .instances
        .iter()
        .map(|uid| IssuedUid { kind: UidKind::Instance, base: uid, pseudonym: uid })
        .collect()
}

#[tokio::test]
async fn what_was_sent_is_recognised_and_only_that() {
    for world in worlds().await {
        let vault = &world.vault;
        let participant = admit(vault, "trial", "4711").await;
        let mapped = map(vault, &participant, STUDY, 150).await;
        let record = export(&participant, "uni", &mapped.study, "job-1");
        // the last ten are held back
        vault.issue(&record, &instances(&mapped)[..140]).await.unwrap();
        vault.issue(&record, &instances(&mapped)[..140]).await.unwrap();
        assert_eq!(world.count("SELECT COUNT(*) FROM issued_uid").await, 143);

        let all: Vec<&str> = [&mapped.study, &mapped.series, &mapped.frame]
            .into_iter()
            .chain(&mapped.instances)
            .map(String::as_str)
            .chain(["2.25.77"])
            .collect();
        let found = vault.recognise("trial", "uni", &all).await.unwrap();
        // rc_06: what was held back is a pseudonym that nobody was given
        assert_eq!(found.elsewhere, all[143..153].iter().map(|uid| (*uid).to_owned()).collect());
        assert_eq!(found.issued.len(), 143);
        let sent: BTreeSet<&str> = found.issued.iter().map(|issued| issued.pseudonym.as_str()).collect();
        assert_eq!(sent, all[..143].iter().copied().collect());
        assert!(
            found
                .issued
                .iter()
                .all(|issued| issued.participant == participant.id && issued.export_record == "job-1")
        );
        let study = found.issued.iter().find(|issued| issued.pseudonym == mapped.study).unwrap();
        assert_eq!(study.kind, UidKind::Study);

        // rc_06: the same UIDs in a set of another partner, or of another project
        for (project, partner) in [("trial", "lab"), ("other", "uni")] {
            let found = vault.recognise(project, partner, &all).await.unwrap();
            assert!(found.issued.is_empty());
            assert_eq!(found.elsewhere.len(), 153);
        }
        let by_code = |code| vault.participant_by_code("trial", "uni", code);
        assert_eq!(by_code(participant.code.as_str()).await.unwrap(), Some(participant.id));
        assert_eq!(by_code(&participant.code.as_str().to_lowercase()).await.unwrap(), None);
        assert_eq!(vault.participant_by_code("trial", "lab", participant.code.as_str()).await.unwrap(), None);
    }
}

#[tokio::test]
async fn nothing_leaves_that_was_not_mapped_or_contradicts_its_record() {
    for world in worlds().await {
        let vault = &world.vault;
        let (one, two) = (admit(vault, "trial", "1111").await, admit(vault, "trial", "2222").await);
        let (mapped, others) = (map(vault, &one, STUDY, 3).await, map(vault, &two, STUDY, 3).await);
        let record = export(&one, "uni", &mapped.study, "job-1");
        let foreign = vault.issue(&record, &instances(&others)).await;
        assert!(matches!(foreign, Err(VaultError::Contradiction(_))));
        assert_eq!(world.count("SELECT COUNT(*) FROM export_record").await, 0, "nothing by halves");

        vault.issue(&record, &instances(&mapped)).await.unwrap();
        let changed = [
            ExportRecord { participant: two.id, ..record.clone() },
            ExportRecord { code: two.code.clone(), ..record.clone() },
            ExportRecord { partner: "lab".into(), ..record.clone() },
            ExportRecord { linkage: Linkage::Partner, ..record.clone() },
            ExportRecord { study: "2.25.1".into(), ..record.clone() },
        ];
        for record in changed {
            assert!(matches!(vault.issue(&record, &[]).await, Err(VaultError::Contradiction(_))));
        }
        let later = ExportRecord { dossier: "v2".into(), issued_at: NOW + 1, ..record.clone() };
        vault.issue(&later, &instances(&mapped)).await.unwrap();
        assert_eq!(vault.export_record("job-1").await.unwrap(), record);
        assert!(matches!(vault.export_record("job-2").await, Err(VaultError::Unknown(_))));
    }
}

#[tokio::test]
async fn a_partner_keeps_the_linkage_it_was_first_issued_under() {
    for world in worlds().await {
        let vault = &world.vault;
        let participant = admit(vault, "trial", "4711").await;
        let prefix = CodePrefix::default();
        let ask = |partner, wanted| vault.partner_mapping(participant.id, partner, wanted, &prefix, NOW);
        let first = ask("uni", Linkage::Project).await.unwrap();
        assert_eq!((first.linkage, &first.code), (Linkage::Project, &participant.code));
        assert_eq!(ask("uni", Linkage::Partner).await.unwrap().linkage, Linkage::Project);

        let (lab, spin) =
            (ask("lab", Linkage::Partner).await.unwrap(), ask("spin", Linkage::Partner).await.unwrap());
        let codes: BTreeSet<&str> = [&first, &lab, &spin].map(|given| given.code.as_str()).into();
        let uids: BTreeSet<String> = [&first, &lab, &spin].map(|given| given.mapping.uid("1.2")).into();
        assert_eq!((codes.len(), uids.len()), (3, 3), "partners cannot join their sets");
        let again = world.again(Some(ring(1, None))).await;
        let same =
            again.partner_mapping(participant.id, "lab", Linkage::Project, &prefix, NOW).await.unwrap();
        assert_eq!((same.linkage, &same.code), (Linkage::Partner, &lab.code));
        assert_eq!(same.mapping.uid("1.2"), lab.mapping.uid("1.2"));
    }
}

#[tokio::test]
async fn a_code_is_known_however_it_is_written_and_only_as_what_was_given() {
    for world in worlds().await {
        let vault = &world.vault;
        let (one, two) = (admit(vault, "trial", "1111").await, admit(vault, "trial", "2222").await);
        let other = admit(vault, "other", "3333").await;
        let prefix = CodePrefix::default();
        let mapping = |of, partner, linkage| vault.partner_mapping(of, partner, linkage, &prefix, NOW);
        mapping(one.id, "uni", Linkage::Project).await.unwrap();
        let lab = mapping(one.id, "lab", Linkage::Partner).await.unwrap();
        let spin = mapping(two.id, "spin", Linkage::Partner).await.unwrap();
        let codes = [&one.code, &two.code, &other.code, &lab.code, &spin.code];
        let mut words: Vec<String> = codes.map(|code| code.as_str().to_uppercase()).into();
        words.extend((0..200).map(|number| format!("WORD-{number}")));
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let known = async |partner: &str| {
            let known = vault.known_codes("trial", partner, &words).await.unwrap();
            let at = |code: &str| words.iter().position(|word| *word == code).unwrap();
            let known = known.iter().map(|known| (at(&known.code), known.participant, known.is_given));
            known.map(|(at, of, given)| (at, of == one.id, given)).collect::<BTreeSet<_>>()
        };
        // code, whether it is the first participant's, whether this partner was given it
        let uni = [(0, true, true), (1, false, true), (3, true, false), (4, false, false)];
        assert_eq!(known("uni").await, uni.into());
        let lab = [(0, true, false), (1, false, false), (3, true, true), (4, false, false)];
        assert_eq!(known("lab").await, lab.into());
    }
}

#[tokio::test]
async fn a_partner_mapping_goes_back_to_the_original() {
    for world in worlds().await {
        let vault = &world.vault;
        let participant = admit(vault, "trial", "4711").await;
        let mapped = map(vault, &participant, STUDY, 2).await;
        let lab = vault
            .partner_mapping(participant.id, "lab", Linkage::Partner, &CodePrefix::default(), NOW)
            .await
            .unwrap();
        let (study, instance) = (lab.mapping.uid(&mapped.study), lab.mapping.uid(&mapped.instances[0]));
        let record = ExportRecord {
            linkage: Linkage::Partner,
            code: lab.code.clone(),
            ..export(&participant, "lab", &mapped.study, "job-1")
        };
        let uids = [
            IssuedUid { kind: UidKind::Study, base: &mapped.study, pseudonym: &study },
            IssuedUid { kind: UidKind::Instance, base: &mapped.instances[0], pseudonym: &instance },
        ];
        vault.issue(&record, &uids).await.unwrap();
        assert_eq!(world.count("SELECT COUNT(*) FROM issued_uid").await, 2, "only what was named");

        // what leads there and back without an identity
        let pseudonyms = vault.study_pseudonyms(participant.id, &mapped.study).await.unwrap();
        assert_eq!((pseudonyms.uids.len(), pseudonyms.uids[&mapped.series]), (5, UidKind::Series));
        assert_eq!(pseudonyms.dates, BTreeSet::from([20200105, 20200106]));
        assert_eq!(lab.archive_code, participant.code);
        let bases = [mapped.study.as_str(), &mapped.instances[0], &mapped.instances[1]];
        let as_of = |partner| vault.issued_as("trial", partner, participant.id, &bases);
        let issued_as = as_of("lab").await.unwrap();
        assert_eq!(issued_as.len(), 2, "the second instance has not left");
        assert_eq!((&issued_as[&mapped.study], &issued_as[&mapped.instances[0]]), (&study, &instance));
        assert!(as_of("uni").await.unwrap().is_empty());
        let sought = [study.as_str(), &mapped.study, "2.25.77"];
        let among = |partner| vault.issued_among("trial", partner, &sought);
        assert_eq!(among("lab").await.unwrap(), BTreeSet::from([study.clone()]));
        assert!(among("uni").await.unwrap().is_empty());
        assert_eq!(vault.linkage("trial", "lab").await.unwrap(), Some(Linkage::Partner));
        assert_eq!(vault.linkage("trial", "uni").await.unwrap(), None);

        let access = vault.reidentify("trial", participant.id, &purpose(), NOW).await.unwrap();
        let originals = vault.originals_of_study(&access, &mapped.study).await.unwrap();
        assert!(originals.len() == 5 && originals.contains(STUDY));
        let asked = [study.as_str(), &instance, &mapped.study];
        let originals = vault.originals(&access, "lab", &asked).await.unwrap();
        assert_eq!(originals.len(), 2, "the archive's own UID was never given to this partner");
        assert_eq!(originals[&study], STUDY);
        assert_eq!(originals[&instance], format!("{STUDY}.1.0"));

        // 2020-01-05 and -06 of the archive, as the partner saw them, go back to the real days
        let dates = vault.issued_dates(&access, "job-1").await.unwrap();
        assert_eq!(dates.shift_days, participant.mapping.shift_days() + lab.mapping.shift_days());
        let day = |value: i64| {
            chrono::NaiveDate::from_ymd_opt(
                (value / 10_000) as i32,
                (value / 100 % 100) as u32,
                (value % 100) as u32,
            )
            .unwrap()
        };
        let shift = chrono::Duration::days(i64::from(lab.mapping.shift_days()));
        let expected: Vec<_> = [20200105, 20200106].into_iter().map(|value| day(value) + shift).collect();
        assert_eq!(dates.values.iter().map(|value| day(*value)).collect::<Vec<_>>(), expected);
    }
}

#[tokio::test]
async fn a_retained_uid_of_two_people_is_shown_as_such() {
    for world in worlds().await {
        let vault = &world.vault;
        let (one, two) = (admit(vault, "trial", "1111").await, admit(vault, "trial", "2222").await);
        for (participant, job) in [(&one, "job-1"), (&two, "job-2")] {
            let device = MappedUid { kind: UidKind::Other, original: "1.2.840.99", pseudonym: "1.2.840.99" };
            let study = participant.mapping.uid(STUDY);
            vault.record_mapping(participant, &study, &[device], &[]).await.unwrap();
            vault.issue(&export(participant, "uni", &study, job), &[]).await.unwrap();
        }
        let found = vault.recognise("trial", "uni", &["1.2.840.99"]).await.unwrap();
        let people: BTreeSet<_> = found.issued.iter().map(|issued| issued.participant).collect();
        assert_eq!(people, [one.id, two.id].into());
    }
}
