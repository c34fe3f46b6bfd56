//! Many rows per statement in SQL whose text never changes: a list is cut into chunks of [`WIDTH`], and the last chunk is filled
//! up by repeating its last row, which `IN` and `ON CONFLICT DO NOTHING` do not notice.

/// Rows per statement.
pub(crate) const WIDTH: usize = 64;

/// `$first, … ` for one value per row.
pub(crate) fn list(first: usize) -> String {
    let names: Vec<String> = (first..first + WIDTH).map(|at| format!("${at}")).collect();
    names.join(", ")
}

/// `($1, $2, …), (…), …` for `columns` values per row.
pub(crate) fn rows(columns: usize) -> String {
    let row = |at: usize| {
        let names: Vec<String> = (1..=columns).map(|column| format!("${}", at * columns + column)).collect();
        format!("({})", names.join(", "))
    };
    (0..WIDTH).map(row).collect::<Vec<_>>().join(", ")
}

/// The chunk, filled up to [`WIDTH`].
pub(crate) fn filled<T>(chunk: &[T]) -> impl Iterator<Item = &T> {
    chunk.iter().chain(chunk.last().into_iter().cycle()).take(WIDTH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_values_have_the_same_width() {
        assert!(list(3).starts_with("$3, $4, ") && list(3).ends_with("$66"));
        assert!(rows(2).starts_with("($1, $2), ($3, $4), ") && rows(2).ends_with("($127, $128)"));
        assert_eq!(filled(&[1, 2]).copied().collect::<Vec<_>>()[..4], [1, 2, 2, 2]);
        assert_eq!(filled(&[0; WIDTH]).count(), WIDTH);
        assert_eq!(filled::<u8>(&[]).count(), 0);
    }
}
