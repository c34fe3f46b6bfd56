//! The line from reception to return: one file per stage, in the order of an instance's way.
//!
//! ```text
//! OUT   access ─► receive ──► admit ───► deidentify ─► verify ──► export ──► acknowledge ─► notify
//!                 RECEIVED    ADMITTED   DEIDENTIFIED  CLEARED    EXPORTED   ACKNOWLEDGED   (outbox)
//!                 import ─┘ same intake (archive)
//! ```
//!
//! | Beside the stages | |
//! |---|---|
//! | `line` | what every stage works with: stores, vault, projects, partners, clock |
//! | `driver` | the single loop that leases jobs and hands them to their stage |
//! | `progress` | the states of jobs, derived from what the stages wrote |
//! | `route` | the project of an instance (DEC-B) |
//! | `own_record`, `recorder`, `indexing` | what `deidentify` reads and remembers |

pub mod access;
mod acknowledge;
pub mod admit;
pub mod clock;
pub mod config;
mod deidentify;
pub mod driver;
mod export;
pub mod import;
mod indexing;
pub mod line;
mod notify;
mod own_record;
mod progress;
pub mod receive;
mod recorder;
pub mod route;
mod verify;
