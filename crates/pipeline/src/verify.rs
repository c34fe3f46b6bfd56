//! Stage *verify*: searches what was written for the identifiers of this patient and study, before anyone can see it. State out:
//! CLEARED, or QUARANTINED with the place of what was found (AC2.10). It fails closed: what cannot be searched is held.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Seek, SeekFrom};
use std::sync::Arc;

use archive::buffer::{self, QuarantineReason};
use deidentification::verify::{Verifier, scan};
use dicom_stream::Limits;
use uuid::Uuid;

use crate::deidentify::{Checked, Held, Outcome, Transformed, blocking};
use crate::given::Given;
use crate::line::{Line, Project, StageError};

/// Makes the objects of a batch durable and searches each; an object with a finding is removed when the others get their rows.
pub(crate) async fn finish_and_check(
    line: &Arc<Line>,
    project: &Project,
    given: &Given,
    transformed: Transformed,
) -> Result<Checked, StageError> {
    let (ours, is_kept) = (own_values(project, given), matches!(given, Given::Kept));
    let accepted =
        if is_kept { pattern_accepted(line, &transformed.outcomes).await? } else { BTreeSet::new() };
    let (line, options) = (Arc::clone(line), project.profile.options());
    blocking(move || {
        let Transformed { mut outcomes, writers, identity, .. } = transformed;
        let ours: Vec<&str> = ours.iter().map(String::as_str).collect();
        let verifier = Verifier::new(&identity, &ours).map(|verifier| verifier.retaining(options));
        let verifier = verifier.map_err(|error| error.to_string());
        let blobs: BTreeMap<_, _> =
            line.blobs.finish_batch(writers)?.into_iter().map(|blob| (blob.key.id(), blob)).collect();
        for outcome in &mut outcomes {
            let (Ok(object), Some(blob)) = (&outcome.result, blobs.get(&outcome.id)) else { continue };
            let mut file = line.blobs.open(blob.key)?;
            file.seek(SeekFrom::Start(object.data_set))?;
            let searched = match &verifier {
                // Without a known identity, what a person would write is searched for (DI-53).
                _ if is_kept => {
                    scan(file, object.transfer_syntax, Limits::INSTANCE).map_err(|error| error.to_string())
                }
                Ok(verifier) => verifier
                    .verify(file, object.transfer_syntax, Limits::INSTANCE)
                    .map_err(|error| error.to_string()),
                Err(error) => Err(error.clone()),
            };
            let detail = match searched {
                Ok(_) if accepted.contains(&outcome.id) => continue,
                Ok(findings) => match findings.first() {
                    Some(finding) => format!("{} ({} places)", finding.path, findings.len()),
                    None => continue,
                },
                Err(error) => error,
            };
            let reason =
                if is_kept { QuarantineReason::PatternFound } else { QuarantineReason::IdentifierFound };
            outcome.result = Err(Held { reason, detail });
        }
        Ok(Checked { outcomes, blobs })
    })
    .await?
}

/// Of which objects a person has looked at what the pattern scan found (AC1.9).
async fn pattern_accepted(line: &Line, outcomes: &[Outcome]) -> Result<BTreeSet<Uuid>, StageError> {
    let mut accepted = BTreeSet::new();
    for outcome in outcomes {
        let reasons = buffer::accepted_reasons(line.buffer.reader(), outcome.id).await?;
        if reasons.contains(&QuarantineReason::PatternFound) {
            accepted.insert(outcome.id);
        }
    }
    Ok(accepted)
}

/// Values that the project writes itself: they are no leak, whoever bears the same name.
fn own_values(project: &Project, given: &Given) -> Vec<String> {
    let mut values: Vec<String> = given.code().map(|code| code.as_str().to_owned()).into_iter().collect();
    if let Some(trial) = &project.config.clinical_trial {
        values.extend([
            trial.sponsor_name.clone(),
            trial.protocol_id.clone(),
            trial.protocol_name.clone(),
            trial.site_id.clone(),
            trial.site_name.clone(),
        ]);
        values.extend(trial.ethics_committee_name.clone());
        values.extend(trial.ethics_committee_approval_number.clone());
    }
    values.retain(|value| !value.is_empty());
    values
}
