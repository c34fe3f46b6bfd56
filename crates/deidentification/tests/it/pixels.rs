//! Pixels: masks by rule, recognised text, compressed frames, overlays in unused bits; what is held.

use std::io::Cursor;
use std::sync::Mutex;
use std::time::Duration;

use deidentification::DeidentificationOption::CleanPixelData;
use deidentification::pixels::{FoundText, PixelMask, PixelPolicy, TextPolicy};
use deidentification::verify::Identity;
use deidentification::{
    CompiledProfile, DeidentificationError, Inspection, Known, Object, Profile, Report, Survey, deidentify,
    inspect,
};
use dicom_stream::{Encoding, Limits, TransferSyntax, VR};
use pixel::{GreyImage, RecogniserError, TextBox, TextRecogniser};

use crate::support::{Element, INSTANCE, Source, data_set, elements, sequence, tag, text, with_options};

const ULTRASOUND: &str = "1.2.840.10008.5.1.4.1.1.6.1";
const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
const RLE: &str = "1.2.840.10008.1.2.5";

fn short(number: u32, value: u16) -> Element {
    Element::Value(number, VR::US, value.to_le_bytes().to_vec())
}

/// Two frames of four rows and six columns, every sample 9.
fn image(modality: &str, more: Vec<Element>) -> Vec<Element> {
    let mut all = vec![
        text(0x0008_0060, VR::CS, modality),
        text(0x0008_0070, VR::LO, "ACME"),
        text(0x0010_0010, VR::PN, "Doe^Jane"),
        short(0x0028_0002, 1),
        text(0x0028_0004, VR::CS, "MONOCHROME2"),
        text(0x0028_0008, VR::IS, "2"),
        short(0x0028_0010, 4),
        short(0x0028_0011, 6),
        short(0x0028_0100, 8),
        short(0x0028_0101, 8),
        short(0x0028_0102, 7),
        short(0x0028_0103, 0),
        Element::Value(0x7FE0_0010, VR::OB, vec![9; 48]),
    ];
    all.extend(more);
    all
}

/// Finds this text at this place of every image, and remembers how many it saw.
struct Finds(&'static str, [u32; 4], Mutex<u32>);

impl TextRecogniser for Finds {
    fn name(&self) -> &str {
        "test"
    }

    fn recognise(&self, _image: &GreyImage, _left: &mut Duration) -> Result<Vec<TextBox>, RecogniserError> {
        *self.2.lock().unwrap() += 1;
        let [x, y, width, height] = self.1;
        let found = TextBox { x, y, width, height, text: self.0.to_owned(), confidence: 90.0 };
        Ok(if self.0.is_empty() { Vec::new() } else { vec![found] })
    }
}

/// Never says what stands in an image.
struct Fails;

impl TextRecogniser for Fails {
    fn name(&self) -> &str {
        "fails"
    }

    fn recognise(&self, _image: &GreyImage, _left: &mut Duration) -> Result<Vec<TextBox>, RecogniserError> {
        Err(RecogniserError::Failed("always"))
    }
}

/// Finds a name, this sure, wherever the first pixel stands out from the last of its row, and takes five minutes for an image.
struct Stands(f32);

impl TextRecogniser for Stands {
    fn name(&self) -> &str {
        "stands"
    }

    fn recognise(&self, image: &GreyImage, left: &mut Duration) -> Result<Vec<TextBox>, RecogniserError> {
        *left = left.saturating_sub(Duration::from_secs(300));
        let row = image.rows().next().unwrap();
        let stands = row[0].abs_diff(*row.last().unwrap()) >= 40;
        let found =
            TextBox { x: 0, y: 0, width: 6, height: 1, text: "DOE JANE".to_owned(), confidence: self.0 };
        Ok(if stands { vec![found] } else { Vec::new() })
    }
}

struct Made {
    inspection: Inspection,
    output: Option<(Vec<u8>, Report)>,
    syntax: TransferSyntax,
}

impl Made {
    fn value(&self, path: &str) -> Option<Vec<u8>> {
        let (bytes, _) = self.output.as_ref().unwrap();
        elements(&self.syntax, bytes).get(path).map(|(_, value)| value.clone())
    }

    fn text(&self, path: &str) -> Option<String> {
        self.value(path).map(|value| String::from_utf8_lossy(&value).trim_end().to_owned())
    }

    fn codes(&self) -> Vec<&'static str> {
        self.output.as_ref().unwrap().1.method_codes.clone()
    }
}

