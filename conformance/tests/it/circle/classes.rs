//! Every class of table 8.3 through the full circle, in six character sets of the patient (AC8.3 to AC8.10, RC-01, RC-09, RC-14): identity as
//! received, each reference at the clinical PACS, marks and traces, nothing of the pseudonyms, no damage that `dciodvfy` or `dcentvfy` sees.

use super::world::{Rules, World};
use crate::harness::{Server, wait_until};

/// Of `make_patient.py`; the number is that of the patient.
const CHARACTER_SETS: [&str; 6] = ["latin", "utf8", "japanese", "korean", "arabic", "cyrillic"];

/// Classes that a machine looks into as a whole, as `algorithm.py` names them.
const INSPECTED: &str = "seg,labelmap,surface,sr,cad,chestcad,wavesr,wave,kos,gsps,color,pseudocolor,blending,pm,rtstruct,rtplan,rtdose,reg,\
                         deform,fid,rwv,ann,enhanced,cda";
/// Classes with something that only a person can look at.
const FOR_A_PERSON: [&str; 3] = ["sc", "pdf", "stl"];

/// Studies of all patients wait for their results; each has CT images, a slide and an ECG, and all that the modules of patient and study may
/// have.
/// Slides are at risk of burned-in text (AC2.7): the site has a rule for its scanner.
const SLIDES: &str = "name = \"slides\"\nversion = \"1\"\nedition = \"2026d\"\noptions = [\"clean_pixel_data\"]\n\
    [[pixels.masks]]\nmodalities = [\"SM\"]\nrectangles = [[0, 0, 1, 1]]\n";

fn give_out(world: &World) -> Server<'_> {
    for (number, character_set) in (1..).zip(CHARACTER_SETS) {
        world.patient(number, &["--charset", character_set, "--more", "--modules"]);
    }
    let server = world.site.serve();
    world.acquire(&server);
    world.wait_for_partner(CHARACTER_SETS.len() as u64);
    world.held_by_partner();
    server
}

/// One case for each patient.
fn cases(kinds: &str) -> Vec<String> {
    (1..=CHARACTER_SETS.len()).map(|number| format!("{number}:{kinds}")).collect()
}

fn compute(world: &World, kinds: &str) {
    world.compute(&cases(kinds).iter().map(String::as_str).collect::<Vec<_>>(), "sent");
    world.partner.take(&world.at("sent"));
}

#[test]
fn rc_14_all_classes_return_in_six_character_sets() {
    // all of a patient's results are one set
    let world = World::new(&Rules { idle_seconds: 6, profile: SLIDES, ..Rules::default() });
    let server = give_out(&world);
    compute(&world, INSPECTED);
    world.wait_for_sets(CHARACTER_SETS.len(), &["closed"]);
    let found = world.check_return("sent");
    let classes = INSPECTED.split(',').count();
    assert_eq!(found["results"], classes * CHARACTER_SETS.len());
    // "Läsion" in the segmentation has no place in four of the sets
    assert_eq!(found["in_source_set"], classes * CHARACTER_SETS.len() - 4, "{found}");
    world.assert_purged();
    server.stop();
}

#[test]
fn rc_10_captures_and_documents_return_once_a_named_person_released_them() {
    // all of a patient's results are one set
    let world = World::new(&Rules { idle_seconds: 6, profile: SLIDES, ..Rules::default() });
    let server = give_out(&world);
    compute(&world, &FOR_A_PERSON.join(","));
    let sets = world.wait_for_sets(CHARACTER_SETS.len(), &["reconciled"]);
    world.assert_nothing_returned();
    for set in &sets {
        let shown = world.show(&set.id);
        assert!(!shown.contains("→ released") && !shown.contains("Dr Grey"));
        // what nobody but a person can look into, and who accepted it (AC8.10, AC9.7)
        let parts = [("secondary-capture-pixels", 1), ("document-body", 2)];
        for (part, instances) in parts {
            let line = format!("{{\"instances\":{instances},\"not-inspected\":\"{part}\"}}");
            assert!(shown.contains(&line), "{shown}");
        }
        let told = world.site.answer(&["result", "release", &set.id, "--by", "Dr Grey"], 0);
        for (part, instances) in parts {
            let line = format!("{{\"accepted\":\"{part}: Dr Grey\",\"instances\":{instances}}}");
            assert!(told.contains(&line) && world.show(&set.id).contains(&line), "{told}");
        }
    }
    world.wait_for_sets(CHARACTER_SETS.len(), &["closed"]);
    wait_until("all jobs close", || {
        world.site.count("main", "job WHERE state = 'closed'") == CHARACTER_SETS.len() as u64
    });
    assert_eq!(world.check_return("sent")["results"], FOR_A_PERSON.len() * CHARACTER_SETS.len());
    server.stop();
}
