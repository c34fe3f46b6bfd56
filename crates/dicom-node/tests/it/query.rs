//! C-FIND as SCP: PS3.4 §C.4.1.

use crate::script::*;
use dicom_node::presentation_context::ProposedContext;
use dicom_node::sop_class::STUDY_FIND;
use dicom_node::status::{Category, Status};
use dicom_node::transfer_syntax::{EXPLICIT_LITTLE, IMPLICIT_LITTLE};

fn contexts() -> [ProposedContext; 1] {
    [ProposedContext::new(STUDY_FIND, &[IMPLICIT_LITTLE, EXPLICIT_LITTLE])]
}

#[tokio::test(start_paused = true)]
async fn rows_then_success_or_the_failure() {
    let (mut association, _bench) = associate(bench(), &contexts()).await;
    for (identifier, rows, status) in
        [(&b"12345"[..], 5, Status(0)), (b"", 0, Status(0)), (b"bad", 0, Status(0xA900))]
    {
        let mut find = association.find(STUDY_FIND, identifier, 100).await.unwrap();
        let mut count = 0;
        while let Some(row) = find.next().await.unwrap() {
            assert_eq!(row, b"a row");
            count += 1;
        }
        assert_eq!((count, find.status()), (rows, Some(status)), "{identifier:?}");
    }
    association.release().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_cancel_between_rows_ends_the_query_and_the_association_goes_on() {
    let (mut association, _bench) = associate(bench(), &contexts()).await;
    for _ in 0..2 {
        let mut find = association.find(STUDY_FIND, &[1; 9_000], 3).await.unwrap();
        let mut count = 0;
        while find.next().await.unwrap().is_some() {
            count += 1;
        }
        assert_eq!((count, find.status().unwrap().category()), (3, Category::Cancel));
        assert!(find.is_cut());
    }
    association.release().await.unwrap();
}
