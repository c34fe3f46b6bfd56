//! What the PDF documents of an object would do by themselves (AC7.2). A document is told by what it is, not by the SOP class that it came
//! in: every Encapsulated Document (0042,0011), at any depth, sequences stored as UN among them.

use std::io::{Cursor, Read, Seek};

use dicom_stream::{Limits, SourceError, Tag, Token, TokenSource, TransferSyntax, VR, as_sequence};

/// Encapsulated PDF Storage.
const ENCAPSULATED_PDF: &str = "1.2.840.10008.5.1.4.1.1.104.1";
/// Encapsulated Document.
const DOCUMENT: Tag = Tag(0x0042, 0x0011);
/// MIME Type of Encapsulated Document.
const MIME_TYPE: Tag = Tag(0x0042, 0x0012);
/// Group of Pixel Data, the only ones that PS3.5 lets come in fragments.
const PIXEL_GROUP: u16 = 0x7FE0;
/// What a PDF begins with (ISO 32000-1, 7.5.2); readers find it behind other content, too.
const PDF: &[u8] = b"%PDF-";
/// Names of PDF (ISO 32000-1, 12.6.4 and 7.11.4, 12.7.8, 13) that make a document act by itself, reach another file or an address, or carry
/// a file or a form of its own.
const ACTIVE: [&[u8]; 21] = [
    b"JavaScript",
    b"JS",
    b"Launch",
    b"SubmitForm",
    b"ImportData",
    b"GoToR",
    b"GoToE",
    b"Thread",
    b"Rendition",
    b"Movie",
    b"Sound",
    b"RichMedia",
    b"RichMediaExecute",
    b"OnInstantiate",
    b"EmbeddedFile",
    b"EmbeddedFiles",
    b"EF",
    b"FileAttachment",
    b"Collection",
    b"XFA",
    b"NeedsRendering",
];
/// Names with which an action begins that nobody asked for.
const BY_ITSELF: [&[u8]; 2] = [b"OpenAction", b"AA"];
/// An action that a reader of a document may ask for, and that must not begin by itself.
const REACHES_OUT: &[u8] = b"URI";
/// Names of PDF behind which any of [`ACTIVE`] may hide: compressed objects, encryption.
const OPAQUE: [&[u8]; 2] = [b"ObjStm", b"Encrypt"];
/// Longer names are none of ours.
const NAME_MAX: usize = 127;

/// What is found in the documents of one object.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Documents {
    /// One of them acts by itself.
    pub(crate) active: bool,
    /// One of them hides whether it does.
    pub(crate) opaque: bool,
}

/// Looks at the documents of a data set whose SOP Class UID is `sop_class`.
///
/// # Errors
/// Those of reading it.
pub(crate) fn documents(
    file: impl Read + Seek,
    syntax: &TransferSyntax,
    sop_class: &str,
) -> Result<Documents, SourceError> {
    let mut found = Found { says_pdf: sop_class == ENCAPSULATED_PDF, ..Found::default() };
    found.look(file, syntax, Limits::INSTANCE)?;
    let is_pdf = found.begins_as_pdf || found.says_pdf;
    Ok(Documents {
        active: is_pdf && (found.active || (found.by_itself && found.reaches_out)),
        opaque: found.in_fragments || (is_pdf && (found.opaque || !found.begins_as_pdf)),
    })
}

/// The names (ISO 32000-1, 7.3.5) in the documents of one object, which come in pieces of any length.
#[derive(Default)]
struct Found {
    /// The object says that it holds a PDF.
    says_pdf: bool,
    /// [`PDF`] is there.
    begins_as_pdf: bool,
    /// One of [`ACTIVE`] is there.
    active: bool,
    /// One of [`BY_ITSELF`] is there.
    by_itself: bool,
    /// [`REACHES_OUT`] is there.
    reaches_out: bool,
    /// One of [`OPAQUE`] is there.
    opaque: bool,
    /// Something but pixel data comes in fragments (PS3.5 A.4): what a reader makes of it is not known.
    in_fragments: bool,
    /// Bytes of [`PDF`] that were just read.
    of_begin: usize,
    name: Option<Vec<u8>>,
}

