//! PS3.15 Table E.3.4-1, content items. Generated from `data/structured_content_e3_4_1.csv` by `tests/it/tables.rs`; do not edit.

use super::action::Action::{D, X, XD};
use super::option_column::{
    ContentRow, DESCRIPTORS, DEVICE, FULL_DATES, INSTITUTION, MODIFIED_DATES, NONE, PATIENT, UIDS,
};

/// Scheme, code and value type of the concept, sorted: Basic action, options that keep, options that clean.
#[rustfmt::skip]
pub static STRUCTURED_CONTENT: [ContentRow; 211] = [
    ContentRow::new("DCM", "109054", "TEXT", X, NONE, DESCRIPTORS), // Patient State
    ContentRow::new("DCM", "109056", "TEXT", X, NONE, DESCRIPTORS), // Stress Protocol
    ContentRow::new("DCM", "110119", "TEXT", X, DEVICE, NONE), // Station AE Title
    ContentRow::new("DCM", "110180", "UIDREF", D, UIDS, NONE), // Study Instance UID
    ContentRow::new("DCM", "110190", "TEXT", X, NONE, NONE), // Issuer of Identifier
    ContentRow::new("DCM", "111018", "DATE", XD, FULL_DATES, MODIFIED_DATES), // Content Date
    ContentRow::new("DCM", "111019", "TIME", XD, FULL_DATES, MODIFIED_DATES), // Content Time
    ContentRow::new("DCM", "111021", "TEXT", X, NONE, DESCRIPTORS), // Description of Change
    ContentRow::new("DCM", "111033", "TEXT", D, NONE, DESCRIPTORS), // Impression Description
    ContentRow::new("DCM", "111040", "COMPOSITE", D, UIDS, NONE), // Original Source
    ContentRow::new("DCM", "111054", "DATE", XD, FULL_DATES, MODIFIED_DATES), // Recommended Follow-up Date
    ContentRow::new("DCM", "111058", "TEXT", D, NONE, DESCRIPTORS), // Selected Region Description
    ContentRow::new("DCM", "111060", "DATE", XD, FULL_DATES, MODIFIED_DATES), // Study Date
    ContentRow::new("DCM", "111061", "TIME", XD, FULL_DATES, MODIFIED_DATES), // Study Time
    ContentRow::new("DCM", "111469", "DATETIME", D, FULL_DATES, MODIFIED_DATES), // Sampling DateTime
    ContentRow::new("DCM", "111516", "TEXT", X, NONE, DESCRIPTORS), // Medication Type
    ContentRow::new("DCM", "111526", "DATETIME", XD, FULL_DATES, MODIFIED_DATES), // DateTime Started
    ContentRow::new("DCM", "111527", "DATETIME", X, FULL_DATES, MODIFIED_DATES), // DateTime Ended
    ContentRow::new("DCM", "111535", "DATETIME", X, FULL_DATES, MODIFIED_DATES), // DateTime problem observed
    ContentRow::new("DCM", "111536", "DATETIME", X, FULL_DATES, MODIFIED_DATES), // DateTime of last evaluation
    ContentRow::new("DCM", "111700", "TEXT", X, NONE, NONE), // Specimen Container Identifier
    ContentRow::new("DCM", "111702", "DATETIME", X, FULL_DATES, MODIFIED_DATES), // DateTime of processing
    ContentRow::new("DCM", "111703", "TEXT", X, NONE, DESCRIPTORS), // Processing step description
    ContentRow::new("DCM", "111705", "TEXT", D, NONE, NONE), // Parent Specimen Identifier
    ContentRow::new("DCM", "111706", "TEXT", X, NONE, NONE), // Issuer of Parent Specimen Identifier
    ContentRow::new("DCM", "111724", "TEXT", X, NONE, NONE), // Issuer of Specimen Identifier
    ContentRow::new("DCM", "112002", "UIDREF", D, UIDS, NONE), // Series Instance UID
    ContentRow::new("DCM", "112040", "UIDREF", D, UIDS, NONE), // Tracking Unique Identifier
    ContentRow::new("DCM", "112050", "TEXT", X, NONE, DESCRIPTORS), // Anatomic Identifier
    ContentRow::new("DCM", "112227", "UIDREF", XD, UIDS, NONE), // Frame of Reference UID
    ContentRow::new("DCM", "112229", "IMAGE", D, UIDS, NONE), // Identifying Segment
    ContentRow::new("DCM", "112347", "TEXT", D, NONE, NONE), // Component ID
    ContentRow::new("DCM", "112351", "TEXT", D, NONE, NONE), // Mating Feature Set ID
    ContentRow::new("DCM", "112352", "TEXT", D, NONE, NONE), // Mating Feature ID
    ContentRow::new("DCM", "112353", "COMPOSITE", X, UIDS, NONE), // Spatial Registration
    ContentRow::new("DCM", "112354", "IMAGE", X, UIDS, NONE), // Patient Image
    ContentRow::new("DCM", "112356", "UIDREF", D, UIDS, NONE), // User Selected Fiducial
    ContentRow::new("DCM", "112357", "UIDREF", D, UIDS, NONE), // Derived Fiducial
    ContentRow::new("DCM", "112359", "COMPOSITE", X, UIDS, NONE), // Supporting Information
    ContentRow::new("DCM", "112361", "COMPOSITE", X, UIDS, NONE), // Patient Data Used During Planning
    ContentRow::new("DCM", "112363", "TEXT", D, NONE, NONE), // Degree of Freedom ID
    ContentRow::new("DCM", "112364", "COMPOSITE", X, UIDS, NONE), // Related Patient Data Not Used During Planning
    ContentRow::new("DCM", "112366", "COMPOSITE", X, UIDS, NONE), // Implant Assembly Template
    ContentRow::new("DCM", "112371", "COMPOSITE", D, UIDS, NONE), // Manufacturer Implant Template
    ContentRow::new("DCM", "112372", "COMPOSITE", X, UIDS, NONE), // Derived Planning Images
    ContentRow::new("DCM", "112373", "COMPOSITE", X, UIDS, NONE), // Derived Planning Data
    ContentRow::new("DCM", "113012", "TEXT", X, NONE, DESCRIPTORS), // Key Object Description
    ContentRow::new("DCM", "113503", "UIDREF", D, UIDS, NONE), // Radiopharmaceutical Administration Event UID
    ContentRow::new("DCM", "113511", "TEXT", X, NONE, NONE), // Radiopharmaceutical Dispense Unit Identifier
    ContentRow::new("DCM", "113512", "TEXT", X, NONE, NONE), // Radiopharmaceutical Lot Identifier
    ContentRow::new("DCM", "113513", "TEXT", X, NONE, NONE), // Reagent Vial Identifier
    ContentRow::new("DCM", "113514", "TEXT", X, NONE, NONE), // Radionuclide Identifier
    ContentRow::new("DCM", "113516", "TEXT", X, NONE, NONE), // Prescription Identifier
    ContentRow::new("DCM", "113552", "TEXT", X, NONE, DESCRIPTORS), // Recent Physical Activity
    ContentRow::new("DCM", "113605", "TEXT", X, NONE, NONE), // Irradiation Event Label
    ContentRow::new("DCM", "113701", "COMPOSITE", X, UIDS, NONE), // X-Ray Radiation Dose Report
    ContentRow::new("DCM", "113720", "TEXT", X, NONE, DESCRIPTORS), // Calibration Protocol
    ContentRow::new("DCM", "113723", "DATETIME", D, FULL_DATES, MODIFIED_DATES), // Calibration DateTime
    ContentRow::new("DCM", "113724", "TEXT", D, NONE, DESCRIPTORS), // Calibration Responsible Party
    ContentRow::new("DCM", "113769", "UIDREF", D, UIDS, NONE), // Irradiation Event UID
    ContentRow::new("DCM", "113795", "IMAGE", D, UIDS, NONE), // Acquired Image
    ContentRow::new("DCM", "113809", "DATETIME", D, FULL_DATES, MODIFIED_DATES), // Start of X-Ray Irradiation
    ContentRow::new("DCM", "113810", "DATETIME", D, FULL_DATES, MODIFIED_DATES), // End of X-Ray Irradiation
    ContentRow::new("DCM", "113815", "TEXT", D, NONE, DESCRIPTORS), // Patient Model
    ContentRow::new("DCM", "113832", "TEXT", D, DEVICE, NONE), // Identification of the X-Ray Source
    ContentRow::new("DCM", "113850", "PNAME", D, NONE, NONE), // Irradiation Authorizing
    ContentRow::new("DCM", "113870", "PNAME", D, NONE, NONE), // Person Name
    ContentRow::new("DCM", "113871", "TEXT", X, NONE, NONE), // Person ID
    ContentRow::new("DCM", "113872", "TEXT", X, NONE, NONE), // Person ID Issuer
    ContentRow::new("DCM", "113873", "TEXT", X, INSTITUTION, NONE), // Organization Name
    ContentRow::new("DCM", "113877", "TEXT", X, DEVICE, NONE), // Device Name
    ContentRow::new("DCM", "113880", "TEXT", XD, DEVICE, NONE), // Device Serial Number
    ContentRow::new("DCM", "113907", "TEXT", X, NONE, DESCRIPTORS), // Reason for Proceeding
    ContentRow::new("DCM", "113985", "UIDREF", D, UIDS, NONE), // Series or Instance used for Water Equivalent Diameter estimation
    ContentRow::new("DCM", "120999", "TEXT", X, DEVICE, NONE), // Device Description
    ContentRow::new("DCM", "121000", "CONTAINER", X, DEVICE, NONE), // Unique Device Identifiers
    ContentRow::new("DCM", "121002", "COMPOSITE", D, UIDS, NONE), // Quoted Source
    ContentRow::new("DCM", "121008", "PNAME", D, NONE, NONE), // Person Observer Name
    ContentRow::new("DCM", "121009", "TEXT", X, INSTITUTION, NONE), // Person Observer's Organization Name
    ContentRow::new("DCM", "121012", "UIDREF", XD, DEVICE.and(UIDS), NONE), // Device Observer UID
    ContentRow::new("DCM", "121013", "TEXT", X, DEVICE, NONE), // Device Observer Name
    ContentRow::new("DCM", "121016", "TEXT", X, DEVICE, NONE), // Device Observer Serial Number
    ContentRow::new("DCM", "121017", "TEXT", X, INSTITUTION, NONE), // Device Observer Physical Location During Observation
    ContentRow::new("DCM", "121018", "UIDREF", X, UIDS, NONE), // Procedure Study Instance UID
    ContentRow::new("DCM", "121019", "UIDREF", X, UIDS, NONE), // Procedure Study Component UID
    ContentRow::new("DCM", "121020", "TEXT", X, NONE, NONE), // Placer Number
    ContentRow::new("DCM", "121021", "TEXT", X, NONE, NONE), // Filler Number
    ContentRow::new("DCM", "121022", "TEXT", X, NONE, NONE), // Accession Number
    ContentRow::new("DCM", "121028", "UIDREF", X, UIDS, NONE), // Subject UID
    ContentRow::new("DCM", "121029", "PNAME", D, NONE, NONE), // Subject Name
    ContentRow::new("DCM", "121030", "TEXT", XD, NONE, NONE), // Subject ID
    ContentRow::new("DCM", "121031", "DATE", X, NONE, NONE), // Subject Birth Date
    ContentRow::new("DCM", "121032", "CODE", X, PATIENT, NONE), // Subject Sex
    ContentRow::new("DCM", "121033", "NUM", X, PATIENT, NONE), // Subject Age
    ContentRow::new("DCM", "121036", "PNAME", X, NONE, NONE), // Mother of fetus
    ContentRow::new("DCM", "121039", "UIDREF", X, UIDS, NONE), // Specimen UID
    ContentRow::new("DCM", "121041", "TEXT", X, NONE, NONE), // Specimen Identifier
    ContentRow::new("DCM", "121065", "TEXT", XD, NONE, DESCRIPTORS), // Procedure Description
    ContentRow::new("DCM", "121071", "TEXT", XD, NONE, DESCRIPTORS), // Finding
    ContentRow::new("DCM", "121075", "TEXT", X, NONE, DESCRIPTORS), // Recommendation
    ContentRow::new("DCM", "121077", "TEXT", X, NONE, DESCRIPTORS), // Conclusion
    ContentRow::new("DCM", "121080", "IMAGE", X, UIDS, NONE), // Best illustration of finding
    ContentRow::new("DCM", "121080", "WAVEFORM", X, UIDS, NONE), // Best illustration of finding
    ContentRow::new("DCM", "121088", "PNAME", X, NONE, NONE), // Fellow
    ContentRow::new("DCM", "121106", "TEXT", X, NONE, DESCRIPTORS), // Comment
    ContentRow::new("DCM", "121110", "TEXT", X, NONE, DESCRIPTORS), // Patient Presentation
    ContentRow::new("DCM", "121111", "TEXT", X, NONE, DESCRIPTORS), // Summary
    ContentRow::new("DCM", "121112", "IMAGE", D, UIDS, NONE), // Source of Measurement
    ContentRow::new("DCM", "121112", "WAVEFORM", X, UIDS, NONE), // Source of Measurement
    ContentRow::new("DCM", "121114", "PNAME", D, NONE, NONE), // Performing Physician
    ContentRow::new("DCM", "121120", "COMPOSITE", X, UIDS, NONE), // Cath Lab Procedure Log
    ContentRow::new("DCM", "121121", "TEXT", X, NONE, NONE), // Room Identification
    ContentRow::new("DCM", "121122", "TEXT", X, DEVICE, DESCRIPTORS), // Equipment Identification
    ContentRow::new("DCM", "121124", "TEXT", XD, NONE, NONE), // Procedure Action ID
    ContentRow::new("DCM", "121125", "DATETIME", X, FULL_DATES, MODIFIED_DATES), // DateTime of Recording of Log Entry
    ContentRow::new("DCM", "121126", "UIDREF", D, UIDS, NONE), // Performed Procedure Step SOP Instance UID
    ContentRow::new("DCM", "121138", "IMAGE", D, UIDS, NONE), // Image Acquired
    ContentRow::new("DCM", "121143", "WAVEFORM", D, UIDS, NONE), // Waveform Acquired
    ContentRow::new("DCM", "121145", "TEXT", X, NONE, DESCRIPTORS), // Description of Material
    ContentRow::new("DCM", "121152", "PNAME", X, NONE, NONE), // Person administering drug/contrast
    ContentRow::new("DCM", "121154", "TEXT", D, NONE, NONE), // Intervention attempt identifier
    ContentRow::new("DCM", "121173", "TEXT", X, NONE, DESCRIPTORS), // Physician Note
    ContentRow::new("DCM", "121191", "IMAGE", XD, UIDS, NONE), // Referenced Segment
    ContentRow::new("DCM", "121193", "TEXT", D, DEVICE, NONE), // Device Subject Name
    ContentRow::new("DCM", "121196", "TEXT", X, DEVICE, NONE), // Device Subject Serial Number
    ContentRow::new("DCM", "121197", "TEXT", X, INSTITUTION, NONE), // Device Subject Physical Location during observation
    ContentRow::new("DCM", "121198", "UIDREF", X, DEVICE.and(UIDS), NONE), // Device Subject UID
    ContentRow::new("DCM", "121200", "IMAGE", X, UIDS, NONE), // Illustration of ROI
    ContentRow::new("DCM", "121214", "IMAGE", D, UIDS, NONE), // Referenced Segmentation Frame
    ContentRow::new("DCM", "121232", "UIDREF", D, UIDS, NONE), // Source series for segmentation
    ContentRow::new("DCM", "121233", "IMAGE", D, UIDS, NONE), // Source image for segmentation
    ContentRow::new("DCM", "121342", "IMAGE", X, UIDS, NONE), // Dose Image
    ContentRow::new("DCM", "121431", "DATETIME", X, FULL_DATES, MODIFIED_DATES), // DateTime Concern Noted
    ContentRow::new("DCM", "121432", "DATETIME", X, FULL_DATES, MODIFIED_DATES), // DateTime Concern Resolved
    ContentRow::new("DCM", "121433", "DATETIME", X, FULL_DATES, MODIFIED_DATES), // DateTime Problem Resolved
    ContentRow::new("DCM", "121434", "TEXT", X, INSTITUTION, NONE), // Service Delivery Location
    ContentRow::new("DCM", "121435", "PNAME", X, NONE, NONE), // Service Performer
    ContentRow::new("DCM", "121435", "TEXT", X, NONE, NONE), // Service Performer
    ContentRow::new("DCM", "122073", "COMPOSITE", X, UIDS, NONE), // Current procedure evidence
    ContentRow::new("DCM", "122075", "COMPOSITE", X, UIDS, NONE), // Prior report for current patient
    ContentRow::new("DCM", "122081", "DATETIME", X, FULL_DATES, MODIFIED_DATES), // Drug start
    ContentRow::new("DCM", "122082", "DATETIME", X, FULL_DATES, MODIFIED_DATES), // Drug end
    ContentRow::new("DCM", "122083", "TEXT", XD, NONE, DESCRIPTORS), // Drug administered
    ContentRow::new("DCM", "122105", "DATETIME", X, FULL_DATES, MODIFIED_DATES), // DateTime of Intervention
    ContentRow::new("DCM", "122128", "TEXT", X, INSTITUTION, NONE), // Patient Transferred From
    ContentRow::new("DCM", "122146", "DATETIME", XD, FULL_DATES, MODIFIED_DATES), // Procedure DateTime
    ContentRow::new("DCM", "122163", "DATETIME", X, FULL_DATES, MODIFIED_DATES), // Discharge DateTime
    ContentRow::new("DCM", "122165", "DATETIME", X, FULL_DATES, MODIFIED_DATES), // DateTime of Death
    ContentRow::new("DCM", "122173", "DATETIME", X, FULL_DATES, MODIFIED_DATES), // ST Elevation Onset DateTime
    ContentRow::new("DCM", "122177", "TEXT", X, NONE, DESCRIPTORS), // Procedure Result
    ContentRow::new("DCM", "122701", "DATETIME", X, FULL_DATES, MODIFIED_DATES), // Procedure Time Base
    ContentRow::new("DCM", "122712", "DATETIME", D, FULL_DATES, MODIFIED_DATES), // Imaging Start DateTime
    ContentRow::new("DCM", "123003", "DATETIME", XD, FULL_DATES, MODIFIED_DATES), // Radiopharmaceutical Start DateTime
    ContentRow::new("DCM", "123004", "DATETIME", X, FULL_DATES, MODIFIED_DATES), // Radiopharmaceutical Stop DateTime
    ContentRow::new("DCM", "125010", "TEXT", X, NONE, NONE), // Identifier
    ContentRow::new("DCM", "125201", "IMAGE", X, UIDS, NONE), // Illustration of Finding
    ContentRow::new("DCM", "125203", "TEXT", X, NONE, DESCRIPTORS), // Acquisition Protocol
    ContentRow::new("DCM", "126070", "TEXT", X, NONE, DESCRIPTORS), // Subject Time Point Identifier
    ContentRow::new("DCM", "126071", "TEXT", X, NONE, DESCRIPTORS), // Protocol Time Point Identifier
    ContentRow::new("DCM", "126100", "COMPOSITE", X, UIDS, NONE), // Real World Value Map used for measurement
    ContentRow::new("DCM", "126201", "DATE", X, FULL_DATES, MODIFIED_DATES), // Acquisition Date
    ContentRow::new("DCM", "126202", "TIME", X, FULL_DATES, MODIFIED_DATES), // Acquisition Time
    ContentRow::new("DCM", "127857", "DATE", D, FULL_DATES, MODIFIED_DATES), // Glucose Measurement Date
    ContentRow::new("DCM", "127858", "TIME", D, FULL_DATES, MODIFIED_DATES), // Glucose Measurement Time
    ContentRow::new("DCM", "128230", "TEXT", X, NONE, DESCRIPTORS), // Pulse Sequence Name
    ContentRow::new("DCM", "128403", "TEXT", D, NONE, DESCRIPTORS), // Radiation Dose Estimate Name
    ContentRow::new("DCM", "128414", "COMPOSITE", D, UIDS, NONE), // Radiation Dose Representation Data
    ContentRow::new("DCM", "128414", "IMAGE", D, UIDS, NONE), // Radiation Dose Representation Data
    ContentRow::new("DCM", "128416", "COMPOSITE", D, UIDS, NONE), // SR Instance Used
    ContentRow::new("DCM", "128425", "COMPOSITE", X, UIDS, NONE), // Patient Radiation Dose Model Data
    ContentRow::new("DCM", "128425", "IMAGE", X, UIDS, NONE), // Patient Radiation Dose Model Data
    ContentRow::new("DCM", "128425", "UIDREF", X, UIDS, NONE), // Patient Radiation Dose Model Data
    ContentRow::new("DCM", "128426", "TEXT", X, NONE, DESCRIPTORS), // Patient Radiation Dose Model Reference
    ContentRow::new("DCM", "128429", "UIDREF", D, UIDS, NONE), // Event UID Used
    ContentRow::new("DCM", "128436", "COMPOSITE", D, UIDS, NONE), // Radiation Dose Composite Parameters
    ContentRow::new("DCM", "128444", "COMPOSITE", D, UIDS, NONE), // Spatial Registration Reference
    ContentRow::new("DCM", "128447", "COMPOSITE", X, UIDS, NONE), // Spatial Fiducials
    ContentRow::new("DCM", "128470", "COMPOSITE", X, UIDS, NONE), // X-Ray Attenuator Model Data
    ContentRow::new("DCM", "128470", "IMAGE", X, UIDS, NONE), // X-Ray Attenuator Model Data
    ContentRow::new("DCM", "128470", "UIDREF", X, UIDS, NONE), // X-Ray Attenuator Model Data
    ContentRow::new("DCM", "128774", "TEXT", X, NONE, NONE), // Person Observer's Login Name
    ContentRow::new("DCM", "128775", "TEXT", X, NONE, NONE), // Identifier within Person Observer's Role
    ContentRow::new("DCM", "130507", "TEXT", X, NONE, DESCRIPTORS), // RDSR Frame of Reference Description
    ContentRow::new("DCM", "130527", "TEXT", D, INSTITUTION, NONE), // Identification of the Attenuator
    ContentRow::new("DCM", "130884", "DATETIME", X, FULL_DATES, MODIFIED_DATES), // Acquisition DateTime
    ContentRow::new("DCM", "130885", "UIDREF", X, UIDS, NONE), // Synchronization Frame of Reference UID
    ContentRow::new("LN", "11329-0", "TEXT", X, NONE, DESCRIPTORS), // History
    ContentRow::new("LN", "11778-8", "DATE", X, FULL_DATES, MODIFIED_DATES), // EDD
    ContentRow::new("LN", "11951-1", "TEXT", D, NONE, NONE), // Fetus ID
    ContentRow::new("LN", "11955-2", "DATE", X, FULL_DATES, MODIFIED_DATES), // Date of last menstrual period
    ContentRow::new("LN", "18118-0", "TEXT", X, NONE, DESCRIPTORS), // LV Wall Motion Segmental Findings
    ContentRow::new("LN", "18785-6", "TEXT", D, NONE, DESCRIPTORS), // Indications for Procedure
    ContentRow::new("LN", "74711-3", "TEXT", X, DEVICE, NONE), // Unique Device Identifier
    ContentRow::new("NCDR", "15", "DATETIME", X, FULL_DATES, MODIFIED_DATES), // Admission DateTime
    ContentRow::new("NCDR", "52", "DATETIME", D, FULL_DATES, MODIFIED_DATES), // Procedure DateTime
    ContentRow::new("NCDR", "53", "TEXT", X, NONE, NONE), // Procedure Number in this admission
    ContentRow::new("NCDR", "76", "PNAME", D, NONE, NONE), // Catheterization Operator
    ContentRow::new("NCIt", "C54627", "NUM", X, NONE, NONE), // Experience
    ContentRow::new("NCIt", "C67447", "TEXT", X, NONE, DESCRIPTORS), // Activity Session
    ContentRow::new("SCT", "116224001", "TEXT", X, NONE, DESCRIPTORS), // Complication of Procedure
    ContentRow::new("SCT", "160476009", "TEXT", X, NONE, DESCRIPTORS), // Social History
    ContentRow::new("SCT", "271921002", "TEXT", XD, NONE, DESCRIPTORS), // ECG Finding
    ContentRow::new("SCT", "363698007", "TEXT", D, NONE, DESCRIPTORS), // Finding Site
    ContentRow::new("SCT", "371524004", "COMPOSITE", X, UIDS, NONE), // Clinical Report
    ContentRow::new("SCT", "371524004", "TEXT", X, NONE, DESCRIPTORS), // Clinical Report
    ContentRow::new("SCT", "397898000", "DATETIME", D, FULL_DATES, MODIFIED_DATES), // Stop DateTime
    ContentRow::new("SCT", "398164008", "DATETIME", X, FULL_DATES, MODIFIED_DATES), // Anesthesia Finish Time
    ContentRow::new("SCT", "398201009", "DATETIME", D, FULL_DATES, MODIFIED_DATES), // Start DateTime
    ContentRow::new("SCT", "398325003", "DATETIME", X, FULL_DATES, MODIFIED_DATES), // Anesthesia Start Time
    ContentRow::new("SCT", "440252007", "TEXT", D, NONE, DESCRIPTORS), // Administration of radiopharmaceutical
    ContentRow::new("UMLS", "C2348792", "TEXT", XD, NONE, DESCRIPTORS), // Time Point
];
