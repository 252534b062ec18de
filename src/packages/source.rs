//! What a function's `source:` is, and whether Lambda could take it.

use std::io;
use std::path::Path;

use super::manifest::Manifest;
use super::tree::{self, Entry, Rules};
use super::{MAX_FILE, MAX_UNZIPPED, PROGRAM, PackageError, Source};

/// Looks at a function's `source:`, a folder given relative to the project's root.
///
/// # Errors
///
/// Fails when the folder is missing, empty or outside the project, when a symbolic link leads out
/// of the project or nowhere, when a file or all of them are too large for a package, and when a
/// crate has no executable. What is wrong with the lock file, [`digest`](super::digest()) tells.
pub fn inspect(root: &Path, source: &Path) -> Result<Source, PackageError> {
    if source == Path::new(PROGRAM) {
        return Ok(Source::Program);
    }
    let root = root.canonicalize().map_err(PackageError::io("read", root))?;
    let path = root.join(source);
    let dir = path.canonicalize().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => PackageError::Missing(path.clone()),
        io::ErrorKind::NotADirectory => PackageError::NotAFolder(path.clone()),
        _ => PackageError::io("read", &path)(error),
    })?;
    if !dir.starts_with(&root) {
        return Err(PackageError::Outside { path, target: dir, root });
    }
    if !dir.is_dir() {
        return Err(PackageError::NotAFolder(path));
    }
    if !dir.join("Cargo.toml").is_file() {
        let entries = tree::files(&dir, &[&root], Rules::Folder)?;
        fits(&dir, &entries)?;
        return Ok(Source::Folder { dir });
    }
    let manifest = Manifest::read(&dir)?;
    Ok(Source::Crate {
        package: manifest.package()?.to_owned(),
        binary: manifest.binary()?,
        workspace_root: manifest.workspace()?.dir,
        dir,
    })
}

/// Checks that the files of a folder make a package.
///
/// # Errors
///
/// Fails when there are none, or when one or all of them are too large.
pub(super) fn fits(dir: &Path, entries: &[Entry]) -> Result<(), PackageError> {
    if entries.is_empty() {
        return Err(PackageError::Empty(dir.to_owned()));
    }
    if let Some(entry) = entries.iter().find(|entry| entry.size > MAX_FILE) {
        return Err(PackageError::FileTooLarge { path: entry.file.clone(), size: entry.size, limit: MAX_FILE });
    }
    let size = entries.iter().fold(0_u64, |sum, entry| sum.saturating_add(entry.size));
    if size > MAX_UNZIPPED {
        return Err(PackageError::TooLarge { path: dir.to_owned(), size, limit: MAX_UNZIPPED });
    }
    Ok(())
}
