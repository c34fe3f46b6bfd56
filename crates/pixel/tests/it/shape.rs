//! Borders are inclusive; nothing outside the image is touched.

use pixel::{Mask, Polygon, Rectangle, ShapeError};

/// The mask drawn with `#`.
fn drawn(mask: &Mask) -> Vec<String> {
    (0..u32::from(mask.rows()))
        .map(|row| {
            (0..u32::from(mask.columns()))
                .map(|column| if mask.contains(column, row) { '#' } else { '.' })
                .collect()
        })
        .collect()
}

#[test]
fn a_rectangle_covers_its_last_row_and_column() {
    let mask = Mask::inside(4, 6, &[Rectangle::new(1, 1, 3, 2).unwrap().into()]).unwrap();
    assert_eq!(drawn(&mask), ["......", ".###..", ".###..", "......"]);
    assert_eq!(mask.pixels(), 6);
}

#[test]
fn a_rectangle_up_to_the_corner_covers_the_corner() {
    let mask = Mask::inside(3, 4, &[Rectangle::new(2, 1, 3, 2).unwrap().into()]).unwrap();
    assert_eq!(drawn(&mask), ["....", "..##", "..##"]);
}

#[test]
fn what_lies_beyond_the_image_is_cut_off() {
    let shapes = [
        Rectangle::new(3, 2, u32::MAX, u32::MAX).unwrap().into(),
        Rectangle::new(70_000, 0, 80_000, 1).unwrap().into(),
    ];
    assert_eq!(drawn(&Mask::inside(3, 4, &shapes).unwrap()), ["....", "....", "...#"]);
}

#[test]
fn outside_keeps_the_region_up_to_its_inclusive_border() {
    // Region Location Min X0 1, Min Y0 1, Max X1 2, Max Y1 3 in an image of 4 × 4.
    let mask = Mask::outside(4, 4, &[Rectangle::new(1, 1, 2, 3).unwrap().into()]).unwrap();
    assert_eq!(drawn(&mask), ["####", "#..#", "#..#", "#..#"]);
    assert_eq!(Mask::outside(2, 2, &[]).unwrap().pixels(), 4);
}

#[test]
fn overlapping_regions_are_kept_together() {
    let kept = [Rectangle::new(0, 0, 2, 0).unwrap().into(), Rectangle::new(2, 0, 3, 0).unwrap().into()];
    assert_eq!(drawn(&Mask::outside(1, 6, &kept).unwrap()), ["....##"]);
}

#[test]
fn a_union_covers_both() {
    let left = Mask::inside(1, 5, &[Rectangle::new(0, 0, 1, 0).unwrap().into()]).unwrap();
    let right = Mask::inside(1, 5, &[Rectangle::new(4, 0, 4, 0).unwrap().into()]).unwrap();
    assert_eq!(drawn(&left.union(&right).unwrap()), ["##..#"]);
    assert_eq!(left.union(&Mask::inside(2, 5, &[]).unwrap()), Err(ShapeError::SizesDiffer));
}

#[test]
fn a_polygon_covers_its_corners_and_its_inside() {
    let triangle = Polygon::new(vec![(0, 0), (4, 4), (0, 4)]).unwrap();
    let mask = Mask::inside(5, 6, &[triangle.into()]).unwrap();
    for (column, row) in [(0, 0), (4, 4), (0, 4), (2, 2), (1, 3)] {
        assert!(mask.contains(column, row), "{column},{row}: {:#?}", drawn(&mask));
    }
    for (column, row) in [(3, 1), (5, 4), (4, 0)] {
        assert!(!mask.contains(column, row), "{column},{row}: {:#?}", drawn(&mask));
    }
}

#[test]
fn a_polygon_of_a_rectangle_is_the_rectangle() {
    let polygon = Polygon::new(vec![(1, 1), (4, 1), (4, 3), (1, 3)]).unwrap();
    let rectangle = Rectangle::new(1, 1, 4, 3).unwrap();
    assert_eq!(Mask::inside(5, 6, &[polygon.into()]), Mask::inside(5, 6, &[rectangle.into()]));
}

#[test]
fn a_hollow_polygon_keeps_its_hole() {
    // A "U" of 7 × 5 pixels.
    let u = Polygon::new(vec![(0, 0), (1, 0), (1, 3), (5, 3), (5, 0), (6, 0), (6, 4), (0, 4)]).unwrap();
    assert_eq!(
        drawn(&Mask::inside(5, 7, &[u.into()]).unwrap()),
        ["##...##", "##...##", "##...##", "#######", "#######"]
    );
}

#[test]
fn bad_shapes_are_refused() {
    assert_eq!(Rectangle::new(3, 0, 2, 0), Err(ShapeError::Reversed));
    assert_eq!(Rectangle::new(0, 1, 0, 0), Err(ShapeError::Reversed));
    assert_eq!(Polygon::new(vec![(0, 0), (1, 1)]), Err(ShapeError::Corners));
}

#[test]
fn a_text_box_is_covered_with_its_margin() {
    assert_eq!(Rectangle::around(10, 1, 5, 3, 2), Rectangle::new(8, 0, 16, 5).unwrap());
    assert_eq!(Rectangle::around(4, 4, 0, 0, 0), Rectangle::new(4, 4, 4, 4).unwrap());
}
