//! QIDO-RS: the instances of a study of ours, page by page (PS3.18 §10.6, §8.3.4.4).

use std::collections::HashMap;

use dicom_stream::IMPLEMENTATION_CLASS_UID;
use reqwest::Response;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::mpsc::Sender;

use super::Dicomweb;
use super::http::{Got, url};
use crate::config::ResultLimits;
use crate::error::{Cause, PartnerError};
use crate::listing::{Collector, Listing, Row};

const ACCEPT: &str = "application/dicom+json";
/// Rows of one page.
const PAGE: usize = 500;
/// Longest page, bytes.
const MAX_PAGE: usize = 16 << 20;
/// SOP Class UID, which is not among the attributes that every server returns.
const INCLUDE: &str = "00080016";

/// A search that can find nothing: no study has the UID of our implementation.
pub(super) async fn test(web: &Dicomweb) -> Result<(), PartnerError> {
    let mut url = url(&web.qido, &["studies"]);
    url.query_pairs_mut().append_pair("StudyInstanceUID", IMPLEMENTATION_CLASS_UID).append_pair("limit", "1");
    match web.get(url, ACCEPT).await? {
        Got::Something(response) => read(web, response).await.map(|_| ()),
        Got::Nothing => Ok(()),
        Got::Unknown(error) => Err(error),
    }
}

pub(super) async fn list(
    web: &Dicomweb,
    studies: &[String],
    limits: &ResultLimits,
    listings: Sender<Listing>,
) -> Result<(), PartnerError> {
    for study in studies {
        let listing = list_study(web, study, limits.study_instances).await?;
        if listings.send(listing).await.is_err() {
            break;
        }
    }
    Ok(())
}

/// Pages until one brings nothing new: servers may give fewer rows than asked for, and some know no offset.
async fn list_study(web: &Dicomweb, study: &str, limit: usize) -> Result<Listing, PartnerError> {
    let mut found = Collector::new(study, limit);
    let mut offset = 0;
    loop {
        let mut url = url(&web.qido, &["studies", study, "instances"]);
        let (size, from) = (PAGE.min(found.room() + 1), offset.to_string());
        url.query_pairs_mut()
            .append_pair("includefield", INCLUDE)
            .append_pair("limit", &size.to_string())
            .append_pair("offset", &from);
        let rows = match web.get(url, ACCEPT).await? {
            Got::Something(response) => read(web, response).await?,
            Got::Nothing => Vec::new(),
            // the study, or the service: a wrong URL must not look like "nothing there"
            Got::Unknown(_) => test(web).await.map(|()| Vec::new())?,
        };
        offset += rows.len();
        let mut news = false;
        for row in rows {
            news |= found.add(row.into());
        }
        if !news || found.room() == 0 && found.is_cut() {
            return Ok(found.finish());
        }
    }
}

async fn read(web: &Dicomweb, response: Response) -> Result<Vec<Attributes>, PartnerError> {
    let body = web.body(response, MAX_PAGE).await?;
    if body.is_empty() {
        return Ok(Vec::new());
    }
    serde_json::from_slice(&body)
        .map_err(|_| PartnerError::Permanent { cause: Cause::Answer("no DICOM JSON") })
}

/// A row by the tags of its attributes.
#[derive(Deserialize)]
struct Attributes(HashMap<String, Attribute>);

#[derive(Deserialize)]
struct Attribute {
    #[serde(rename = "Value", default)]
    value: Vec<Value>,
}

impl From<Attributes> for Row {
    fn from(Attributes(row): Attributes) -> Self {
        let uid = |tag: &str| {
            let value = row.get(tag).and_then(|attribute| attribute.value.first()?.as_str());
            value.unwrap_or_default().trim_matches(['\0', ' ']).to_owned()
        };
        Self {
            study: uid("0020000D"),
            series: uid("0020000E"),
            sop_class: uid("00080016"),
            sop_instance: uid("00080018"),
            content: None,
        }
    }
}
