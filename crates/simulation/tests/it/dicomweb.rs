//! The partner's DICOMweb server, spoken to by a plain HTTP client (PS3.18 §10.4 to §10.6).

use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Response};
use serde_json::Value;
use simulation::generate::{Modality, Study};
use simulation::object::Object;
use simulation::partner::{Options, Partner};
use simulation::results::Faulty;

use crate::{partner, studies};

const NOW: i64 = 1_790_000_000_000;

fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().no_proxy().build().unwrap()
}

async fn stow(root: &str, objects: &[Object]) -> Response {
    let mut body = Vec::new();
    for object in objects {
        body.extend(b"--xyz\r\nContent-Type: application/dicom\r\n\r\n");
        body.extend(object.file());
        body.extend(b"\r\n");
    }
    body.extend(b"--xyz--\r\n");
    let kind = "multipart/related; type=\"application/dicom\"; boundary=xyz";
    client().post(format!("{root}/studies")).header(CONTENT_TYPE, kind).body(body).send().await.unwrap()
}

async fn json(url: String) -> Value {
    let response = client().get(url).send().await.unwrap();
    match response.status().as_u16() {
        200 => serde_json::from_slice(&response.bytes().await.unwrap()).unwrap(),
        204 => Value::Array(Vec::new()),
        other => panic!("status {other}"),
    }
}

async fn with_study(options: Options) -> (Partner, String, Study) {
    let study = studies(&[Modality::Ct]).remove(0);
    let partner = partner(options).await;
    let root = partner.dicomweb_url().unwrap();
    let answer = stow(&root, &study.objects).await;
    assert_eq!(answer.status(), 200);
    let answer: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    assert_eq!(answer["00081199"]["Value"].as_array().unwrap().len(), 4);
    assert!(answer.get("00081198").is_none());
    (partner, root, study)
}

#[tokio::test]
async fn results_are_found_beside_the_study_and_fetched_whole() {
    let (partner, root, study) = with_study(Options::default()).await;
    let instances = format!("{root}/studies/{}/instances", study.uid);
    assert_eq!(json(instances.clone()).await.as_array().unwrap().len(), 4);
    assert_eq!(partner.process(&study.uid, None, NOW).unwrap(), 5);
    let rows = json(format!("{instances}?includefield=00080016&limit=500&offset=0")).await;
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), 9);
    assert!(rows.iter().all(|row| row["0020000D"]["Value"][0] == *study.uid));
    assert_eq!(json(format!("{instances}?offset=7")).await.as_array().unwrap().len(), 2);
    let series = json(format!("{root}/studies/{}/series?Modality=SEG", study.uid)).await;
    assert_eq!(series.as_array().unwrap().len(), 1);
    let uid = series[0]["0020000E"]["Value"][0].as_str().unwrap();
    let response = client().get(format!("{root}/studies/{}/series/{uid}", study.uid)).send().await.unwrap();
    assert!(response.headers()[CONTENT_TYPE].to_str().unwrap().starts_with("multipart/related"));
    let body = response.bytes().await.unwrap();
    let segmentation = partner.instances(&study.uid).into_iter().find(|object| object.series == uid).unwrap();
    let file = segmentation.file();
    assert!(body.windows(file.len()).any(|window| window == file));
}

#[tokio::test]
async fn what_is_not_there_is_said_so() {
    let (_partner, root, study) = with_study(Options::default()).await;
    assert_eq!(json(format!("{root}/studies?StudyInstanceUID=2.25.404")).await, Value::Array(Vec::new()));
    let status = |url: String| async { client().get(url).send().await.unwrap().status().as_u16() };
    assert_eq!(status(format!("{root}/studies/2.25.404")).await, 404);
    assert_eq!(status(format!("{root}/studies?Unheard=1")).await, 400);
    assert_eq!(stow(&root, &[]).await.status(), 400);
    let mut cut = study.objects[0].clone();
    cut.data = cut.data.slice(..cut.data.len() - 1);
    let answer = stow(&root, &[cut, study.objects[1].clone()]).await;
    assert_eq!(answer.status(), 202);
    let answer: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    assert_eq!(answer["00081198"]["Value"][0]["00081155"]["Value"][0], *study.objects[0].sop_instance);
}

#[tokio::test]
async fn a_token_is_asked_for() {
    let partner = partner(Options { token: Some("secret".to_owned()), ..Options::default() }).await;
    let url = format!("{}/studies", partner.dicomweb_url().unwrap());
    assert_eq!(client().get(&url).send().await.unwrap().status(), 401);
    assert_eq!(client().get(&url).bearer_auth("secret").send().await.unwrap().status(), 204);
}

#[tokio::test]
async fn late_results_come_at_their_time() {
    let (partner, _, study) = with_study(Options::default()).await;
    assert_eq!(partner.process(&study.uid, Some(&Faulty::Late), NOW).unwrap(), 4);
    partner.tick(NOW + 4_999);
    assert_eq!(partner.summary(&study.uid).offered, 4);
    partner.tick(NOW + 5_000);
    let token = study.planted()[0].token.as_deref().unwrap();
    assert!(partner.instances_with(token) >= 4 && partner.instances_with("ZQ00000000") == 0);
    let summary = partner.summary(&study.uid);
    assert_eq!((summary.received, summary.offered, summary.late), (4, 5, 0));
}

/// Time is the caller's: the study rests for an hour, then for longer than the delay.
#[tokio::test]
async fn a_study_at_rest_is_processed_and_the_first_ones_get_the_faults() {
    let delay = Some(std::time::Duration::from_secs(7200));
    let (partner, _, study) =
        with_study(Options { delay, faulty: vec![Faulty::Partial], ..Options::default() }).await;
    let now = chrono::Utc::now().timestamp_millis();
    partner.tick(now + 3_600_000);
    assert_eq!(partner.summary(&study.uid).offered, 0);
    partner.tick(now + 7_300_000);
    assert_eq!(partner.summary(&study.uid).offered, 1);
    partner.tick(now + 20_000_000);
    assert_eq!(partner.summary(&study.uid).offered, 1);
}

#[tokio::test]
async fn faulty_results_are_offered_under_the_study_that_was_sent() {
    let (partner, root, study) = with_study(Options::default()).await;
    partner.process(&study.uid, Some(&Faulty::ForeignJob), NOW).unwrap();
    let rows = json(format!("{root}/studies/{}/instances", study.uid)).await;
    assert_eq!(rows.as_array().unwrap().len(), 9);
}
