//! Storage SCU of the PACS: several associations at the same time (PS3.4 Annex B).

use std::sync::Arc;

use dicom_node::config::NodeConfig;
use dicom_node::storage_scu::{OutgoingInstance, storage_contexts};
use dicom_node::{AeTitle, AssociationError};
use futures_util::future::join_all;
use tokio_util::sync::CancellationToken;

use crate::node::Peer;
use crate::object::Object;

/// How a push ended.
#[derive(Debug, Default)]
pub struct Push {
    /// SOP Instance UIDs that were answered with success or warning.
    pub acknowledged: Vec<String>,
    /// SOP Instance UIDs that were answered with a failure, with its status, or not accepted (0).
    pub refused: Vec<(String, u16)>,
    /// Associations that broke; what they had left is in neither list.
    pub broken: Vec<AssociationError>,
}

/// Sends these instances, an equal share over each association.
pub(super) async fn push(title: &AeTitle, to: &Peer, objects: &[Arc<Object>], associations: usize) -> Push {
    let share = objects.len().div_ceil(associations.max(1)).max(1);
    let lanes = objects.chunks(share).map(|objects| push_some(title, to, objects));
    let mut all = Push::default();
    for mut push in join_all(lanes).await {
        all.acknowledged.append(&mut push.acknowledged);
        all.refused.append(&mut push.refused);
        all.broken.append(&mut push.broken);
    }
    all
}

/// One association.
async fn push_some(title: &AeTitle, to: &Peer, objects: &[Arc<Object>]) -> Push {
    let mut push = Push::default();
    if let Err(error) = push_all(title, to, objects, &mut push).await {
        push.broken.push(error);
    }
    push
}

async fn push_all(
    title: &AeTitle,
    to: &Peer,
    objects: &[Arc<Object>],
    push: &mut Push,
) -> Result<(), AssociationError> {
    let pairs = objects.iter().map(|object| (&*object.sop_class, object.syntax.uid));
    let contexts = storage_contexts(pairs);
    let remote = to.remote(title);
    let mut association =
        remote.associate(&contexts, &NodeConfig::default(), CancellationToken::new()).await?;
    for object in objects {
        let instance = OutgoingInstance {
            sop_class: &object.sop_class,
            sop_instance: &object.sop_instance,
            transfer_syntax: object.syntax.uid,
            move_originator: None,
        };
        match association.store(&instance, &object.data[..]).await {
            Ok(status) if status.is_done() => push.acknowledged.push(object.sop_instance.clone()),
            Ok(status) => push.refused.push((object.sop_instance.clone(), status.0)),
            Err(AssociationError::NoContext) => push.refused.push((object.sop_instance.clone(), 0)),
            Err(error) => return Err(error),
        }
    }
    association.release().await
}
