//! The opposition list: `patient_id, issuer, kind, date, action` (R03).

use std::collections::HashSet;
use std::io::Read;

use super::table::{self, Columns, Errors, Line};
use super::{LineError, LineProblem};
use crate::VaultError;
use crate::erase::day;
use crate::list::{Opposition, OppositionKind, PastData, insert_opposition};
use crate::participant::{ParticipantId, id_by_subject};
use crate::subject::SubjectKey;
use crate::vault::{Vault, lock};

const COLUMNS: Columns =
    Columns { required: &["patient_id", "issuer", "kind", "date", "action"], optional: &[] };

/// An opposition list, read and checked line by line. `kind`: `opposition`, `withdrawal`; `action`: `stop`, `delete`, `keep`.
#[derive(Debug)]
pub struct OppositionList {
    lines: Vec<(SubjectKey, Opposition)>,
}

impl OppositionList {
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
        let (mut lines, mut subjects) = (Vec::new(), HashSet::new());
        for line in table::read(input, COLUMNS)? {
            let Some(subject) = errors.keep(line.subject(COLUMNS, project, authority)) else { continue };
            let Some(opposition) = errors.keep(opposition(&line, day(now))) else { continue };
            if !subjects.insert(subject.clone()) {
                errors.add(line.error("patient_id", LineProblem::Twice));
            }
            lines.push((subject, opposition));
        }
        errors.finish(Self { lines })
    }
}

fn opposition(line: &Line, today: i64) -> Result<Opposition, LineError> {
    let kind = match line.need(COLUMNS, "kind")? {
        "opposition" => OppositionKind::Opposition,
        "withdrawal" => OppositionKind::Withdrawal,
        _ => return Err(line.error("kind", LineProblem::Word)),
    };
    let past_data = match line.need(COLUMNS, "action")? {
        "stop" => PastData::Stop,
        "delete" => PastData::Delete,
        "keep" => PastData::Keep,
        _ => return Err(line.error("action", LineProblem::Word)),
    };
    Ok(Opposition { kind, past_data, date: line.day(COLUMNS, "date", today)? })
}

impl Vault {
    /// Enters an opposition list, all of it or nothing, and gives the participants whose work is to be stopped (ACX.4).
    ///
    /// # Errors
    /// [`VaultError::VaultLocked`], [`VaultError::Database`]: nothing was imported, repeat.
    pub async fn import_oppositions(
        &self,
        list: &OppositionList,
        now: i64,
    ) -> Result<Vec<ParticipantId>, VaultError> {
        let keys = self.keys()?;
        let mut transaction = self.database.write().await?;
        lock(&mut transaction, keys, now).await?;
        let mut participants = Vec::new();
        for (subject, opposition) in &list.lines {
            insert_opposition(&mut transaction, keys, subject, *opposition, now).await?;
            participants.extend(id_by_subject(&mut transaction, &subject.hash(keys)).await?);
        }
        transaction.commit().await?;
        Ok(participants)
    }
}
