//! Rendered frames: expected levels by hand from PS3.3 C.7.6.3.1, C.7.6.3.1.5 and C.11.2.1.2.

use super::{colour, grey};
use pixel::renderings::renderings_of_page;
use pixel::{
    Attributes, Description, Fill, FrameLimit, GreyImage, ImageError, Palette, TextBox, Window, contrast,
    recognise, render, renderings,
};

fn description(attributes: &Attributes) -> Description {
    attributes.check(FrameLimit::DECODED).unwrap()
}

fn rendered(attributes: &Attributes, frame: &[u8], window: Window) -> Vec<u8> {
    render(&description(attributes), frame, 0, window, None).unwrap().pixels().to_vec()
}

#[test]
fn grey_is_spread_over_its_range() {
    assert_eq!(rendered(&grey(1, 3, 8, 8), &[10, 60, 110], Window::FrameRange), [0, 128, 255]);
    let inverted = Attributes { photometric_interpretation: Some("MONOCHROME1".into()), ..grey(1, 3, 8, 8) };
    assert_eq!(rendered(&inverted, &[10, 60, 110], Window::FrameRange), [255, 127, 0]);
}

#[test]
fn signed_values_and_bits_above_the_stored_ones_are_read_right() {
    let signed = Attributes { pixel_representation: Some(1), ..grey(1, 3, 16, 12) };
    // -2048, 0, 2047; the high bits of the second hold an overlay.
    let frame = [0x00, 0x08, 0x00, 0x70, 0xFF, 0x07];
    assert_eq!(rendered(&signed, &frame, Window::FrameRange), [0, 128, 255]);
    let big = Attributes { big_endian_words: true, ..signed };
    assert_eq!(rendered(&big, &[0x08, 0x00, 0x70, 0x00, 0x07, 0xFF], Window::FrameRange), [0, 128, 255]);
}

#[test]
fn a_window_saturates() {
    let window = Window::Given { centre: 100.0, width: 100.0 };
    assert_eq!(rendered(&grey(1, 4, 8, 8), &[0, 50, 100, 250], window), [0, 0, 128, 255]);
}

#[test]
fn colour_becomes_luminance() {
    assert_eq!(rendered(&colour(1, 2, "RGB", 0), &[255, 0, 0, 255, 255, 255], Window::FrameRange), [76, 255]);
    assert_eq!(rendered(&colour(1, 2, "RGB", 1), &[255, 255, 0, 255, 0, 255], Window::FrameRange), [76, 255]);
    assert_eq!(rendered(&colour(1, 2, "YBR_FULL", 0), &[7, 0, 0, 9, 0, 0], Window::FrameRange), [7, 9]);
    assert_eq!(
        rendered(&colour(1, 4, "YBR_FULL_422", 0), &[1, 2, 0, 0, 3, 4, 0, 0], Window::FrameRange),
        [1, 2, 3, 4]
    );
}

#[test]
fn single_bits_of_a_later_frame_are_found_in_the_middle_of_a_byte() {
    let attributes = Attributes { number_of_frames: Some(2), ..grey(1, 3, 1, 1) };
    let description = description(&attributes);
    let (bytes, skipped) = description.frame_place(1);
    assert_eq!((bytes, skipped), (0..1, 3));
    let image = render(&description, &[0b0010_1000], skipped, Window::FrameRange, None).unwrap();
    assert_eq!(image.pixels(), [255, 0, 255]);
}

#[test]
fn a_palette_gives_its_colours_and_its_darkest_index() {
    let attributes =
        Attributes { photometric_interpretation: Some("PALETTE COLOR".into()), ..grey(1, 4, 8, 8) };
    let table =
        |levels: [u16; 3]| levels.iter().flat_map(|level| (level << 8).to_le_bytes()).collect::<Vec<u8>>();
    let (red, green, blue) = (table([200, 0, 255]), table([200, 0, 255]), table([200, 0, 255]));
    let palette = Palette::new([3, 1, 16], false, [&red, &green, &blue]).unwrap();
    assert_eq!(palette.darkest(), Some(2));
    let image =
        render(&description(&attributes), &[0, 1, 2, 9], 0, Window::FrameRange, Some(&palette)).unwrap();
    assert_eq!(image.pixels(), [200, 200, 0, 255]);
    assert_ne!(Fill::palette_index(&description(&attributes), 2), Fill::darkest(&description(&attributes)));
    assert!(Palette::new([4, 0, 16], false, [&red, &green, &blue]).is_err());
    assert!(Palette::new([3, 0, 12], false, [&red, &green, &blue]).is_err());
}