impl Found {
    fn look(
        &mut self,
        file: impl Read + Seek,
        syntax: &TransferSyntax,
        limits: Limits,
    ) -> Result<(), SourceError> {
        let mut tokens = TokenSource::skimming(file, syntax, limits)?;
        let mut is_searched = false;
        while let Some(token) = tokens.next_token()? {
            match token {
                Token::Value { header, value } if header.tag == DOCUMENT => {
                    self.push(value);
                    self.end_document();
                }
                Token::Value { header, value } if header.tag == MIME_TYPE => {
                    self.says_pdf |= value.to_ascii_lowercase().windows(3).any(|part| part == b"pdf");
                }
                Token::Value { header, value } => {
                    let inner = Limits { depth: limits.depth.saturating_sub(1), ..limits };
                    match as_sequence(header.tag, header.vr, value, inner) {
                        Some(bytes) => {
                            self.look(Cursor::new(bytes), &TransferSyntax::IMPLICIT_LITTLE, inner)?
                        }
                        None if header.vr == VR::UN => {
                            self.push(value);
                            self.end_document();
                        }
                        None => {}
                    }
                }
                Token::BulkStart { header } => {
                    // what may be a sequence and cannot be read as one is searched as it is
                    is_searched = header.tag == DOCUMENT || header.vr == VR::UN;
                    if !is_searched {
                        tokens.skip_bulk()?;
                    }
                }
                Token::FragmentsStart { header } => {
                    is_searched = header.tag.group() != PIXEL_GROUP;
                    self.in_fragments |= is_searched;
                }
                Token::Bulk(piece) if is_searched => self.push(piece),
                Token::BulkEnd | Token::FragmentsEnd { .. } => self.end_document(),
                _ => {}
            }
        }
        Ok(())
    }

    fn push(&mut self, piece: &[u8]) {
        for byte in piece {
            self.begin(*byte);
            match byte {
                b'/' => {
                    self.end_name();
                    self.name = Some(Vec::new());
                }
                b'\0' | b'\t' | b'\n' | 0x0C | b'\r' | b' ' | b'(' | b')' | b'<' | b'>' | b'[' | b']'
                | b'{' | b'}' | b'%' => self.end_name(),
                byte => {
                    if let Some(name) = &mut self.name {
                        name.push(*byte);
                    }
                    if self.name.as_ref().is_some_and(|name| name.len() > NAME_MAX) {
                        self.name = None;
                    }
                }
            }
        }
    }

    /// Only the first byte of [`PDF`] can begin it again.
    fn begin(&mut self, byte: u8) {
        self.of_begin = match PDF.get(self.of_begin) {
            Some(expected) if *expected == byte => self.of_begin + 1,
            _ => usize::from(PDF.first() == Some(&byte)),
        };
        self.begins_as_pdf |= self.of_begin == PDF.len();
    }

    fn end_document(&mut self) {
        self.end_name();
        self.of_begin = 0;
    }

    fn end_name(&mut self) {
        let Some(name) = self.name.take() else { return };
        let name = decoded(&name);
        self.active |= ACTIVE.contains(&name.as_slice());
        self.by_itself |= BY_ITSELF.contains(&name.as_slice());
        self.reaches_out |= name == REACHES_OUT;
        self.opaque |= OPAQUE.contains(&name.as_slice());
    }
}

