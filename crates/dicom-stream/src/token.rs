//! What a data set is made of, in the order of its bytes.

use crate::header::Header;

/// One step through a data set. Written one after the other with [`crate::Writer::copy`], the tokens give the same bytes again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token<'a> {
    /// An element with its whole value, bytes as received.
    Value {
        /// Its header.
        header: Header,
        /// Its value, padding included, in the byte order of `header.encoding`.
        value: &'a [u8],
    },
    /// An element whose value follows in pieces: pixel data of any size, and every value beyond `Limits::value`.
    BulkStart {
        /// Its header, with a defined length.
        header: Header,
    },
    /// A piece of a bulk value or of a fragment; never empty.
    Bulk(&'a [u8]),
    /// End of a bulk value.
    BulkEnd,
    /// A sequence begins; also an element of VR UN and undefined length (PS3.5 6.2.2).
    SequenceStart {
        /// Its header.
        header: Header,
    },
    /// An item of the sequence begins.
    ItemStart {
        /// Its header, tag (FFFE,E000).
        header: Header,
    },
    /// The item ends.
    ItemEnd {
        /// The delimiter as received; `None` when the item ended by its length.
        delimiter: Option<Header>,
    },
    /// The sequence ends.
    SequenceEnd {
        /// The delimiter as received; `None` when the sequence ended by its length.
        delimiter: Option<Header>,
    },
    /// Encapsulated pixel data begin (PS3.5 A.4): fragments follow, the first is the Basic Offset Table.
    FragmentsStart {
        /// Header of the pixel data element, undefined length.
        header: Header,
    },
    /// A fragment begins; its bytes follow as [`Token::Bulk`].
    FragmentStart {
        /// Its item header, with a defined length.
        header: Header,
    },
    /// The fragment ends.
    FragmentEnd,
    /// The encapsulated pixel data end.
    FragmentsEnd {
        /// The sequence delimiter as received.
        delimiter: Header,
    },
}
