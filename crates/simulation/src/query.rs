//! Study Root queries over a store: matching of PS3.4 §C.2.2.2, for C-FIND and for QIDO-RS.

use std::sync::Arc;
use std::vec;

use dicom_dictionary_std::tags;
use dicom_node::query_retrieve_scp::{Query, QueryHandler, Rows};
use dicom_node::sop_class::STUDY_FIND;
use dicom_node::status::QueryFailure;
use dicom_stream::{Encoding, Tag, TransferSyntax};

use crate::data_set::DataSet;
use crate::matching::is_match;
use crate::object::Object;
use crate::store::Store;

/// Rows of one query at most.
const ROWS: usize = 10_000;

/// Level of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    Study,
    Series,
    Image,
}

impl Level {
    fn parse(word: &str) -> Option<Self> {
        match word {
            "STUDY" => Some(Self::Study),
            "SERIES" => Some(Self::Series),
            "IMAGE" => Some(Self::Image),
            _ => None,
        }
    }

    /// What makes two instances part of the same row.
    fn key(self, object: &Object) -> (&str, &str, &str) {
        match self {
            Self::Study => (&object.study, "", ""),
            Self::Series => (&object.study, &object.series, ""),
            Self::Image => (&object.study, &object.series, &object.sop_instance),
        }
    }
}

/// The matches of `keys` with the attributes that `keys` asks for, in the order of their UIDs. A study is known by its first instance and
/// what was corrected since; series and images by their own attributes.
pub(crate) fn matches(store: &Store, level: Level, keys: &DataSet) -> Vec<DataSet> {
    let uids = [
        (tags::STUDY_INSTANCE_UID, keys.text(tags::STUDY_INSTANCE_UID)),
        (tags::SERIES_INSTANCE_UID, keys.text(tags::SERIES_INSTANCE_UID)),
        (tags::SOP_INSTANCE_UID, keys.text(tags::SOP_INSTANCE_UID)),
    ];
    let objects = store.select(|object| {
        let own = [&object.study, &object.series, &object.sop_instance];
        uids.iter().zip(own).all(|((tag, wanted), value)| is_match(*tag, wanted, value))
    });
    objects
        .chunk_by(|a, b| level.key(a) == level.key(b))
        .filter_map(|group| row(store, level, group, keys))
        .take(ROWS)
        .collect()
}

fn row(store: &Store, level: Level, group: &[Arc<Object>], keys: &DataSet) -> Option<DataSet> {
    let first = group.first()?;
    let mut known = match level {
        Level::Study => store.study_attributes(&first.study)?,
        Level::Series | Level::Image => first.attributes.clone(),
    };
    known.set(tags::STUDY_INSTANCE_UID, &*first.study);
    if level != Level::Study {
        known.set(tags::SERIES_INSTANCE_UID, &*first.series);
    }
    count(&mut known, level, group);
    let asked = |tag: &Tag| !matches!(*tag, tags::SPECIFIC_CHARACTER_SET | tags::QUERY_RETRIEVE_LEVEL);
    if !keys.tags().filter(asked).all(|tag| is_match(tag, &keys.text(tag), &known.text(tag))) {
        return None;
    }
    let mut row = DataSet::default().copy(&known, |tag| tag == tags::SPECIFIC_CHARACTER_SET || keys.has(tag));
    for tag in keys.tags().filter(asked) {
        if !row.has(tag) {
            row.set(tag, "");
        }
    }
    Some(row)
}

/// Attributes that an archive computes (PS3.4 §C.3.4).
fn count(known: &mut DataSet, level: Level, group: &[Arc<Object>]) {
    if level == Level::Series {
        known.set(tags::NUMBER_OF_SERIES_RELATED_INSTANCES, group.len().to_string());
    }
    if level != Level::Study {
        return;
    }
    let distinct = |of: &dyn Fn(&Object) -> String| {
        let mut values: Vec<String> = group.iter().map(|object| of(object)).collect();
        values.sort();
        values.dedup();
        values
    };
    let series = distinct(&|object| object.series.clone()).len();
    known.set(tags::NUMBER_OF_STUDY_RELATED_SERIES, series.to_string());
    known.set(tags::NUMBER_OF_STUDY_RELATED_INSTANCES, group.len().to_string());
    let modalities = distinct(&|object| object.attributes.text(tags::MODALITY));
    known.set(tags::MODALITIES_IN_STUDY, modalities.join("\\"));
    known.set(tags::SOP_CLASSES_IN_STUDY, distinct(&|object| object.sop_class.clone()).join("\\"));
}

/// C-FIND over a store.
pub(crate) struct StoreQuery(pub(crate) Arc<Store>);

/// The rows of one query.
pub(crate) struct Found {
    rows: vec::IntoIter<DataSet>,
    encoding: Encoding,
}

impl QueryHandler for StoreQuery {
    type Rows = Found;

    async fn find(&self, query: Query) -> Result<Found, QueryFailure> {
        let syntax = TransferSyntax::from_uid(&query.transfer_syntax).ok_or(QueryFailure::UnableToProcess)?;
        let keys = DataSet::read(&query.identifier, syntax).map_err(|_| QueryFailure::UnableToProcess)?;
        let level_word = keys.text(tags::QUERY_RETRIEVE_LEVEL);
        let level = Level::parse(&level_word)
            .filter(|_| query.sop_class == STUDY_FIND)
            .ok_or(QueryFailure::IdentifierDoesNotMatchSopClass)?;
        let rows: Vec<DataSet> = matches(&self.0, level, &keys)
            .into_iter()
            .map(|row| row.put(tags::QUERY_RETRIEVE_LEVEL, &*level_word))
            .collect();
        Ok(Found { rows: rows.into_iter(), encoding: syntax.encoding })
    }
}

impl Rows for Found {
    async fn next(&mut self) -> Result<Option<Vec<u8>>, QueryFailure> {
        let Some(row) = self.rows.next() else { return Ok(None) };
        row.encode(self.encoding).map(Some).map_err(|_| QueryFailure::UnableToProcess)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::{Plan, generate};
    use crate::store::StoreLimits;

    #[test]
    fn a_level_has_one_row_for_each_of_its_entities() {
        let studies = generate(&Plan::default()).unwrap();
        let store = Store::new(StoreLimits::default());
        for object in studies.iter().flat_map(|study| &study.objects) {
            store.insert(object.clone()).unwrap();
        }
        let keys = DataSet::default()
            .put(tags::PATIENT_ID, "")
            .put(tags::NUMBER_OF_STUDY_RELATED_INSTANCES, "")
            .put(tags::STUDY_INSTANCE_UID, "");
        let rows = matches(&store, Level::Study, &keys);
        assert_eq!(rows.len(), 4);
        let ct = rows.iter().find(|row| row.text(tags::STUDY_INSTANCE_UID) == studies[0].uid).unwrap();
        assert_eq!(ct.text(tags::NUMBER_OF_STUDY_RELATED_INSTANCES), "4");
        let one = keys.clone().put(tags::STUDY_INSTANCE_UID, &*studies[0].uid);
        assert_eq!(matches(&store, Level::Series, &one).len(), 1);
        assert_eq!(matches(&store, Level::Image, &one).len(), 4);
        assert!(matches(&store, Level::Study, &one.put(tags::PATIENT_ID, "other")).is_empty());
    }
}