fn run_syntax(
    profile: &CompiledProfile,
    syntax: &TransferSyntax,
    sop_class: &str,
    recogniser: Option<&dyn TextRecogniser>,
    input: &[u8],
) -> Result<Made, DeidentificationError> {
    let limits = Limits::INSTANCE;
    let object = Object { sop_class, sop_instance: INSTANCE, transfer_syntax: syntax, length: None };
    let mut identity = Identity::default();
    let survey = Survey::read(profile, Cursor::new(input), syntax, limits, &mut identity)?;
    let cleaner = profile.cleaner(&identity).unwrap();
    let inspection = inspect(profile, &object, &survey, &cleaner, recogniser, limits, Cursor::new(input))?;
    let pixels = match &inspection {
        Inspection::Clean(plan) => Some(&**plan),
        Inspection::Untouched => None,
        _ => return Ok(Made { inspection, output: None, syntax: TransferSyntax::EXPLICIT_LITTLE }),
    };
    let known = Known { survey: &survey, cleaner: &cleaner, pixels };
    let mut out = Vec::new();
    let report = deidentify(profile, &object, &Source, known, limits, Cursor::new(input), &mut out)?;
    let syntax = *object.output_syntax(pixels);
    Ok(Made { inspection, output: Some((out, report)), syntax })
}

fn run(
    profile: &Profile,
    sop_class: &str,
    recogniser: Option<&dyn TextRecogniser>,
    all: Vec<Element>,
) -> Made {
    let syntax = TransferSyntax::EXPLICIT_LITTLE;
    let input = data_set(Encoding::ExplicitLittle, sop_class, all);
    run_syntax(&profile.compile(None).unwrap(), &syntax, sop_class, recogniser, &input).unwrap()
}

fn cleaning(pixels: PixelPolicy) -> Profile {
    Profile { pixels, ..with_options(&[CleanPixelData]) }
}

fn held(made: &Made) -> String {
    match &made.inspection {
        Inspection::Held(why) => why.clone(),
        other => panic!("{other:?}"),
    }
}

/// AC2.7: pixels at risk pass by a rule, by a recogniser's clearance, or not at all.
#[test]
fn what_is_at_risk_needs_a_rule_or_a_recogniser() {
    let plain = cleaning(PixelPolicy::default());
    assert!(held(&run(&plain, ULTRASOUND, None, image("US", vec![]))).contains("no mask matches"));
    let nothing = Finds("", [0; 4], Mutex::default());
    let cleared = run(&plain, ULTRASOUND, Some(&nothing), image("US", vec![]));
    assert_eq!(*nothing.2.lock().unwrap(), 2, "every frame is looked at");
    assert_eq!(cleared.codes(), ["113100", "113101"]);
    assert_eq!(cleared.text("(0028,0301)").as_deref(), Some("NO"));
    assert_eq!(cleared.value("(7FE0,0010)").unwrap(), [9; 48]);
    // What is not at risk is not inspected, and nothing is said of it.
    let ct = run(&plain, CT, Some(&nothing), image("CT", vec![]));
    assert_eq!(ct.codes(), ["113100"]);
    assert_eq!(ct.text("(0028,0301)"), None);
    let stated = image("CT", vec![text(0x0028_0301, VR::CS, "YES")]);
    assert!(held(&run(&plain, CT, None, stated)).contains("no mask matches"));
    let without = run(&Profile::basic(), ULTRASOUND, Some(&nothing), image("US", vec![]));
    assert!(matches!(without.inspection, Inspection::NotInspected));
}

/// Masks by equipment: all frames, borders included; other equipment is not touched.
#[test]
fn masks_by_rule() {
    let mask = PixelMask {
        manufacturers: ["ACME".to_owned()].into(),
        rectangles: vec![[4, 0, 2, 1], [0, 3, 6, 1]],
        ..PixelMask::default()
    };
    let profile = cleaning(PixelPolicy { masks: vec![mask], ..PixelPolicy::default() });
    let made = run(&profile, ULTRASOUND, None, image("US", vec![]));
    let mut expected = [9; 48];
    for frame in [0, 24] {
        expected[frame + 4..frame + 6].fill(0);
        expected[frame + 18..frame + 24].fill(0);
    }
    assert_eq!(made.value("(7FE0,0010)").unwrap(), expected);
    assert_eq!(made.codes(), ["113100", "113101"]);
    let other = vec![text(0x0008_0070, VR::LO, "OTHER")];
    let mut elements = image("US", vec![]);
    elements.retain(|element| !matches!(element, Element::Value(0x0008_0070, ..)));
    elements.extend(other);
    assert!(held(&run(&profile, ULTRASOUND, None, elements)).contains("no mask matches"));
}

