//! The coding parameters (T.87 A.1, C.2.4.1.1).

use super::CodecError;

#[derive(Clone, Copy)]
pub(super) struct Parameters {
    pub(super) maxval: i32,
    pub(super) near: i32,
    pub(super) t1: i32,
    pub(super) t2: i32,
    pub(super) t3: i32,
    pub(super) reset: i32,
    pub(super) range: i32,
    pub(super) qbpp: u32,
    pub(super) limit: u32,
}

impl Parameters {
    /// From the sample precision, NEAR and the presets MAXVAL, T1, T2, T3, RESET, of which 0 means the default.
    pub(super) fn new(precision: u8, near: u8, presets: Option<[u16; 5]>) -> Result<Self, CodecError> {
        let [maxval, t1, t2, t3, reset] = presets.unwrap_or_default().map(i32::from);
        let highest = (1 << precision) - 1;
        let maxval = if maxval == 0 { highest } else { maxval };
        let near = i32::from(near);
        if maxval > highest || near > (maxval / 2).min(255) {
            return Err(CodecError::Damaged("JPEG-LS presets"));
        }
        let defaults = thresholds(maxval, near);
        let [t1, t2, t3] = [t1, t2, t3]
            .iter()
            .zip(defaults)
            .map(|(&set, default)| if set == 0 { default } else { set })
            .collect::<Vec<_>>()
            .try_into()
            .unwrap_or(defaults);
        let reset = if reset == 0 { 64 } else { reset };
        if !(near < t1 && t1 <= t2 && t2 <= t3 && t3 <= maxval && (3..=maxval.max(255)).contains(&reset)) {
            return Err(CodecError::Damaged("JPEG-LS presets"));
        }
        let range = (maxval + 2 * near) / (2 * near + 1) + 1;
        let bpp = bits_for(maxval + 1).max(2);
        Ok(Self {
            maxval,
            near,
            t1,
            t2,
            t3,
            reset,
            range,
            qbpp: bits_for(range),
            limit: 2 * (bpp + bpp.max(8)),
        })
    }

    /// A prediction and its quantised error to a sample (A.4.4, A.5).
    pub(super) fn reconstruct(&self, predicted: i32, error: i32) -> i32 {
        let step = 2 * self.near + 1;
        let mut sample = predicted + error * step;
        if sample < -self.near {
            sample += self.range * step;
        } else if sample > self.maxval + self.near {
            sample -= self.range * step;
        }
        sample.clamp(0, self.maxval)
    }

    /// The region of a gradient (A.3.3).
    pub(super) fn quantise(&self, gradient: i32) -> i32 {
        let size = gradient.abs();
        let region = if size <= self.near {
            0
        } else if size < self.t1 {
            1
        } else if size < self.t2 {
            2
        } else if size < self.t3 {
            3
        } else {
            4
        };
        region * gradient.signum()
    }
}

/// The smallest number of bits that counts `values` values.
fn bits_for(values: i32) -> u32 {
    32 - (values - 1).leading_zeros()
}

/// The default thresholds (C.2.4.1.1.1).
fn thresholds(maxval: i32, near: i32) -> [i32; 3] {
    let clamp = |value: i32, low: i32| if value > maxval || value < low { low } else { value };
    let raw = if maxval >= 128 {
        let factor = (maxval.min(4095) + 128) / 256;
        [factor + 2 + 3 * near, factor * 4 + 3 + 5 * near, factor * 17 + 4 + 7 * near]
    } else {
        let factor = 256 / (maxval + 1);
        [(3 / factor + 3 * near).max(2), (7 / factor + 5 * near).max(3), (21 / factor + 7 * near).max(4)]
    };
    let [t1, t2, t3] = raw;
    let t1 = clamp(t1, near + 1);
    let t2 = clamp(t2, t1);
    [t1, t2, clamp(t3, t2)]
}
