//! Originals of one invented patient, in the midst of whatever the fuzzer adds, and their way through the de-identifier.

use std::collections::BTreeSet;
use std::io::Cursor;
use std::sync::LazyLock;

use deidentification::pixels::PixelMask;
use deidentification::table::TABLE_E1_1;
use deidentification::verify::Identity;
use deidentification::{
    ClinicalTrial, CompiledProfile, DeidentificationOption, Inspection, Known, Object, Profile,
    PseudonymSource, Report, Survey, deidentify, inspect,
};
use dicom_stream::{Limits, Tag, TransferSyntax};

use crate::data_set::{Element, Grammar, sorted, tag, written};

/// Family name, given name, Patient ID and birth date of the invented patient: no such words in any vocabulary.
pub const FAMILY: &str = "Quizzlewick";
pub const GIVEN: &str = "Ophelianor";
pub const ID: &str = "ZX-7741-0093";
pub const BIRTH: &str = "19571113";
pub const CODE: &str = "P-7K3M9";
/// Days by which dates are moved.
pub const SHIFT_DAYS: i32 = -100;
pub const INSTANCE: &str = "1.2.392.200036.77.3";
pub const STUDY: &str = "1.2.392.200036.77.1";

const SOP_CLASSES: [&str; 12] = [
    "1.2.840.10008.5.1.4.1.1.2",     // CT
    "1.2.840.10008.5.1.4.1.1.4.1",   // enhanced MR
    "1.2.840.10008.5.1.4.1.1.1.1",   // DX
    "1.2.840.10008.5.1.4.1.1.6.1",   // US
    "1.2.840.10008.5.1.4.1.1.7",     // secondary capture
    "1.2.840.10008.5.1.4.1.1.88.33", // SR
    "1.2.840.10008.5.1.4.1.1.66.4",  // segmentation
    "1.2.840.10008.5.1.4.1.1.481.3", // RT structure set
    "1.2.840.10008.5.1.4.1.1.11.1",  // GSPS
    "1.2.840.10008.5.1.4.1.1.104.1", // PDF
    "1.2.840.10008.5.1.4.1.1.104.2", // CDA
    "1.2.840.10008.5.1.4.1.1.9.1.1", // ECG
];

/// Tags of Table E.1-1, and those that steer the walk beside it.
pub static TAGS: LazyLock<Vec<Tag>> = LazyLock::new(|| {
    let beside = [
        0x0008_0005,
        0x0008_0008,
        0x0008_0060,
        0x0008_0070,
        0x0008_0100,
        0x0008_0102,
        0x0008_0104,
        0x0008_0300,
        0x0008_0301,
        0x0008_0303,
        0x0008_1090,
        0x0008_1115,
        0x0008_1140,
        0x0008_1199,
        0x0009_0010,
        0x0009_1001,
        0x0012_0062,
        0x0012_0063,
        0x0012_0064,
        0x0012_0083,
        0x0018_1020,
        0x0018_6011,
        0x0018_6018,
        0x0018_601A,
        0x0018_601C,
        0x0018_601E,
        0x0019_0010,
        0x0019_1008,
        0x0019_1018,
        0x0028_0002,
        0x0028_0004,
        0x0028_0006,
        0x0028_0008,
        0x0028_0010,
        0x0028_0011,
        0x0028_0100,
        0x0028_0101,
        0x0028_0102,
        0x0028_0103,
        0x0028_0301,
        0x0028_0303,
        0x0028_1101,
        0x0028_1201,
        0x0028_2000,
        0x0040_A010,
        0x0040_A040,
        0x0040_A043,
        0x0040_A121,
        0x0040_A123,
        0x0040_A124,
        0x0040_A160,
        0x0040_A168,
        0x0040_A300,
        0x0040_A504,
        0x0040_A730,
        0x0042_0011,
        0x0042_0015,
        0x0054_0016,
        0x0070_0001,
        0x0070_0006,
        0x0070_0008,
        0x0088_0200,
        0x5200_9229,
        0x5200_9230,
        0x5400_0100,
        0x5400_1010,
        0x5000_3000,
        0x6000_3000,
        0x6000_0102,
        0x6000_4000,
        0x7FE0_0001,
        0x7FE0_0008,
        0x7FE0_0010,
        0xFFFA_FFFA,
        0xFFFC_FFFC,
        0x0001_0010,
        0x0018_A001,
    ];
    TABLE_E1_1.iter().map(|row| tag(row.tag)).chain(beside.map(tag)).collect()
});

