//! The answer to STOW-RS: status and Store Instances Response Module (PS3.18 §10.5.3, Annex I.2), as DICOM JSON (Annex F).

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;

use crate::outgoing::{Outcome, OutgoingInstance, Reason};

/// What an answer says about the instances of one request.
pub(super) enum Verdict {
    /// About each one, in their order.
    Each(Vec<Outcome>),
    /// About all together, so that one alone may be the cause: send them one by one.
    Together,
}

/// Reads the answer to a request with `instances`. `None`: the status says nothing about instances.
pub(super) fn verdict(status: u16, body: &[u8], instances: &[OutgoingInstance]) -> Option<Verdict> {
    let mentioned = read(body);
    let rest = match status {
        200 if mentioned.is_empty() => Outcome::Acknowledged { status: 0 },
        200 | 202 => Outcome::Deferred(Reason::NotMentioned),
        400 | 409 | 413 | 415 | 422 => Outcome::Refused(Reason::Http(status)),
        _ => return None,
    };
    let of = |instance: &OutgoingInstance| mentioned.get(&instance.sop_instance).copied();
    if status != 200 && instances.len() > 1 && instances.iter().any(|instance| of(instance).is_none()) {
        return Some(Verdict::Together);
    }
    Some(Verdict::Each(instances.iter().map(|instance| of(instance).unwrap_or(rest)).collect()))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Response {
    /// Referenced SOP Sequence: what is stored.
    #[serde(rename = "00081199")]
    referenced: Element<Item>,
    /// Failed SOP Sequence.
    #[serde(rename = "00081198")]
    failed: Element<Item>,
}

/// An element of DICOM JSON; what has another shape counts as empty.
#[derive(Deserialize)]
struct Element<T> {
    #[serde(rename = "Value", default = "Vec::new")]
    value: Vec<T>,
}

impl<T> Default for Element<T> {
    fn default() -> Self {
        Self { value: Vec::new() }
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Item {
    /// Referenced SOP Instance UID.
    #[serde(rename = "00081155")]
    instance: Element<Value>,
    /// Warning Reason.
    #[serde(rename = "00081196")]
    warning: Element<Value>,
    /// Failure Reason.
    #[serde(rename = "00081197")]
    failure: Element<Value>,
}

impl Item {
    fn uid(&self) -> Option<String> {
        Some(self.instance.value.first()?.as_str()?.trim_matches(['\0', ' ']).to_owned())
    }
}

/// The first number, written as a number or as text.
fn number(element: &Element<Value>) -> Option<u16> {
    let value = element.value.first()?;
    let number = value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())?;
    u16::try_from(number).ok()
}

/// Outcomes by SOP Instance UID; empty when the body is none that we can read. A failure counts more than a success.
fn read(body: &[u8]) -> HashMap<String, Outcome> {
    let response: Response = serde_json::from_slice(body)
        .or_else(|_| serde_json::from_slice::<[Response; 1]>(body).map(|[response]| response))
        .unwrap_or_default();
    let stored = response.referenced.value.iter().filter_map(|item| {
        Some((item.uid()?, Outcome::Acknowledged { status: number(&item.warning).unwrap_or(0) }))
    });
    let failed = response.failed.value.iter().filter_map(|item| {
        // a failure without its reason is a processing failure (PS3.7 §C.5.16)
        Some((item.uid()?, Outcome::of_failure(number(&item.failure).unwrap_or(0x0110))))
    });
    stored.chain(failed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn instances(uids: &[&str]) -> Vec<OutgoingInstance> {
        let instance = |uid: &&str| OutgoingInstance {
            id: Uuid::nil(),
            sop_class: "1.2.840.10008.5.1.4.1.1.2".to_owned(),
            sop_instance: (*uid).to_owned(),
            transfer_syntax: "1.2.840.10008.1.2.1".to_owned(),
            length: None,
        };
        uids.iter().map(instance).collect()
    }

    fn each(status: u16, body: &str, uids: &[&str]) -> Vec<Outcome> {
        match verdict(status, body.as_bytes(), &instances(uids)) {
            Some(Verdict::Each(outcomes)) => outcomes,
            Some(Verdict::Together) => panic!("together"),
            None => panic!("no verdict"),
        }
    }

    /// The shape of the example in PS3.18 §F.2, with the sequences of Table I.2-1.
    const SOME: &str = r#"{"00081190":{"vr":"UR","Value":["http://a.org/studies/1"]},
        "00081199":{"vr":"SQ","Value":[
            {"00081150":{"vr":"UI","Value":["1.2.840.10008.5.1.4.1.1.2"]},"00081155":{"vr":"UI","Value":["2.25.1"]}},
            {"00081155":{"vr":"UI","Value":["2.25.2"]},"00081196":{"vr":"US","Value":[45056]}}]},
        "00081198":{"vr":"SQ","Value":[
            {"00081155":{"vr":"UI","Value":["2.25.3"]},"00081197":{"vr":"US","Value":[290]}},
            {"00081155":{"vr":"UI","Value":["2.25.4"]},"00081197":{"vr":"US","Value":["42752"]}},
            {"00081155":{"vr":"UI","Value":["2.25.5"]},"00081197":{"vr":"US","Value":[273]}},
            {"00081155":{"vr":"UI","Value":["2.25.6"]}}]}}"#;

    #[test]
    fn each_instance_gets_its_own_outcome() {
        let outcomes = each(202, SOME, &["2.25.1", "2.25.2", "2.25.3", "2.25.4", "2.25.5", "2.25.6"]);
        assert_eq!(
            outcomes,
            [
                Outcome::Acknowledged { status: 0 },
                Outcome::Acknowledged { status: 0xB000 },
                Outcome::Refused(Reason::Status(0x0122)),
                Outcome::Deferred(Reason::Status(0xA700)),
                Outcome::Acknowledged { status: 0x0111 },
                Outcome::Deferred(Reason::Status(0x0110)),
            ]
        );
    }

    #[test]
    fn what_is_not_mentioned_is_never_taken_for_stored() {
        assert_eq!(each(200, SOME, &["2.25.9"]), [Outcome::Deferred(Reason::NotMentioned)]);
        assert_eq!(each(202, "", &["2.25.9"]), [Outcome::Deferred(Reason::NotMentioned)]);
        // the status says it of all, and the body says nothing
        for body in ["", "{}", "<NativeDicomModel/>", "[]"] {
            assert_eq!(each(200, body, &["2.25.9"; 2]), [Outcome::Acknowledged { status: 0 }; 2], "{body}");
        }
    }

    #[test]
    fn one_bad_instance_is_found_among_many() {
        for status in [202, 400, 409, 413, 415] {
            let many = verdict(status, b"", &instances(&["2.25.1", "2.25.2"]));
            assert!(matches!(many, Some(Verdict::Together)), "{status}");
        }
        assert_eq!(each(409, "", &["2.25.1"]), [Outcome::Refused(Reason::Http(409))]);
        for status in [301, 401, 403, 404, 429, 500, 503] {
            assert!(verdict(status, b"", &instances(&["2.25.1"])).is_none(), "{status}");
        }
    }

    #[test]
    fn hostile_bodies_are_no_answer() {
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        for body in
            [deep.as_str(), r#"{"00081199":{"Value":[{"00081155":{"Value":[{}]}}]}}"#, r#"{"00081199":7}"#]
        {
            assert!(read(body.as_bytes()).is_empty());
        }
    }
}
