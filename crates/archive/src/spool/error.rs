//! Why the spool refuses, and what the caller does about it.

use std::io;

/// What went wrong in the spool. No variant carries anything that a peer sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpoolError {
    /// No room: volume, watermark, memory budget or file descriptors. Answer 0xA700; the peer tries again later.
    #[error("out of resources: {0}; free space on the spool's volume or wait, then send again")]
    OutOfResources(&'static str),
    /// The instance exceeds `max_instance_bytes`. Answer 0xA700; raise the limit or split the object.
    #[error("instance larger than the limit of {limit} bytes; raise max_instance_bytes or split it")]
    TooLarge {
        /// The configured limit.
        limit: u64,
    },
    /// The record's header exceeds 64 KiB: an error of the caller.
    #[error("record header larger than 64 KiB")]
    HeaderTooLarge,
    /// A write or a sync failed: nothing is acknowledged until a restart. Refuse associations.
    #[error("spool failed, nothing is acknowledged until restart: {0}; check the volume, then restart")]
    Failed(String),
    /// A call on this instance was cancelled halfway. Drop the staging; the peer sends again.
    #[error("staging was interrupted; drop it, the sender must send the instance again")]
    Interrupted,
    /// The record is gone: released before, or never written by this spool. Do not retry.
    #[error("spool record {0} does not exist")]
    NotFound(String),
    /// The record's bytes differ from what was acknowledged. Quarantine it and alert a person.
    #[error("spool record {0} is damaged; restore it from its sender")]
    Corrupt(String),
    /// `Recovery::finish` was called before the walk came to its end. Read it to the end first.
    #[error("recovery has not read every record; nothing was deleted")]
    RecoveryIncomplete,
    /// Values of the configuration contradict each other.
    #[error("spool configuration: {0}")]
    Config(&'static str),
    /// Another process uses the folder. Stop it, or configure another folder.
    #[error("the spool folder is used by another process")]
    Locked,
    /// An operation of the file system failed outside the acknowledgement path. Retry or check the volume.
    #[error("spool: cannot {what}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// The error of the system.
        source: io::Error,
    },
}

impl SpoolError {
    pub(super) fn io(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { what, source }
    }
}

/// Whether an error of a write says that there is no room (nothing was acknowledged, so nothing is lost).
pub(super) fn is_no_room(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
}

/// Whether an error of an open says only that the process has no descriptor or no memory left: nothing was written,
/// so nothing can be lost. Anybody who may connect can bring this about; it passes.
pub(super) fn is_exhausted(error: &io::Error) -> bool {
    use rustix::io::Errno;
    matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE | Errno::NOMEM))
}
