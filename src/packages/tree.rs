//! The files of a folder, in an order and with names that are the same everywhere.

use std::fs::{self, File, Metadata};
use std::io::Read;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::PackageError;
use super::digest::hex;

/// A file below a folder.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Its path in the folder, with `/` between the parts.
    pub path: String,
    /// Where it lies.
    pub file: PathBuf,
    /// Whether its owner may execute it.
    pub executable: bool,
    /// Its size in bytes.
    pub size: u64,
}

/// Which files of a folder count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rules {
    /// All but hidden files and `__pycache__`.
    Folder,
    /// A crate's: all but hidden files, `target`, the lock file and the crates nested in it.
    Crate,
    /// The same for a crate whose folder is the whole project or workspace: its manifest, build
    /// script and `src` only, or every edit anywhere would count as a change of it.
    RootCrate,
}

impl Rules {
    fn takes(self, name: &str, depth: usize, is_dir: bool, path: &Path) -> bool {
        if name.starts_with('.') {
            return false;
        }
        match self {
            Self::Folder => name != "__pycache__",
            _ if is_dir && path.join("Cargo.toml").is_file() => false,
            Self::RootCrate if depth == 0 => matches!(name, "Cargo.toml" | "build.rs" | "src"),
            _ => depth > 0 || !matches!((name, is_dir), ("target", true) | ("Cargo.lock", false)),
        }
    }
}

/// Lists the files of a folder, sorted by the bytes of their paths.
///
/// Symbolic links are followed, so that a link and a copy make the same package.
///
/// # Errors
///
/// Fails on links that lead out of all `boundaries`, nowhere or in a circle, on names that are not
/// UTF-8, and on what is neither file nor folder.
pub(super) fn files(dir: &Path, boundaries: &[&Path], rules: Rules) -> Result<Vec<Entry>, PackageError> {
    let mut walk = Walk { boundaries, rules, entries: Vec::new(), parents: Vec::new() };
    walk.folder(dir, "", 0)?;
    walk.entries.sort_by(|a, b| a.path.as_bytes().cmp(b.path.as_bytes()));
    Ok(walk.entries)
}

struct Walk<'a> {
    boundaries: &'a [&'a Path],
    rules: Rules,
    entries: Vec<Entry>,
    parents: Vec<PathBuf>,
}

impl Walk<'_> {
    fn folder(&mut self, dir: &Path, prefix: &str, depth: usize) -> Result<(), PackageError> {
        let canonical = dir.canonicalize().map_err(PackageError::io("read", dir))?;
        if self.parents.contains(&canonical) {
            return Err(PackageError::Loop(dir.to_owned()));
        }
        self.parents.push(canonical);
        for child in fs::read_dir(dir).map_err(PackageError::io("list", dir))? {
            let child = child.map_err(PackageError::io("list", dir))?;
            self.child(&child.path(), prefix, depth)?;
        }
        self.parents.pop();
        Ok(())
    }

    fn child(&mut self, path: &Path, prefix: &str, depth: usize) -> Result<(), PackageError> {
        let name = path.file_name().unwrap_or_default();
        // A hidden name needs no other check: what is left out can't do harm.
        if name.as_encoded_bytes().starts_with(b".") {
            return Ok(());
        }
        let name = name.to_str().ok_or_else(|| PackageError::NotUtf8(path.to_owned()))?;
        let link = fs::symlink_metadata(path).map_err(PackageError::io("read", path))?;
        // Of a dangling link there are none; whether that matters depends on its name alone.
        let metadata = if link.is_symlink() { fs::metadata(path).ok() } else { Some(link.clone()) };
        let is_dir = metadata.as_ref().is_some_and(Metadata::is_dir);
        if !self.rules.takes(name, depth, is_dir, path) {
            return Ok(());
        }
        let Some(metadata) = metadata else {
            return Err(PackageError::Dangling(path.to_owned()));
        };
        if link.is_symlink() {
            self.stays_inside(path)?;
        }
        let relative = format!("{prefix}{name}");
        if metadata.is_dir() {
            self.folder(path, &format!("{relative}/"), depth + 1)
        } else if metadata.is_file() {
            self.entries.push(Entry {
                path: relative,
                file: path.to_owned(),
                executable: is_executable(&metadata),
                size: metadata.len(),
            });
            Ok(())
        } else {
            Err(PackageError::Special(path.to_owned()))
        }
    }

    fn stays_inside(&self, path: &Path) -> Result<(), PackageError> {
        let target = path.canonicalize().map_err(PackageError::io("read", path))?;
        if self.boundaries.iter().any(|boundary| target.starts_with(boundary)) {
            return Ok(());
        }
        let root = self.boundaries.first().map_or_else(PathBuf::new, |root| (*root).to_owned());
        Err(PackageError::Outside { path: path.to_owned(), target, root })
    }
}

#[cfg(unix)]
fn is_executable(metadata: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    // The owner's bit only, as git records it: the others depend on the umask.
    metadata.permissions().mode() & 0o100 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &Metadata) -> bool {
    false
}

/// Returns the SHA-256 of a file, read in pieces.
pub(super) fn sha256(path: &Path) -> Result<[u8; 32], PackageError> {
    let mut file = File::open(path).map_err(PackageError::io("read", path))?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let count = file.read(&mut buffer).map_err(PackageError::io("read", path))?;
        match buffer.get(..count) {
            Some(read) if count > 0 => hasher.update(read),
            _ => return Ok(hasher.finalize().into()),
        }
    }
}

/// Returns the SHA-256 of a file in hexadecimal digits.
pub(super) fn sha256_hex(path: &Path) -> Result<String, PackageError> {
    sha256(path).map(|bytes| hex(&bytes))
}
