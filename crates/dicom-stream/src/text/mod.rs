//! Values of the text VRs, read tolerantly and without panics: names, dates, times, ages, numbers, UIDs, padding.
//!
//! Works on one value at a time ([`crate::charset::CharacterSet::split_values`] separates them). Source: PS3.5 6.2, 9.1
//! and Table 6.2-1.

mod age;
mod date;
mod date_time;
mod number;
mod padding;
mod person_name;
mod range;
mod scan;
mod time;
mod uid;

pub use age::{Age, AgeUnit};
pub use date::{Date, shift_date, yyyymmdd};
pub use date_time::DateTime;
pub use number::{decimal, integer};
pub use padding::{pad_byte, trim};
pub use person_name::{NameGroup, PersonName};
pub use range::Range;
pub use time::Time;
pub use uid::{InvalidUid, MAX_UID_LENGTH, check_uid, trim_uid};
