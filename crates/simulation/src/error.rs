//! What can go wrong in the simulated world.

use std::io;
use std::net::SocketAddr;

use dicom_node::AssociationError;
use thiserror::Error;

/// Why a simulated peer cannot do what it was asked for. No variant carries an identity, invented or not.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SimulationError {
    /// The address is in use or not of this host. Choose another one, or port 0.
    #[error("cannot listen on {address}: {source}; choose another address")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// A peer could not be reached or ended the association. Look at the peer, then try again.
    #[error(transparent)]
    Association(#[from] AssociationError),
    /// The peer's store is full. Raise its limits.
    #[error("the simulated store is full; raise its limits")]
    Full,
    /// A text does not fit its character set, or a value is too long. A defect of the generator: report it.
    #[error("({:04X},{:04X}) cannot be encoded", .0.group(), .0.element())]
    Encode(dicom_stream::Tag),
    /// What was received is no data set that this peer reads (little endian, native or encapsulated). Send it otherwise.
    #[error("the data set cannot be read")]
    Unreadable,
    /// The object lacks a UID that says what it is. Send it whole.
    #[error("the object lacks ({:04X},{:04X})", .0.group(), .0.element())]
    Missing(dicom_stream::Tag),
    /// Nothing is held under this Study Instance UID. Send it first.
    #[error("no such study is held")]
    UnknownStudy,
    /// A word on the command line or in the options that stands for nothing. Choose one of the list.
    #[error("{0:?} is not known; one of: {1}")]
    UnknownWord(String, String),
}
