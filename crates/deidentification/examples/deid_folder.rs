#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::indexing_slicing, missing_docs)]
use deidentification::*;
use dicom_stream::*;
use hmac::{Hmac, Mac};
struct Source;
impl PseudonymSource for Source {
    fn uid(&self, original: &str) -> String {
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(b"key").unwrap();
        mac.update(original.as_bytes());
        let tag = mac.finalize().into_bytes();
        format!("2.25.{}", u128::from_be_bytes(tag[..16].try_into().unwrap()))
    }
    fn code(&self) -> &str {
        "P-7K3M"
    }
}
fn main() {
    let args: Vec<_> = std::env::args().collect();
    let profile = Profile::basic().compile(None).unwrap();
    let mut bad = 0;
    let t0 = std::time::Instant::now();
    let mut total = 0u64;
    for path in walk(std::path::Path::new(&args[1])) {
        let bytes = std::fs::read(&path).unwrap();
        let Ok(start) = FileStart::read(&bytes) else { continue };
        let Some(meta) = start.meta.clone() else { continue };
        let object = Object {
            sop_class: &meta.media_storage_sop_class_uid,
            sop_instance: &meta.media_storage_sop_instance_uid,
            transfer_syntax: start.transfer_syntax,
            length: Some((bytes.len() - start.data_set) as u64),
        };
        let mut out = Vec::new();
        let new = Source.uid(object.sop_instance);
        FileMeta {
            media_storage_sop_class_uid: object.sop_class.into(),
            media_storage_sop_instance_uid: new.clone(),
            transfer_syntax_uid: object.output_syntax().uid.into(),
        }
        .write(&mut out)
        .unwrap();
        total += bytes.len() as u64;
        let data_at = out.len();
        match deidentify(&profile, &object, &Source, Limits::INSTANCE, &bytes[start.data_set..], &mut out) {
            Ok(report) => {
                std::fs::write(format!("{}/{new}.dcm", args[2]), &out).unwrap();
                if args.len() > 3 {
                    println!("{}", serde_json::to_string(&report).unwrap());
                }
                let mut id = verify::Identity::default();
                let t = std::time::Instant::now();
                if let Err(e) =
                    id.add_object(&bytes[start.data_set..], start.transfer_syntax, Limits::INSTANCE)
                {
                    println!("{} identity: {e}", path.display());
                }
                let t1 = t.elapsed();
                let v = verify::Verifier::new(&id).unwrap();
                let t2 = t.elapsed();
                let before = v
                    .verify(&bytes[start.data_set..], start.transfer_syntax, Limits::INSTANCE)
                    .unwrap()
                    .len();
                let t3 = t.elapsed();
                let found = v.verify(&out[data_at..], object.output_syntax(), Limits::INSTANCE).unwrap();
                if args.len() > 4 {
                    println!("before {before} id {t1:?} new {:?} verify out {:?}", t2 - t1, t.elapsed() - t3);
                }
                for f in found.iter().take(5) {
                    println!("FINDING {} {:?} {}", f.path, f.kind, path.display());
                }
            }
            Err(e) => {
                bad += 1;
                println!("{}: {e}", path.display());
            }
        }
    }
    println!("{bad} failed, {total} bytes, {:?}", t0.elapsed());
}
fn walk(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut out = vec![];
    let mut entries: Vec<_> = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    for e in entries {
        if e.is_dir() { out.extend(walk(&e)) } else { out.push(e) }
    }
    out
}