#[test]
fn short_frames_and_huge_images_are_refused() {
    let frame = render(&description(&grey(2, 2, 8, 8)), &[1, 2, 3], 0, Window::FrameRange, None);
    assert_eq!(frame, Err(ImageError::TooShort));
    assert_eq!(GreyImage::new(8_193, 8_192, vec![]), Err(ImageError::TooLarge));
    assert_eq!(GreyImage::new(0, 5, vec![]), Err(ImageError::TooShort));
}

#[test]
fn strokes_stay_and_areas_go() {
    // A light square of 40 pixels, a stroke of 3 × 20 in it that is lighter still, a dark stroke beside it.
    let mut pixels = vec![0_u8; 100 * 80];
    let mut draw = |left: usize, top: usize, width: usize, height: usize, level: u8| {
        for row in top..top + height {
            pixels[row * 100 + left..][..width].fill(level);
        }
    };
    draw(10, 10, 60, 60, 100);
    draw(20, 20, 3, 20, 255);
    let image = GreyImage::new(100, 80, pixels).unwrap();
    let page = contrast::Page::of(&image).unwrap().unwrap();
    let dark: Vec<(u32, u32)> = page
        .image
        .rows()
        .zip(0..)
        .flat_map(|(row, y)| row.iter().zip(0..).filter(|(level, _)| **level < 64).map(move |(_, x)| (x, y)))
        .collect();
    assert!(!dark.is_empty());
    // The way back leads to the stroke, whichever band it was seen in.
    for (x, y) in dark {
        let found = TextBox { x, y, width: 1, height: 1, text: String::new(), confidence: 0.0 };
        let back = page.in_image(found).unwrap();
        assert!((20..23).contains(&back.x) && (20..40).contains(&back.y), "{back:?}");
    }
}

#[test]
fn an_image_without_strokes_needs_no_recogniser() {
    let image = GreyImage::new(64, 64, vec![30; 64 * 64]).unwrap();
    assert!(contrast::Page::of(&image).unwrap().is_none());
}

#[test]
fn words_of_a_line_are_blackened_together() {
    let word = |x, y, width, height| TextBox { x, y, width, height, text: String::new(), confidence: 0.0 };
    let words = [
        word(60, 11, 20, 10),
        word(10, 10, 40, 10),
        word(200, 10, 20, 10),
        word(10, 40, 30, 10),
        word(12, 0, 300, 300),
    ];
    let lines = recognise::lines(&words);
    let expected = [(10, 10, 79, 20), (10, 40, 39, 49), (12, 0, 311, 299), (200, 10, 219, 19)];
    assert_eq!(
        lines.iter().map(|line| (line.left, line.top, line.right, line.bottom)).collect::<Vec<_>>(),
        expected
    );
}

#[test]
fn a_box_is_drawn_to_whole_strokes() {
    // A stroke of 3 × 20 pixels at (30, 20); the recogniser saw its middle.
    let pixels = (0..80 * 80).map(|pixel| {
        if (30..33).contains(&(pixel % 80)) && (20..40).contains(&(pixel / 80)) { 255 } else { 0 }
    });
    let page = contrast::Page::of(&GreyImage::new(80, 80, pixels.collect()).unwrap()).unwrap().unwrap();
    // Ten pixels of border, twice the size.
    let seen = TextBox { x: 81, y: 68, width: 2, height: 24, text: String::new(), confidence: 0.0 };
    let found = page.in_image(seen).unwrap();
    assert_eq!((found.x, found.width), (30, 3));
    assert!(found.y <= 21 && found.y + found.height >= 34, "{found:?}");
}

/// PS3.3 C.11.2.1.2.1, its example: centre 2048, width 4096 show 0 as black and 4095 as white.
#[test]
fn a_stored_window_is_the_linear_function() {
    let given = |centre, width| Some(Window::Given { centre, width });
    assert_eq!(Window::stored("2048", "4096", "", ""), given(2047.5, 4095.0));
    assert_eq!(Window::stored("40\\600", "400 \\2000", "1", "-1024"), given(1063.5, 399.0));
    assert_eq!(Window::stored("1", "3", "-2", "4"), given(1.75, 1.0));
    assert_eq!(Window::stored("0.5", ".5", ".001", "0"), given(500.0, 500.0));
    for (centre, width, slope) in
        [("", "", ""), ("1", "", ""), ("1", "-3", ""), ("x", "3", ""), ("1", "3", "0"), ("nan", "inf", "1")]
    {
        assert_eq!(Window::stored(centre, width, slope, ""), None, "{centre} {width} {slope}");
    }
}

