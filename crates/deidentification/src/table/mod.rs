//! The tables of PS3.15 Annex E as data with an edition, and what holds beyond them.

mod action;
mod option_column;
mod safe_private;
mod structured_content;
mod table_e1_1;
pub mod vr_default;

pub use action::{Action, AttributeType, Step};
pub use option_column::{ContentRow, Row};
pub use safe_private::SAFE_PRIVATE;
pub use structured_content::STRUCTURED_CONTENT;
pub use table_e1_1::{EDITION, TABLE_E1_1};