const VALUES: [&[u8]; 28] = [
    b"",
    b"Quizzlewick^Ophelianor",
    b"QUIZZLEWICK",
    b"Dr Quizzlewick saw Ophelianor on 1957-11-13, no. ZX-7741-0093, tel +33 1 23 45 67 89",
    b"AX thin quizzlewick",
    b"ZX-7741-0093",
    b"ZX77410093",
    b"19571113",
    b"19571113\\20240102",
    b"20240102",
    b"20240102101112.123+0100",
    b"101112",
    b"093Y",
    b"1.2.392.200036.77.1",
    b"1.2.392.200036.77.3\\1.2.840.10008.1.2.1",
    b"1.2.840.10008.5.1.4.1.1.2",
    b"CT",
    b"PNAME",
    b"CONTAINS",
    b"121008",
    b"DCM",
    b"YES",
    b"GEMS_PARM_01",
    b"ISO_IR 192",
    b"\\ISO 2022 IR 87",
    b"\x02\0",
    b"\x08\0",
    b"chest without contrast",
];

const OPTIONS: u16 = (1 << DeidentificationOption::ALL.len()) - 1;
const RAW: u8 = 1;
const MASK: u8 = 2;
const TRIAL: u8 = 4;
const SHORT_VALUES: u8 = 8;

/// An original and the profile that it goes through.
pub struct Case {
    pub syntax: &'static TransferSyntax,
    pub sop_class: &'static str,
    pub profile: CompiledProfile,
    pub limits: Limits,
    pub bytes: Vec<u8>,
}

/// What the de-identifier made of a case.
pub struct Deidentified {
    pub bytes: Vec<u8>,
    pub syntax: &'static TransferSyntax,
    pub report: Report,
}

impl Case {
    /// From the bytes of the fuzzer: transfer syntax, SOP class, options (two bytes), flags, then the elements beside the planted ones,
    /// spelled or as a data set.
    pub fn read(data: &[u8]) -> Option<Self> {
        let [syntax, class, options, more, flags, rest @ ..] = data else { return None };
        let syntaxes = TransferSyntax::all();
        let syntax = &syntaxes[usize::from(*syntax) % syntaxes.len()];
        let sop_class = SOP_CLASSES[usize::from(*class) % SOP_CLASSES.len()];
        let planted = planted(sop_class);
        let bytes = if flags & RAW != 0 {
            [written(syntax.encoding, &sorted(planted)), rest.to_vec()].concat()
        } else {
            let grammar = Grammar { tags: &TAGS, values: &VALUES };
            let all = planted.into_iter().chain(grammar.elements(rest)).collect();
            written(syntax.encoding, &sorted(all))
        };
        // no inflater in the way: other targets have it
        let syntax = if syntax.deflated { &TransferSyntax::EXPLICIT_LITTLE } else { syntax };
        let limits = if flags & SHORT_VALUES != 0 {
            Limits { value: 64, ..Limits::INSTANCE }
        } else {
            Limits::INSTANCE
        };
        let profile = profile(u16::from_le_bytes([*options, *more]) & OPTIONS, *flags)?;
        Some(Self { syntax, sop_class, profile, limits, bytes })
    }

