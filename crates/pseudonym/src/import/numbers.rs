//! Numbers of one participant: `patient_id, issuer` (DEC-Q).

use std::io::Read;

use super::LineError;
use super::table::{self, Columns, Errors};
use crate::subject::SubjectKey;

const COLUMNS: Columns = Columns { required: &["patient_id", "issuer"], optional: &[] };

/// Numbers that belong to one participant after a merge or a correction, read and checked line by line: enter each with [`crate::Vault::merge`].
#[derive(Debug)]
pub struct Numbers {
    /// The numbers, in the order of the file.
    pub subjects: Vec<SubjectKey>,
}

impl Numbers {
    /// Parses a file for a project. `authority` gives the assigning authority that an issuer stands for.
    ///
    /// # Errors
    /// Every faulty line, up to 1000: correct the file.
    pub fn parse(
        input: impl Read,
        project: &str,
        authority: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, Vec<LineError>> {
        let mut errors = Errors::default();
        let mut subjects = Vec::new();
        for line in table::read(input, COLUMNS)? {
            subjects.extend(errors.keep(line.subject(COLUMNS, project, authority)));
        }
        errors.finish(Self { subjects })
    }
}
