//! Lambda deployment packages, named by their inputs.
//!
//! A function's `source:` is a folder below the project: a Rust crate, built with cargo for
//! `provided.al2023`, or any other folder, zipped as it is (Python, Node); or it is this very
//! program. The three steps are kept apart so that a plan needs the first two only:
//!
//! 1. [`inspect`] says what a folder is and refuses what Lambda could not take;
//! 2. [`digest()`] names the package by everything that goes into it, without compiling anything, so
//!    that a laptop and CI agree on whether a function changed;
//! 3. [`build`] makes the zip files, byte for byte the same from the same inputs.

mod archive;
mod build;
mod cargo;
mod config;
mod crates;
mod digest;
mod elf;
mod error;
mod inputs;
mod lock;
mod manifest;
mod source;
mod tree;

#[cfg(test)]
mod tests;

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use build::build;
pub use digest::{Digest, InvalidDigest};
pub use elf::{ElfProblem, GLIBC_OF_AMAZON_LINUX_2023, GlibcVersion};
pub use error::PackageError;
pub use inputs::{digest, inputs};
pub use source::inspect;

/// What Lambda takes unzipped, layers included: 250 MB.
///
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>.
pub const MAX_UNZIPPED: u64 = 250 * 1024 * 1024;

/// The largest single file taken from a plain folder. Lambda has no such limit of its own; a file
/// this big in a source folder is a data set or a model that got there by mistake.
pub const MAX_FILE: u64 = 50 * 1024 * 1024;

/// The `source:` that stands for this program; the function that the block `drift_check` makes has it.
pub const PROGRAM: &str = "scones:program";

/// The digest of the sources that this program was compiled from, as its build script computed it.
const PROGRAM_SOURCES: &str = env!("SCONES_SOURCES");

/// What a function's `source:` turned out to be.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// A Rust crate with one executable, which becomes `bootstrap`.
    Crate {
        /// The crate's folder, absolute.
        dir: PathBuf,
        /// The package's name in its manifest.
        package: String,
        /// The executable target that is packaged.
        binary: String,
        /// The folder of the workspace's manifest and lock file, absolute; the crate's own folder
        /// where there is no workspace.
        workspace_root: PathBuf,
    },
    /// This program: the executable that runs becomes `bootstrap`.
    Program,
    /// Any other folder, whose files are packaged as they are.
    Folder {
        /// The folder, absolute.
        dir: PathBuf,
    },
}

/// The instruction set a function runs on, as Lambda spells it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Architecture {
    /// 64-bit x86, Lambda's default.
    #[default]
    #[serde(rename = "x86_64")]
    X86_64,
    /// AWS Graviton.
    #[serde(rename = "arm64")]
    Arm64,
}

impl Architecture {
    /// Returns the Rust target a crate is compiled for.
    pub fn target(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64-unknown-linux-gnu",
            Self::Arm64 => "aarch64-unknown-linux-gnu",
        }
    }

    /// Tells whether this machine compiles for it without a cross toolchain.
    fn is_host(self) -> bool {
        cfg!(target_os = "linux")
            && match self {
                Self::X86_64 => cfg!(target_arch = "x86_64"),
                Self::Arm64 => cfg!(target_arch = "aarch64"),
            }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::X86_64 => "x86_64",
            Self::Arm64 => "arm64",
        })
    }
}

/// A zip file that is ready to upload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// The function's name.
    pub name: String,
    /// What went into it.
    pub digest: Digest,
    /// Where the zip file lies.
    pub path: PathBuf,
    /// The base64 of the zip's SHA-256, as Lambda reports it in `CodeSha256`.
    pub code_sha256: String,
    /// The zip's size in bytes.
    pub size: u64,
}