    /// The invented patient's own object, with nothing added.
    pub fn plain(profile: CompiledProfile) -> Self {
        let (syntax, sop_class) = (&TransferSyntax::EXPLICIT_LITTLE, SOP_CLASSES[0]);
        let more = [
            Element::new(0x0008_1030, "Chest of Quizzlewick"),
            Element::new(0x0008_0020, "20240102"),
            Element::new(0x0018_1030, "AX thin 5 mm"),
            Element::new(0x0018_1000, "SN4711"),
        ];
        let bytes = written(syntax.encoding, &sorted(planted(sop_class).into_iter().chain(more).collect()));
        Self { syntax, sop_class, profile, limits: Limits::INSTANCE, bytes }
    }

    /// Survey, inspection without a recogniser, de-identification; `None` when one of them refuses.
    pub fn deidentified(&self) -> Option<Deidentified> {
        let (profile, syntax, limits) = (&self.profile, self.syntax, self.limits);
        let object = Object {
            sop_class: self.sop_class,
            sop_instance: INSTANCE,
            transfer_syntax: syntax,
            length: None,
        };
        let mut identity = Identity::default();
        let survey = Survey::read(profile, Cursor::new(&self.bytes), syntax, limits, &mut identity).ok()?;
        let cleaner = profile.cleaner(&identity).ok()?;
        let inspection =
            inspect(profile, &object, &survey, &cleaner, None, limits, Cursor::new(&self.bytes)).ok()?;
        let plan = match inspection {
            Inspection::Clean(plan) => Some(plan),
            Inspection::Held(_) | Inspection::NotMasked(_) => return None,
            Inspection::Untouched | Inspection::NotInspected => None,
        };
        let known = Known { survey: &survey, cleaner: &cleaner, pixels: plan.as_deref() };
        let mut bytes = Vec::new();
        let report =
            deidentify(profile, &object, &Source, known, limits, Cursor::new(&self.bytes), &mut bytes).ok()?;
        let is_same = object.output_syntax(plan.as_deref()) == syntax;
        Some(Deidentified {
            bytes,
            syntax: if is_same { syntax } else { &TransferSyntax::EXPLICIT_LITTLE },
            report,
        })
    }
}

fn planted(sop_class: &str) -> Vec<Element> {
    [
        (0x0008_0016, sop_class),
        (0x0008_0018, INSTANCE),
        (0x0008_0050, "ZX-7741-0093-A"),
        (0x0008_0090, "Quizzlewick^Referrer"),
        (0x0010_0010, "Quizzlewick^Ophelianor"),
        (0x0010_0020, ID),
        (0x0010_0030, BIRTH),
        (0x0010_4000, "Mrs Quizzlewick, born 1957-11-13"),
        (0x0020_000D, STUDY),
        (0x0020_000E, "1.2.392.200036.77.2"),
    ]
    .map(|(number, value)| Element::new(number, value))
    .into()
}

/// The basic profile with the options of the bit mask; `None` when they exclude each other.
fn profile(options: u16, flags: u8) -> Option<CompiledProfile> {
    let chosen = DeidentificationOption::ALL.iter().enumerate().filter(|(n, _)| options & (1 << n) != 0);
    let mut profile = Profile { options: chosen.map(|(_, option)| *option).collect(), ..Profile::basic() };
    if flags & MASK != 0 {
        profile.pixels.masks = vec![PixelMask { rectangles: vec![[0, 0, 5, 3]], ..PixelMask::default() }];
        profile.pixels.risk_when_not_stated = BTreeSet::new();
    }
    let trial = ClinicalTrial {
        sponsor_name: "Sponsor".into(),
        protocol_id: "T-1".into(),
        ..ClinicalTrial::default()
    };
    profile.compile((flags & TRIAL != 0).then_some(trial)).ok()
}

/// New UIDs that can be told from any original.
struct Source;

impl PseudonymSource for Source {
    fn uid(&self, original: &str) -> String {
        let hash = original.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3)
        });
        format!("2.25.{hash}")
    }

    fn code(&self) -> &str {
        CODE
    }

    fn shift_days(&self) -> Option<i32> {
        Some(SHIFT_DAYS)
    }

    fn token(&self, value: &str) -> String {
        format!("{:032x}", value.len())
    }
}
