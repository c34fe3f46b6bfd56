//! The whole circle (AC8.3 to AC8.10, AC9.3, AC9.5, AC10.2): results in their studies, with their identities, and nothing else.

use super::world::{Rules, World};
use crate::harness::wait_until;
use crate::harness::{Archive, store};

const IDENTITIES: [(u32, &[&str]); 3] =
    [(1, &["--charset", "latin"]), (2, &["--charset", "utf8"]), (3, &["--charset", "japanese", "--bare"])];

/// Results of all patients, made with `options` and given to the partner by `give`, return; everything is as it has to be.
fn goes_round(world: &World, kinds: &[&str], options: &[&str], give: impl Fn(&std::path::Path)) {
    let patients = IDENTITIES.len();
    world.wait_for_partner(patients as u64);
    world.held_by_partner();
    let cases = IDENTITIES.map(|(number, _)| format!("{number}:{}", kinds.join(",")));
    let words: Vec<&str> = options.iter().copied().chain(cases.iter().map(String::as_str)).collect();
    world.compute(&words, "sent");
    give(&world.at("sent"));
    world.wait_for_sets(patients, &["closed"]);
    wait_until("all jobs close", || {
        world.site.count("main", "job WHERE state = 'closed'") == patients as u64
    });
    let found = world.check_return("sent");
    assert_eq!(found["results"], patients * kinds.len());
    // the Japanese patient's segmentation has a text that the source's character set cannot hold
    assert_eq!(found["in_source_set"], patients * kinds.len() - 1, "{found}");
    assert!(found["references"].as_u64().unwrap() > 0 && found["restored"].as_u64().unwrap() > 0, "{found}");
    assert_eq!(world.events()["return.confirmed"], patients as u64, "once for each set");
    world.assert_purged();
}

#[test]
fn orthanc_to_orthanc_by_dicomweb() {
    let world = World::new(&Rules::default());
    for (number, options) in IDENTITIES {
        world.patient(number, options);
    }
    let server = world.site.serve();
    world.pacs.take(&world.at("originals"));
    world.pacs.send_all("P1", server.dicom.port());
    goes_round(&world, &["seg", "sr", "pm", "gsps", "kos", "rtstruct"], &[], |sent| world.partner.take(sent));
    server.stop();
}

#[test]
fn orthanc_to_orthanc_by_dimse_with_results_in_implicit_vr() {
    let world = World::new(&Rules { by_web: false, ..Rules::default() });
    for (number, options) in IDENTITIES {
        world.patient(number, options);
    }
    let server = world.site.serve();
    world.acquire(&server);
    goes_round(&world, &["seg", "sr", "pm"], &["--implicit"], |sent| world.partner.take(sent));
    server.stop();
}

/// DCMTK's `storescu` sends, `dcmqrscp` is the clinical PACS; results go to the partner by C-STORE.
fn from_dcmtk_to(partner: Archive, kinds: &[&str]) {
    let world =
        World::between(Archive::dcmqrscp("PACS"), partner, &Rules { by_web: false, ..Rules::default() });
    for (number, options) in IDENTITIES {
        world.patient(number, options);
    }
    let server = world.site.serve();
    world.pacs.take_by_store(&world.at("originals"));
    store(server.dicom.port(), "P1", &world.at("originals"));
    goes_round(&world, kinds, &[], |sent| world.partner.take_by_store(sent));
    server.stop();
}

#[test]
fn dcmtk_to_dcmtk() {
    from_dcmtk_to(Archive::dcmqrscp("UNI"), &["seg", "sr"]);
}

#[test]
fn dcmtk_to_pynetdicom() {
    from_dcmtk_to(Archive::pynetdicom("UNI"), &["seg", "sr", "rtstruct"]);
}
