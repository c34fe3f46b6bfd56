use crate::support::*;
use pseudonym::*;
use std::time::Instant;
#[tokio::test]
async fn measure() {
    for world in worlds().await {
        let vault = &world.vault;
        let p = admit(vault, "trial", "1").await;
        let t = Instant::now();
        for _ in 0..1000 {
            admit(vault, "trial", "1").await;
        }
        println!("{:?} participant() known: {:?}", world.database.dialect(), t.elapsed() / 1000);
        let t = Instant::now();
        for i in 0..200 {
            admit(vault, "trial", &format!("n{i}")).await;
        }
        println!("participant() new: {:?}", t.elapsed() / 200);
        for n in [64usize, 2000] {
            let t = Instant::now();
            let mut ms = Vec::new();
            for i in 0..10 {
                ms.push(map(vault, &p, &format!("1.2.{n}.{i}"), n).await);
            }
            println!(
                "record_mapping {n}: {:?} per uid {:?}",
                t.elapsed() / 10,
                t.elapsed() / (10 * n as u32)
            );
            let t = Instant::now();
            for (i, m) in ms.iter().enumerate() {
                let uids: Vec<_> = m
                    .instances
                    .iter()
                    .map(|u| IssuedUid { kind: UidKind::Instance, base: u, pseudonym: u })
                    .collect();
                vault.issue(&export(&p, "uni", &m.study, &format!("j{n}-{i}")), &uids).await.unwrap();
            }
            println!("issue {n}: {:?} per uid {:?}", t.elapsed() / 10, t.elapsed() / (10 * n as u32));
            let t = Instant::now();
            let uids: Vec<&str> = ms[0].instances.iter().map(String::as_str).collect();
            vault.recognise("trial", "uni", &uids).await.unwrap();
            println!("recognise {n}: per uid {:?}", t.elapsed() / n as u32);
            let a = vault.reidentify("trial", p.id, &purpose(), NOW).await.unwrap();
            let t = Instant::now();
            vault.originals(&a, "uni", &uids).await.unwrap();
            println!("originals {n}: per uid {:?}", t.elapsed() / n as u32);
        }
        let t = Instant::now();
        for i in 0..10000 {
            std::hint::black_box(p.mapping.uid(&format!("1.2.3.{i}")));
        }
        println!("uid(): {:?}", t.elapsed() / 10000);
    }
}
