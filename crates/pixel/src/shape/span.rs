//! Columns that follow each other in one row.

/// Columns `start..end` of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// First column.
    pub start: u32,
    /// One after the last column.
    pub end: u32,
}

impl Span {
    /// The columns `first` to `last`, both inclusive, as far as they lie in an image of `columns`.
    pub(super) fn clipped(first: i64, last: i64, columns: u32) -> Option<Self> {
        let start = u32::try_from(first.max(0)).unwrap_or(u32::MAX);
        let end = u32::try_from(last.saturating_add(1).clamp(0, i64::from(columns))).unwrap_or(columns);
        (start < end).then_some(Self { start, end })
    }
}

/// Sorts spans and joins those that touch.
pub(super) fn join(spans: &mut Vec<Span>) {
    spans.sort_unstable();
    spans.dedup_by(|next, kept| {
        let touches = next.start <= kept.end;
        if touches {
            kept.end = kept.end.max(next.end);
        }
        touches
    });
}

/// What lies between the joined `spans` of a row.
pub(super) fn between(spans: &[Span], columns: u32) -> Vec<Span> {
    let mut start = 0;
    let mut gaps = Vec::new();
    for span in spans {
        if start < span.start {
            gaps.push(Span { start, end: span.start });
        }
        start = span.end;
    }
    if start < columns {
        gaps.push(Span { start, end: columns });
    }
    gaps
}
