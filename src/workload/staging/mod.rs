//! CIFAR-100's archive made into the pictures and lists that SageMaker's image classification trains on.
//!
//! 1. [`archive_file`] finds or downloads the archive and checks its size and digest;
//! 2. [`read`] decodes it without executing any of it, and says which files it makes: an [`Inventory`];
//! 3. [`upload`] makes the bucket hold exactly these, pictures first, lists last.
//!
//! Pixels are never kept: each step streams the archive again, so memory does not grow with it.

mod archive;
mod batch;
mod download;
mod error;
mod file;
mod inventory;
mod pickle;
mod picture;
mod selection;
mod store;
mod upload;

#[cfg(test)]
mod tests;

use crate::environment::blocks::staging as spec;

pub use crate::environment::blocks::staging::{Archive, Augment, Fraction, Normalise, Sha256Digest, Staging, Within};
pub use archive::Part;
pub use error::StagingError;
pub use file::{ArchiveFile, archive_file};
pub use inventory::{Inventory, Original, Staged, read};
pub use picture::Rgb;
pub use store::{Bucket, Object, Page, Store};
pub use upload::{Options, Report, upload};

/// Takes how much is done, and of how much.
pub type Progress<'a> = &'a (dyn Fn(u64, u64) + Sync);
