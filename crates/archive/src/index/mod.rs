//! The index of the archive zone (Z3): patients, studies, series and instances of pseudonymised objects.
//!
//! Rows are written per series ([`upsert`]) after the objects are synced (ARC-12), stay unseen until the after-check passed
//! ([`clear`]), and carry their counts with them, so that no answer has to count. Everything here can be made again from Z3.

mod count;
mod find;
mod search;
mod write;

pub use count::{Total, clear, remove, totals};
pub use find::{
    FoundInstance, FoundSeries, FoundStudy, StudyFilter, cleared, count_of_source, find_studies,
    instances_by_uid, instances_of_series, instances_of_source, known, known_in_study, known_uids,
    series_of_study, sources, study_uid, uids_of_others,
};
pub use search::search_key;
pub use write::{Indexed, Upserted, upsert};

use uuid::Uuid;

/// A patient as far as Z3 knows one: a code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Patient {
    /// (0010,0020): the code.
    pub patient_id: String,
    /// (0010,0010)
    pub patient_name: String,
    /// (0010,0040)
    pub patient_sex: String,
}

/// A study.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Study {
    /// (0020,000D), pseudonymised.
    pub study_instance_uid: String,
    /// (0008,0020), shifted, as yyyymmdd; 0 when unknown.
    pub study_date: i64,
    /// (0008,0030)
    pub study_time: String,
    /// (0008,0050), pseudonymised.
    pub accession_number: String,
    /// (0020,0010), pseudonymised.
    pub study_id: String,
    /// (0008,1030), cleaned.
    pub study_description: String,
}

/// A series.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Series {
    /// (0020,000E), pseudonymised.
    pub series_instance_uid: String,
    /// (0008,0060)
    pub modality: String,
    /// (0020,0011); 0 when unknown.
    pub series_number: i32,
    /// (0008,103E), cleaned.
    pub series_description: String,
    /// (0018,0015)
    pub body_part_examined: String,
}

/// An instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// Our own id; for a received one the id that it has had since reception.
    pub id: Uuid,
    /// (0008,0018), pseudonymised.
    pub sop_instance_uid: String,
    /// (0008,0016)
    pub sop_class_uid: String,
    /// Transfer syntax of the stored object.
    pub transfer_syntax_uid: String,
    /// (0020,0013); 0 when unknown.
    pub instance_number: i32,
    /// (0028,0008); 1 when absent, 0 without pixels.
    pub number_of_frames: i32,
    /// Key of the object in Z3.
    pub location: String,
    /// Length of the object.
    pub bytes: u64,
    /// BLAKE3 of the object.
    pub blake3: [u8; 32],
}
