//! DICOM JSON Model (PS3.18 Annex F) of flat data sets.

use dicom_stream::{Tag, VR};
use serde_json::{Map, Value, json};

use crate::data_set::DataSet;

/// A data set as JSON; sequences and bulk are left out.
pub(super) fn of_data_set(set: &DataSet) -> Value {
    let element = |tag: Tag| {
        let vr = set.vr(tag)?;
        let values = values(set, tag, vr)?;
        let mut element = Map::new();
        element.insert("vr".to_owned(), Value::from(vr.to_string()));
        if !values.is_empty() {
            element.insert("Value".to_owned(), Value::Array(values));
        }
        Some((name(tag), Value::Object(element)))
    };
    Value::Object(set.tags().filter_map(element).collect())
}

/// An element's name: eight hexadecimal digits.
pub(super) fn name(tag: Tag) -> String {
    format!("{:04X}{:04X}", tag.group(), tag.element())
}

/// The values of an element; `None` if it is of a kind that is not shown.
fn values(set: &DataSet, tag: Tag, vr: VR) -> Option<Vec<Value>> {
    if vr == VR::US {
        return Some(set.number(tag).map(Value::from).into_iter().collect());
    }
    let text = set.text(tag);
    let value = |part: &str| match vr {
        VR::PN => {
            let groups = ["Alphabetic", "Ideographic", "Phonetic"].into_iter().zip(part.split('='));
            Value::Object(
                groups.filter(|(_, text)| !text.is_empty()).map(|(k, v)| (k.to_owned(), v.into())).collect(),
            )
        }
        VR::IS => part.trim().parse::<i64>().map_or(Value::Null, Value::from),
        VR::DS => part.trim().parse::<f64>().map_or(Value::Null, Value::from),
        _ if part.is_empty() => Value::Null,
        _ => json!(part),
    };
    match vr {
        _ if text.is_empty() => Some(Vec::new()),
        VR::LT | VR::ST | VR::UT | VR::UR => Some(vec![json!(text)]),
        VR::AE
        | VR::AS
        | VR::CS
        | VR::DA
        | VR::DS
        | VR::DT
        | VR::IS
        | VR::LO
        | VR::PN
        | VR::SH
        | VR::TM
        | VR::UC
        | VR::UI => Some(text.split('\\').map(value).collect()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dicom_dictionary_std::tags;

    /// PS3.18 §F.2.2 and F.2.3.
    #[test]
    fn elements_have_vr_and_values() {
        let set = DataSet::default()
            .put(tags::SPECIFIC_CHARACTER_SET, "ISO_IR 192")
            .put(tags::PATIENT_NAME, "Yamada^Tarou=山田^太郎")
            .put(tags::PATIENT_SEX, "")
            .put(tags::SERIES_NUMBER, "12")
            .numbers(tags::ROWS, [64])
            .put(tags::MODALITIES_IN_STUDY, "CT\\SEG");
        assert_eq!(
            of_data_set(&set),
            json!({
                "00080005": {"vr": "CS", "Value": ["ISO_IR 192"]},
                "00080061": {"vr": "CS", "Value": ["CT", "SEG"]},
                "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Yamada^Tarou", "Ideographic": "山田^太郎"}]},
                "00100040": {"vr": "CS"},
                "00200011": {"vr": "IS", "Value": [12]},
                "00280010": {"vr": "US", "Value": [64]},
            })
        );
    }
}
