//! Presentation contexts and roles: PS3.8 §9.3.2.2 and §9.3.3.2, PS3.7 §D.3.3.4.

use crate::access::Policy;
use crate::sop_class::{self, PATIENT_FIND, STORAGE_COMMITMENT, STUDY_FIND, VERIFICATION};
use crate::transfer_syntax::{self, EXPLICIT_LITTLE, IMPLICIT_LITTLE};
use dicom_ul::pdu::{
    PresentationContextProposed, PresentationContextResult, PresentationContextResultReason as Reason,
    RequestorRoles, UserVariableItem,
};

/// Contexts that fit into one association: odd numbers of one byte (PS3.8 §9.3.2.2).
pub const MAX_CONTEXTS: usize = 128;

/// A context that we propose as requestor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProposedContext {
    /// Abstract syntax: a SOP class UID.
    pub abstract_syntax: String,
    /// Transfer syntax UIDs; the peer accepts one of them.
    pub transfer_syntaxes: Vec<String>,
    /// Roles that we propose for the SOP class; `None` for the default (we are SCU).
    pub roles: Option<Roles>,
}

impl ProposedContext {
    /// A context for one SOP class, with the default role.
    pub fn new(abstract_syntax: impl Into<String>, transfer_syntaxes: &[&str]) -> Self {
        let transfer_syntaxes = transfer_syntaxes.iter().map(|s| (*s).to_owned()).collect();
        Self { abstract_syntax: abstract_syntax.into(), transfer_syntaxes, roles: None }
    }

    /// The same, with roles (PS3.7 §D.3.3.4): C-GET needs SCP for the storage classes.
    pub fn with_roles(mut self, roles: Roles) -> Self {
        self.roles = Some(roles);
        self
    }
}

/// Roles of the association requestor for a SOP class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Roles {
    /// The requestor may act as service class user.
    pub scu: bool,
    /// The requestor may act as service class provider.
    pub scp: bool,
}

impl Roles {
    /// What holds when nothing is negotiated.
    pub const DEFAULT: Self = Self { scu: true, scp: false };
    /// The requestor provides the service.
    pub const SCP: Self = Self { scu: false, scp: true };
}

/// A context that both sides agreed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedContext {
    /// Presentation context id, odd.
    pub id: u8,
    /// Abstract syntax: the SOP class UID.
    pub abstract_syntax: String,
    /// The transfer syntax of every data set in this context.
    pub transfer_syntax: String,
    /// Roles of the association requestor.
    pub roles: Roles,
}

impl AcceptedContext {
    /// Whether it is for C-FIND of an information model that we answer.
    pub(crate) fn is_query(&self) -> bool {
        matches!(self.abstract_syntax.as_str(), STUDY_FIND | PATIENT_FIND)
    }
}

/// A UID as peers write it: some pad it to even length with a NUL or a space.
pub(crate) fn trimmed(uid: &str) -> &str {
    uid.trim_matches(['\0', ' '])
}

/// Answers every proposed context under `policy` (PS3.8 Table 9-18): the items for the A-ASSOCIATE-AC, and what was
/// accepted.
pub(crate) fn negotiate(
    proposed: &[PresentationContextProposed],
    roles: &[(String, Roles)],
    policy: &Policy,
) -> (Vec<PresentationContextResult>, Vec<AcceptedContext>) {
    let mut results = Vec::with_capacity(proposed.len());
    let mut accepted: Vec<AcceptedContext> = Vec::new();
    for context in proposed {
        let legal =
            context.id % 2 == 1 && !results.iter().any(|r: &PresentationContextResult| r.id == context.id);
        let answer = if legal { answer(context, policy) } else { Err(Reason::NoReason) };
        let (reason, transfer_syntax) = match answer {
            Ok(syntax) => (Reason::Acceptance, syntax),
            Err(reason) => (reason, IMPLICIT_LITTLE.to_owned()), // not significant (PS3.8 §9.3.3.2)
        };
        if reason == Reason::Acceptance {
            let abstract_syntax = trimmed(&context.abstract_syntax).to_owned();
            let roles = roles
                .iter()
                .find(|(uid, _)| *uid == abstract_syntax)
                .map_or(Roles::DEFAULT, |(_, roles)| *roles);
            let transfer_syntax = transfer_syntax.clone();
            accepted.push(AcceptedContext { id: context.id, abstract_syntax, transfer_syntax, roles });
        }
        results.push(PresentationContextResult { id: context.id, reason, transfer_syntax });
    }
    (results, accepted)
}

