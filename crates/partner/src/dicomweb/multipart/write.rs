//! The head and the end of the parts of a message; what stands between them is not touched.

use bytes::Bytes;
use uuid::Uuid;

/// Writes the frame of one message.
pub(in crate::dicomweb) struct MultipartWriter {
    boundary: String,
    begun: bool,
}

/// Content-Type of a message of DICOM files with this boundary.
pub(in crate::dicomweb) fn content_type(boundary: &str) -> String {
    format!("multipart/related; type=\"application/dicom\"; boundary={boundary}")
}

impl MultipartWriter {
    /// A message with a random boundary: 122 random bits, which no data set can know before.
    pub(in crate::dicomweb) fn new() -> Self {
        Self { boundary: Uuid::new_v4().simple().to_string(), begun: false }
    }

    pub(in crate::dicomweb) fn boundary(&self) -> &str {
        &self.boundary
    }

    /// What stands before the bytes of the next DICOM file.
    pub(in crate::dicomweb) fn part(&mut self) -> Bytes {
        let end_of_last = if self.begun { "\r\n" } else { "" };
        self.begun = true;
        format!("{end_of_last}--{}\r\nContent-Type: application/dicom\r\n\r\n", self.boundary).into()
    }

    /// What stands behind the last part.
    pub(in crate::dicomweb) fn end(&self) -> Bytes {
        format!("\r\n--{}--\r\n", self.boundary).into()
    }
}
