//! The inclusion list: `patient_id, issuer, subject_code, consent_date, form_version` (R02, AC2.12).

use std::collections::HashSet;
use std::io::Read;

use sqlx::AnyConnection;

use super::table::{self, Columns, Errors, Line};
use super::{ImportSummary, LineError, LineProblem};
use crate::VaultError;
use crate::code::{Code, CodeError};
use crate::erase::day;
use crate::identity_check;
use crate::list::{Inclusion, assigned_code, insert_inclusion, refuse_opposed};
use crate::participant::{by_id, id_by_subject, is_free};
use crate::subject::SubjectKey;
use crate::vault::{Keys, Vault, lock};

const COLUMNS: Columns = Columns {
    required: &["patient_id", "issuer", "subject_code", "consent_date", "form_version"],
    optional: &[],
};

/// An inclusion list, read and checked line by line. `subject_code` may be empty where the project draws its codes.
#[derive(Debug)]
pub struct InclusionList {
    lines: Vec<(u64, SubjectKey, Inclusion)>,
}

impl InclusionList {
    /// Parses a file for a project. `authority` gives the assigning authority that an issuer stands for.
    ///
    /// # Errors
    /// Every faulty line, up to 1000: correct the file.
    pub fn parse(
        input: impl Read,
        project: &str,
        authority: &dyn Fn(&str) -> Option<String>,
        now: i64,
    ) -> Result<Self, Vec<LineError>> {
        let mut errors = Errors::default();
        let (mut lines, mut subjects, mut codes) = (Vec::new(), HashSet::new(), HashSet::new());
        for line in table::read(input, COLUMNS)? {
            let Some(subject) = errors.keep(line.subject(COLUMNS, project, authority)) else { continue };
            let Some(inclusion) = errors.keep(inclusion(&line, &subject, day(now))) else { continue };
            if !subjects.insert(subject.clone()) {
                errors.add(line.error("patient_id", LineProblem::Twice));
            }
            if let Some(code) = &inclusion.code
                && !codes.insert(code.as_str().to_ascii_uppercase())
            {
                errors.add(line.error("subject_code", LineProblem::Code(CodeError::InUse)));
            }
            lines.push((line.number, subject, inclusion));
        }
        errors.finish(Self { lines })
    }
}

fn inclusion(line: &Line, subject: &SubjectKey, today: i64) -> Result<Inclusion, LineError> {
    let wrong = |problem| line.error("subject_code", LineProblem::Code(problem));
    let code = match line.get(COLUMNS, "subject_code") {
        "" => None,
        text => {
            let code = Code::assigned(text).map_err(wrong)?;
            identity_check::of_listed(text, subject.patient_id()).map_err(wrong)?;
            Some(code)
        }
    };
    Ok(Inclusion {
        consent_date: line.day(COLUMNS, "consent_date", today)?,
        form_version: line.need(COLUMNS, "form_version")?.to_owned(),
        code,
    })
}

impl Vault {
    /// Enters an inclusion list, all of it or nothing. A person listed before gets the new date and form version and keeps the code.
    ///
    /// # Errors
    /// [`VaultError::Import`] with the lines that contradict the vault: correct the file. [`VaultError::VaultLocked`],
    /// [`VaultError::Database`]: nothing was imported, repeat.
    pub async fn import_inclusions(
        &self,
        list: &InclusionList,
        now: i64,
    ) -> Result<ImportSummary, VaultError> {
        let keys = self.keys()?;
        let mut transaction = self.database.write().await?;
        lock(&mut transaction, keys, now).await?;
        let mut errors = Errors::default();
        for (line, subject, inclusion) in &list.lines {
            match check(&mut transaction, keys, subject, inclusion).await {
                Ok(()) => {}
                Err(VaultError::Code(code)) => {
                    errors.add(LineError {
                        line: *line,
                        column: "subject_code",
                        problem: LineProblem::Code(code),
                    });
                }
                Err(VaultError::Opposed) => {
                    errors.add(LineError {
                        line: *line,
                        column: "patient_id",
                        problem: LineProblem::Opposed,
                    });
                }
                Err(error) => return Err(error),
            }
        }
        errors.finish(()).map_err(VaultError::Import)?;
        for (_, subject, inclusion) in &list.lines {
            insert_inclusion(&mut transaction, keys, subject, inclusion, now).await?;
        }
        transaction.commit().await?;
        Ok(ImportSummary { participants: list.lines.len(), uids: 0 })
    }
}

async fn check(
    connection: &mut AnyConnection,
    keys: &Keys,
    subject: &SubjectKey,
    inclusion: &Inclusion,
) -> Result<(), VaultError> {
    let hash = subject.hash(keys);
    let participant = id_by_subject(connection, &hash).await?;
    refuse_opposed(connection, &hash, participant).await?;
    let Some(code) = &inclusion.code else { return Ok(()) };
    let held = match participant {
        Some(id) => Some(by_id(connection, keys, id).await?.code),
        None => assigned_code(connection, &hash).await?,
    };
    match held {
        Some(held) if held == *code => Ok(()),
        Some(_) => Err(CodeError::AlreadyCoded.into()),
        None if is_free(connection, subject.project(), code, &hash).await? => Ok(()),
        None => Err(CodeError::InUse.into()),
    }
}
