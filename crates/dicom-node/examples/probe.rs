//! temporary
#![allow(
    clippy::all,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::indexing_slicing
)]
use dicom_node::access::*;
use dicom_node::config::NodeConfig;
use dicom_node::receiver::*;
use dicom_node::status::*;
use dicom_node::storage_commitment::*;
use dicom_node::*;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
struct A;
impl AccessControl for A {
    async fn decide(&self, p: &PeerInfo) -> Result<Policy, Rejection> {
        if p.called.as_str() == "NOT_THIS_ONE" {
            return Err(Rejection::CALLED_TITLE);
        }
        if p.calling.as_str() == "NOBODY_KNOWS_ME" {
            return Err(Rejection::CALLING_TITLE);
        }
        Ok(Policy {
            commitment_requests: true,
            extra_sop_classes: vec!["1.2.826.0.1.3680043.9.9999.1".into()],
            ..Policy::new("peer", 100000)
        })
    }
    async fn refused(&self, _: Refused<'_>) {}
}
struct R;
struct S {
    len: u64,
    buf: Vec<u8>,
}
impl InstanceReceiver for R {
    type Sink = S;
    async fn begin(&self, _: &StoreRequest) -> Result<S, StoreFailure> {
        Ok(S { len: 0, buf: Vec::with_capacity(600_000) })
    }
}
impl InstanceSink for S {
    async fn chunk(&mut self, b: &[u8]) -> Result<(), StoreFailure> {
        self.len += b.len() as u64;
        if self.buf.len() < 1 << 24 {
            self.buf.extend_from_slice(b);
        }
        Ok(())
    }
    async fn commit(self) -> Result<StoreReceipt, StoreFailure> {
        Ok(StoreReceipt)
    }
    async fn abort(self) {}
}
struct C;
impl CommitmentHandler for C {
    async fn requested(&self, _: &PeerInfo, r: CommitmentRequest) -> Result<(), CommitmentFailure> {
        eprintln!("{r:?}");
        Ok(())
    }
    async fn reported(&self, _: &PeerInfo, r: CommitmentReport) -> Result<(), CommitmentFailure> {
        eprintln!("{r:?}");
        Ok(())
    }
}
#[tokio::main]
async fn main() {
    let args: Vec<String> = std::env::args().collect();
    let config = NodeConfig::default();
    let kill = CancellationToken::new();
    if args[1] == "serve" {
        let l = listener::listen(format!("127.0.0.1:{}", args[2]).parse().unwrap()).unwrap();
        let config = NodeConfig { associations: args.get(3).map_or(256, |a| a.parse().unwrap()), ..config };
        let node = Node::new(config, A, R, C, dicom_node::query_retrieve_scp::NoQuery);
        let stop = CancellationToken::new();
        let s2 = stop.clone();
        tokio::spawn(async move {
            tokio::signal::ctrl_c().await.unwrap();
            s2.cancel();
        });
        println!("serving {}", std::process::id());
        Arc::clone(&node).serve(l, None, stop).await;
        return;
    }
    let port: u16 = args[2].parse().unwrap();
    let remote = RemoteNode {
        called: AeTitle::new(&args[3]).unwrap(),
        calling: AeTitle::new("PROBE").unwrap(),
        host: "localhost".into(),
        port,
        tls: None,
    };
    use presentation_context::*;
    use sop_class::*;
    use transfer_syntax::*;
    const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
    match args[1].as_str() {
        "echo" => {
            let mut a = remote
                .associate(&[ProposedContext::new(VERIFICATION, &[IMPLICIT_LITTLE])], &config, kill)
                .await
                .unwrap();
            println!("echo {}", a.echo().await.unwrap());
            a.release().await.unwrap();
        }
        "store" => {
            // file with raw dataset, sop instance, count
            let data = std::fs::read(&args[4]).unwrap();
            let n: u32 = args[6].parse().unwrap();
            let mut a = remote
                .associate(&storage_scu::storage_contexts([(CT, EXPLICIT_LITTLE)]), &config, kill)
                .await
                .unwrap();
            let t = std::time::Instant::now();
            for _ in 0..n {
                let i = storage_scu::OutgoingInstance {
                    sop_class: CT,
                    sop_instance: &args[5],
                    transfer_syntax: EXPLICIT_LITTLE,
                    move_originator: None,
                };
                let s = a.store(&i, data.as_slice()).await.unwrap();
                if !s.is_done() {
                    println!("status {s}");
                }
            }
            println!("{} in {:?}", n, t.elapsed());
            a.release().await.unwrap();
        }
        "find" | "get" | "move" => {
            let model = match args[1].as_str() {
                "find" => STUDY_FIND,
                "get" => STUDY_GET,
                _ => STUDY_MOVE,
            };
            // level STUDY + Study UID (0020,000D) given
            let mut id = Vec::new();
            let lvl = b"STUDY ";
            id.extend(b"\x08\0\x52\0");
            id.extend((lvl.len() as u32).to_le_bytes());
            id.extend(lvl);
            let mut u = args.get(4).cloned().unwrap_or_default().into_bytes();
            if u.len() % 2 == 1 {
                u.push(0);
            }
            id.extend(b"\x20\0\x0D\0");
            id.extend((u.len() as u32).to_le_bytes());
            id.extend(u);
            let ctx = [
                ProposedContext::new(model, &[IMPLICIT_LITTLE]),
                ProposedContext::new(CT, &[EXPLICIT_LITTLE]).with_roles(Roles::SCP),
            ];
            let mut a = remote.associate(&ctx, &config, kill).await.unwrap();
            if model == STUDY_FIND {
                let mut f = a.find(model, &id, 3).await.unwrap();
                while let Some(r) = f.next().await.unwrap() {
                    println!("row {}", r.escape_ascii());
                }
                println!("{:?} cut {}", f.status(), f.is_cut());
            } else if model == STUDY_GET {
                println!("{:?}", a.get(model, &id, &R, |p| println!("{p:?}")).await.unwrap());
            } else {
                println!(
                    "{:?}",
                    a.move_to(model, &id, &AeTitle::new("PROBE").unwrap(), |p| println!("{p:?}"))
                        .await
                        .unwrap()
                );
            }
            a.release().await.unwrap();
        }
        _ => {}
    }
}
