//! The archive on disk: found or downloaded, and checked against what is declared.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use tempfile::TempPath;

use super::spec::{Archive, Sha256Digest};
use super::{Progress, StagingError, download};

/// An archive of the declared size and digest. One that is not to be kept is removed with this value.
#[derive(Debug)]
pub struct ArchiveFile {
    path: PathBuf,
    _temporary: Option<TempPath>,
}

impl ArchiveFile {
    /// Returns where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Finds the archive, or downloads it into the folder `cache`, and checks its size and digest where they are declared.
///
/// A path is relative to `root`. A download is kept under its digest and used again; without a declared digest it is not
/// kept. `progress` counts the bytes of a download.
///
/// # Errors
/// What does not exist, can't be fetched, or is not as declared.
pub async fn archive_file(
    archive: &Archive,
    root: &Path,
    cache: &Path,
    progress: Progress<'_>,
) -> Result<ArchiveFile, StagingError> {
    if !archive.url.contains("://") {
        let path = root.join(&archive.url);
        return match checked(&path, archive).await {
            Err(StagingError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                Err(StagingError::Missing(path))
            }
            Err(error) => Err(error),
            Ok(()) => Ok(ArchiveFile { path, _temporary: None }),
        };
    }
    fs::create_dir_all(cache).map_err(StagingError::io("make the folder", cache))?;
    let Some(digest) = &archive.sha256 else {
        let file = download::fetch(archive, cache, progress).await?.into_temp_path();
        return Ok(ArchiveFile { path: file.to_path_buf(), _temporary: Some(file) });
    };
    let path = cache.join(format!("{}.tar.gz", digest.as_str()));
    // What was damaged since, or never was a file, is fetched again.
    if checked(&path, archive).await.is_err() {
        let file = download::fetch(archive, cache, progress).await?;
        file.persist(&path).map_err(|error| StagingError::io("keep", &path)(error.error))?;
    }
    Ok(ArchiveFile { path, _temporary: None })
}

/// Checks a file, beside the tasks that wait.
async fn checked(path: &Path, archive: &Archive) -> Result<(), StagingError> {
    let (owned, archive) = (path.to_owned(), archive.clone());
    let check = tokio::task::spawn_blocking(move || check(&owned, &archive)).await;
    check.map_err(|_| StagingError::Interrupted(path.to_owned()))?
}

fn check(path: &Path, archive: &Archive) -> Result<(), StagingError> {
    let metadata = fs::metadata(path).map_err(StagingError::io("read", path))?;
    if !metadata.is_file() {
        return Err(StagingError::archive(path, "it is no file"));
    }
    if let Some(declared) = archive.size.filter(|size| *size != metadata.len()) {
        return Err(StagingError::Size { path: path.to_owned(), declared, found: metadata.len() });
    }
    let Some(declared) = &archive.sha256 else { return Ok(()) };
    let found = sha256(path).map_err(StagingError::io("read", path))?;
    if found != *declared.as_str() {
        return Err(StagingError::Digest { path: path.to_owned(), declared: declared.as_str().to_owned(), found });
    }
    Ok(())
}

fn sha256(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex(&hash.finalize())),
            count => hash.update(buffer.get(..count).unwrap_or_default()),
        }
    }
}

/// Writes bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

/// Checks what was downloaded.
pub fn declared(archive: &Archive, size: u64, hash: Sha256) -> Result<(), String> {
    let found = hex(&hash.finalize());
    match (archive.size, archive.sha256.as_ref().map(Sha256Digest::as_str)) {
        (Some(declared), _) if declared != size => {
            Err(format!("{size} bytes came, but {declared} are declared: try again, or correct `size:`"))
        }
        (_, Some(declared)) if declared != found => {
            Err(format!("what came has the SHA-256 {found}, but {declared} is declared: try again, or correct `sha256:`"))
        }
        _ => Ok(()),
    }
}
