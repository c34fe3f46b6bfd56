//! AS (PS3.5 6.2): `nnnD`, `nnnW`, `nnnM`, `nnnY`.

/// Unit of an [`Age`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgeUnit {
    /// `D`.
    Days,
    /// `W`.
    Weeks,
    /// `M`.
    Months,
    /// `Y`.
    Years,
}

/// An age as written. Not ordered: units differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Age {
    /// 0 to 999.
    pub count: u16,
    /// What is counted.
    pub unit: AgeUnit,
}

impl Age {
    /// Reads one value. One to three digits and a letter in either case; a missing letter is not guessed.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let (letter, mut number) = super::trim(dicom_core::VR::AS, value).split_last()?;
        let unit = match letter.to_ascii_uppercase() {
            b'D' => AgeUnit::Days,
            b'W' => AgeUnit::Weeks,
            b'M' => AgeUnit::Months,
            b'Y' => AgeUnit::Years,
            _ => return None,
        };
        let width = Some(number.len()).filter(|width| (1..=3).contains(width))?;
        let count = u16::try_from(super::scan::digits(&mut number, width)?).ok()?;
        Some(Self { count, unit })
    }

    /// Completed years.
    #[must_use]
    pub fn years(self) -> u16 {
        match self.unit {
            AgeUnit::Days => self.count / 365,
            AgeUnit::Weeks => self.count / 52,
            AgeUnit::Months => self.count / 12,
            AgeUnit::Years => self.count,
        }
    }

    /// The value in its defined form, `045Y`; a count above 999 is cut to it.
    #[must_use]
    pub fn value(self) -> String {
        let letter = match self.unit {
            AgeUnit::Days => 'D',
            AgeUnit::Weeks => 'W',
            AgeUnit::Months => 'M',
            AgeUnit::Years => 'Y',
        };
        format!("{:03}{letter}", self.count.min(999))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages() {
        let age = |value: &[u8]| Age::parse(value).map(|age| (age.value(), age.years()));
        assert_eq!(age(b"045Y"), Some(("045Y".to_owned(), 45)));
        assert_eq!(age(b"7y "), Some(("007Y".to_owned(), 7)));
        assert_eq!(age(b"018M"), Some(("018M".to_owned(), 1)));
        assert_eq!(age(b"051W"), Some(("051W".to_owned(), 0)));
        assert_eq!(age(b"730D"), Some(("730D".to_owned(), 2)));
        for none in [&b""[..], b"Y", b"045", b"0045Y", b"4.5Y", b"-45Y", b"045X"] {
            assert_eq!(age(none), None);
        }
    }
}
