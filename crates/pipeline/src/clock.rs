//! The clock of the line: one function that tests can replace (ACX.6).

use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Gives the time in epoch milliseconds, UTC. Cheap to clone.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> i64 + Send + Sync>);

impl Clock {
    /// The time of the system at this moment, carried on by a clock that nobody can set: a jump of the system's time while the
    /// program runs makes no timer run out and no original leave before its time.
    pub fn system() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let start = Instant::now();
        Self::new(move || i64::try_from((since + start.elapsed()).as_millis()).unwrap_or(i64::MAX))
    }

    /// A clock that asks `now`.
    pub fn new(now: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// Epoch milliseconds.
    pub fn now(&self) -> i64 {
        (self.0)()
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}
