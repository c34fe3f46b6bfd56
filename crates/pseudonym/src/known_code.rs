//! Codes that came back, however they are written: whose they are, and whether this partner was given them (RC-04, RC-06).

use std::sync::LazyLock;

use crate::VaultError;
use crate::batch::{self, WIDTH, filled};
use crate::issued::Linkage;
use crate::participant::ParticipantId;
use crate::vault::Vault;

/// A code of a project that came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownCode {
    /// In capitals, as it was asked for.
    pub code: String,
    /// Whose it is.
    pub participant: ParticipantId,
    /// Whether it is the code by which this partner knows the participant, or would if it had anything of it; else it is another partner's,
    /// or never leaves.
    pub is_given: bool,
}

static OF_ARCHIVE: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT UPPER(code), id, '' FROM participant WHERE project = $1 AND UPPER(code) IN ({})",
        batch::list(2)
    )
});

// by the partners of the project, so that the index on (project, partner, code) serves
static OF_PARTNERS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT UPPER(c.code), c.participant, c.partner FROM partner_linkage l \
         JOIN partner_code c ON c.project = l.project AND c.partner = l.partner \
         WHERE l.project = $1 AND UPPER(c.code) IN ({})",
        batch::list(2)
    )
});

impl Vault {
    /// Which of these words, in capitals, are codes of the project, given to this partner or not. Most are none.
    ///
    /// # Errors
    /// [`VaultError::VaultLocked`], [`VaultError::Database`]: hold and repeat.
    pub async fn known_codes(
        &self,
        project: &str,
        partner: &str,
        words: &[&str],
    ) -> Result<Vec<KnownCode>, VaultError> {
        self.keys()?;
        let by_partner = self.linkage(project, partner).await? == Some(Linkage::Partner);
        let mut known = Vec::new();
        for chunk in words.chunks(WIDTH) {
            for statement in [OF_ARCHIVE.as_str(), OF_PARTNERS.as_str()] {
                let mut query = sqlx::query_as(statement).bind(project);
                for word in filled(chunk) {
                    query = query.bind(*word);
                }
                let rows: Vec<(String, String, String)> = query.fetch_all(self.database.reader()).await?;
                for (code, participant, of_partner) in rows {
                    let is_given = if by_partner { of_partner == partner } else { of_partner.is_empty() };
                    known.push(KnownCode { code, participant: participant.parse()?, is_given });
                }
            }
        }
        Ok(known)
    }
}
