//! Twice the size, with values between neighbours.

/// Doubles width and height.
pub(super) fn double(pixels: &[u8], width: usize) -> Vec<u8> {
    let rows: Vec<Vec<u8>> = pixels.chunks_exact(width).map(double_row).collect();
    let mut page = Vec::with_capacity(pixels.len() * 4);
    for (index, row) in rows.iter().enumerate() {
        page.extend_from_slice(row);
        let below = rows.get(index + 1).unwrap_or(row);
        page.extend(row.iter().zip(below).map(|(&above, &below)| u8::midpoint(above, below)));
    }
    page
}

fn double_row(row: &[u8]) -> Vec<u8> {
    let following = row.iter().skip(1).chain(row.last());
    row.iter().zip(following).flat_map(|(&here, &next)| [here, u8::midpoint(here, next)]).collect()
}
