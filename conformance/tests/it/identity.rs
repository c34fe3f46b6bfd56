//! No identity where it does not belong (ACX.1): logs, metrics, pages, file names, the main database.

use std::fs;
use std::path::{Path, PathBuf};

use crate::harness::{Association, CT, EXPLICIT, Instance, Site, get, objects, send};

/// What `make_objects.py` and [`Instance`] plant: names, ids, an accession number, UIDs.
const PLANTED: [&str; 10] =
    ["DOE^", "JANE", "WELBY", "ROE^", "Yamada", "GÖDEL", "CONF-0", "ACC0001", "2.25.100000", "2.25.200000"];

#[test]
fn what_is_told_names_nobody() {
    let site = Site::new();
    let server = site.serve();
    for kind in ["regular", "irregular", "broken"] {
        send(&server, "RX", &objects(kind, &site.folder(kind)));
    }
    let mut association = Association::open(server.dicom, "RX", CT, EXPLICIT).unwrap();
    for number in [1, 2, 1] {
        let instance = Instance::new(number, 1000);
        association.store(CT, &instance.uid, &instance.data_set).unwrap();
        // refused: ends within an element, then claims to be another
        association.store(CT, &instance.uid, &instance.data_set[..200]).unwrap();
        association.store(CT, "2.25.1000001", &instance.data_set).unwrap();
    }
    drop(association);
    let told: Vec<String> = ["/", "/metrics", "/healthz", "/readyz", "/2.25.1000001"]
        .map(|path| get(server.http, path).1)
        .to_vec();
    server.stop();

    let mut files = Vec::new();
    walk(site.data_folder(), &mut files);
    let database = |name: &str| -> Vec<u8> {
        let of_it = files.iter().filter(|file| file.file_name().unwrap().to_string_lossy().starts_with(name));
        of_it.flat_map(|file| fs::read(file).unwrap()).collect()
    };
    assert!(
        contains(&database("buffer."), "CONF-0"),
        "the search itself works: the buffer database may hold identities"
    );
    let mut places = vec![("the main database".to_owned(), database("main."))];
    assert!(!places[0].1.is_empty());
    places.extend(told.into_iter().map(|text| ("a page".to_owned(), text.into_bytes())));
    places
        .extend(files.iter().map(|file| ("a file name".to_owned(), file.display().to_string().into_bytes())));
    places.push(("the log".to_owned(), fs::read(site.log()).unwrap()));
    for (place, bytes) in &places {
        for planted in PLANTED {
            assert!(!contains(bytes, planted), "{planted:?} is in {place}");
        }
    }
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        if entry.file_type().unwrap().is_dir() {
            walk(&entry.path(), files);
        } else {
            files.push(entry.path());
        }
    }
}
