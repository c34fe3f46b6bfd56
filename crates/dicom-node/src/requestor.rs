//! Requesting an association: TCP, TLS, A-ASSOCIATE-RQ out, -AC in (PS3.8 §7.1, PS3.7 Annex D).

use crate::acceptor::peer_max_pdu;
use crate::access::PeerInfo;
use crate::ae_title::AeTitle;
use crate::association::{
    APPLICATION_CONTEXT, Association, IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME, Indication, Stop,
};
use crate::config::NodeConfig;
use crate::error::AssociationError;
use crate::pdu;
use crate::presentation_context::{AcceptedContext, MAX_CONTEXTS, ProposedContext, Roles, trimmed};
use crate::state::Event;
use crate::stream::{NetStream, Stream};
use crate::tls::ClientTls;
use dicom_ul::pdu::{
    AssociationAC, AssociationRQ, PresentationContextProposed, PresentationContextResultReason,
    RequestorRoles, UserVariableItem,
};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

/// A node that we call.
#[derive(Clone)]
pub struct RemoteNode {
    /// Its AE title.
    pub called: AeTitle,
    /// Our AE title towards it.
    pub calling: AeTitle,
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// TLS, unless plain.
    pub tls: Option<ClientTls>,
}

impl RemoteNode {
    /// Connects and associates. `contexts` beyond [`MAX_CONTEXTS`] are left out. `kill` aborts the association at any
    /// moment.
    ///
    /// # Errors
    /// [`AssociationError::Transport`] or [`TimedOut`](AssociationError::TimedOut) when the node is not reached,
    /// [`Tls`](AssociationError::Tls), [`Rejected`](AssociationError::Rejected).
    pub async fn associate(
        &self,
        contexts: &[ProposedContext],
        config: &NodeConfig,
        kill: CancellationToken,
    ) -> Result<Association<NetStream>, AssociationError> {
        let within = Duration::from_secs(config.connect_seconds);
        let (stream, address) = tokio::select! {
            connected = tokio::time::timeout(within, self.connect()) => {
                connected.map_err(|_| AssociationError::TimedOut)??
            }
            () = kill.cancelled() => return Err(AssociationError::Shutdown),
        };
        let stop = Stop { drain: CancellationToken::new(), kill };
        Association::request(
            stream,
            address,
            self.called.clone(),
            self.calling.clone(),
            contexts,
            config,
            stop,
        )
        .await
    }

    async fn connect(&self) -> Result<(NetStream, SocketAddr), AssociationError> {
        let tcp =
            TcpStream::connect((self.host.as_str(), self.port)).await.map_err(AssociationError::Transport)?;
        tcp.set_nodelay(true).map_err(AssociationError::Transport)?;
        let address = tcp.peer_addr().map_err(AssociationError::Transport)?;
        let stream = match &self.tls {
            None => NetStream::Plain(tcp),
            Some(tls) => tls.connect(tcp).await.map_err(AssociationError::Tls)?,
        };
        Ok((stream, address))
    }
}

impl<S: Stream> Association<S> {
    /// Associates over an open connection.
    ///
    /// # Errors
    /// As [`RemoteNode::associate`].
    pub async fn request(
        stream: S,
        address: SocketAddr,
        called: AeTitle,
        calling: AeTitle,
        contexts: &[ProposedContext],
        config: &NodeConfig,
        stop: Stop,
    ) -> Result<Self, AssociationError> {
        let contexts = contexts.get(..MAX_CONTEXTS).unwrap_or(contexts);
        let request = pdu::associate(request_pdu(&called, &calling, contexts, config.max_pdu_bytes))
            .ok_or(AssociationError::Unencodable)?;
        let peer =
            PeerInfo { association: 0, address, certificate: None, called, calling, user_identity: None };
        let mut association = Self::new(stream, peer, true, config, stop);
        association.step(Event::AssociateRequest, &[]).await?;
        association.step(Event::TransportConfirmed, &request).await?;
        match association.next_pdu(association.timers.response).await? {
            Indication::Accepted(accept) => {
                association
                    .established(accepted_contexts(contexts, &accept), peer_max_pdu(&accept.user_variables));
                Ok(association)
            }
            _ => Err(AssociationError::NotOpen),
        }
    }
}

fn request_pdu(
    called: &AeTitle,
    calling: &AeTitle,
    contexts: &[ProposedContext],
    max_pdu: u32,
) -> AssociationRQ {
    let mut user_variables = vec![
        UserVariableItem::MaxLength(max_pdu),
        UserVariableItem::ImplementationClassUID(IMPLEMENTATION_CLASS_UID.to_owned()),
        UserVariableItem::ImplementationVersionName(IMPLEMENTATION_VERSION_NAME.to_owned()),
    ];
    let mut with_roles: Vec<&str> = Vec::new();
    for context in contexts {
        let Some(Roles { scu, scp }) = context.roles else { continue };
        if !with_roles.contains(&context.abstract_syntax.as_str()) {
            with_roles.push(&context.abstract_syntax);
            let roles = RequestorRoles { scu, scp };
            user_variables
                .push(UserVariableItem::ScuScpRoleSelectionSubItem(context.abstract_syntax.clone(), roles));
        }
    }
    let presentation_contexts = contexts.iter().zip((1..=u8::MAX).step_by(2));
    AssociationRQ {
        protocol_version: 1,
        calling_ae_title: calling.to_string(),
        called_ae_title: called.to_string(),
        application_context_name: APPLICATION_CONTEXT.to_owned(),
        presentation_contexts: presentation_contexts
            .map(|(context, id)| PresentationContextProposed {
                id,
                abstract_syntax: context.abstract_syntax.clone(),
                transfer_syntaxes: context.transfer_syntaxes.clone(),
            })
            .collect(),
        user_variables,
    }
}

/// What the peer accepted out of `proposed`. A transfer syntax that was not proposed is no acceptance.
fn accepted_contexts(proposed: &[ProposedContext], accept: &AssociationAC) -> Vec<AcceptedContext> {
    let roles_for = |context: &ProposedContext| {
        let answered = accept.user_variables.iter().find_map(|item| match item {
            UserVariableItem::ScuScpRoleSelectionSubItem(uid, roles)
                if trimmed(uid) == context.abstract_syntax =>
            {
                Some(Roles { scu: roles.scu, scp: roles.scp })
            }
            _ => None,
        });
        context.roles.and(answered).unwrap_or(Roles::DEFAULT)
    };
    let mut accepted = Vec::new();
    for (context, id) in proposed.iter().zip((1..=u8::MAX).step_by(2)) {
        let result = accept
            .presentation_contexts
            .iter()
            .find(|result| result.id == id && result.reason == PresentationContextResultReason::Acceptance);
        let Some(result) = result else { continue };
        let transfer_syntax = trimmed(&result.transfer_syntax);
        if context.transfer_syntaxes.iter().any(|proposed| proposed == transfer_syntax) {
            accepted.push(AcceptedContext {
                id,
                abstract_syntax: context.abstract_syntax.clone(),
                transfer_syntax: transfer_syntax.to_owned(),
                roles: roles_for(context),
            });
        }
    }
    accepted
}
