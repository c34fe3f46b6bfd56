//! Reading our own types out of a row.

use std::str::FromStr;

use sqlx::Row;
use sqlx::any::AnyRow;
use uuid::Uuid;

use crate::ArchiveError;

/// An id of our own.
pub(crate) fn id(row: &AnyRow, column: &'static str) -> Result<Uuid, ArchiveError> {
    Uuid::parse_str(row.try_get(column)?).map_err(|_| ArchiveError::Unknown(column))
}

/// An id of our own that may be missing.
pub(crate) fn optional_id(row: &AnyRow, column: &'static str) -> Result<Option<Uuid>, ArchiveError> {
    let text: Option<String> = row.try_get(column)?;
    text.map(|text| Uuid::parse_str(&text)).transpose().map_err(|_| ArchiveError::Unknown(column))
}

/// A word of an enum, read by its `parse`.
pub(crate) fn word<T>(
    row: &AnyRow,
    column: &'static str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<T, ArchiveError> {
    parse(row.try_get(column)?).ok_or(ArchiveError::Unknown(column))
}

/// A word of an enum that may be missing.
pub(crate) fn optional_word<T>(
    row: &AnyRow,
    column: &'static str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, ArchiveError> {
    let text: Option<String> = row.try_get(column)?;
    text.map(|text| parse(&text).ok_or(ArchiveError::Unknown(column))).transpose()
}

/// A BLAKE3 hash.
pub(crate) fn hash(row: &AnyRow, column: &'static str) -> Result<[u8; 32], ArchiveError> {
    let bytes: Vec<u8> = row.try_get(column)?;
    bytes.try_into().map_err(|_| ArchiveError::Unknown(column))
}

/// A hash that may be absent.
pub(crate) fn optional_hash(row: &AnyRow, column: &'static str) -> Result<Option<[u8; 32]>, ArchiveError> {
    let bytes: Option<Vec<u8>> = row.try_get(column)?;
    bytes.map(|bytes| bytes.try_into().map_err(|_| ArchiveError::Unknown(column))).transpose()
}

/// A number that is never negative.
pub(crate) fn count(row: &AnyRow, column: &'static str) -> Result<u64, ArchiveError> {
    let number: i64 = row.try_get(column)?;
    u64::try_from(number).map_err(|_| ArchiveError::Unknown(column))
}

/// A small number that is never negative.
pub(crate) fn small(row: &AnyRow, column: &'static str) -> Result<u32, ArchiveError> {
    let number: i32 = row.try_get(column)?;
    u32::try_from(number).map_err(|_| ArchiveError::Unknown(column))
}

/// A value with a text form.
pub(crate) fn parsed<T: FromStr>(row: &AnyRow, column: &'static str) -> Result<T, ArchiveError> {
    row.try_get::<&str, _>(column)?.parse().map_err(|_| ArchiveError::Unknown(column))
}

/// A number for the database; what does not fit is refused there by a CHECK or does not occur.
pub(crate) fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
