//! Ages over 89 are pooled (45 CFR 164.514(b)(2)(i)(C)): those of AS, and the Subject Age of a report with its unit.

use std::io::Write;

use dicom_core::VR;
use dicom_stream::text::Age;
use dicom_stream::{Header, Token};

use super::{Done, Walk};
use crate::dummy::trimmed;
use crate::profile::Rule;
use crate::table::Step;

/// Ages from the next year on are pooled.
const AGE_MAX: u16 = 89;
const POOLED: &[u8] = b"090Y";

impl<W: Write> Walk<'_, '_, W> {
    pub(super) fn age(&mut self, token: &Token<'_>, header: &Header, rule: Rule, value: &[u8]) -> Done {
        if rule.vr == VR::DS {
            return self.number_of_age(token, header, rule, value);
        }
        match Age::parse(value) {
            Some(age) if age.years() <= AGE_MAX => self.keep(token, header, rule),
            Some(_) => self.write(header.tag, rule, Step::PoolAge, POOLED),
            None => self.fall_back(token, header, rule, value),
        }
    }

    /// Numeric Value of a measured age; its unit stands before it in the item.
    fn number_of_age(&mut self, token: &Token<'_>, header: &Header, rule: Rule, value: &[u8]) -> Done {
        let text = std::str::from_utf8(trimmed(value)).unwrap_or_default();
        let pooled = pooled_number(self.level().map_or("", |level| level.code.as_str()));
        let Ok(number) = text.parse::<f64>() else { return self.no_number(header.tag) };
        if number.is_finite() && number < f64::from(pooled) {
            return self.keep(token, header, rule);
        }
        self.write(header.tag, rule, Step::PoolAge, pooled.to_string().as_bytes())
    }
}

/// 90 years in a unit of UCUM (CID 7456 Units of Measure for Age); a unit that is not known is taken as a year.
fn pooled_number(unit: &str) -> u32 {
    match unit {
        "mo" => 90 * 12,
        "wk" => 90 * 52,
        "d" => 90 * 365,
        "h" => 90 * 365 * 24,
        "min" => 90 * 365 * 24 * 60,
        _ => 90,
    }
}