/// No decision of a person stands for a mask: what cannot be masked is told apart from what nobody has read.
#[test]
fn a_mask_that_cannot_be_laid_on_holds_the_object_for_good() {
    let rule = |rectangles| {
        let mask =
            PixelMask { manufacturers: ["ACME".to_owned()].into(), rectangles, ..PixelMask::default() };
        cleaning(PixelPolicy { masks: vec![mask], ..PixelPolicy::default() })
    };
    let (inside, outside) = (rule(vec![[0, 0, 6, 1]]), rule(vec![[0, 0, 6, 1], [100, 100, 8, 8]]));
    let mut unknown = image("CT", vec![]);
    unknown.retain(|element| !matches!(element, Element::Value(0x0028_0004, ..)));
    let float = vec![Element::Value(0x7FE0_0008, VR::OF, vec![0; 8])];
    for (profile, class, elements) in [
        (&outside, ULTRASOUND, image("US", vec![])),
        (&outside, CT, image("CT", vec![])),
        (&inside, CT, unknown),
        (&inside, CT, image("CT", float)),
    ] {
        let made = run(profile, class, None, elements);
        assert!(matches!(made.inspection, Inspection::NotMasked(_)), "{:?}", made.inspection);
    }
    // A recogniser that fails leaves a question about text; the mask can be laid on without it.
    let made = run(&inside, ULTRASOUND, Some(&Fails), image("US", vec![]));
    assert!(matches!(made.inspection, Inspection::Held(_)), "{:?}", made.inspection);
    let released = run(&inside, ULTRASOUND, None, image("US", vec![]));
    assert_eq!(released.value("(7FE0,0010)").unwrap()[..7], [0, 0, 0, 0, 0, 0, 9]);
}

/// As above, of frames for which there is no decoder, or that are damaged.
#[test]
fn frames_that_cannot_be_decoded_cannot_be_masked() {
    let mask = PixelMask { rectangles: vec![[0, 0, 6, 1]], ..PixelMask::default() };
    let profile = cleaning(PixelPolicy { masks: vec![mask], ..PixelPolicy::default() });
    let mut all = image("US", vec![]);
    all.retain(|element| !matches!(element, Element::Value(0x7FE0_0010 | 0x0028_0008, ..)));
    let mut input = data_set(Encoding::ExplicitLittle, ULTRASOUND, all);
    input.extend(b"\xE0\x7F\x10\0OB\0\0\xFF\xFF\xFF\xFF\xFE\xFF\0\xE0\0\0\0\0");
    input.extend(b"\xFE\xFF\0\xE0\x08\0\0\0\xFF\xD8\xFF\xDA\0\x02\xFF\xD9\xFE\xFF\xDD\xE0\0\0\0\0");
    for syntax in [RLE, "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.102"] {
        let syntax = TransferSyntax::from_uid(syntax).unwrap();
        let made = run_syntax(&profile.compile(None).unwrap(), syntax, ULTRASOUND, None, &input).unwrap();
        assert!(matches!(made.inspection, Inspection::NotMasked(_)), "{:?}", made.inspection);
    }
}

/// PS3.3 C.8.5.5.1: what lies outside of the regions holds the annotations.
#[test]
fn everything_outside_of_the_ultrasound_regions() {
    let number = |tag, value: u32| Element::Value(tag, VR::UL, value.to_le_bytes().to_vec());
    let region =
        vec![number(0x0018_6018, 1), number(0x0018_601A, 1), number(0x0018_601C, 4), number(0x0018_601E, 2)];
    let mask = PixelMask { outside_ultrasound_regions: true, ..PixelMask::default() };
    let profile = cleaning(PixelPolicy { masks: vec![mask], ..PixelPolicy::default() });
    let made = run(&profile, ULTRASOUND, None, image("US", vec![sequence(0x0018_6011, vec![region])]));
    let pixels = made.value("(7FE0,0010)").unwrap();
    let kept: Vec<usize> = (0..24).filter(|at| pixels[*at] == 9).collect();
    assert_eq!(kept, [7, 8, 9, 10, 13, 14, 15, 16]);
    assert_eq!(pixels[..24], pixels[24..]);
}