/// 100 rows of 100 values of 12 bits: an even ground with a stroke that differs by `step`, and bright rows at the end.
fn stroke(step: i16, bright: usize) -> Vec<u8> {
    let value = |pixel: usize| match (pixel / 100, pixel % 100) {
        (row, _) if row >= 100 - bright => 4000,
        (20..40, 30..33) => 1000 + step,
        _ => 1000,
    };
    (0..10_000).flat_map(|pixel| value(pixel).to_le_bytes()).collect()
}

/// The greatest difference of grey between stroke and ground in any of the images.
fn contrast_of(attributes: &Attributes, frame: &[u8], window: Option<Window>) -> (usize, u8) {
    let images = renderings(&description(attributes), frame, window, None).unwrap();
    let difference = |image: &GreyImage| image.pixels()[2031].abs_diff(image.pixels()[2050]);
    (images.len(), images.iter().map(difference).max().unwrap())
}

#[test]
fn text_in_a_narrow_band_of_values_is_shown_by_a_second_image() {
    let deep = grey(100, 100, 16, 12);
    let window = Window::stored("1000", "21", "", "");
    for step in [5, -5] {
        // (5 of 20 levels) * 255
        assert!(contrast_of(&deep, &stroke(step, 10), window).1 >= 63);
        // Without a window the outer values are left out, one of fifty.
        assert_eq!(contrast_of(&deep, &stroke(step, 1), None).0, 2);
        assert!(contrast_of(&deep, &stroke(step, 1), None).1 >= 127);
        // A window beside all values of the frame, or wider than they are, does not take their place.
        for of_no_use in [Window::stored("3", "2", "", ""), Window::stored("2048", "4096", "", "")] {
            assert!(contrast_of(&deep, &stroke(step, 1), of_no_use).1 >= 127);
        }
    }
}

#[test]
fn what_one_image_shows_is_not_rendered_twice() {
    let (ramp, flat): (Vec<u8>, _) =
        ((0..10_000).map(|pixel| (pixel % 250) as u8).collect(), vec![7; 10_000]);
    let eight = grey(100, 100, 8, 8);
    let window = Window::stored("128", "256", "", "");
    for frame in [&ramp, &flat] {
        for window in [None, window] {
            assert_eq!(renderings(&description(&eight), frame, window, None).unwrap().len(), 1);
        }
    }
    // Dots that only the window shows are nothing to read, nor is a stroke that both show.
    let drawn = |stroke: u8| -> Vec<u8> {
        let level = |pixel: usize| match (pixel / 100, pixel % 100) {
            (row, column) if row % 20 == 10 && column % 40 == 10 => 110,
            (30..40, 30..32) => stroke,
            (90.., _) => 250,
            _ => 100,
        };
        (0..10_000).map(level).collect()
    };
    let narrow = Window::stored("105", "20", "", "");
    for (stroke, images) in [(100, 1), (250, 1), (115, 2)] {
        let shown = renderings(&description(&eight), &drawn(stroke), narrow, None).unwrap();
        assert_eq!(shown.len(), images, "{stroke}");
    }
    let rgb = colour(50, 50, "RGB", 0);
    assert_eq!(renderings(&description(&rgb), &drawn(115), narrow, None).unwrap().len(), 1);
}

/// Faint letters on white paper lie within a narrow band of values, few of them or many.
#[test]
fn faint_text_on_a_page_is_shown_by_a_second_image() {
    let page = |rows: usize, ink: u8| {
        let level = |pixel: usize| if pixel / 100 < rows && pixel % 10 == 5 { ink } else { 255 };
        GreyImage::new(100, 100, (0..10_000).map(level).collect()).unwrap()
    };
    for rows in [8, 80] {
        let shown = renderings_of_page(&page(rows, 237)).unwrap();
        assert!(shown.len() == 2 && shown[0].pixels() == page(rows, 237).pixels(), "{rows}");
        let range =
            |image: &GreyImage| image.pixels().iter().max().unwrap() - image.pixels().iter().min().unwrap();
        assert!(range(&shown[1]) > 120, "{rows}");
        assert_eq!(renderings_of_page(&page(rows, 0)).unwrap().len(), 1, "{rows}");
    }
    assert_eq!(renderings_of_page(&page(0, 0)).unwrap().len(), 1);
}
