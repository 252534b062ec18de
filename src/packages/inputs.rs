//! The digest of a package: everything that goes into it, without compiling anything.

use std::path::Path;

use serde_json::Value as Json;

use super::tree::{self, Rules};
use super::{Architecture, Digest, PROGRAM_SOURCES, PackageError, Source, crates};

/// The version of the list's format. Raise it when the same list would make another package.
const FORMAT: u32 = 1;

/// Returns the digest a source's package is named by.
///
/// It depends on nothing but files of the project: not on the machine, the time, the folder of the
/// checkout, nor on whether anything was ever compiled. Development dependencies, hidden files and
/// whatever belongs to other crates of the workspace do not count.
///
/// What a crate includes from outside its folder (`include_str!("../../x")`) is not seen; neither
/// are the sources of a root crate outside `src`.
///
/// # Errors
///
/// Those of [`inputs`].
pub fn digest(root: &Path, source: &Source, architecture: Architecture) -> Result<Digest, PackageError> {
    let mut text = inputs(root, source, architecture)?.join("\n");
    text.push('\n');
    Ok(Digest::of(text.as_bytes()))
}

/// Lists what the digest is made of, one line per input: to see why two digests differ.
///
/// # Errors
///
/// Fails when a file can't be read or understood, when a symbolic link leads out of the project,
/// and when a crate's lock file is missing or does not fit its manifests.
pub fn inputs(root: &Path, source: &Source, architecture: Architecture) -> Result<Vec<String>, PackageError> {
    let root = &root.canonicalize().map_err(PackageError::io("read", root))?;
    let mut lines = vec![format!("format {FORMAT}")];
    match source {
        Source::Crate { dir, workspace_root, binary, .. } => {
            lines.push(format!("executable {binary}"));
            lines.extend(crates::inputs(root, dir, workspace_root, architecture)?);
        }
        // By its sources, not its bytes: two machines that compiled the same scones agree, and so do a release and a debug
        // build. Whichever is uploaded first is the package.
        Source::Program => lines.push(format!("program {PROGRAM_SOURCES} {architecture}")),
        // The architecture is no input here: the files are the same on both.
        Source::Folder { dir } => {
            for entry in tree::files(dir, &[root], Rules::Folder)? {
                let mode = if entry.executable { "0755" } else { "0644" };
                let sha256 = tree::sha256_hex(&entry.file)?;
                lines.push(format!("file {} {mode} {sha256}", Json::from(entry.path)));
            }
        }
    }
    Ok(lines)
}