#[test]
fn text_that_counts_is_masked_or_holds_the_object() {
    let policy = |text, found| cleaning(PixelPolicy { text, found, ..PixelPolicy::default() });
    let name = Finds("DOE JANE", [0, 0, 6, 1], Mutex::default());
    let made =
        run(&policy(TextPolicy::Identity, FoundText::Mask), ULTRASOUND, Some(&name), image("US", vec![]));
    assert!(made.value("(7FE0,0010)").unwrap()[..6].iter().all(|sample| *sample == 0));
    assert!(made.value("(7FE0,0010)").unwrap()[24..30].iter().all(|sample| *sample == 0), "in all frames");
    assert!(
        held(&run(
            &policy(TextPolicy::Identity, FoundText::Hold),
            ULTRASOUND,
            Some(&name),
            image("US", vec![])
        ))
        .starts_with("text in the pixels")
    );
    let side = Finds("PA", [0, 0, 6, 1], Mutex::default());
    for (text, masked) in
        [(TextPolicy::Identity, false), (TextPolicy::Unknown, false), (TextPolicy::Any, true)]
    {
        let made = run(&policy(text, FoundText::Mask), ULTRASOUND, Some(&side), image("US", vec![]));
        assert_eq!(made.value("(7FE0,0010)").unwrap()[0] == 0, masked, "{text:?}");
    }
}

/// Text five levels of 4,096 above its ground shows through the stored window (PS3.3 C.11.2.1.2), not in the range of a frame with a
/// bright band.
#[test]
fn text_that_only_the_stored_window_shows_is_found() {
    // 40 × 20 pixels: a stroke of 6 × 1 at the left of the first row, the bright band in the lower half.
    let level = |pixel: usize| match pixel {
        0..6 => 1005,
        6..400 => 1000_u16,
        _ => 4000,
    };
    let pixels: Vec<u8> = (0..800).map(level).flat_map(u16::to_le_bytes).collect();
    let deep = |more: Vec<Element>| {
        let mut all = image("US", more);
        all.retain(|element| {
            !matches!(
                element,
                Element::Value(0x7FE0_0010 | 0x0028_0008..=0x0028_0011 | 0x0028_0100..=0x0028_0102, ..)
            )
        });
        all.extend([short(0x0028_0010, 20), short(0x0028_0011, 40)]);
        all.extend([short(0x0028_0100, 16), short(0x0028_0101, 12), short(0x0028_0102, 11)]);
        all.push(Element::Value(0x7FE0_0010, VR::OW, pixels.clone()));
        all
    };
    let window = |centre, width, slope, intercept| {
        let number = |tag, value| text(tag, VR::DS, value);
        vec![
            number(0x0028_1050, centre),
            number(0x0028_1051, width),
            number(0x0028_1052, intercept),
            number(0x0028_1053, slope),
        ]
    };
    let profile = cleaning(PixelPolicy::default());
    for (more, is_masked) in [
        (vec![], false),
        (window("2000", "4096", "1", "0"), false),
        (window("1000\\2000", "20\\4096", "1", "0"), true),
        (window("-24", "20", "1", "-1024"), true),
        (window("500.25", "10.5", ".5", "0"), true),
    ] {
        let made = run(&profile, ULTRASOUND, Some(&Stands(90.0)), deep(more));
        let first = made.value("(7FE0,0010)").unwrap();
        assert_eq!(first[..2] == [0, 0], is_masked);
        assert_eq!(first[12..], pixels[12..]);
        let texts = made.output.unwrap().1.pixels.unwrap().texts;
        assert_eq!(texts, usize::from(is_masked));
    }
    // Where contrast is stretched, speckle shows as strokes: what is not read for sure there blackens nothing.
    let unsure = run(&profile, ULTRASOUND, Some(&Stands(60.0)), deep(window("-24", "20", "1", "-1024")));
    assert_eq!(unsure.output.unwrap().1.pixels.unwrap().texts, 0);
}

