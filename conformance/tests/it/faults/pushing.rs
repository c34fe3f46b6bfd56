//! Four senders that push until they are stopped or cut off.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::ledger::Ledger;
use crate::harness::{Association, CT, EXPLICIT, Instance};

const SENDERS: usize = 4;

/// What the senders share over all rounds of a site.
#[derive(Default)]
pub(super) struct Push {
    pub(super) ledger: Mutex<Ledger>,
    /// Number of the next instance: none is sent twice.
    next: AtomicU64,
    stop: AtomicBool,
    /// Statuses other than 0x0000.
    pub(super) refusals: Mutex<Vec<u16>>,
}

impl Push {
    /// Pushes over four associations while `meanwhile` runs, then ends them. A sender that is cut off or refused ends by itself.
    pub(super) fn during<R>(&self, address: SocketAddr, meanwhile: impl FnOnce() -> R) -> R {
        self.stop.store(false, Ordering::SeqCst);
        std::thread::scope(|scope| {
            for _ in 0..SENDERS {
                scope.spawn(|| {
                    let _ = self.sender(address);
                });
            }
            let result = meanwhile();
            self.stop.store(true, Ordering::SeqCst);
            result
        })
    }

    fn sender(&self, address: SocketAddr) -> std::io::Result<()> {
        let mut association = Association::open(address, "RX", CT, EXPLICIT)?;
        while !self.stop.load(Ordering::SeqCst) {
            let number = self.next.fetch_add(1, Ordering::SeqCst);
            let instance = Instance::new(number, pixel_bytes(number));
            let digest = instance.digest();
            self.ledger.lock().unwrap().sent(digest.clone());
            match association.store(CT, &instance.uid, &instance.data_set)? {
                0x0000 => self.ledger.lock().unwrap().acknowledged(digest),
                status => {
                    self.refusals.lock().unwrap().push(status);
                    return Ok(());
                }
            }
        }
        association.release();
        Ok(())
    }

    pub(super) fn acknowledged(&self) -> usize {
        self.ledger.lock().unwrap().acknowledged_count()
    }

    /// Waits until `count` more are acknowledged; fails the test after 60 s.
    pub(super) fn wait_for(&self, count: usize) {
        let (before, started) = (self.acknowledged(), Instant::now());
        while self.acknowledged() < before + count {
            assert!(
                started.elapsed() < Duration::from_secs(60),
                "{count} more acknowledgements did not come"
            );
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// Most are slices; some pass the staging limit of 8 MiB and get a file of their own.
fn pixel_bytes(number: u64) -> usize {
    match number % 97 {
        96 => 9 << 20,
        n if n % 10 == 9 => 1 << 20,
        n if n % 3 == 2 => 64 << 10,
        _ => 8 << 10,
    }
}
