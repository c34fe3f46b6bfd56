//! Which attributes say whose an object is (DI-50).

use dicom_core::Tag;
use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry};
use dicom_dictionary_std::StandardDataDictionary;

/// Identifiers of the patient, the study, the visit and the order, and those under which another trial knows the patient.
pub(super) const IDS: [Tag; 13] = [
    Tag(0x0008, 0x0050), // Accession Number
    Tag(0x0010, 0x0020), // Patient ID, in Other Patient IDs Sequence as well
    Tag(0x0010, 0x1000), // Other Patient IDs
    Tag(0x0010, 0x1050), // Insurance Plan Identification
    Tag(0x0010, 0x1090), // Medical Record Locator
    Tag(0x0012, 0x0040), // Clinical Trial Subject ID
    Tag(0x0012, 0x0042), // Clinical Trial Subject Reading ID
    Tag(0x0020, 0x0010), // Study ID
    Tag(0x0038, 0x0010), // Admission ID
    Tag(0x0038, 0x0060), // Service Episode ID
    Tag(0x0040, 0x1001), // Requested Procedure ID
    Tag(0x0040, 0x2016), // Placer Order Number
    Tag(0x0040, 0x2017), // Filler Order Number
];
/// Identifiers of steps, results and specimens. Departments number them anew or name them after a device ("CT1", "A2"): they count when
/// they are long and have a digit.
pub(super) const STEP_IDS: [Tag; 8] = [
    Tag(0x0040, 0x0009), // Scheduled Procedure Step ID
    Tag(0x0040, 0x0253), // Performed Procedure Step ID
    Tag(0x0040, 0x050A), // Specimen Accession Number
    Tag(0x0040, 0x0512), // Container Identifier
    Tag(0x0040, 0x0551), // Specimen Identifier
    Tag(0x0040, 0x06FA), // Slide Identifier
    Tag(0x4008, 0x0040), // Results ID
    Tag(0x4008, 0x0200), // Interpretation ID
];
/// Letters and digits of the shortest of them that counts.
const STEP_ID_MIN: usize = 5;
/// Study Date, Series Date, Acquisition Date, Content Date.
pub(super) const STUDY_DATES: [Tag; 4] =
    [Tag(0x0008, 0x0020), Tag(0x0008, 0x0021), Tag(0x0008, 0x0022), Tag(0x0008, 0x0023)];
/// Institution Name, Institutional Department Name.
pub(super) const INSTITUTIONS: [Tag; 2] = [Tag(0x0008, 0x0080), Tag(0x0008, 0x1040)];
/// Of the patient: address, telephone numbers, telecommunication.
pub(super) const CONTACTS: [Tag; 3] = [Tag(0x0010, 0x1040), Tag(0x0010, 0x2154), Tag(0x0010, 0x2155)];
/// Of physicians and other people. An address is the hospital's: it counts as a whole, its words are in many texts.
pub(super) const CONTACTS_OF_OTHERS: [Tag; 9] = [
    Tag(0x0008, 0x0092), // Referring Physician's Address
    Tag(0x0008, 0x0094), // Referring Physician's Telephone Numbers
    Tag(0x0040, 0x1102), // Person's Address
    Tag(0x0040, 0x1103), // Person's Telephone Numbers
    Tag(0x0040, 0x1104), // Person's Telecom Information
    Tag(0x0040, 0x2010), // Order Callback Phone Number
    Tag(0x0040, 0x2011), // Order Callback Telecom Information
    Tag(0x0040, 0xA353), // Address (Trial)
    Tag(0x0040, 0xA354), // Telephone Number (Trial)
];
/// UIDs of vocabularies, which stay.
const VOCABULARIES: [Tag; 4] =
    [Tag(0x0008, 0x010C), Tag(0x0008, 0x010D), Tag(0x0008, 0x0117), Tag(0x0008, 0x0118)];

/// Whether the value of one of [`STEP_IDS`] counts.
pub(super) fn is_step_id(value: &str) -> bool {
    value.contains(|c: char| c.is_ascii_digit())
        && value.chars().filter(|c| c.is_alphanumeric()).count() >= STEP_ID_MIN
}

/// UIDs that name a class, a syntax or a vocabulary are no identity, private ones included. Vocabularies are named in items only.
pub(super) fn names_a_class(tag: Tag, is_nested: bool) -> bool {
    is_nested && VOCABULARIES.contains(&tag)
        || StandardDataDictionary
            .by_tag(tag)
            .is_some_and(|entry| entry.alias().contains("Class") || entry.alias().contains("TransferSyntax"))
}
