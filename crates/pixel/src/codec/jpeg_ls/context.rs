//! What a context remembers of the errors seen in it (T.87 A.6, A.7).

use super::parameters::Parameters;

/// A context of regular coding.
#[derive(Clone, Copy)]
pub(super) struct Regular {
    a: i32,
    b: i32,
    c: i32,
    n: i32,
}

impl Regular {
    pub(super) fn new(parameters: &Parameters) -> Self {
        Self { a: first_a(parameters), b: 0, c: 0, n: 1 }
    }

    pub(super) fn correction(&self) -> i32 {
        self.c
    }

    pub(super) fn k(&self) -> u32 {
        order(self.n, self.a)
    }

    /// The error that a code stands for (A.5.2).
    pub(super) fn error(&self, code: i32, k: u32, near: i32) -> i32 {
        let turned = near == 0 && k == 0 && 2 * self.b <= -self.n;
        match (code & 1 == 1, turned) {
            (true, true) => code / 2,
            (false, true) => -(code / 2) - 1,
            (true, false) => -(code / 2) - 1,
            (false, false) => code / 2,
        }
    }

    pub(super) fn update(&mut self, error: i32, parameters: &Parameters) {
        self.b += error * (2 * parameters.near + 1);
        self.a += error.abs();
        if self.n == parameters.reset {
            self.a >>= 1;
            self.b >>= 1;
            self.n >>= 1;
        }
        self.n += 1;
        if self.b <= -self.n {
            self.b = (self.b + self.n).max(1 - self.n);
            self.c = (self.c - 1).max(-128);
        } else if self.b > 0 {
            self.b = (self.b - self.n).min(0);
            self.c = (self.c + 1).min(127);
        }
    }
}

/// A context of the sample that ends a run; its type is 1 when the samples to the left and above are alike.
#[derive(Clone, Copy)]
pub(super) struct Interruption {
    kind: i32,
    a: i32,
    n: i32,
    negative: i32,
}

impl Interruption {
    pub(super) fn new(kind: i32, parameters: &Parameters) -> Self {
        Self { kind, a: first_a(parameters), n: 1, negative: 0 }
    }

    pub(super) fn k(&self) -> u32 {
        order(self.n, self.a + if self.kind == 1 { self.n >> 1 } else { 0 })
    }

    /// The error that a code stands for (A.7.2.2), remembered.
    pub(super) fn error(&mut self, code: i32, k: u32, parameters: &Parameters) -> i32 {
        let doubled = code + self.kind;
        let map = doubled & 1;
        let size = (doubled + map) / 2;
        let turned = k != 0 || 2 * self.negative >= self.n;
        let error = if turned == (map == 1) { -size } else { size };
        if error < 0 {
            self.negative += 1;
        }
        self.a += (code + 1 - self.kind) >> 1;
        if self.n == parameters.reset {
            self.a >>= 1;
            self.n >>= 1;
            self.negative >>= 1;
        }
        self.n += 1;
        error
    }
}

fn first_a(parameters: &Parameters) -> i32 {
    ((parameters.range + 32) / 64).max(2)
}

/// The smallest k with n × 2^k ≥ a (A.5.1).
fn order(n: i32, a: i32) -> u32 {
    (0..24).find(|&k| i64::from(n) << k >= i64::from(a)).unwrap_or(24)
}
