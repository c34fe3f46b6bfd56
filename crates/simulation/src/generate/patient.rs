//! Invented persons, and what a clinical PACS knows of them and of their study.

use dicom_dictionary_std::tags;

use crate::data_set::DataSet;
use crate::seed::Seed;

/// Start of every token.
const MARK: &str = "ZQ";
/// Digits of a token: six of the patient, two of the field.
const DIGITS: usize = 8;

/// Who: as (0010,xxxx) says it, in one of three character sets.
pub(super) struct Patient {
    character_set: &'static str,
    name: String,
    birth_date: String,
    sex: &'static str,
    number: u64,
}

/// Family and given name by character set; `#` is replaced by a token.
const NAMES: [(&str, &str, &str); 3] = [
    ("ISO_IR 100", "Lefèvre-#^Zoë", "Hôpital Saint-Éloi"),
    ("ISO_IR 192", "Κωνσταντίνου-#^Ελένη^Мария", "Klinik Łódź Größe"),
    ("\\ISO 2022 IR 87", "Yamada-#^T=山田#=やまだ#", "中央病院"),
];

impl Patient {
    pub(super) fn invent(seed: Seed, number: usize) -> Self {
        let label = |what: &str| format!("patient {number} {what}");
        let (character_set, name, _) = *NAMES.get(number % NAMES.len()).unwrap_or(&NAMES[0]);
        let days = seed.number(&label("birth"));
        // three digits of the seed, three of the patient
        let serial = seed.number("serial") % 1000 * 1000 + number as u64 % 1000;
        let birth_date =
            format!("19{:02}{:02}{:02}", 20 + days % 70, 1 + days / 70 % 12, 1 + days / 840 % 28);
        let sex = if days.is_multiple_of(2) { "F" } else { "M" };
        Self { character_set, name: name.replace('#', &token(serial, 1)), birth_date, sex, number: serial }
    }

    pub(super) fn take_name_of(&mut self, other: &Self) {
        self.name.clone_from(&other.name);
        self.birth_date.clone_from(&other.birth_date);
        self.character_set = other.character_set;
        self.sex = other.sex;
    }

    /// Patient, patient study, study and equipment, with a token in each identifying value.
    pub(super) fn data_set(&self, seed: Seed, number: usize) -> DataSet {
        let mark = |field: u64| token(self.number, field);
        let hospital = NAMES.iter().find(|(set, ..)| *set == self.character_set).map_or("", |found| found.2);
        let day = seed.number(&format!("patient {number} study date"));
        let study_date = format!("2025{:02}{:02}", 1 + day % 12, 1 + day / 12 % 28);
        let study_time = format!("{:02}{:02}{:02}", 8 + day % 10, day / 10 % 60, day / 600 % 60);
        let age =
            2025_u64.saturating_sub(self.birth_date.get(..4).and_then(|y| y.parse().ok()).unwrap_or(1970));
        DataSet::default()
            .put(tags::SPECIFIC_CHARACTER_SET, self.character_set)
            .put(tags::INSTANCE_CREATION_DATE, &*study_date)
            .put(tags::INSTANCE_CREATION_TIME, &*study_time)
            .put(tags::STUDY_DATE, &*study_date)
            .put(tags::SERIES_DATE, &*study_date)
            .put(tags::ACQUISITION_DATE, &*study_date)
            .put(tags::CONTENT_DATE, &*study_date)
            .put(tags::STUDY_TIME, &*study_time)
            .put(tags::SERIES_TIME, &*study_time)
            .put(tags::ACQUISITION_TIME, &*study_time)
            .put(tags::CONTENT_TIME, &*study_time)
            .put(tags::ACCESSION_NUMBER, mark(2))
            .put(tags::MANUFACTURER, "Synthetic Imaging")
            .put(tags::MANUFACTURER_MODEL_NAME, "Generator")
            .put(tags::SOFTWARE_VERSIONS, "1.0")
            .put(tags::DEVICE_SERIAL_NUMBER, mark(3))
            .put(tags::STATION_NAME, mark(4))
            .put(tags::INSTITUTION_NAME, format!("{hospital}-{}", mark(5)))
            .put(tags::INSTITUTION_ADDRESS, format!("{} Heron Street {}", number + 1, mark(6)))
            .put(tags::REFERRING_PHYSICIAN_NAME, format!("Referrer-{}^Ida", mark(7)))
            .put(tags::PERFORMING_PHYSICIAN_NAME, format!("Performer-{}^Max", mark(8)))
            .put(tags::OPERATORS_NAME, format!("Operator-{}^Kim", mark(9)))
            .put(tags::STUDY_DESCRIPTION, "Synthetic examination")
            .put(tags::SERIES_DESCRIPTION, "Synthetic series")
            .put(tags::PATIENT_NAME, &*self.name)
            .put(tags::PATIENT_ID, mark(10))
            .put(tags::ISSUER_OF_PATIENT_ID, "INVENTED")
            .put(tags::PATIENT_BIRTH_DATE, &*self.birth_date)
            .put(tags::PATIENT_SEX, self.sex)
            .put(tags::OTHER_PATIENT_NAMES, format!("Maiden-{}^Zoe", mark(11)))
            .put(tags::PATIENT_AGE, format!("{age:03}Y"))
            .put(tags::PATIENT_WEIGHT, "70")
            .put(tags::PATIENT_ADDRESS, format!("7 Plover Lane {}", mark(12)))
            .put(tags::PATIENT_TELEPHONE_NUMBERS, format!("tel {}", mark(13)))
            .put(tags::PATIENT_COMMENTS, format!("Remark {}", mark(14)))
            .put(tags::STUDY_ID, mark(15))
            .put(tags::SERIES_NUMBER, "1")
            .put(tags::PATIENT_POSITION, "HFS")
            .put(tags::BODY_PART_EXAMINED, "CHEST")
    }
}

/// `ZQ`, the patient's six digits and the field's two.
fn token(patient: u64, field: u64) -> String {
    format!("{MARK}{patient:06}{field:02}")
}

/// The first token in a text.
pub(super) fn token_in(text: &str) -> Option<String> {
    text.match_indices(MARK).find_map(|(at, _)| {
        let token = text.get(at..at + MARK.len() + DIGITS)?;
        token.get(MARK.len()..)?.bytes().all(|byte| byte.is_ascii_digit()).then(|| token.to_owned())
    })
}