/// Recognition has its time for each object, however few its frames: what takes longer is held.
#[test]
fn an_object_whose_inspection_takes_too_long_is_held() {
    let of = |frames: u8, most| {
        let mut all = image("US", vec![]);
        all.retain(|element| !matches!(element, Element::Value(0x7FE0_0010 | 0x0028_0008, ..)));
        all.push(text(0x0028_0008, VR::IS, &frames.to_string()));
        all.push(Element::Value(0x7FE0_0010, VR::OB, vec![9; usize::from(frames) * 24]));
        run(
            &cleaning(PixelPolicy { frames: most, ..PixelPolicy::default() }),
            ULTRASOUND,
            Some(&Stands(90.0)),
            all,
        )
    };
    assert!(of(3, 0).output.is_some(), "three times five minutes");
    assert!(held(&of(4, 0)).starts_with("inspection-time: "));
    assert!(of(4, 2).output.is_some(), "fewer frames are looked at");
}

/// PS3.5 G: one segment of literal runs for each frame; the mask makes the object native, every other sample as it was.
#[test]
fn compressed_frames_that_a_mask_touches_are_written_natively() {
    let frame = |first: u8| {
        let mut bytes = [0_u8; 64];
        bytes[0] = 1;
        bytes[4] = 64;
        let samples: Vec<u8> = (0..24).map(|sample| first + sample).collect();
        let mut bytes = bytes.to_vec();
        bytes.push(23);
        bytes.extend(samples);
        bytes.push(0x80);
        bytes.resize(bytes.len().next_multiple_of(2), 0);
        bytes
    };
    let mut all = image("US", vec![]);
    all.retain(|element| !matches!(element, Element::Value(0x7FE0_0010, ..)));
    let mut input = data_set(Encoding::ExplicitLittle, ULTRASOUND, all);
    input.extend(b"\xE0\x7F\x10\0OB\0\0\xFF\xFF\xFF\xFF\xFE\xFF\0\xE0\0\0\0\0");
    for bytes in [frame(10), frame(100)] {
        input.extend(b"\xFE\xFF\0\xE0");
        input.extend(u32::try_from(bytes.len()).unwrap().to_le_bytes());
        input.extend(bytes);
    }
    input.extend(b"\xFE\xFF\xDD\xE0\0\0\0\0");
    let rle = TransferSyntax::from_uid(RLE).unwrap();
    let mask = PixelMask { rectangles: vec![[0, 0, 6, 1]], ..PixelMask::default() };
    let profile = cleaning(PixelPolicy { masks: vec![mask], ..PixelPolicy::default() });
    let made = run_syntax(&profile.compile(None).unwrap(), rle, ULTRASOUND, None, &input).unwrap();
    assert_eq!(made.syntax.uid, TransferSyntax::EXPLICIT_LITTLE.uid);
    let expected: Vec<u8> = [10, 100]
        .into_iter()
        .flat_map(|first| (0..24).map(move |sample| if sample < 6 { 0 } else { first + sample }))
        .collect();
    assert_eq!(made.value("(7FE0,0010)").unwrap(), expected);
    // Without a mask the frames pass as they are.
    let ct = run_syntax(&Profile::basic().compile(None).unwrap(), rle, ULTRASOUND, None, &input).unwrap();
    assert!(matches!(ct.inspection, Inspection::NotInspected));
}

/// PS3.5 8.1.2 (retired): an overlay in the bits above High Bit.
#[test]
fn overlays_in_unused_bits_go() {
    let sample: u16 = 0b1010_0000_0000_0111;
    let mut all = image("CT", vec![Element::Value(0x6000_0102, VR::US, 15_u16.to_le_bytes().to_vec())]);
    all.retain(|element| !matches!(element, Element::Value(0x7FE0_0010 | 0x0028_0100..=0x0028_0102, ..)));
    all.extend([short(0x0028_0100, 16), short(0x0028_0101, 12), short(0x0028_0102, 11)]);
    all.push(Element::Value(0x7FE0_0010, VR::OW, sample.to_le_bytes().repeat(48)));
    let made = run(&Profile::basic(), CT, None, all);
    assert_eq!(made.value("(7FE0,0010)").unwrap(), 7_u16.to_le_bytes().repeat(48));
}

