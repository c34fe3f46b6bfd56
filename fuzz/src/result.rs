//! Results of a partner about one invented participant, and what the caller hands over for the way back.

use std::collections::{BTreeSet, HashMap};

use dicom_stream::{Tag, TransferSyntax, VR};
use reconciliation::{
    Attribute, Conditions, Equipment, Given, Identities, Issued, IssuedUid, Kind, Marking, OwnRecord,
    Participant, Policy, TextPseudonym, TextRule, TrialAttributes, Value, Window,
};

use crate::data_set::{Element, Grammar, sorted, tag, written};

pub const CODE: &str = "P-7K3M9";
pub const PATIENT_ID: &str = "PID 0815";
/// Pseudonym, original, kind.
pub const UIDS: [(&str, &str, Kind); 5] = [
    ("2.25.7100", "1.2.392.200036.1.100", Kind::Study),
    ("2.25.7101", "1.2.392.200036.1.101", Kind::Series),
    ("2.25.7102", "1.2.392.200036.1.102", Kind::FrameOfReference),
    ("2.25.7201", "1.2.392.200036.1.201", Kind::Instance),
    ("2.25.7202", "1.2.392.200036.1.202", Kind::Instance),
];
/// A day as issued.
pub const SHIFTED: u32 = 20_240_115;
const WINDOW: Window = Window { exported_on: 20_260_101, received_on: 20_260_131 };

const SOP_CLASSES: [&str; 14] = [
    "66.4", "30", "88.34", "88.33", "88.50", "88.59", "9.1.1", "11.1", "7", "481.3", "66.1", "91.1", "104.1",
    "104.2",
];

const TAGS: [u32; 52] = [
    0x0008_0005,
    0x0008_0012,
    0x0008_0020,
    0x0008_0021,
    0x0008_0023,
    0x0008_002A,
    0x0008_0060,
    0x0008_0090,
    0x0008_103E,
    0x0008_1115,
    0x0008_1140,
    0x0008_1150,
    0x0008_1155,
    0x0008_1199,
    0x0008_2112,
    0x0009_0010,
    0x0009_1001,
    0x0010_0010,
    0x0010_0020,
    0x0010_0030,
    0x0010_0040,
    0x0010_1000,
    0x0010_1002,
    0x0010_4000,
    0x0012_0040,
    0x0012_0062,
    0x0012_0050,
    0x0018_A001,
    0x0018_A002,
    0x0020_000D,
    0x0020_000E,
    0x0020_0011,
    0x0020_0052,
    0x0028_0010,
    0x0028_0011,
    0x0040_A043,
    0x0040_A040,
    0x0040_A120,
    0x0040_A121,
    0x0040_A123,
    0x0040_A124,
    0x0040_A160,
    0x0040_A168,
    0x0040_A370,
    0x0040_A730,
    0x0042_0011,
    0x0042_0015,
    0x0070_0082,
    0x0400_0500,
    0x0400_0561,
    0x7FE0_0010,
    0xFFFA_FFFA,
];

const VALUES: [&[u8]; 24] = [
    b"",
    b"2.25.7100",
    b"2.25.7101\\2.25.7202",
    b"2.25.7201",
    b"2.25.7201.4",
    b"1.2.826.1.9.4",
    b"P-7K3M9",
    b"P-BBBB7",
    b"seen in P-7K3M9, 2.25.7201, 2024-01-15",
    b"20240115",
    b"20240115\\20260110",
    b"20260110",
    b"20260110101112",
    b"20230101",
    b"20240115101112.5+0100",
    b"ISO_IR 192",
    b"\\ISO 2022 IR 87",
    b"ISO_IR 127",
    b"M\xFCller^J\xF6rg",
    b"nodule 4 mm",
    b"1.2.840.10008.5.1.4.1.1.88.33",
    b"UIDREF",
    b"5",
    b"<ClinicalDocument xmlns=\"urn:hl7-org:v3\"><recordTarget><patientRole><id extension=\"P-7K3M9\"/><patient><name>P-7K3M9</name></patient></patientRole></recordTarget></ClinicalDocument>",
];

/// One object of a result as it came.
pub struct Case {
    pub syntax: &'static TransferSyntax,
    pub bytes: Vec<u8>,
    pub own: OwnRecord,
    pub policy: Policy,
    pub identities: Identities,
    pub given: Given,
}

impl Case {
    /// From the bytes of the fuzzer: transfer syntax, SOP class, what the caller decided, then a data set or, in an odd `flags`, the
    /// elements beside those of a well-behaved partner.
    pub fn read(data: &[u8]) -> Option<Self> {
        let [syntax, class, flags, rest @ ..] = data else { return None };
        let syntaxes = TransferSyntax::all();
        let syntax = &syntaxes[usize::from(*syntax) % syntaxes.len()];
        let bytes = if flags & 1 == 0 {
            rest.to_vec()
        } else {
            let tags = TAGS.map(tag);
            let grammar = Grammar { tags: &tags, values: &VALUES };
            let class = SOP_CLASSES[usize::from(*class) % SOP_CLASSES.len()];
            let all = grammar.elements(rest).into_iter().chain(well_behaved(class)).collect();
            written(syntax.encoding, &sorted(all))
        };
        let syntax = if syntax.deflated { &TransferSyntax::EXPLICIT_LITTLE } else { syntax };
        let names: [(&[u8], &[u8]); 3] = [
            (b"ISO_IR 100", b"M\xFCller^J\xF6rg"),
            (b"ISO_IR 192", "王^小東=".as_bytes()),
            (b"", b"Muller^Jorg "),
        ];
        let (set, name) = names[usize::from(flags >> 4) % names.len()];
        Some(Self {
            syntax,
            bytes,
            own: own(set, name),
            policy: policy(*flags),
            identities: identities(*flags),
            given: given(),
        })
    }
}

