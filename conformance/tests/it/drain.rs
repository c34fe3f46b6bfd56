//! SIGTERM: running messages end, nothing new begins (house rule: graceful drain).

use std::net::TcpStream;

use crate::harness::{Association, CT, EXPLICIT, Instance, Site, wait_until};

#[test]
fn an_instance_on_its_way_is_taken_before_the_program_ends() {
    let site = Site::new();
    let server = site.serve();
    let instance = Instance::new(1, 3_000_000);
    let mut running = Association::open(server.dicom, "RX", CT, EXPLICIT).unwrap();
    let idle = Association::open(server.dicom, "RX", CT, EXPLICIT).unwrap();
    let message = running.store_message(CT, &instance.uid, &instance.data_set);
    let (first, rest) = message.split_at(message.len() / 2);
    running.write(first).unwrap();

    server.terminate();
    wait_until("no new association", || Association::open(server.dicom, "RX", CT, EXPLICIT).is_err());
    running.write(rest).unwrap();
    assert_eq!(running.status().unwrap(), 0x0000);

    let address = server.dicom;
    assert!(server.wait().success());
    assert!(TcpStream::connect(address).is_err());
    drop((running, idle));
    site.listing().the(&instance.digest());
}

#[test]
fn a_peer_that_never_finishes_does_not_hold_the_end_up() {
    let site = Site::new().section("[dicom.limits]\ndrain_seconds = 2\n");
    let server = site.serve();
    let instance = Instance::new(1, 3_000_000);
    let mut stuck = Association::open(server.dicom, "RX", CT, EXPLICIT).unwrap();
    let message = stuck.store_message(CT, &instance.uid, &instance.data_set);
    stuck.write(&message[..message.len() / 2]).unwrap();
    server.stop();
    assert!(stuck.status().is_err());
    assert!(site.listing().instances.is_empty());
}
