//! Comprehensive SR (PS3.3 §A.35.3) by TID 1500 "Measurement Report" of PS3.16: one measurement group, with references to the images, and
//! to the segment if there is one.

use dicom_dictionary_std::{tags, uids};

use super::job::{Cited, Job, LUNG, image_reference};
use crate::data_set::{Code, DataSet};

/// The report of a study. It measures the segment, or the first image.
pub(super) fn make(job: &Job<'_>, segmentation: Option<&Cited>, further: &[Cited]) -> DataSet {
    let mut evidence: Vec<Cited> = job.images.iter().map(|image| Cited::of(&image.attributes)).collect();
    evidence.extend(segmentation.cloned());
    evidence.extend_from_slice(further);
    job.object("report", uids::COMPREHENSIVE_SR_STORAGE, "SR", "9002")
        .items(tags::REFERENCED_PERFORMED_PROCEDURE_STEP_SEQUENCE, [])
        .items(tags::PERFORMED_PROCEDURE_CODE_SEQUENCE, [])
        .put(tags::COMPLETION_FLAG, "COMPLETE")
        .put(tags::VERIFICATION_FLAG, "UNVERIFIED")
        .put(tags::PRELIMINARY_FLAG, "FINAL")
        .items(tags::CURRENT_REQUESTED_PROCEDURE_EVIDENCE_SEQUENCE, by_study(&evidence))
        .put(tags::VALUE_TYPE, "CONTAINER")
        .code(tags::CONCEPT_NAME_CODE_SEQUENCE, Code("126000", "DCM", "Imaging Measurement Report"))
        .put(tags::CONTINUITY_OF_CONTENT, "SEPARATE")
        .items(tags::CONTENT_TEMPLATE_SEQUENCE, [template("1500")])
        .items(tags::CONTENT_SEQUENCE, content(job, segmentation, further))
}

/// Evidence as study, series, instance (PS3.3 Table C.17-3b).
fn by_study(evidence: &[Cited]) -> Vec<DataSet> {
    let mut evidence: Vec<&Cited> = evidence.iter().collect();
    evidence.sort_by(|a, b| (&a.study, &a.series).cmp(&(&b.study, &b.series)));
    let of_study = |study: &[&Cited]| {
        let series = study.chunk_by(|a, b| a.series == b.series).map(|series| {
            DataSet::default()
                .put(tags::SERIES_INSTANCE_UID, series.first().map_or("", |cited| &*cited.series))
                .items(tags::REFERENCED_SOP_SEQUENCE, series.iter().map(|cited| cited.item()))
        });
        DataSet::default()
            .put(tags::STUDY_INSTANCE_UID, study.first().map_or("", |cited| &*cited.study))
            .items(tags::REFERENCED_SERIES_SEQUENCE, series)
    };
    evidence.chunk_by(|a, b| a.study == b.study).map(of_study).collect()
}

fn content(job: &Job<'_>, segmentation: Option<&Cited>, further: &[Cited]) -> Vec<DataSet> {
    let library = job.images.iter().map(|image| item("CONTAINS", "IMAGE").image(image_reference(image)));
    let library = library.chain(further.iter().map(|cited| item("CONTAINS", "IMAGE").image(cited.item())));
    let language = Code("eng", "RFC5646", "English");
    let procedure = Code("363679005", "SCT", "Imaging procedure");
    let device = Code("121007", "DCM", "Device");
    vec![
        item("HAS CONCEPT MOD", "CODE")
            .named("121049", "Language of Content Item and Descendants")
            .code(tags::CONCEPT_CODE_SEQUENCE, language),
        item("HAS OBS CONTEXT", "CODE")
            .named("121005", "Observer Type")
            .code(tags::CONCEPT_CODE_SEQUENCE, device),
        item("HAS OBS CONTEXT", "UIDREF")
            .named("121012", "Device Observer UID")
            .put(tags::UID, job.uid("device")),
        item("HAS CONCEPT MOD", "CODE")
            .named("121058", "Procedure reported")
            .code(tags::CONCEPT_CODE_SEQUENCE, procedure),
        item("CONTAINS", "CONTAINER").named("111028", "Image Library").container([item(
            "CONTAINS",
            "CONTAINER",
        )
        .named("126200", "Image Library Group")
        .container(library)]),
        item("CONTAINS", "CONTAINER")
            .named("126010", "Imaging Measurements")
            .container([measurement_group(job, segmentation)]),
    ]
}

