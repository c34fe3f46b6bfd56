//! Accepting an association: A-ASSOCIATE-RQ in, -AC or -RJ out (PS3.8 §7.1, PS3.7 Annex D).

use crate::access::{PeerCertificate, PeerInfo, Policy, Rejection, UserIdentity};
use crate::ae_title::AeTitle;
use crate::association::{
    APPLICATION_CONTEXT, Association, IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME, Indication, Stop,
};
use crate::config::NodeConfig;
use crate::error::AssociationError;
use crate::pdu;
use crate::presentation_context::{Roles, grant_roles, negotiate, trimmed};
use crate::state::Event;
use crate::stream::Stream;
use dicom_ul::pdu::{AssociationAC, AssociationRQ, RequestorRoles, UserIdentityType, UserVariableItem};
use std::net::SocketAddr;
use std::sync::Arc;

/// Sub-items that the codec hands through as bytes (PS3.7 §D.3.3.3 and §D.3.3.7.2).
const ASYNCHRONOUS_OPERATIONS: u8 = 0x53;
const USER_IDENTITY_RESPONSE: u8 = 0x59;

/// An association request that waits for our answer.
pub struct Proposal<S> {
    association: Association<S>,
    request: Box<AssociationRQ>,
    max_pdu: u32,
}

impl<S: Stream> Proposal<S> {
    /// Waits for the A-ASSOCIATE-RQ on a new connection, at most until the ARTIM timer expires. `number` names the
    /// association in logs.
    ///
    /// # Errors
    /// The connection ended, or brought something else; it is then closed.
    pub async fn receive(
        stream: S,
        number: u64,
        address: SocketAddr,
        certificate: Option<PeerCertificate>,
        config: &NodeConfig,
        stop: Stop,
    ) -> Result<Self, AssociationError> {
        let unknown = AeTitle::received("");
        let mut peer = PeerInfo {
            association: number,
            address,
            certificate,
            called: unknown.clone(),
            calling: unknown,
            user_identity: None,
        };
        let mut association = Association::new(stream, peer.clone(), false, config, stop);
        association.step(Event::TransportIndication, &[]).await?;
        let request = match association.next_pdu(association.timers.artim).await {
            Ok(Indication::Request(request)) => request,
            Ok(_) => return Err(AssociationError::NotOpen),
            Err(error) => {
                association.linger().await;
                return Err(error);
            }
        };
        peer.called = AeTitle::received(&request.called_ae_title);
        peer.calling = AeTitle::received(&request.calling_ae_title);
        peer.user_identity = request.user_variables.iter().find_map(user_identity);
        association.peer = Arc::new(peer);
        Ok(Self { association, request, max_pdu: config.max_pdu_bytes })
    }

    /// What is known about the peer.
    pub fn peer(&self) -> &PeerInfo {
        &self.association.peer
    }

    /// What the service provider itself requires: protocol version 1 and the DICOM application context.
    ///
    /// # Errors
    /// The rejection to send.
    pub fn check(&self) -> Result<(), Rejection> {
        if self.request.protocol_version & 1 == 0 {
            return Err(Rejection::PROTOCOL_VERSION);
        }
        if trimmed(&self.request.application_context_name) != APPLICATION_CONTEXT {
            return Err(Rejection::APPLICATION_CONTEXT);
        }
        Ok(())
    }

    /// Accepts, with the contexts and roles that `policy` allows.
    ///
    /// # Errors
    /// The connection ended.
    pub async fn accept(self, policy: &Policy) -> Result<Association<S>, AssociationError> {
        let Self { mut association, request, max_pdu } = self;
        let roles = grant_roles(&request.user_variables, policy);
        let (presentation_contexts, accepted) = negotiate(&request.presentation_contexts, &roles, policy);
        association.established(accepted, peer_max_pdu(&request.user_variables));
        let answer = AssociationAC {
            protocol_version: 1,
            application_context_name: APPLICATION_CONTEXT.to_owned(),
            called_ae_title: request.called_ae_title,
            calling_ae_title: request.calling_ae_title,
            presentation_contexts,
            user_variables: user_items(&request.user_variables, roles, policy, max_pdu),
        };
        let Some(bytes) = pdu::associate(answer) else {
            association.abort().await;
            return Err(AssociationError::Unencodable);
        };
        association.step(Event::ResponseAccept, &bytes).await?;
        Ok(association)
    }

    /// Rejects, and waits for the peer to close.
    pub async fn reject(mut self, rejection: Rejection) {
        let _ = self.association.step(Event::ResponseReject, &pdu::reject(rejection)).await;
        self.association.linger().await;
    }
}

/// The longest PDU that the peer takes (PS3.8 §D.1); 0 is no limit.
pub(crate) fn peer_max_pdu(items: &[UserVariableItem]) -> u32 {
    let length = |item: &UserVariableItem| match item {
        UserVariableItem::MaxLength(length) => Some(*length),
        _ => None,
    };
    items.iter().find_map(length).unwrap_or(0)
}

/// The user information items of the answer (PS3.7 §D.3.3). Extended negotiation is not answered: the default of each
/// SOP class holds.
fn user_items(
    asked: &[UserVariableItem],
    roles: Vec<(String, Roles)>,
    policy: &Policy,
    max_pdu: u32,
) -> Vec<UserVariableItem> {
    let mut items = vec![
        UserVariableItem::MaxLength(max_pdu),
        UserVariableItem::ImplementationClassUID(IMPLEMENTATION_CLASS_UID.to_owned()),
        UserVariableItem::ImplementationVersionName(IMPLEMENTATION_VERSION_NAME.to_owned()),
    ];
    if asked.iter().any(|item| matches!(item, UserVariableItem::Unknown(ASYNCHRONOUS_OPERATIONS, _))) {
        items.push(UserVariableItem::Unknown(ASYNCHRONOUS_OPERATIONS, vec![0, 1, 0, 1])); // one at a time, each way
    }
    for (uid, Roles { scu, scp }) in roles {
        items.push(UserVariableItem::ScuScpRoleSelectionSubItem(uid, RequestorRoles { scu, scp }));
    }
    if asked.iter().filter_map(user_identity).any(|identity| identity.response_requested) {
        let response = policy.identity_response.as_slice();
        let mut value = u16::try_from(response.len()).unwrap_or(0).to_be_bytes().to_vec();
        if u16::try_from(response.len()).is_ok() {
            value.extend_from_slice(response);
        }
        items.push(UserVariableItem::Unknown(USER_IDENTITY_RESPONSE, value));
    }
    items
}

fn user_identity(item: &UserVariableItem) -> Option<UserIdentity> {
    let UserVariableItem::UserIdentityItem(identity) = item else { return None };
    let kind = match identity.identity_type() {
        UserIdentityType::Username => 1,
        UserIdentityType::UsernamePassword => 2,
        UserIdentityType::KerberosServiceTicket => 3,
        UserIdentityType::SamlAssertion => 4,
        UserIdentityType::Jwt => 5,
        _ => 0,
    };
    Some(UserIdentity {
        kind,
        primary: identity.primary_field(),
        secondary: identity.secondary_field(),
        response_requested: identity.positive_response_requested(),
    })
}
