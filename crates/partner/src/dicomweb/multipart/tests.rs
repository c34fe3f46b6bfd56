use proptest::prelude::*;

use super::*;

type Parts = Vec<(String, Vec<u8>)>;

/// Reads a message in pieces of these lengths, then as a whole.
fn read(boundary: &str, message: &[u8], cuts: &[usize]) -> Result<Parts, &'static str> {
    let (mut reader, mut parts, mut rest, mut cuts) =
        (MultipartReader::new(boundary), Parts::new(), message, cuts.iter());
    let mut open = false;
    loop {
        match reader.next()? {
            Event::NeedMore if rest.is_empty() => return Err("cut"),
            Event::NeedMore => {
                let (piece, behind) =
                    rest.split_at(cuts.next().map_or(rest.len(), |cut| *cut.min(&rest.len())));
                reader.feed(piece);
                rest = behind;
            }
            Event::Part(head) => {
                assert!(!open);
                open = true;
                parts.push((head, Vec::new()));
            }
            Event::Data(bytes) => {
                assert!(open && !bytes.is_empty());
                parts.last_mut().unwrap().1.extend_from_slice(&bytes);
            }
            Event::PartEnd => {
                assert!(open);
                open = false;
            }
            Event::End => return Ok(parts),
        }
    }
}

fn write(contents: &[Vec<u8>]) -> (String, Vec<u8>) {
    let mut writer = MultipartWriter::new();
    let mut message = Vec::new();
    for content in contents {
        message.extend_from_slice(&writer.part());
        message.extend_from_slice(content);
    }
    message.extend_from_slice(&writer.end());
    (writer.boundary().to_owned(), message)
}

proptest! {
    #[test]
    fn what_is_written_is_read_whatever_the_pieces(
        contents in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..5),
        cuts in prop::collection::vec(1_usize..40, 0..200),
    ) {
        let (boundary, message) = write(&contents);
        let parts = read(&boundary, &message, &cuts).unwrap();
        prop_assert!(parts.iter().all(|(head, _)| head == "application/dicom"));
        prop_assert_eq!(parts.into_iter().map(|(_, content)| content).collect::<Vec<_>>(), contents);
    }

    /// Content out of the pieces that delimiters are made of.
    #[test]
    fn content_that_looks_like_a_delimiter_stays_content(
        pieces in prop::collection::vec(
            prop::sample::select(vec!["\r", "\n", "\r\n", "-", "--", "--X", "\r\n--X1", "\r\n-X\r\n", "--\r\n", "X", "\r\n--Xy\r\n\r\n"]), 0..40),
        cuts in prop::collection::vec(1_usize..9, 0..300),
    ) {
        let content = pieces.concat();
        // these would be delimiters: behind a line end, and followed by a line end or two hyphens
        prop_assume!(!format!("\r\n{content}\r\n").contains("\r\n--X\r\n") && !format!("\r\n{content}").contains("\r\n--X--"));
        let message = format!("--X\r\n\r\n{content}\r\n--X--");
        let parts = read("X", message.as_bytes(), &cuts).unwrap();
        prop_assert_eq!(parts, vec![(String::new(), content.into_bytes())]);
    }

    #[test]
    fn any_bytes_and_any_cut_end_without_panic(
        message in prop::collection::vec(prop::sample::select(b"\r\n-X: ac".to_vec()), 0..200),
        cuts in prop::collection::vec(1_usize..9, 0..100),
    ) {
        let mut whole = b"--X\r\n\r\n".to_vec();
        whole.extend_from_slice(&message);
        let _ = read("X", &whole, &cuts);
    }
}

#[test]
fn the_example_of_rfc_2046_without_its_comments() {
    let message = b"This is the preamble.  It is to be ignored.\r\n--simple boundary\r\n\r\nimplicitly typed.\r\n\
        It does NOT end with a linebreak.\r\n--simple boundary  \t\r\nContent-type: text/plain; charset=us-ascii\r\n\r\n\
        It DOES end with a linebreak.\r\n\r\n--simple boundary--\r\n\r\nThis is the epilogue. --simple boundary\r\n";
    for size in [1, 2, 7, 1000] {
        let parts = read("simple boundary", message, &vec![size; message.len()]).unwrap();
        assert_eq!(parts[0].1, b"implicitly typed.\r\nIt does NOT end with a linebreak.");
        assert_eq!(parts[1].0, "text/plain; charset=us-ascii");
        assert_eq!(parts[1].1, b"It DOES end with a linebreak.\r\n");
        assert_eq!(parts.len(), 2);
    }
}

#[test]
fn hostile_messages_are_refused_with_little_memory() {
    let cut = |message: &[u8]| read("X", message, &[]).unwrap_err();
    assert_eq!(cut(b""), "cut");
    assert_eq!(cut(b"--X\r\n"), "cut");
    assert_eq!(cut(b"--X\r\n\r\ncontent"), "cut");
    assert_eq!(cut(b"--X\r\n\r\ncontent\r\n--X"), "cut");
    assert_eq!(cut(b"--X\r\n\r\ncontent\r\n--X-"), "cut");
    assert_eq!(cut(b"--X\r\nA: \xff\r\n\r\n\r\n--X--"), "the head of a part is no text");
    assert_eq!(cut(&vec![b'-'; 1 << 20]), "no multipart message begins");
    let huge = [b"--X\r\nA: ".as_slice(), &vec![b'a'; 1 << 20]].concat();
    assert_eq!(cut(&huge), "a part has too long a head");
    let padding = [b"--X\r\n\r\na\r\n--X".as_slice(), &vec![b' '; 1 << 20]].concat();
    assert_eq!(cut(&padding), "cut", "endless padding is content, not kept");
}

#[test]
fn boundaries_are_read_as_servers_write_them() {
    let cases = [
        ("multipart/related; type=\"application/dicom\"; boundary=abc", Some("abc")),
        ("Multipart/Related;boundary=\"a b;c\";type=application/dicom", Some("a b;c")),
        ("multipart/related; type=application/dicom; BOUNDARY = abc ; start=1", Some("abc")),
        ("multipart/related; start=\"boundary=evil\"; boundary=good", Some("good")),
        ("multipart/related", None),
        ("multipart/related; boundary=", None),
        ("multipart/related; boundary=\"open", None),
        ("multipart/mixed; boundary=abc", None),
        ("application/dicom", None),
    ];
    for (value, boundary) in cases {
        assert_eq!(boundary_of(value).as_deref(), boundary, "{value}");
    }
    assert_eq!(boundary_of(&format!("multipart/related; boundary={}", "a".repeat(71))), None);
    assert_eq!(boundary_of(&content_type("abc")).as_deref(), Some("abc"));
}
