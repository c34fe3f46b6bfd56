//! The line from reception to return: one file per stage, in the order of an instance's way.
//!
//! ```text
//! OUT   access ─► receive ──► admit ───► deidentify ─► verify ──► export ──► acknowledge ─► notify
//!                 RECEIVED    ADMITTED   DEIDENTIFIED  CLEARED    EXPORTED   ACKNOWLEDGED   (outbox)
//!                 import ─┘ same intake (archive)
//!
//! BACK  poll ─► fetch ─► inspect ──► reconcile ──► release ──► return_to_pacs ─► confirm ──► notify ─► close
//!               Z4       retrieved   reconciled    released    Z5 → PACS         returned   (outbox)   closed
//! ```
//!
//! | Beside the stages | |
//! |---|---|
//! | `line` | what every stage works with: stores, vault, projects, partners, clock |
//! | `config`, `clock`, `log_rate` | the site's part of the configuration, the time, and lines that would repeat themselves |
//! | `driver` | the single loop that leases jobs and hands them to their stage |
//! | `progress` | the states of jobs, derived from what the stages wrote |
//! | `retention`, `sweep` | what time alone makes leave, and what a crash left |
//! | `abandoned` | originals of projects that the configuration has no more |
//! | `forget` | what ends with an anonymised job |
//! | `withdraw` | what ends when a participant withdraws |
//! | `shown` | what texts for people leave out |
//! | `standing` | what the lists say about the patient of a job |
//! | `clinical_pacs` | talking to the node that results go back to |
//! | `collision` | whether it has already what would be pushed |
//! | `commitment` | storage commitment of that node |
//! | `both_identities` | what a person sees before choosing between them |
//! | `identity_check` | whether the identity as received still holds there (table 8.1) |
//! | `beside` | results that are no DICOM objects |
//! | `news` | what a partner lists that is new |
//! | `active_content` | what the documents of a result would do by themselves |
//! | `accept` | what a person is asked about a result set, and accepts |
//! | `gate` | asking the gate about a job, and keeping its decision |
//! | `stored_object` | reading an object of Z3 to Z5 |
//! | `deface` | whole series through the defacing program of the site, before `deidentify` |
//! | `route` | the project of an instance (DEC-B) |
//! | `returned_set`, `earlier` | what a result set says, and what the vault and earlier results know of it |
//! | `identify`, `given`, `kept`, `own_record`, `recorder`, `indexing`, `transform`, `review` | what `deidentify` reads, asks and remembers |

mod abandoned;
pub mod accept;
pub mod access;
mod acknowledge;
mod active_content;
pub mod admit;
mod beside;
pub mod both_identities;
mod clinical_pacs;
pub mod clock;
mod close;
mod collision;
pub mod commitment;
pub mod config;
mod confirm;
pub mod deface;
mod deidentify;
pub mod driver;
mod earlier;
mod export;
mod fetch;
mod forget;
mod gate;
mod given;
mod identify;
mod identity_check;
pub mod import;
mod indexing;
mod inspect;
mod kept;
pub mod line;
mod log_rate;
mod news;
mod notify;
mod own_record;
pub mod poll;
mod progress;
pub mod receive;
mod reconcile;
mod recorder;
pub mod release;
pub mod retention;
mod return_to_pacs;
mod returned_set;
mod review;
pub mod route;
mod shown;
mod standing;
mod stored_object;
pub mod sweep;
mod transform;
mod verify;
pub mod withdraw;
