//! Zip files that are the same, byte for byte, whenever their content is.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, System, ZipWriter};

use super::tree::{self, Entry};
use super::{Digest, Package, PackageError};

/// The level of compression, fixed since another one makes other bytes.
const LEVEL: i64 = 6;

/// What lies beside a zip file, to tell that it is whole and which inputs it was made from: its
/// name has room for a part of the digest only.
#[derive(Debug, Serialize, Deserialize)]
struct Sidecar {
    digest: Digest,
    code_sha256: String,
}

/// Returns the package that was made from these inputs before, if it is still whole.
pub(super) fn cached(out_dir: &Path, name: &str, digest: Digest) -> Option<Package> {
    let path = zip_path(out_dir, name, digest);
    let sidecar: Sidecar = serde_json::from_slice(&fs::read(sidecar_path(&path)).ok()?).ok()?;
    let package = describe(name, digest, path).ok()?;
    let same = sidecar.digest == digest && sidecar.code_sha256 == package.code_sha256;
    same.then_some(package)
}

/// Writes the zip file of a package. It appears under its name only when it is complete.
///
/// Entries keep the given order. All carry the oldest time a zip file knows (1980-01-01) and one of
/// two modes: what a checkout happens to have must not show in the bytes. Lambda needs the files
/// readable for everyone, and `bootstrap` executable:
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-function-zip.html>.
///
/// # Errors
///
/// Fails when a file can't be read or the zip file can't be written.
pub(super) fn write(out_dir: &Path, name: &str, digest: Digest, entries: &[Entry]) -> Result<Package, PackageError> {
    fs::create_dir_all(out_dir).map_err(PackageError::io("make the folder", out_dir))?;
    let path = zip_path(out_dir, name, digest);
    // A sidecar of an earlier file must not vouch for this one.
    remove(&sidecar_path(&path))?;
    replace(&path, |file| zip_entries(file, &path, entries))?;

    let package = describe(name, digest, path)?;
    let sidecar = Sidecar { digest, code_sha256: package.code_sha256.clone() };
    let path = sidecar_path(&package.path);
    replace(&path, |mut file| {
        serde_json::to_writer(&mut file, &sidecar).map_err(|error| PackageError::io("write", &path)(error.into()))?;
        Ok(file)
    })?;
    Ok(package)
}

fn zip_entries(file: File, path: &Path, entries: &[Entry]) -> Result<File, PackageError> {
    let failed = |source| PackageError::Zip { path: path.to_owned(), source };
    let mut zip = ZipWriter::new(BufWriter::new(file));
    for entry in entries {
        let options = SimpleFileOptions::DEFAULT
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(LEVEL))
            .last_modified_time(DateTime::DEFAULT)
            .system(System::Unix)
            .unix_permissions(if entry.executable { 0o755 } else { 0o644 });
        zip.start_file(entry.path.as_str(), options).map_err(failed)?;
        let mut content = File::open(&entry.file).map_err(PackageError::io("read", &entry.file))?;
        io::copy(&mut content, &mut zip).map_err(PackageError::io("package", &entry.file))?;
    }
    let mut buffer = zip.finish().map_err(failed)?;
    buffer.flush().map_err(PackageError::io("write", path))?;
    buffer.into_inner().map_err(|error| PackageError::io("write", path)(error.into_error()))
}

/// Writes a file under another name first, so that nobody ever sees half of it.
fn replace(path: &Path, write: impl FnOnce(File) -> Result<File, PackageError>) -> Result<(), PackageError> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}-{count}.part", process::id()));
    let part = path.with_file_name(name);
    let file = File::create(&part).map_err(PackageError::io("create", &part))?;
    let written = write(file)
        .and_then(|file| file.sync_all().map_err(PackageError::io("write", &part)))
        .and_then(|()| fs::rename(&part, path).map_err(PackageError::io("rename", &part)));
    if written.is_err() {
        // The first error is the one to tell; what is left over is only a `.part` file.
        let _ = fs::remove_file(&part);
    }
    written
}

fn remove(path: &Path) -> Result<(), PackageError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(PackageError::io("remove", path)(error)),
        _ => Ok(()),
    }
}

fn describe(name: &str, digest: Digest, path: PathBuf) -> Result<Package, PackageError> {
    let code_sha256 = STANDARD.encode(tree::sha256(&path)?);
    let size = fs::metadata(&path).map_err(PackageError::io("read", &path))?.len();
    Ok(Package { name: name.to_owned(), digest, path, code_sha256, size })
}

fn zip_path(out_dir: &Path, name: &str, digest: Digest) -> PathBuf {
    out_dir.join(format!("{name}-{}.zip", digest.short()))
}

fn sidecar_path(zip: &Path) -> PathBuf {
    zip.with_extension("json")
}
