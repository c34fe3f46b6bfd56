#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::indexing_slicing, missing_docs)]
use deidentification::*;
use dicom_stream::*;
use std::io::{Read, Write};
struct Source;
impl PseudonymSource for Source {
    fn uid(&self, original: &str) -> String {
        use hmac::{Hmac, Mac};
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(b"key").unwrap();
        mac.update(original.as_bytes());
        let tag = mac.finalize().into_bytes();
        format!("2.25.{}", u128::from_be_bytes(tag[..16].try_into().unwrap()))
    }
    fn code(&self) -> &str {
        "P-7K3M"
    }
}
fn cpu() -> f64 {
    let s = std::fs::read_to_string("/proc/self/stat").unwrap();
    let f: Vec<_> = s.rsplit(')').next().unwrap().split_whitespace().collect();
    (f[11].parse::<f64>().unwrap() + f[12].parse::<f64>().unwrap()) / 100.0
}
fn main() {
    let args: Vec<_> = std::env::args().collect();
    let files = walk(std::path::Path::new(&args[1]));
    let profile = Profile::basic().compile(None).unwrap();
    let mut buf = vec![0u8; 256 << 10];
    for round in 0..5 {
        let (c, t) = (cpu(), std::time::Instant::now());
        for _ in 0..5 {
            for p in &files {
                let mut i = std::fs::File::open(p).unwrap();
                let mut o = std::fs::File::create("/dev/shm/b/out.copy").unwrap();
                loop {
                    let n = i.read(&mut buf).unwrap();
                    if n == 0 {
                        break;
                    }
                    o.write_all(&buf[..n]).unwrap();
                }
            }
        }
        let (c1, t1) = (cpu(), t.elapsed());
        for _ in 0..5 {
            for p in &files {
                let mut i = std::fs::File::open(p).unwrap();
                let mut head = vec![0; 4096];
                let n = i.read(&mut head).unwrap();
                let start = FileStart::read(&head[..n]).unwrap();
                let meta = start.meta.clone().unwrap();
                let object = Object {
                    sop_class: &meta.media_storage_sop_class_uid,
                    sop_instance: &meta.media_storage_sop_instance_uid,
                    transfer_syntax: start.transfer_syntax,
                    length: None,
                };
                let mut o = std::fs::File::create("/dev/shm/b/out.deid").unwrap();
                FileMeta {
                    media_storage_sop_class_uid: object.sop_class.into(),
                    media_storage_sop_instance_uid: Source.uid(object.sop_instance),
                    transfer_syntax_uid: object.output_syntax().uid.into(),
                }
                .write(&mut o)
                .unwrap();
                deidentify(
                    &profile,
                    &object,
                    &Source,
                    Limits::INSTANCE,
                    head[start.data_set..n].chain(i),
                    &mut o,
                )
                .unwrap();
            }
        }
        let n = files.len() as f64 * 5.0;
        println!(
            "{round}: copy {:.3} ms cpu {:.3}; deid {:.3} ms cpu {:.3}",
            t1.as_secs_f64() * 1e3 / n,
            (c1 - c) * 1e3 / n,
            (t.elapsed() - t1).as_secs_f64() * 1e3 / n,
            (cpu() - c1) * 1e3 / n
        );
    }
}
fn walk(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut out = vec![];
    for e in std::fs::read_dir(dir).unwrap() {
        let p = e.unwrap().path();
        if p.is_dir() {
            out.extend(walk(&p))
        } else if p.extension().is_some_and(|e| e == "dcm") {
            out.push(p)
        }
    }
    out
}
