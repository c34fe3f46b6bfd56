//! One invented participant with one study of three slices, as in `data/make.py`, and what the caller would hand over.

use std::collections::{BTreeSet, HashMap};

use dicom_stream::charset::CharacterSet;
use dicom_stream::{FileStart, Tag, TransferSyntax, VR};
use reconciliation::{
    Attribute, Conditions, Equipment, Given, Identities, Issued, IssuedUid, Kind, LIMITS, Marking, Object,
    OwnRecord, Participant, Policy, Pseudonyms, ReconciliationError, Report, Scan, Sent, Survey,
    TrialAttributes, Value, Window, reconcile, reverse_scan, survey, uids_of,
};

use crate::tree::{Element, explicit, read, text, uid};

pub(crate) const CODE: &str = "P-7K3M9";
pub(crate) const ALICE: Participant = Participant(1);
pub(crate) const BOB: Participant = Participant(2);
pub(crate) const STUDY_KEY: &str = "study-1";
/// Pseudonym, original, kind.
pub(crate) const UIDS: [(&str, &str, Kind); 12] = [
    ("2.25.7100", "1.2.392.200036.1.100", Kind::Study),
    ("2.25.7101", "1.2.392.200036.1.101", Kind::Series),
    ("2.25.7102", "1.2.392.200036.1.102", Kind::FrameOfReference),
    ("2.25.7201", "1.2.392.200036.1.201", Kind::Instance),
    ("2.25.7202", "1.2.392.200036.1.202", Kind::Instance),
    ("2.25.7203", "1.2.392.200036.1.203", Kind::Instance),
    // the slide and the ECG of the study
    ("2.25.7111", "1.2.392.200036.1.111", Kind::Series),
    ("2.25.7112", "1.2.392.200036.1.112", Kind::FrameOfReference),
    ("2.25.7113", "1.2.392.200036.1.113", Kind::Other),
    ("2.25.7211", "1.2.392.200036.1.211", Kind::Instance),
    ("2.25.7121", "1.2.392.200036.1.121", Kind::Series),
    ("2.25.7221", "1.2.392.200036.1.221", Kind::Instance),
];
pub(crate) const STUDY: &str = UIDS[0].0;
pub(crate) const SERIES: &str = UIDS[1].0;
pub(crate) const INSTANCE: &str = UIDS[3].0;
pub(crate) const ORIGINAL_STUDY: &str = UIDS[0].1;
/// True day of the study, and as issued.
pub(crate) const DAY: &str = "20240120";
pub(crate) const SHIFTED_DAY: &str = "20240115";
pub(crate) const SHIFTED: u32 = 20_240_115;
pub(crate) const SHIFT_DAYS: i32 = -5;
pub(crate) const WINDOW: Window = Window { exported_on: 20_260_101, received_on: 20_260_131 };
pub(crate) const SR: &str = "1.2.840.10008.5.1.4.1.1.88.33";
pub(crate) const SC: &str = "1.2.840.10008.5.1.4.1.1.7";

/// (0008,0005) and a name in it: Latin, Japanese (PS3.5 H.3-1), Korean (I.2-1), Arabic.
pub(crate) const NAMES: [(&str, &str); 5] = [
    ("ISO_IR 100", "Müller^Jörg"),
    ("\\ISO 2022 IR 87", "Yamada^Tarou=山田^太郎=やまだ^たろう"),
    ("\\ISO 2022 IR 149", "Hong^Gildong=洪^吉洞=홍^길동"),
    ("ISO_IR 127", "قباني^لنزار"),
    ("ISO_IR 192", "Wang^XiaoDong=王^小東="),
];