/// Letters where the IOD requires a number: no reader can use the object (found in a public test file).
#[test]
fn a_required_number_of_letters_is_refused() {
    let mut all = image("US", vec![]);
    all.retain(|element| !matches!(element, Element::Value(0x0028_0008, ..)));
    all.push(text(0x0028_0008, VR::IS, "1A"));
    let multi_frame = "1.2.840.10008.5.1.4.1.1.3.1";
    let input = data_set(Encoding::ExplicitLittle, multi_frame, all);
    let object = Object {
        sop_class: multi_frame,
        sop_instance: INSTANCE,
        transfer_syntax: &TransferSyntax::EXPLICIT_LITTLE,
        length: None,
    };
    let profile = Profile::basic().compile(None).unwrap();
    let (survey, cleaner) = crate::support::nothing_known();
    let known = Known { survey: &survey, cleaner: &cleaner, pixels: None };
    let error =
        deidentify(&profile, &object, &Source, known, Limits::INSTANCE, Cursor::new(&input), Vec::new())
            .unwrap_err();
    assert!(matches!(error, DeidentificationError::NoNumber(found) if found == tag(0x0028_0008)), "{error}");
}

/// A reader that counts frames otherwise would see what nobody looked at.
#[test]
fn bytes_behind_the_frames_go_and_frames_are_counted_in_digits() {
    // read whole, and in pieces
    for bytes in [96, 70_000] {
        let mut all = image("CT", vec![]);
        all.retain(|element| !matches!(element, Element::Value(0x7FE0_0010, ..)));
        all.push(Element::Value(0x7FE0_0010, VR::OB, vec![9; bytes]));
        let made = run(&Profile::basic(), CT, None, all);
        assert_eq!(made.value("(7FE0,0010)").unwrap(), [9; 48], "{bytes}");
    }
    for frames in ["2.0", "+2", "2e0"] {
        let mut all = image("US", vec![]);
        all.retain(|element| !matches!(element, Element::Value(0x0028_0008, ..)));
        all.push(text(0x0028_0008, VR::IS, frames));
        let nothing = Finds("", [0; 4], Mutex::default());
        assert!(
            held(&run(&cleaning(PixelPolicy::default()), ULTRASOUND, Some(&nothing), all))
                .contains("pixel data")
        );
    }
}

/// PS3.5 A.4: fragments belong to encapsulated syntaxes; a mask over native frames does not reach them.
#[test]
fn fragments_in_a_native_syntax_are_refused() {
    let mut all = image("CT", vec![]);
    all.retain(|element| !matches!(element, Element::Value(0x7FE0_0010, ..)));
    let mut input = data_set(Encoding::ExplicitLittle, CT, all);
    input.extend(b"\xE0\x7F\x10\0OB\0\0\xFF\xFF\xFF\xFF\xFE\xFF\0\xE0\0\0\0\0\xFE\xFF\0\xE0\x30\0\0\0");
    input.extend([9; 48]);
    input.extend(b"\xFE\xFF\xDD\xE0\0\0\0\0");
    let profile = Profile::basic().compile(None).unwrap();
    let refused = run_syntax(&profile, &TransferSyntax::EXPLICIT_LITTLE, CT, None, &input);
    assert!(matches!(refused, Err(DeidentificationError::Pixels(_))));
}

#[test]
fn pixels_in_an_item_go() {
    let item = vec![Element::Value(0x7FE0_0010, VR::OB, vec![7; 8])];
    let made = run(&Profile::basic(), CT, None, image("CT", vec![sequence(0x0008_1140, vec![item])]));
    assert!(made.value("(0008,1140)[1](7FE0,0010)").is_none());
}

/// What was drawn, printed or converted is at risk whatever its SOP class says (AC2.7).
#[test]
fn what_was_no_image_of_the_modality_is_at_risk() {
    let profile = cleaning(PixelPolicy::default());
    for more in [
        vec![text(0x0008_0008, VR::CS, "DERIVED\\SECONDARY\\SCREEN SAVE")],
        vec![text(0x0008_0064, VR::CS, "WSD")],
        vec![text(0x0028_0301, VR::CS, "Yes")],
        vec![Element::Value(0x7FE0_0008, VR::OF, vec![0; 8]), text(0x0008_0064, VR::CS, "WSD")],
    ] {
        held(&run(&profile, CT, None, image("CT", more)));
    }
    held(&run(&profile, CT, None, image("us", vec![])));
    held(&run(&profile, "1.2.840.10008.5.1.1.30", None, image("CT", vec![])));
}

#[test]
fn earlier_methods_are_cleaned() {
    let made =
        run(&Profile::basic(), CT, None, image("CT", vec![text(0x0012_0063, VR::LO, "seen with Doe^Jane")]));
    let method = made.text("(0012,0063)").unwrap();
    assert!(!method.contains("Doe") && method.contains("seen with"), "{method}");
}
