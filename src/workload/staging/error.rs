//! What can go wrong with staging: each error names the place and what to do next.

use std::io;
use std::path::{Path, PathBuf};

use super::pickle::PickleError;
use crate::aws::AwsError;

/// Why pictures could not be staged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StagingError {
    /// The file system.
    #[error("can't {doing} `{}`: {source}", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The archive does not exist.
    #[error("there is no archive `{}`: correct the `url:` of `archive:`, a path in it is relative to the project", .0.display())]
    Missing(PathBuf),
    /// The archive has another size.
    #[error("`{}` has {found} bytes, but {declared} are declared: it is incomplete or another file; get it again, or correct `size:`", path.display())]
    Size {
        /// The file.
        path: PathBuf,
        /// What the environment file says, in bytes.
        declared: u64,
        /// What is there, in bytes.
        found: u64,
    },
    /// The archive has another digest.
    #[error("`{}` has the SHA-256 {found}, but {declared} is declared: it is damaged or another file; get it again, or correct `sha256:`", path.display())]
    Digest {
        /// The file.
        path: PathBuf,
        /// What the environment file says.
        declared: String,
        /// What is there.
        found: String,
    },
    /// The archive could not be fetched.
    #[error("can't download `{url}`: {reason}")]
    Download {
        /// The address.
        url: String,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// The archive is no gzip-compressed tar file in CIFAR-100's form.
    #[error("`{}` can't be used: {reason}; get it again, `archive:` wants CIFAR-100's python version", path.display())]
    Archive {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A pickle in the archive was refused.
    #[error("`{member}` in `{}` is refused at byte {offset}: {source}; get it again, `archive:` wants CIFAR-100's python version", path.display())]
    Pickle {
        /// The archive.
        path: PathBuf,
        /// The pickle in it.
        member: &'static str,
        /// How far it was read, in bytes.
        offset: u64,
        /// What is wrong.
        source: PickleError,
    },
    /// The archive's content does not fit the declared classes.
    #[error("`{}` does not fit `classes:`: {reason}", path.display())]
    Classes {
        /// The archive.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// A file name in the archive that can't be a key.
    #[error("row {row} of `{member}` in `{}` is named {name}: staged are names of up to 100 letters, digits, `_`, `.` and `-` that end in `.png`", path.display())]
    Name {
        /// The archive.
        path: PathBuf,
        /// The pickle in it.
        member: &'static str,
        /// The picture's row, from 0.
        row: usize,
        /// The name, escaped.
        name: String,
    },
    /// Two pictures would become one file.
    #[error("`{}` makes the file `{name}` twice: leave one of the two pictures out of the archive", path.display())]
    Twice {
        /// The archive.
        path: PathBuf,
        /// The name.
        name: String,
    },
    /// The file is not the one that was read before.
    #[error("`{}` changed while it was staged: run the command again", .0.display())]
    Changed(PathBuf),
    /// A picture could not be encoded.
    #[error("can't encode the picture `{name}`: {source}")]
    Png {
        /// The file's name.
        name: String,
        /// Why.
        source: png::EncodingError,
    },
    /// `to:` is no place in S3.
    #[error("`{0}` is no place for pictures: write `to: s3://bucket/prefix`")]
    To(String),
    /// More objects than staging could have made.
    #[error("there are more than {limit} objects below `{prefix}`: stage into a prefix of its own")]
    Crowded {
        /// Where.
        prefix: String,
        /// The limit.
        limit: usize,
    },
    /// S3.
    #[error(transparent)]
    Aws(#[from] AwsError),
    /// A task of the program itself ended early.
    #[error("staging `{}` was cut short: run the command again", .0.display())]
    Interrupted(PathBuf),
}

impl StagingError {
    /// Wraps an error of the file system for [`Result::map_err`].
    pub(super) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { doing, path, source }
    }

    /// Says what is wrong with an archive.
    pub(super) fn archive(path: &Path, reason: impl Into<String>) -> Self {
        Self::Archive { path: path.to_owned(), reason: reason.into() }
    }
}