pub(crate) fn file(name: &str) -> (&'static TransferSyntax, Vec<u8>) {
    let bytes = std::fs::read(format!("{}/tests/data/{name}.dcm", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let start = FileStart::read(&bytes).unwrap();
    (start.transfer_syntax, bytes[start.data_set..].to_vec())
}

pub(crate) fn surveyed(elements: &[Element]) -> Survey {
    survey(&explicit(elements)[..], &TransferSyntax::EXPLICIT_LITTLE, LIMITS).unwrap()
}

pub(crate) fn survey_file(name: &str) -> Survey {
    let (syntax, bytes) = file(name);
    survey(&bytes[..], syntax, LIMITS).unwrap()
}

/// A result as a well-behaved partner makes it, with more elements, sorted; later ones of the same tag win.
pub(crate) fn result(sop_class: &str, more: Vec<Element>) -> Vec<Element> {
    let mut all = vec![
        uid(0x0008_0016, sop_class),
        uid(0x0008_0018, "1.2.826.1.9.1"),
        text(0x0008_0020, VR::DA, SHIFTED_DAY),
        text(0x0010_0010, VR::PN, CODE),
        text(0x0010_0020, VR::LO, CODE),
        text(0x0012_0040, VR::LO, CODE),
        text(0x0012_0062, VR::CS, "YES"),
        uid(0x0020_000D, STUDY),
        uid(0x0020_000E, "1.2.826.1.9.2"),
        text(0x0020_0011, VR::IS, "5"),
    ];
    for element in more {
        all.retain(|other| other.tag() != element.tag());
        all.push(element);
    }
    all.sort_by_key(Element::tag);
    all
}

pub(crate) fn reference(instance: &str) -> Element {
    crate::tree::sequence(0x0008_2112, vec![vec![uid(0x0008_1150, SR), uid(0x0008_1155, instance)]])
}

pub(crate) fn issued_uid(kind: Kind, participant: Participant) -> Vec<IssuedUid> {
    vec![IssuedUid { kind, participant, study: Some(STUDY_KEY.to_owned()) }]
}

pub(crate) fn issued() -> Issued {
    let sent = ["source1", "source2", "source3"].map(|name| Sent::from(survey_file(name)));
    Issued {
        uids: UIDS.iter().map(|(uid, _, kind)| ((*uid).to_owned(), issued_uid(*kind, ALICE))).collect(),
        codes: [(CODE.to_owned(), ALICE), ("P-BBBB7".to_owned(), BOB)].into(),
        spelled: [
            (CODE.to_owned(), ALICE),
            ("P-BBBB7".to_owned(), BOB),
            ("B7".to_owned(), BOB),
            ("S-7".to_owned(), BOB),
        ]
        .into(),
        dates: BTreeSet::from([SHIFTED]),
        sent: sent.into(),
        ..Issued::default()
    }
}

pub(crate) fn conditions() -> Conditions {
    let suffixes = [
        "66.4", "66.5", "66.7", "30", "88.34", "88.33", "88.50", "88.59", "88.65", "9.1.1", "11.1", "11.2",
        "11.3", "11.4", "7", "481.2", "481.3", "481.5", "66.1", "66.2", "66.3", "67", "91.1", "2.1", "104.1",
        "104.2", "104.3", "2",
    ];
    let sop_classes = suffixes.map(|suffix| format!("1.2.840.10008.5.1.4.1.1.{suffix}")).into();
    Conditions {
        sop_classes,
        window: WINDOW,
        deadline_passed: false,
        tolerance: 0.01,
        opens_encrypted_attributes: false,
    }
}

pub(crate) fn identities() -> Identities {
    Identities {
        originals: UIDS
            .iter()
            .map(|(pseudonym, original, _)| ((*pseudonym).into(), (*original).into()))
            .collect(),
        fresh: HashMap::new(),
        shifted: BTreeSet::from([SHIFTED]),
        shift_days: SHIFT_DAYS,
    }
}

pub(crate) fn given() -> Given {
    Given { code: CODE.to_owned(), ..Given::default() }
}

pub(crate) fn policy() -> Policy {
    Policy {
        marking: Some(Marking {
            series_description_prefix: "RESEARCH".to_owned(),
            series_number_offset: 9000,
        }),
        trial: TrialAttributes::Remove,
        equipment: Equipment {
            manufacturer: "Our Site".to_owned(),
            model: "research-pacs".to_owned(),
            software: "0.1.0".to_owned(),
            station: String::new(),
        },
        partner: "Partner AI".to_owned(),
        changed_at: "20260115080000".to_owned(),
        window: WINDOW,
        accepted_dates: BTreeSet::new(),
        text_rules: Vec::new(),
    }
}

fn attribute(number: u32, vr: VR, value: Value) -> Attribute {
    Attribute { tag: crate::tree::tag(number), vr, value }
}

/// The own record with a name in a character set; other attributes valued, empty and absent, with odd padding as received.
pub(crate) fn own(character_set: &str, name: &str) -> OwnRecord {
    let set = CharacterSet::parse(character_set.as_bytes()).0;
    let mut name = set.encode(VR::PN, name).unwrap();
    name.resize(name.len().next_multiple_of(2), b' ');
    let mut declared = character_set.as_bytes().to_vec();
    declared.resize(declared.len().next_multiple_of(2), b' ');
    let valued = |bytes: &[u8]| Value::Bytes(bytes.to_vec());
    OwnRecord {
        study: ORIGINAL_STUDY.to_owned(),
        character_set: if declared.is_empty() { Value::Absent } else { Value::Bytes(declared) },
        attributes: vec![
            attribute(0x0008_0020, VR::DA, valued(DAY.as_bytes())),
            attribute(0x0008_0030, VR::TM, valued(b"101500")),
            attribute(0x0008_0050, VR::SH, valued(b"ACC-0042  ")),
            attribute(0x0008_0090, VR::PN, Value::Empty),
            attribute(0x0008_1030, VR::LO, Value::Absent),
            attribute(0x0010_0010, VR::PN, Value::Bytes(name)),
            attribute(0x0010_0020, VR::LO, valued(b"PID 0815")),
            attribute(0x0010_0021, VR::LO, Value::Absent),
            attribute(0x0010_0030, VR::DA, valued(b"19480229")),
            attribute(0x0010_0040, VR::CS, valued(b"F ")),
            attribute(0x0010_1000, VR::LO, Value::Absent),
            attribute(0x0020_0010, VR::SH, Value::Empty),
        ],
    }
}

/// One object through the way back, with its bytes.
pub(crate) struct Output {
    pub(crate) bytes: Vec<u8>,
    pub(crate) elements: Vec<Element>,
    pub(crate) report: Report,
    pub(crate) scan: Scan,
}

/// What differs from the usual in one test.
pub(crate) struct Run {
    pub(crate) own: OwnRecord,
    pub(crate) identities: Identities,
    pub(crate) given: Given,
    pub(crate) policy: Policy,
}

impl Run {
    pub(crate) fn usual() -> Self {
        Self {
            own: own("ISO_IR 100", "Müller^Jörg"),
            identities: identities(),
            given: given(),
            policy: policy(),
        }
    }

    pub(crate) fn bytes(&self, syntax: &TransferSyntax, input: &[u8]) -> Result<Output, ReconciliationError> {
        let survey = survey(input, syntax, LIMITS).unwrap();
        let object = Object {
            survey: &survey,
            transfer_syntax: syntax,
            length: Some(input.len() as u64),
            limits: LIMITS,
        };
        let mut bytes = Vec::new();
        let identities = self.looked_up(&survey);
        let report =
            reconcile(&object, &identities, &self.own, &self.given, &self.policy, input, &mut bytes)?;
        let elements = read(&bytes, object.output_syntax());
        let pseudonyms = Pseudonyms::new(
            &self.given.code,
            identities.originals.keys().cloned(),
            &self.identities.shifted,
            self.identities.shift_days,
        );
        let scan = reverse_scan(&bytes[..], object.output_syntax(), LIMITS, &pseudonyms).unwrap();
        Ok(Output { bytes, elements, report, scan })
    }

    /// What the caller has of the map: the UIDs that it looked up, and no others.
    fn looked_up(&self, survey: &Survey) -> Identities {
        let mut identities = self.identities.clone();
        let uids = uids_of(std::slice::from_ref(survey));
        identities.originals.retain(|uid, _| uids.contains(uid.as_str()));
        identities
    }

    pub(crate) fn elements(&self, elements: &[Element]) -> Result<Output, ReconciliationError> {
        self.bytes(&TransferSyntax::EXPLICIT_LITTLE, &explicit(elements))
    }

    pub(crate) fn file(&self, name: &str) -> Output {
        let (syntax, bytes) = file(name);
        self.bytes(syntax, &bytes).unwrap()
    }
}

impl Output {
    pub(crate) fn at(&self, path: &str) -> Option<String> {
        crate::tree::at(&self.elements, path)
    }

    /// The bytes of an element of the main data set as written, header included.
    pub(crate) fn holds(&self, tag: Tag, vr: VR, value: &[u8]) -> bool {
        let header =
            dicom_stream::Header::new(tag, vr, value.len() as u32, dicom_stream::Encoding::ExplicitLittle);
        let wanted = [header.raw(), value].concat();
        self.bytes.windows(wanted.len()).any(|window| window == wanted)
    }
}
