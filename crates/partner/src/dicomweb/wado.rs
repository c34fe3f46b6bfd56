//! WADO-RS: DICOM files as they are stored at the partner, read as a stream (PS3.18 §10.4).

use std::sync::Arc;

use dicom_node::receiver::InstanceSink;
use dicom_node::sop_class::is_uid;
use dicom_stream::{FILE_START, FileStart};
use reqwest::Url;
use reqwest::header::CONTENT_TYPE;
use tokio::sync::mpsc::Sender;

use super::Dicomweb;
use super::http::{Got, url};
use super::multipart::{Event, MultipartReader, boundary_of, media_type};
use crate::config::ResultLimits;
use crate::error::{Cause, PartnerError};
use crate::incoming::{FetchAnswer, FetchReport, FetchRequest, Intake, IntakeSink, Refusal, ResultReceiver};

/// Without the syntax a server converts to Explicit VR Little Endian (PS3.18 §8.7.3.5.2).
const ACCEPT: &str = "multipart/related; type=\"application/dicom\"; transfer-syntax=*";

/// Bytes of a single answer beside the data set, generously.
const ENVELOPE: u64 = 256 << 10;

pub(super) async fn fetch<R: ResultReceiver>(
    web: &Dicomweb,
    request: &FetchRequest,
    limits: &ResultLimits,
    receiver: Arc<R>,
    answers: Sender<FetchAnswer>,
) -> Result<FetchReport, PartnerError> {
    let intake = Intake::new(request, limits, receiver, answers)?;
    let series = url(&web.wado, &["studies", &request.study, "series", &request.series]);
    if request.whole {
        retrieve(web, series, None, &intake).await?;
    } else {
        for instance in &request.instances {
            let url = url(&series, &["instances", &instance.sop_instance]);
            retrieve(web, url, Some(&instance.sop_instance), &intake).await?;
        }
    }
    Ok(intake.finish().await)
}

/// Reads one answer. `asked` is the instance, if it was asked for alone.
async fn retrieve<R: ResultReceiver>(
    web: &Dicomweb,
    url: Url,
    asked: Option<&str>,
    intake: &Arc<Intake<R>>,
) -> Result<(), PartnerError> {
    let Got::Something(mut response) = web.get(url, ACCEPT).await? else { return Ok(()) };
    let length = response.content_length().unwrap_or(0);
    if let Some(asked) = asked
        && length > intake.longest().saturating_add(ENVELOPE)
    {
        intake.refuse(asked, Refusal::TooLarge).await;
        return Ok(());
    }
    let answer = |what| PartnerError::Permanent { cause: Cause::Answer(what) };
    let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let boundary = content_type.and_then(boundary_of).ok_or_else(|| answer("it is no multipart message"))?;
    let mut reader = MultipartReader::new(&boundary);
    let mut part = Part::Skipped;
    loop {
        let event = match reader.next() {
            Ok(event) => event,
            Err(what) => {
                part.abort().await;
                return Err(answer(what));
            }
        };
        match event {
            Event::NeedMore => match web.piece(&mut response).await {
                Ok(Some(piece)) => reader.feed(&piece),
                end => {
                    part.abort().await;
                    end?;
                    return Err(PartnerError::transient(Cause::Broken));
                }
            },
            Event::Part(_) if intake.is_flooded() => return Err(answer("it gives what was not asked for")),
            Event::Part(kind) if media_type(&kind) == "application/dicom" => part = Part::Head(Vec::new()),
            Event::Part(_) => {
                intake.unasked();
                part = Part::Skipped;
            }
            Event::Data(bytes) => {
                part = part.push(&bytes, asked, intake).await;
                // the rest of a single answer, or of one that does not give what it should, is not read
                if asked.is_some() && matches!(part, Part::Skipped) {
                    return Ok(());
                }
            }
            Event::PartEnd => {
                part.end(asked, intake).await;
                part = Part::Skipped;
            }
            Event::End => return Ok(()),
        }
    }
}

/// A part of an answer.
enum Part<R: ResultReceiver> {
    /// The start of the file, until its meta information is whole.
    Head(Vec<u8>),
    /// The data set.
    Data(IntakeSink<R>),
    /// Not taken.
    Skipped,
}

impl<R: ResultReceiver> Part<R> {
    async fn push(self, bytes: &[u8], asked: Option<&str>, intake: &Arc<Intake<R>>) -> Self {
        match self {
            Self::Head(mut head) => {
                head.extend_from_slice(bytes);
                if head.len() < FILE_START { Self::Head(head) } else { begin(&head, asked, intake).await }
            }
            Self::Data(sink) => Self::chunk(sink, bytes).await,
            Self::Skipped => Self::Skipped,
        }
    }

    async fn chunk(mut sink: IntakeSink<R>, bytes: &[u8]) -> Self {
        if sink.chunk(bytes).await.is_ok() {
            return Self::Data(sink);
        }
        sink.abort().await;
        Self::Skipped
    }

    /// The part is whole.
    async fn end(self, asked: Option<&str>, intake: &Arc<Intake<R>>) {
        let part = match self {
            Self::Head(head) => begin(&head, asked, intake).await,
            other => other,
        };
        if let Self::Data(sink) = part {
            let _ = sink.commit().await; // the intake has answered for it
        }
    }

    /// The part will not be whole.
    async fn abort(self) {
        if let Self::Data(sink) = self {
            sink.abort().await;
        }
    }
}

/// Hands an instance on, once the start of its file is there: who it is, then what of its data set has come.
async fn begin<R: ResultReceiver>(head: &[u8], asked: Option<&str>, intake: &Arc<Intake<R>>) -> Part<R> {
    let start = FileStart::read(head).ok();
    let known = start.as_ref().and_then(|start| {
        let meta = start.meta.as_ref()?;
        let uids = [&meta.media_storage_sop_class_uid, &meta.media_storage_sop_instance_uid];
        uids.iter().all(|uid| is_uid(uid)).then_some((start, meta))
    });
    let Some((start, meta)) = known else {
        match asked {
            Some(asked) => intake.refuse(asked, Refusal::Unreadable).await,
            None => intake.unasked(),
        }
        return Part::Skipped;
    };
    let (class, instance) = (&meta.media_storage_sop_class_uid, &meta.media_storage_sop_instance_uid);
    match intake.begin(class, instance, start.transfer_syntax.uid).await {
        Ok(sink) => {
            let data = head.get(start.data_set..).unwrap_or_default();
            Part::chunk(sink, data).await
        }
        Err(_) => Part::Skipped,
    }
}