fn well_behaved(class: &str) -> Vec<Element> {
    [
        (0x0008_0016, format!("1.2.840.10008.5.1.4.1.1.{class}").as_str()),
        (0x0008_0018, "1.2.826.1.9.1"),
        (0x0008_0020, "20240115"),
        (0x0010_0010, CODE),
        (0x0010_0020, CODE),
        (0x0012_0040, CODE),
        (0x0012_0062, "YES"),
        (0x0020_000D, UIDS[0].0),
        (0x0020_000E, "1.2.826.1.9.2"),
        (0x0020_0011, "5"),
    ]
    .map(|(number, value)| Element::new(number, value))
    .into()
}

pub fn issued() -> Issued {
    let of = |kind| vec![IssuedUid { kind, participant: Participant(1), study: Some("study-1".into()) }];
    Issued {
        uids: UIDS.iter().map(|(uid, _, kind)| ((*uid).to_owned(), of(*kind))).collect(),
        codes: [(CODE.to_owned(), Participant(1)), ("P-BBBB7".to_owned(), Participant(2))].into(),
        spelled: [(CODE.to_owned(), Participant(1)), ("P-BBBB7".to_owned(), Participant(2))].into(),
        dates: BTreeSet::from([SHIFTED]),
        ..Issued::default()
    }
}

pub fn conditions() -> Conditions {
    let sop_classes = SOP_CLASSES.map(|suffix| format!("1.2.840.10008.5.1.4.1.1.{suffix}")).into();
    Conditions {
        sop_classes,
        window: WINDOW,
        deadline_passed: false,
        tolerance: 0.01,
        opens_encrypted_attributes: false,
    }
}

fn identities(flags: u8) -> Identities {
    let fresh = [("1.2.826.1.9.1".to_owned(), "2.25.999".to_owned())];
    Identities {
        originals: UIDS
            .iter()
            .map(|(pseudonym, original, _)| ((*pseudonym).into(), (*original).into()))
            .collect(),
        fresh: if flags & 2 == 0 { HashMap::new() } else { fresh.into() },
        shifted: BTreeSet::from([SHIFTED]),
        shift_days: -5,
    }
}

fn given() -> Given {
    Given { code: CODE.to_owned(), ..Given::default() }
}

fn policy(flags: u8) -> Policy {
    let rule = |path| TextRule::parse(path, &[TextPseudonym::Uid, TextPseudonym::Code]).unwrap();
    let marking = Marking { series_description_prefix: "RESEARCH".to_owned(), series_number_offset: 9000 };
    Policy {
        marking: (flags & 4 == 0).then_some(marking),
        trial: if flags & 2 == 0 { TrialAttributes::Remove } else { TrialAttributes::KeepTimePoint },
        equipment: Equipment {
            manufacturer: "Our Site".into(),
            model: "research-pacs".into(),
            ..Equipment::default()
        },
        partner: "Partner AI".to_owned(),
        changed_at: "20260115080000".to_owned(),
        window: WINDOW,
        accepted_dates: BTreeSet::from([20_230_101]),
        text_rules: if flags & 8 == 0 { vec![] } else { vec![rule("*/(0040,A160)"), rule("(0008,103E)")] },
    }
}

fn own(character_set: &[u8], name: &[u8]) -> OwnRecord {
    let attribute = |number: u32, vr: VR, value: Value| Attribute { tag: tag(number), vr, value };
    let valued = |bytes: &[u8]| Value::Bytes(bytes.to_vec());
    OwnRecord {
        study: UIDS[0].1.to_owned(),
        character_set: if character_set.is_empty() { Value::Absent } else { valued(character_set) },
        attributes: vec![
            attribute(0x0008_0020, VR::DA, valued(b"20240120")),
            attribute(0x0008_0050, VR::SH, valued(b"ACC-0042")),
            attribute(0x0008_0090, VR::PN, Value::Empty),
            attribute(0x0008_1030, VR::LO, Value::Absent),
            attribute(0x0010_0010, VR::PN, valued(name)),
            attribute(0x0010_0020, VR::LO, valued(PATIENT_ID.as_bytes())),
            attribute(0x0010_0030, VR::DA, valued(b"19480229")),
            attribute(0x0010_1000, VR::LO, Value::Absent),
            attribute(0x0020_0010, VR::SH, Value::Empty),
        ],
    }
}

/// Tags whose UIDs the reconciler maps whatever the attribute is; those in private items and in values of unknown VR it does not know.
pub fn is_uid(tag: Tag, vr: VR) -> bool {
    vr == VR::UI && tag.group() % 2 == 0
}
