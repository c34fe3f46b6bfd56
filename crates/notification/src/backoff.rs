//! When to try again: 30 s doubled with each failure, at most 1 h, full jitter (so that many messages do not march in step).

const FIRST: i64 = 30_000;
const LONGEST: i64 = 3_600_000;
const SHORTEST: i64 = 1_000;

/// Milliseconds to wait after the `failures`-th failure (from 1); `random` is any number.
pub(crate) fn delay(failures: i64, random: u64) -> i64 {
    let doublings = failures.saturating_sub(1).clamp(0, 30);
    let longest = (FIRST << doublings).min(LONGEST);
    let share = (u128::from(random) * longest.unsigned_abs() as u128) >> 64;
    i64::try_from(share).unwrap_or(longest).max(SHORTEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_up_to_an_hour_and_never_less_than_a_second() {
        let longest: Vec<i64> = (1..=9).map(|failures| (delay(failures, u64::MAX) + 999) / 1_000).collect();
        assert_eq!(longest, [30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600]);
        assert_eq!(delay(5, 0), 1_000);
        assert_eq!(delay(i64::MAX, u64::MAX / 2), 1_799_999);
    }
}
