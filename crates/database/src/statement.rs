//! Statements put together at run time: many rows in one insert, optional filters.

use std::fmt::Write;

use sqlx::any::AnyArguments;
use sqlx::query::Query;
use sqlx::{Any, Arguments, AssertSqlSafe, Encode, Type};

/// A statement whose text comes from the program alone, with numbered places for values.
///
/// It stands in for `sqlx::QueryBuilder`, which writes `?` for `any`, a sign that PostgreSQL does not know. This is the only
/// file that declares a text safe, and the only texts it takes are `&'static str`.
///
/// ```
/// use database::Statement;
/// let mut find = Statement::new("SELECT id FROM study WHERE project = ");
/// find.bind("p1").push(" AND day IN (").list([20260101_i64, 20260102]).push(")");
/// assert_eq!(find.text(), "SELECT id FROM study WHERE project = $1 AND day IN ($2, $3)");
/// ```
#[derive(Default)]
pub struct Statement {
    text: String,
    values: AnyArguments,
}

impl Statement {
    /// Rows per insert. SQLite finds a numbered value by walking through all of them, so that a statement costs the square of its
    /// values: 8 rows of 25 columns took a sixth of the time of 64 (docs/adr/0002).
    pub const ROWS: usize = 8;

    /// Ids per list. Both engines take more (SQLite 32,766 values, PostgreSQL 65,535), but none faster.
    pub const IDS: usize = 256;

    /// Starts with `text`.
    #[must_use]
    pub fn new(text: &'static str) -> Self {
        Self { text: text.to_owned(), values: AnyArguments::default() }
    }

    /// The text so far.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Appends text.
    pub fn push(&mut self, text: &'static str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Appends the next place (`$1`, `$2`, …) and its value.
    pub fn bind<'v, T>(&mut self, value: T) -> &mut Self
    where
        T: Encode<'v, Any> + Type<Any>,
    {
        // a value that could not be encoded leaves its place without one, and the engine refuses the statement
        let _ = self.values.add(value);
        let _ = write!(self.text, "${}", self.values.len());
        self
    }

    /// Appends the place of a value that was bound before, counted from 1: it costs nothing twice.
    pub fn again(&mut self, place: usize) -> &mut Self {
        let _ = write!(self.text, "${place}");
        self
    }

    /// Appends places for all values, divided by commas.
    pub fn list<'v, T>(&mut self, values: impl IntoIterator<Item = T>) -> &mut Self
    where
        T: Encode<'v, Any> + Type<Any>,
    {
        for (number, value) in values.into_iter().enumerate() {
            if number > 0 {
                self.push(", ");
            }
            self.bind(value);
        }
        self
    }

    /// The query, ready to be executed or fetched. It is not kept prepared: its text is seldom the same twice.
    pub fn query(self) -> Query<'static, Any, AnyArguments> {
        self.prepared().persistent(false)
    }

    /// The query, kept prepared by its connection: for a text that comes again and again, as a full chunk of rows.
    pub fn prepared(self) -> Query<'static, Any, AnyArguments> {
        sqlx::query_with(AssertSqlSafe(self.text), self.values)
    }
}

/// Text as both engines take it: PostgreSQL refuses NUL, which becomes U+FFFD. For everything that a peer wrote.
#[must_use]
pub fn storable(text: &str) -> String {
    text.replace('\0', "\u{FFFD}")
}
