//! The start of a file: with and without preamble, meta information and transfer syntax (PS3.10 7.1).

use dicom_stream::{Encoding, FileMeta, FileMetaError, FileStart};

use crate::data_set::plain;

fn meta() -> FileMeta {
    FileMeta {
        media_storage_sop_class_uid: "1.2.840.10008.5.1.4.1.1.2".to_owned(),
        media_storage_sop_instance_uid: "1.2.3".to_owned(),
        transfer_syntax_uid: "1.2.840.10008.1.2.4.70".to_owned(),
    }
}

#[test]
fn what_is_written_is_read() {
    let mut bytes = Vec::new();
    meta().write(&mut bytes).unwrap();
    let length = bytes.len();
    assert_eq!(&bytes[..128], &[0; 128]);
    bytes.extend(plain(Encoding::ExplicitLittle, (0x0008, 0x0060), "CS", b"CT"));
    let start = FileStart::read(&bytes).unwrap();
    assert_eq!(start.data_set, length);
    assert_eq!(start.meta.unwrap(), meta());
    assert!(start.transfer_syntax.encapsulated);
}

#[test]
fn the_preamble_may_be_missing() {
    let mut bytes = Vec::new();
    meta().write(&mut bytes).unwrap();
    let start = FileStart::read(&bytes[132..]).unwrap();
    assert_eq!(start.data_set, bytes.len() - 132);
}

#[test]
fn a_bare_data_set_is_recognised_by_its_first_element() {
    for (encoding, uid) in [
        (Encoding::ImplicitLittle, "1.2.840.10008.1.2"),
        (Encoding::ExplicitLittle, "1.2.840.10008.1.2.1"),
        (Encoding::ExplicitBig, "1.2.840.10008.1.2.2"),
    ] {
        let start = FileStart::read(&plain(encoding, (0x0008, 0x0060), "CS", b"CT")).unwrap();
        assert_eq!((start.data_set, start.transfer_syntax.uid), (0, uid));
    }
}

#[test]
fn other_files_are_refused() {
    assert_eq!(FileStart::read(b"GIF89a and so on, not DICOM"), Err(FileMetaError::NotDicom));
    assert_eq!(FileStart::read(b""), Err(FileMetaError::NotDicom));
    let mut bytes = vec![0; 128];
    bytes.extend(b"DICM");
    bytes.extend(b"\x02\x00\x10\x00UI\x40\x001.2");
    assert_eq!(FileStart::read(&bytes), Err(FileMetaError::Truncated));
}

#[test]
fn an_unknown_transfer_syntax_is_said() {
    let mut bytes = Vec::new();
    FileMeta { transfer_syntax_uid: "1.2.3.4.5".to_owned(), ..meta() }.write(&mut bytes).unwrap();
    assert_eq!(FileStart::read(&bytes), Err(FileMetaError::UnknownTransferSyntax));
}
