//! Character sets and text values: no panic, and the three identities that the readers of data sets rely on.
//!
//! Input: one byte that chooses the VR, one for the length of (0008,0005), (0008,0005), the value field.
#![no_main]

use dicom_stream::VR;
use dicom_stream::charset::{CharacterSet, Fidelity, byte_forms, separates_values};
use dicom_stream::text::{
    Age, Date, DateTime, PersonName, Range, Time, check_uid, decimal, integer, shift_date, trim, yyyymmdd,
};
use libfuzzer_sys::fuzz_target;

const VRS: [VR; 9] = [VR::PN, VR::LO, VR::SH, VR::UC, VR::ST, VR::LT, VR::UT, VR::CS, VR::UN];

fuzz_target!(|data: &[u8]| {
    let [choice, length, rest @ ..] = data else { return };
    let vr = VRS[usize::from(*choice) % VRS.len()];
    let (declared, field) = rest.split_at(usize::from(*length).min(rest.len()));
    let (set, _) = CharacterSet::parse(declared);
    assert_eq!(CharacterSet::parse(set.value().as_bytes()), (set.clone(), vec![]));
    values(&set, vr, field);
    text_values(field);
});

fn values(set: &CharacterSet, vr: VR, field: &[u8]) {
    let values: Vec<&[u8]> = set.split_values(vr, field).map(|range| &field[range]).collect();
    assert_eq!(values.join(&b'\\'), field);

    let (text, fidelity) = set.decode_checked(vr, field);
    let alone: Vec<_> = values.iter().map(|value| set.decode(vr, value)).collect();
    assert_eq!(alone.join("\\"), text);
    if separates_values(vr) {
        assert_eq!(values.len(), text.split('\\').count());
    }

    match set.encode(vr, &text) {
        Ok(bytes) => assert_eq!(set.decode_checked(vr, &bytes), (text.as_ref().into(), Fidelity::Exact)),
        Err(refused) => assert!(fidelity != Fidelity::Exact || refused.offset < text.len()),
    }
    let name = PersonName::parse(&text);
    assert!(name.components().map(str::len).sum::<usize>() <= text.len());
    if text.len() < 64 {
        assert!(byte_forms(&text).iter().all(|form| !form.is_empty()));
    }
}

fn text_values(value: &[u8]) {
    if let Some(shifted) = shift_date(value, -1_234) {
        assert_eq!(shifted.len(), value.len());
        assert_eq!(shift_date(&shifted, 1_234).as_deref(), Some(value));
        assert!(yyyymmdd(&shifted) < yyyymmdd(value));
    }
    if let Some(date) = Date::parse(value) {
        assert_eq!(Date::from_days(date.to_days()), Some(date));
    }
    let (_, _, _, _) =
        (Time::parse(value), DateTime::parse(value), Age::parse(value), check_uid(value).is_ok());
    let (_, _, _) = (Range::dates(value), Range::times(value), Range::date_times(value));
    let (_, _, _) = (decimal(value), integer(value), trim(VR::LO, value));
}
