//! One SQL on two engines: SQLite (one file, the default) and PostgreSQL, through the `any` driver of sqlx (docs/adr/0002).
//!
//! The rules that keep one text valid on both engines:
//!
//! | | |
//! |---|---|
//! | Types | `TEXT`, `SMALLINT`, `INTEGER`, `BIGINT`, `DOUBLE PRECISION`, `BYTEA`. No BOOLEAN (0/1 in a `SMALLINT`), no SERIAL |
//! | Time | `BIGINT` epoch milliseconds; DICOM dates `BIGINT` yyyymmdd. Ids are UUID v7 made by the program, as `TEXT` |
//! | Text | `&'static str` with `$1` parameters; parameters are `&str`, `String`, `i16`/`i32`/`i64`, `f64`, `Vec<u8>` and `Option`s of them; never `Arc<str>` (the SQLite side of `any` has no case for it); what a peer wrote goes through [`storable`] |
//! | Many rows, optional filters | [`Statement`]; never `sqlx::QueryBuilder`, whose `?` PostgreSQL does not know |
//! | Sums | `CAST(SUM(x) AS BIGINT)`: PostgreSQL sums a BIGINT into a NUMERIC, which `any` cannot carry |
//! | Search | a prefix is a range (`>= $1 AND < $2`); pages go by key; the column says `COLLATE "binary"`, see [`Migration`] |
//! | Writes | in batches, one transaction from [`Database::write`]; functions of a table group take `&mut sqlx::AnyConnection` and never commit |

mod connection;
mod dialect;
mod error;
mod migration;
mod statement;
#[cfg(feature = "testing")]
pub mod testing;

pub use connection::{Database, Options};
pub use dialect::Dialect;
pub use error::DatabaseError;
pub use migration::Migration;
pub use statement::{Statement, storable};
