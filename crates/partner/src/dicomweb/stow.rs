//! STOW-RS: many instances per request, written as a stream; several requests at the same time.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use dicom_stream::FileMeta;
use futures_util::stream;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Body, Response};
use tokio::sync::mpsc::Sender;
use tokio::sync::{Notify, mpsc};
use uuid::Uuid;

use super::Dicomweb;
use super::http::{broken, refused, url};
use super::multipart::{MultipartWriter, content_type};
use super::store_answer::{Verdict, verdict};
use crate::error::{Cause, PartnerError};
use crate::feed::{AHEAD, Cut, read_pieces};
use crate::lanes::{self, BREAKS, Work};
use crate::outgoing::{Answer, InstanceSource, Outcome, OutgoingInstance, Reason};

/// Longest answer that is read.
const MAX_ANSWER: usize = 4 << 20;

pub(super) async fn send<S: InstanceSource>(
    web: &Arc<Dicomweb>,
    instances: Vec<OutgoingInstance>,
    source: Arc<S>,
    answers: Sender<Answer>,
) -> Result<(), PartnerError> {
    let work = Work::new(instances, source, answers);
    lanes::run(web.connections, &work, || lane(Arc::clone(web), Arc::clone(&work))).await
}

/// One request after another, until the work is done or [`BREAKS`] requests in a row brought nothing home.
async fn lane<S: InstanceSource>(web: Arc<Dicomweb>, work: Arc<Work<S>>) -> Result<(), PartnerError> {
    let mut breaks = 0;
    let mut alone: Vec<OutgoingInstance> = Vec::new();
    let ended = loop {
        let request = match alone.pop() {
            Some(instance) if work.is_stopped() => {
                alone.push(instance);
                break Ok(());
            }
            Some(instance) => vec![instance],
            None => work.take_some(web.request_instances, web.request_bytes),
        };
        if request.is_empty() {
            break Ok(());
        }
        match store(&web, &work, request).await {
            Stored::Answered => breaks = 0,
            Stored::Unwanted => break Ok(()),
            Stored::Again(rest) => work.put_back(rest),
            Stored::Alone(rest) => alone.extend(rest),
            Stored::Broken(rest, error) => {
                breaks += 1;
                let several = rest.len() > 1;
                if several || breaks >= BREAKS {
                    alone.extend(rest);
                } else {
                    let reason = match &error {
                        PartnerError::Transient { cause: Cause::Http(status), .. } => Reason::Http(*status),
                        _ => Reason::Broken,
                    };
                    for instance in &rest {
                        work.answer(instance, Outcome::Deferred(reason)).await;
                    }
                }
                if breaks >= BREAKS {
                    break Err(error);
                }
            }
            Stored::Stop(rest, error) => {
                work.stop();
                alone.extend(rest);
                break Err(error);
            }
        }
    };
    work.put_back(alone);
    ended
}

/// How one request ended.
enum Stored {
    /// Each instance got its answer.
    Answered,
    /// Nobody listens any more.
    Unwanted,
    /// One instance was unreadable, and is answered; the others go into another request.
    Again(Vec<OutgoingInstance>),
    /// They go again, one by one.
    Alone(Vec<OutgoingInstance>),
    /// The connection or the partner's program broke, perhaps because of one of them.
    Broken(Vec<OutgoingInstance>, PartnerError),
    /// The partner, or our settings, want no more requests now.
    Stop(Vec<OutgoingInstance>, PartnerError),
}

