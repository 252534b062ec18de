//! What can go wrong with a package: each error names the path and what to do next.

use std::io;
use std::path::{Path, PathBuf};

use super::{Architecture, Digest, ElfProblem};

/// Why a package could not be named or made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PackageError {
    /// The folder does not exist.
    #[error("there is no folder `{}`: correct the function's `source:`, which is relative to the project's root", .0.display())]
    Missing(PathBuf),
    /// The path is a file.
    #[error("`{}` is no folder: a function's `source:` is the folder with its code", .0.display())]
    NotAFolder(PathBuf),
    /// The folder has nothing to package.
    #[error("`{}` has no files to package (hidden files and `__pycache__` are left out): put the function's code there", .0.display())]
    Empty(PathBuf),
    /// The folder, or something a symbolic link points at, is not part of the project.
    #[error("`{}` leads to `{}`, outside the project `{}`: copy what is needed into the project, since CI would not find it there", path.display(), target.display(), root.display())]
    Outside {
        /// The path that leads out.
        path: PathBuf,
        /// Where it leads.
        target: PathBuf,
        /// The project's root.
        root: PathBuf,
    },
    /// A symbolic link without a target.
    #[error("the symbolic link `{}` points nowhere: remove it or restore its target", .0.display())]
    Dangling(PathBuf),
    /// A symbolic link to a folder that contains it.
    #[error("the symbolic link `{}` points at a folder it lies in: remove it, it has no end", .0.display())]
    Loop(PathBuf),
    /// A socket, a pipe or a device.
    #[error("`{}` is neither file nor folder: remove it, a package can't hold it", .0.display())]
    Special(PathBuf),
    /// A name that is no UTF-8.
    #[error("the name of `{}` is not UTF-8: rename it", .0.display())]
    NotUtf8(PathBuf),
    /// One file is too large.
    #[error("`{}` has {size} bytes, more than the {limit} a file of a package may have: keep data and models in S3 and read them at run time", path.display())]
    FileTooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        size: u64,
        /// The largest size taken.
        limit: u64,
    },
    /// All files together are too large.
    #[error("`{}` has {size} bytes unzipped, Lambda takes {limit}: leave out what the function does not need, or use a container image", path.display())]
    TooLarge {
        /// The folder or the executable.
        path: PathBuf,
        /// The size of all files.
        size: u64,
        /// Lambda's limit.
        limit: u64,
    },
    /// A file could not be read or written.
    #[error("can't {doing} `{}`: {source}", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A manifest, lock file or cargo configuration that can't be understood.
    #[error("`{}` can't be used: {reason}", path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what would be right.
        reason: String,
    },
    /// The lock file does not fit the manifests.
    #[error("`{}` {reason}: run `cargo update --workspace` in `{}` and commit the file", path.display(), path.parent().unwrap_or(path).display())]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// The sources are no longer those the package was named by.
    #[error("`{}` changed since the plan was made (planned {planned}, found {found}): plan again", path.display())]
    Changed {
        /// The source folder.
        path: PathBuf,
        /// The digest in the plan.
        planned: Digest,
        /// The digest of what lies there now.
        found: Digest,
    },
    /// A name that would not stay in the output folder.
    #[error("`{0}` can't name a package: use letters, digits, `-` and `_`")]
    Name(String),
    /// Cargo could not be started.
    #[error("can't start `{command}` in `{}`: {source}; install Rust from https://rustup.rs", path.display())]
    Cargo {
        /// The command line.
        command: String,
        /// The workspace.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The crate does not compile.
    #[error("`{}` does not build: `{command}` ended with {status}; its last lines:\n{tail}\nrun it again in `{}`", path.display(), workspace.display())]
    Compile {
        /// The crate's folder.
        path: PathBuf,
        /// The command line.
        command: String,
        /// The workspace, where it ran.
        workspace: PathBuf,
        /// How it ended.
        status: String,
        /// The last lines the compiler wrote.
        tail: String,
    },
    /// Cargo succeeded, but told of no executable.
    #[error("`{}` built without making the executable `{binary}`: check its `[[bin]]` sections", path.display())]
    NoExecutable {
        /// The crate's folder.
        path: PathBuf,
        /// The executable that was expected.
        binary: String,
    },
    /// The executable would not start in Lambda.
    #[error("`{}` would not start in Lambda ({architecture}): {problem}", path.display())]
    Executable {
        /// The executable.
        path: PathBuf,
        /// What the function runs on.
        architecture: Architecture,
        /// What is wrong, and how to build it.
        problem: ElfProblem,
    },
    /// The zip file could not be written.
    #[error("can't write the package `{}`: {source}", path.display())]
    Zip {
        /// The zip file.
        path: PathBuf,
        /// Why it failed.
        source: zip::result::ZipError,
    },
    /// A task of the program itself ended early.
    #[error("packaging `{}` was cut short: run the command again", .0.display())]
    Interrupted(PathBuf),
}

impl PackageError {
    /// Wraps an error of the file system for [`Result::map_err`].
    pub(super) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { doing, path, source }
    }

    /// Says what is wrong with a manifest.
    pub(super) fn manifest(path: &Path, reason: impl Into<String>) -> Self {
        Self::Manifest { path: path.to_owned(), reason: reason.into() }
    }
}
