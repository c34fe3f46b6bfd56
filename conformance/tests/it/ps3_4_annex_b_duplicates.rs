//! The same SOP Instance UID again (PS3.4 §B.2.3); AC1.4.

use crate::harness::{Association, CT, EXPLICIT, Instance, Site};

/// Sends each, over one association each, with a restart between them or not; all must be answered with 0x0000.
fn send_in_turn(site: &Site, instances: &[&Instance], restart: bool) {
    let mut server = site.serve();
    for instance in instances {
        if restart {
            server.stop();
            server = site.serve();
        }
        let mut association = Association::open(server.dicom, "RX", CT, EXPLICIT).unwrap();
        assert_eq!(association.store(CT, &instance.uid, &instance.data_set).unwrap(), 0x0000);
        assert!(association.release());
    }
    server.stop();
}

#[test]
fn identical_content_is_kept_once() {
    for restart in [false, true] {
        let (site, one) = (Site::new(), Instance::new(1, 5_000));
        send_in_turn(&site, &[&one, &one, &one], restart);
        let listing = site.listing();
        assert!(!listing.the(&one.digest()).differs);
        assert_eq!(listing.instances.len(), 1);
    }
}

#[test]
fn different_content_is_kept_apart_and_flagged() {
    for restart in [false, true] {
        let (site, one) = (Site::new(), Instance::new(1, 5_000));
        let mut altered = Instance::new(1, 5_000);
        *altered.data_set.last_mut().unwrap() ^= 1;
        send_in_turn(&site, &[&one, &altered, &one], restart);
        let listing = site.listing();
        assert_eq!(listing.instances.len(), 2);
        let (first, second) = (listing.the(&one.digest()), listing.the(&altered.digest()));
        assert!(first.differs || second.differs, "the pair is flagged");
    }
}

#[test]
fn the_same_instance_over_four_associations_at_once_is_kept_once() {
    let (site, one) = (Site::new(), Instance::new(1, 300_000));
    let server = site.serve();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut association = Association::open(server.dicom, "RX", CT, EXPLICIT).unwrap();
                for _ in 0..5 {
                    assert_eq!(association.store(CT, &one.uid, &one.data_set).unwrap(), 0x0000);
                }
            });
        }
    });
    server.stop();
    let listing = site.listing();
    listing.the(&one.digest());
    assert_eq!(listing.instances.len(), 1);
}
