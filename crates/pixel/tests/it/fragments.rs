//! Offset tables and the fragments they speak of (PS3.5 A.4, PS3.3 C.7.6.3.1.8): bytes 8 of header before each fragment.

use pixel::FrameIndex;

/// Fragments as length and whether a frame begins with it.
type Fragments<'a> = &'a [(u32, bool)];

fn words(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

fn longs(numbers: &[u64]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

fn agrees(index: &mut FrameIndex, table: &[u32], fragments: Fragments<'_>) -> bool {
    // However the table is cut into pieces.
    words(table).chunks(3).for_each(|piece| index.basic_offsets(piece));
    fragments.iter().for_each(|(length, begins)| index.fragment(*length, *begins));
    index.finish().is_ok()
}

#[test]
fn the_basic_table_reaches_every_fragment_or_is_harmless() {
    let one: Fragments<'_> = &[(10, true)];
    let cut: Fragments<'_> = &[(10, true), (6, false), (20, true)];
    let each: Fragments<'_> = &[(10, true), (20, true)];
    for (frames, table, fragments, expected) in [
        (1, &[][..], one, true),
        (1, &[0], one, true),
        (1, &[], &[(10, true), (6, false)], true),
        (1, &[0], &[(10, true), (6, false)], true),
        (2, &[], each, true),
        (2, &[0, 18], each, true),
        (2, &[0, 32], cut, true),
        (2, &[], cut, true),
        // An empty fragment is nothing.
        (2, &[], &[(10, true), (0, false), (20, true)], true),
        // Wrong and harmless: the order of the fragments tells the frames.
        (2, &[0, 0], each, true),
        (2, &[8, 26], each, true),
        (1, &[0, 18], one, true),
        // A fragment that no frame reaches, or that a reader may take for another.
        (1, &[18], &[(10, true), (6, false)], false),
        (1, &[0, 18], &[(10, true), (6, false)], false),
        (2, &[0, 18], cut, false),
        (2, &[0], cut, false),
        (2, &[0, 32, 60], cut, false),
        (1, &[], each, false),
        (1, &[0], each, false),
        (2, &[0, 36], &[(10, true), (10, true), (20, true)], false),
        (2, &[], one, false),
        (0, &[], one, false),
    ] {
        assert_eq!(
            agrees(&mut FrameIndex::new(frames), table, fragments),
            expected,
            "{frames} {table:?} {fragments:?}"
        );
    }
}

#[test]
fn the_extended_table_is_exact() {
    let each: Fragments<'_> = &[(10, true), (20, true)];
    for (offsets, lengths, basic, fragments, expected) in [
        (&[0, 18][..], &[10, 20][..], &[][..], each, true),
        // The byte that makes a fragment even is not of the frame.
        (&[0, 18], &[9, 19], &[], each, true),
        (&[0, 18], &[8, 20], &[], each, false),
        (&[0, 18], &[11, 20], &[], each, false),
        (&[0, 19], &[10, 20], &[], each, false),
        (&[0], &[10], &[], each, false),
        (&[0, 18], &[], &[], each, false),
        (&[], &[10, 20], &[], each, false),
        (&[0, 18, 46], &[10, 20, 4], &[], each, false),
        (&[0, 18], &[10, 20], &[0, 18], each, false),
        // It reaches frames of one fragment alone.
        (&[0, 36], &[10, 20], &[], &[(10, true), (10, false), (20, true)], false),
    ] {
        let mut index = FrameIndex::new(2);
        index.extended_offsets(&longs(offsets));
        longs(lengths).chunks(5).for_each(|piece| index.extended_lengths(piece));
        assert_eq!(agrees(&mut index, basic, fragments), expected, "{offsets:?} {lengths:?} {basic:?}");
    }
}