/// A name without its `#xx`.
fn decoded(name: &[u8]) -> Vec<u8> {
    let digit = |at: usize| name.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let mut decoded = Vec::with_capacity(name.len());
    let mut at = 0;
    while let Some(byte) = name.get(at) {
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'#', Some(high), Some(low)) => {
                decoded.push((high << 4 | low) as u8);
                at += 3;
            }
            (byte, ..) => {
                decoded.push(*byte);
                at += 1;
            }
        }
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    const ITEM: &[u8] = &[0xFE, 0xFF, 0x00, 0xE0];
    const STL: &str = "1.2.840.10008.5.1.4.1.1.104.3";
    const GENERIC: &str = "1.2.840.10008.5.1.4.1.1.88.33";

    fn names(pdf: &[u8], piece: usize) -> (bool, bool) {
        let mut found = Found::default();
        pdf.chunks(piece).for_each(|piece| found.push(piece));
        found.end_document();
        (found.active || (found.by_itself && found.reaches_out), found.opaque)
    }

    #[test]
    fn names_are_found_however_they_are_written_and_cut() {
        let cases: [(&[u8], (bool, bool)); 18] = [
            (b"<</Type/Catalog/Pages 2 0 R>>", (false, false)),
            (b"<</S/JavaScript/JS(app.alert(1))>>", (true, false)),
            (b"<</S /J#61vaScript>>", (true, false)),
            (b"<</#4C#61#75nch 1 0 R>>", (true, false)),
            (b"<</Names<</EmbeddedFiles 3 0 R>>>>", (true, false)),
            (b"<</S/SubmitForm/F(http://x)>>", (true, false)),
            (b"<</S/ImportData/F(a.fdf)>>", (true, false)),
            (b"<</S/GoToE/T<</R/C>>>>", (true, false)),
            (b"<</S/GoToR/F(other.pdf)>>", (true, false)),
            (b"<</AcroForm<</XFA 9 0 R>>>>", (true, false)),
            (b"<</Subtype/RichMedia>>", (true, false)),
            (b"<</S/Rendition/OP 0>>", (true, false)),
            // a link that a reader may follow, and one that follows itself
            (b"<</Subtype/Link/A<</S/URI/URI(http://x)>>>>", (false, false)),
            (b"<</OpenAction<</S/URI/URI(http://x)>>>>", (true, false)),
            (b"<</OpenAction[3 0 R/Fit]>>", (false, false)),
            (b"<</Type/ObjStm/N 3>>", (false, true)),
            (b"trailer<</Encrypt 9 0 R/ID[<01>]>>", (false, true)),
            (b"<</JSON 1/Launcher 2/a#zz 3>>", (false, false)),
        ];
        for (pdf, expected) in cases {
            for piece in [1, 2, 7, 1000] {
                assert_eq!(names(pdf, piece), expected, "{} in {piece}", String::from_utf8_lossy(pdf));
            }
        }
        assert_eq!(names(b"/Launch", 3), (true, false));
    }

    fn element(group: u8, number: u8, vr: [u8; 2], value: &[u8]) -> Vec<u8> {
        let mut value = value.to_vec();
        value.resize(value.len().next_multiple_of(2), 0);
        let length = (value.len() as u32).to_le_bytes();
        [&[group, 0, number, 0][..], &vr, &[0, 0], &length, &value].concat()
    }

    /// The same in implicit VR little endian, as an item.
    fn item(document: &[u8]) -> Vec<u8> {
        let mut document = document.to_vec();
        document.resize(document.len().next_multiple_of(2), 0);
        let length = (document.len() as u32).to_le_bytes();
        let inner = [&[0x42, 0, 0x11, 0][..], &length, &document].concat();
        [ITEM, &(inner.len() as u32).to_le_bytes(), &inner].concat()
    }

    fn of(data_set: &[u8], sop_class: &str) -> (bool, bool) {
        let found = documents(Cursor::new(data_set), &TransferSyntax::EXPLICIT_LITTLE, sop_class).unwrap();
        (found.active, found.opaque)
    }

    #[test]
    fn a_document_is_told_by_its_content_at_any_depth_and_in_any_class() {
        let active = b"%PDF-1.7\n1 0 obj<</OpenAction<</S/JavaScript/JS(1)>>>>endobj";
        let plain = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj";
        let document = |body: &[u8]| element(0x42, 0x11, *b"OB", body);
        for sop_class in [ENCAPSULATED_PDF, STL, GENERIC] {
            assert_eq!(of(&document(active), sop_class), (true, false), "{sop_class}");
            assert_eq!(of(&document(plain), sop_class), (false, false), "{sop_class}");
            // behind other content
            assert_eq!(of(&document(&[b"solid x\n", &active[..]].concat()), sop_class), (true, false));
            // as a sequence of VR UN, also of a tag that is none and as one that comes in pieces
            assert_eq!(of(&element(0x09, 0x10, *b"UN", &item(active)), sop_class), (true, false));
            assert_eq!(of(&element(0x42, 0x13, *b"UN", &item(active)), sop_class), (true, false));
            let long = item(&[&active[..], &vec![b' '; 100_000]].concat());
            assert_eq!(of(&element(0x09, 0x10, *b"UN", &long), sop_class), (true, false));
        }
        // a mesh in which letters stand by chance
        assert_eq!(of(&document(b"solid /JS /Launch"), STL), (false, false));
        // what says that it is a PDF and does not begin as one
        assert_eq!(of(&document(b"1 0 obj<</S/Launch>>"), ENCAPSULATED_PDF), (true, true));
        let mime = element(0x42, 0x12, *b"UN", b"application/PDF");
        assert_eq!(of(&[document(b"1 0 obj<</S/Launch>>"), mime].concat(), STL), (true, true));
    }

    #[test]
    fn a_document_in_fragments_is_nobodys_to_pass_but_a_persons() {
        let fragments = |group: u8, number: u8, pieces: &[&[u8]]| {
            let mut element = vec![group, if group == 0xE0 { 0x7F } else { 0 }, number, 0, b'O', b'B', 0, 0];
            element.extend([0xFF; 4]);
            for piece in pieces {
                element.extend([ITEM, &u32::try_from(piece.len()).unwrap().to_le_bytes(), piece].concat());
            }
            element.extend([0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0]);
            element
        };
        let jpeg = TransferSyntax::from_uid("1.2.840.10008.1.2.4.50").unwrap();
        let plain = b"%PDF-1.7 1 0 obj<</Type/Catalog>>endobj ".as_slice();
        let active: [&[u8]; 2] = [b"%PDF-1.7 1 0 obj<</S/JavaSc", b"ript/JS(1)>>endobj "];
        for syntax in [jpeg, &TransferSyntax::EXPLICIT_LITTLE] {
            let of = |data_set: Vec<u8>| {
                let found = documents(Cursor::new(data_set), syntax, GENERIC).unwrap();
                (found.active, found.opaque)
            };
            assert_eq!(of(fragments(0x42, 0x11, &[&[], plain])), (false, true));
            assert_eq!(of(fragments(0x42, 0x11, &active)), (true, true));
            assert_eq!(of(fragments(0x29, 0x10, &[plain])), (false, true));
            assert_eq!(of(fragments(0xE0, 0x10, &[&[], plain])), (false, false), "pixel data");
        }
    }

    #[test]
    fn the_document_is_read_behind_a_deflated_transfer_syntax() {
        let mut long = b"%PDF-1.4".to_vec();
        long.resize(70_000, b'x');
        long.extend_from_slice(b"/JavaScript ");
        for (document, active) in
            [(b"%PDF-/Page/JS(1)".to_vec(), true), (long, true), (b"%PDF-/Pages/K 1 0 ".to_vec(), false)]
        {
            let other = element(0x29, 0x11, *b"OB", &vec![b'/'; 100_000]);
            let plain = [other, element(0x42, 0x11, *b"OB", &document)].concat();
            assert_eq!(of(&plain, STL).0, active);
            // RFC 1951 3.2.4, stored blocks
            let mut deflated = Vec::new();
            let blocks: Vec<&[u8]> = plain.chunks(60_000).collect();
            for (number, block) in blocks.iter().enumerate() {
                let length = block.len() as u16;
                deflated.push(u8::from(number + 1 == blocks.len()));
                deflated.extend_from_slice(&length.to_le_bytes());
                deflated.extend_from_slice(&(!length).to_le_bytes());
                deflated.extend_from_slice(block);
            }
            let found = documents(Cursor::new(&deflated), &TransferSyntax::DEFLATED, STL).unwrap();
            assert_eq!(found.active, active);
        }
    }
}
