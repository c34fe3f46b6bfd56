//! The folder door: AC1.7.

use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use crate::harness::{Site, objects, send, wait_until};

#[test]
fn a_folder_gives_the_same_content_as_an_association() {
    let site = Site::new();
    let drop = site.folder("drop");
    let site = site.section(&format!(
        "[[import]]\nname = \"drop\"\nfolder = \"{}\"\nproject = \"rx\"\n",
        drop.display()
    ));
    let files = objects("regular", &site.folder("objects"));
    for file in &files {
        // a file that was still touched just now would be left alone for a moment
        File::options()
            .append(true)
            .open(&file.path)
            .unwrap()
            .set_modified(SystemTime::now() - Duration::from_secs(3600))
            .unwrap();
        fs::rename(&file.path, drop.join(file.path.file_name().unwrap())).unwrap();
    }
    let server = site.serve();
    wait_until("the folder is read", || fs::read_dir(&drop).unwrap().next().is_none());
    server.stop();
    let imported = site.listing();

    let other = Site::new();
    let files = objects("regular", &other.folder("objects"));
    let server = other.serve();
    assert!(send(&server, "RX", &files).iter().all(|(_, status)| *status == Some(0)));
    server.stop();
    let received = other.listing();

    assert_eq!(imported.digests(), received.digests());
    for instance in &received.instances {
        let same = imported.the(&instance.blake3);
        // how far the line got by the end of the program is not the door's business
        assert_eq!((&same.project, &same.irregularities), (&instance.project, &instance.irregularities));
    }
}

#[test]
fn what_cannot_be_taken_stays_in_the_folder() {
    let site = Site::new();
    let drop = site.folder("drop");
    let site = site.section(&format!(
        "[[import]]\nname = \"drop\"\nfolder = \"{}\"\nproject = \"rx\"\n",
        drop.display()
    ));
    let mut files = objects("broken", &site.folder("objects"));
    // here nothing claims another class or instance than the data set has
    files.retain(|file| !file.name.ends_with("_mismatch"));
    let good = objects("regular", &site.folder("good")).remove(0);
    for file in files.iter().chain([&good]) {
        File::options()
            .append(true)
            .open(&file.path)
            .unwrap()
            .set_modified(SystemTime::now() - Duration::from_secs(3600))
            .unwrap();
        fs::rename(&file.path, drop.join(file.path.file_name().unwrap())).unwrap();
    }
    let good_in_drop = drop.join(good.path.file_name().unwrap());
    let server = site.serve();
    wait_until("the good file is read", || !good_in_drop.exists());
    server.stop();
    let listing = site.listing();
    listing.the(&good.digest);
    assert_eq!(listing.instances.len(), 1);
    assert_eq!(fs::read_dir(&drop).unwrap().count(), files.len());
}