/// One transfer syntax for one context, or the reason of its rejection.
fn answer(context: &PresentationContextProposed, policy: &Policy) -> Result<String, Reason> {
    let abstract_syntax = trimmed(&context.abstract_syntax);
    let proposed: Vec<String> = context.transfer_syntaxes.iter().map(|s| trimmed(s).to_owned()).collect();
    let plain = |wanted: &[&str]| {
        wanted.iter().find(|uid| proposed.iter().any(|p| p == *uid)).map(|uid| (*uid).to_owned())
    };
    let chosen = match abstract_syntax {
        VERIFICATION => plain(&[EXPLICIT_LITTLE, IMPLICIT_LITTLE]),
        // every peer proposes the default transfer syntax (PS3.5 §10.1), and it is the one that we read
        STORAGE_COMMITMENT if policy.commitment_requests || policy.commitment_reports => {
            plain(&[IMPLICIT_LITTLE])
        }
        STUDY_FIND | PATIENT_FIND if policy.query => plain(&[EXPLICIT_LITTLE, IMPLICIT_LITTLE]),
        class if policy.storage && stores(class, policy) => {
            transfer_syntax::choose(&proposed, &policy.extra_transfer_syntaxes).map(str::to_owned)
        }
        _ => return Err(Reason::AbstractSyntaxNotSupported),
    };
    chosen.ok_or(Reason::TransferSyntaxesNotSupported)
}

fn stores(class: &str, policy: &Policy) -> bool {
    sop_class::is_storage(class) || policy.extra_sop_classes.iter().any(|extra| extra == class)
}

/// The roles that we grant to a requestor that proposes some (PS3.7 §D.3.3.4.2): never more than proposed.
pub(crate) fn grant_roles(items: &[UserVariableItem], policy: &Policy) -> Vec<(String, Roles)> {
    let grant = |item: &UserVariableItem| {
        let UserVariableItem::ScuScpRoleSelectionSubItem(uid, RequestorRoles { scu, scp }) = item else {
            return None;
        };
        let uid = trimmed(uid);
        let (may_scu, may_scp) = match uid {
            STORAGE_COMMITMENT => (policy.commitment_requests, policy.commitment_reports),
            VERIFICATION => (true, false),
            STUDY_FIND | PATIENT_FIND => (policy.query, false),
            class => (policy.storage && stores(class, policy), false),
        };
        Some((uid.to_owned(), Roles { scu: *scu && may_scu, scp: *scp && may_scp }))
    };
    items.iter().filter_map(grant).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proposed(id: u8, class: &str, syntaxes: &[&str]) -> PresentationContextProposed {
        PresentationContextProposed {
            id,
            abstract_syntax: class.to_owned(),
            transfer_syntaxes: syntaxes.iter().map(|s| (*s).to_owned()).collect(),
        }
    }

    fn reasons(contexts: &[PresentationContextProposed], policy: &Policy) -> Vec<u8> {
        negotiate(contexts, &[], policy).0.into_iter().map(|r| r.reason as u8).collect()
    }

    const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
    const PRIVATE: &str = "1.2.826.0.1.3680043.9.9999.1";

    #[test]
    fn each_context_gets_its_own_answer() {
        let contexts = [
            proposed(1, CT, &[IMPLICIT_LITTLE]),
            proposed(3, CT, &[EXPLICIT_LITTLE, "1.2.840.10008.1.2\0"]),
            proposed(5, "1.2.3.4.5", &[IMPLICIT_LITTLE]),
            proposed(7, VERIFICATION, &["1.2.3.4.5"]),
            proposed(7, VERIFICATION, &[IMPLICIT_LITTLE]),
            proposed(8, VERIFICATION, &[IMPLICIT_LITTLE]),
            proposed(9, STUDY_FIND, &[IMPLICIT_LITTLE]),
        ];
        let (results, accepted) = negotiate(&contexts, &[], &Policy::new("n", 1));
        let reasons: Vec<u8> = results.iter().map(|r| r.reason.clone() as u8).collect();
        assert_eq!(reasons, [0, 0, 3, 4, 2, 2, 3]);
        let syntaxes: Vec<_> = accepted.iter().map(|c| (c.id, c.transfer_syntax.as_str())).collect();
        assert_eq!(syntaxes, [(1, IMPLICIT_LITTLE), (3, EXPLICIT_LITTLE)]);
    }

    #[test]
    fn private_classes_by_list() {
        let contexts =
            [proposed(1, PRIVATE, &[EXPLICIT_LITTLE]), proposed(3, STUDY_FIND, &[EXPLICIT_LITTLE])];
        let none = Policy::new("n", 1);
        assert_eq!(reasons(&contexts, &none), [3, 3]);
        let listed = Policy { extra_sop_classes: vec![PRIVATE.to_owned()], ..none };
        assert_eq!(reasons(&contexts, &listed), [0, 3]);
        assert_eq!(reasons(&contexts, &Policy { storage: false, ..listed }), [3, 3]);
    }

    #[test]
    fn roles_are_never_more_than_proposed() {
        let item = |uid: &str, scu, scp| {
            UserVariableItem::ScuScpRoleSelectionSubItem(uid.to_owned(), RequestorRoles { scu, scp })
        };
        let items =
            [item(CT, true, true), item(STORAGE_COMMITMENT, true, true), item(VERIFICATION, false, false)];
        let granted = grant_roles(&items, &Policy::new("n", 1));
        let roles: Vec<_> = granted.iter().map(|(_, r)| (r.scu, r.scp)).collect();
        assert_eq!(roles, [(true, false), (false, true), (false, false)]);
    }
}