async fn store<S: InstanceSource>(
    web: &Dicomweb,
    work: &Work<S>,
    instances: Vec<OutgoingInstance>,
) -> Stored {
    let unreadable = Arc::new(OnceLock::new());
    let sent = post(web, &work.source, &instances, Arc::clone(&unreadable)).await;
    if let Some(id) = unreadable.get() {
        let (bad, rest): (Vec<_>, Vec<_>) = instances.into_iter().partition(|instance| instance.id == *id);
        for instance in &bad {
            work.answer(instance, Outcome::Unreadable).await;
        }
        return Stored::Again(rest);
    }
    let response = match sent {
        Ok(response) => response,
        Err(
            error @ (PartnerError::Configuration { .. }
            | PartnerError::Transient { cause: Cause::NoConnection, .. }),
        ) => return Stored::Stop(instances, error),
        Err(error) => return Stored::Broken(instances, error),
    };
    let status = response.status().as_u16();
    let refusal = refused(&response);
    let body = match web.body(response, MAX_ANSWER).await {
        Ok(body) => body,
        Err(error) => return Stored::Broken(instances, error), // it may have said that something failed
    };
    match verdict(status, &body, &instances) {
        None if status == 500 => Stored::Broken(instances, refusal),
        None => Stored::Stop(instances, refusal),
        Some(Verdict::Together) => Stored::Alone(instances),
        Some(Verdict::Each(outcomes)) => {
            for (instance, outcome) in instances.iter().zip(outcomes) {
                if !work.answer(instance, outcome).await {
                    return Stored::Unwanted;
                }
            }
            Stored::Answered
        }
    }
}

/// Posts the instances, and gives up when neither a byte nor an answer moves for too long.
async fn post<S: InstanceSource>(
    web: &Dicomweb,
    source: &Arc<S>,
    instances: &[OutgoingInstance],
    unreadable: Arc<OnceLock<Uuid>>,
) -> Result<Response, PartnerError> {
    let writer = MultipartWriter::new();
    let media_type = content_type(writer.boundary());
    let (sender, mut pieces) = mpsc::channel(AHEAD);
    let (source, instances) = (Arc::clone(source), instances.to_vec());
    tokio::task::spawn_blocking(move || write(&*source, &instances, writer, &sender, &unreadable));
    let moved = Arc::new(Notify::new());
    let pulse = Arc::clone(&moved);
    let body = stream::poll_fn(move |cx| {
        let piece = pieces.poll_recv(cx);
        if piece.is_ready() {
            pulse.notify_one();
        }
        piece
    });
    let request = web.client.post(url(&web.stow, &["studies"]));
    let sent = request
        .header(ACCEPT, "application/dicom+json")
        .header(CONTENT_TYPE, media_type)
        .body(Body::wrap_stream(body))
        .send();
    tokio::pin!(sent);
    loop {
        tokio::select! {
            sent = &mut sent => return sent.map_err(|error| broken(&error)),
            () = moved.notified() => {}
            () = tokio::time::sleep(web.silence) => return Err(PartnerError::transient(Cause::TimedOut)),
        }
    }
}

/// Writes the message. After an error the request is aborted by the client, so that the partner keeps no half instance.
fn write<S: InstanceSource>(
    source: &S,
    instances: &[OutgoingInstance],
    mut writer: MultipartWriter,
    sender: &Sender<Result<Bytes, std::io::Error>>,
    unreadable: &OnceLock<Uuid>,
) {
    let put = |bytes: Bytes| sender.blocking_send(Ok(bytes)).is_ok();
    for instance in instances {
        let mut head = writer.part().to_vec();
        let meta = FileMeta {
            media_storage_sop_class_uid: instance.sop_class.clone(),
            media_storage_sop_instance_uid: instance.sop_instance.clone(),
            transfer_syntax_uid: instance.transfer_syntax.clone(),
        };
        let written = meta.write(&mut head).map_err(Cut::Source).and_then(|()| {
            if put(head.into()) { read_pieces(source, instance, put) } else { Err(Cut::Unwanted) }
        });
        match written {
            Ok(()) => {}
            Err(Cut::Unwanted) => return,
            Err(Cut::Source(error)) => {
                let _ = unreadable.set(instance.id);
                let _ = sender.blocking_send(Err(error)); // unwanted: then the request is over
                return;
            }
        }
    }
    put(writer.end());
}
