//! Tests of the packages: what names them, what is refused, and that their bytes stay the same.

mod archives;
mod builds;
mod crate_inputs;
mod executables;
mod folders;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use tempfile::TempDir;

use super::{Architecture, Digest, PackageError, digest, inspect};

/// A project in a folder of its own.
struct Project {
    _folder: TempDir,
    root: PathBuf,
}

impl Project {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap().join("project");
        let project = Self { _folder: folder, root };
        fs::create_dir(&project.root).unwrap();
        for (path, content) in files {
            project.write(path, content);
        }
        project
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    fn write(&self, path: &str, content: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Replaces a text in a file, which must hold it.
    fn edit(&self, path: &str, from: &str, to: &str) {
        let old = fs::read_to_string(self.path(path)).unwrap();
        assert!(old.contains(from), "{path} has no {from:?}");
        self.write(path, &old.replace(from, to));
    }

    fn digest(&self, source: &str) -> Result<Digest, PackageError> {
        let source = inspect(&self.root, Path::new(source))?;
        digest(&self.root, &source, Architecture::X86_64)
    }

    fn link(&self, path: &str, target: impl AsRef<Path>) {
        std::os::unix::fs::symlink(target, self.path(path)).unwrap();
    }

    fn set_executable(&self, path: &str, mode: u32) {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(self.path(path), fs::Permissions::from_mode(mode)).unwrap();
    }

    /// Makes a file that has a size but takes no space.
    fn write_sparse(&self, path: &str, size: u64) {
        File::create(self.path(path)).unwrap().set_len(size).unwrap();
    }
}

/// Sets the time a file was changed, counted from 1970.
fn touch(path: &Path, since: Duration) {
    let file = File::options().write(true).open(path).unwrap();
    file.set_modified(UNIX_EPOCH + since).unwrap();
}

/// A time in 2096.
const FAR_FUTURE: Duration = Duration::from_secs(4_000_000_000);