fn measurement_group(job: &Job<'_>, segmentation: Option<&Cited>) -> DataSet {
    let first = job.first();
    let mut content = vec![
        item("HAS OBS CONTEXT", "TEXT")
            .named("112039", "Tracking Identifier")
            .put(tags::TEXT_VALUE, "Lung 1"),
        item("HAS OBS CONTEXT", "UIDREF")
            .named("112040", "Tracking Unique Identifier")
            .put(tags::UID, job.uid("tracking")),
        item("CONTAINS", "CODE").named("121071", "Finding").code(tags::CONCEPT_CODE_SEQUENCE, LUNG),
    ];
    let number = if let Some(segmentation) = segmentation {
        let segment = segmentation.item().numbers(tags::REFERENCED_SEGMENT_NUMBER, [1]);
        content.push(item("CONTAINS", "IMAGE").named("121191", "Referenced Segment").image(segment));
        content.push(
            item("CONTAINS", "UIDREF")
                .named("121232", "Source series for segmentation")
                .put(tags::UID, &*first.series),
        );
        measurement(Code("118565006", "SCT", "Volume"), "10240", Code("mm3", "UCUM", "cubic millimeter"))
    } else {
        let source = item("INFERRED FROM", "IMAGE")
            .named("121112", "Source of Measurement")
            .image(image_reference(first));
        measurement(Code("410668003", "SCT", "Length"), "32", Code("mm", "UCUM", "millimeter"))
            .items(tags::CONTENT_SEQUENCE, [source])
    };
    content.push(number);
    let template = template(if segmentation.is_some() { "1411" } else { "1501" });
    item("CONTAINS", "CONTAINER")
        .named("125007", "Measurement Group")
        .container(content)
        .items(tags::CONTENT_TEMPLATE_SEQUENCE, [template])
}

fn measurement(name: Code, value: &str, unit: Code) -> DataSet {
    let measured =
        DataSet::default().code(tags::MEASUREMENT_UNITS_CODE_SEQUENCE, unit).put(tags::NUMERIC_VALUE, value);
    item("CONTAINS", "NUM")
        .code(tags::CONCEPT_NAME_CODE_SEQUENCE, name)
        .items(tags::MEASURED_VALUE_SEQUENCE, [measured])
}

fn template(number: &str) -> DataSet {
    DataSet::default().put(tags::MAPPING_RESOURCE, "DCMR").put(tags::TEMPLATE_IDENTIFIER, number)
}

/// A content item (PS3.3 §C.17.3).
fn item(relationship: &str, value_type: &str) -> DataSet {
    DataSet::default().put(tags::RELATIONSHIP_TYPE, relationship).put(tags::VALUE_TYPE, value_type)
}

/// Parts of a content item.
impl DataSet {
    fn named(self, code: &'static str, meaning: &'static str) -> Self {
        self.code(tags::CONCEPT_NAME_CODE_SEQUENCE, Code(code, "DCM", meaning))
    }

    fn image(self, reference: Self) -> Self {
        self.items(tags::REFERENCED_SOP_SEQUENCE, [reference])
    }

    fn container(self, content: impl IntoIterator<Item = Self>) -> Self {
        self.put(tags::CONTINUITY_OF_CONTENT, "SEPARATE").items(tags::CONTENT_SEQUENCE, content)
    }
}
