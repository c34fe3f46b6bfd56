//! The coded bits of a scan: after a byte FFH the next byte carries seven bits (T.87 9.1).

use super::CodecError;

pub(super) struct BitReader<'a> {
    bytes: std::slice::Iter<'a, u8>,
    held: u64,
    count: u32,
    after_ff: bool,
}

impl<'a> BitReader<'a> {
    pub(super) fn new(coded: &'a [u8]) -> Self {
        Self { bytes: coded.iter(), held: 0, count: 0, after_ff: false }
    }

    /// Takes bytes until at least 32 bits are held or a marker or the end is reached.
    fn refill(&mut self) {
        while self.count <= 48 {
            let Some(&byte) = self.bytes.as_slice().first() else { return };
            if self.after_ff && byte >= 0x80 {
                return;
            }
            self.bytes.next();
            let bits = if self.after_ff { 7 } else { 8 };
            self.held = self.held << bits | u64::from(byte);
            self.count += bits;
            self.after_ff = byte == 0xFF;
        }
    }

    /// The next `bits` bits, at most 32.
    pub(super) fn take(&mut self, bits: u32) -> Result<u32, CodecError> {
        if self.count < bits {
            self.refill();
        }
        let left = self.count.checked_sub(bits).ok_or(CodecError::Damaged("JPEG-LS scan ends early"))?;
        self.count = left;
        Ok((self.held >> left & ((1_u64 << bits) - 1)) as u32)
    }

    /// Zeros before the next one, which is taken too; more than `most` is an error.
    fn zeros(&mut self, most: u32) -> Result<u32, CodecError> {
        let mut zeros = 0;
        while self.take(1)? == 0 {
            zeros += 1;
            if zeros > most {
                return Err(CodecError::Damaged("JPEG-LS code"));
            }
        }
        Ok(zeros)
    }

    /// A Golomb code of order `k` limited to `limit` bits (A.5.3): what exceeds is written in `plain` bits.
    pub(super) fn golomb(&mut self, k: u32, limit: u32, plain: u32) -> Result<i32, CodecError> {
        let longest = limit.checked_sub(plain + 1).ok_or(CodecError::Damaged("JPEG-LS limit"))?;
        let zeros = self.zeros(longest)?;
        let value = if zeros < longest { zeros << k | self.take(k)? } else { self.take(plain)? + 1 };
        i32::try_from(value).map_err(|_| CodecError::Damaged("JPEG-LS code"))
    }
}
