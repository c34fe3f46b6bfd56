//! How often the log tells of the same thing: a peer that is refused a thousand times a second fills no disk. The figures count them all.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::clock::Clock;

/// Between two lines about the same cause, milliseconds.
const EVERY_MS: i64 = 10_000;

/// When each cause was last told of, and how often it occurred since. Causes are words of the program, never a peer's.
#[derive(Debug)]
pub(crate) struct LogRate {
    clock: Clock,
    told: Mutex<BTreeMap<&'static str, (i64, u64)>>,
}

impl LogRate {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, told: Mutex::default() }
    }

    /// Whether to tell of it now; then with how many that were not told of.
    pub(crate) fn tell(&self, cause: &'static str) -> Option<u64> {
        let now = self.clock.now();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        match told.get_mut(cause) {
            Some((last, silent)) if now - *last < EVERY_MS => {
                *silent += 1;
                None
            }
            Some((last, silent)) => {
                *last = now;
                Some(std::mem::take(silent))
            }
            None => {
                told.insert(cause, (now, 0));
                Some(0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    #[test]
    fn one_line_in_ten_seconds_and_cause_with_the_number_left_out() {
        let now = Arc::new(AtomicI64::new(1_000_000));
        let clock = {
            let now = Arc::clone(&now);
            Clock::new(move || now.load(Ordering::Relaxed))
        };
        let rate = LogRate::new(clock);
        let told: Vec<_> = (0..5).map(|_| rate.tell("a")).collect();
        assert_eq!(told, [Some(0), None, None, None, None]);
        assert_eq!(rate.tell("b"), Some(0));
        now.fetch_add(10_000, Ordering::Relaxed);
        assert_eq!((rate.tell("a"), rate.tell("a")), (Some(4), None));
    }
}
