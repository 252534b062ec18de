//! Making the packages: cargo for crates, then a zip file.

use std::path::{Path, PathBuf};
use std::time::Instant;
use std::{env, fs};

use tokio::task;

use super::cargo::{Compiled, Crate, Tool, ignored_variables, is_installed};
use super::tree::{self, Entry, Rules};
use super::{Architecture, Digest, ElfProblem, MAX_UNZIPPED, Package, PackageError, Source};
use super::{archive, elf, inputs, source};

/// Makes the packages of some functions in `out_dir`, in the given order, and leaves alone those
/// that are there already.
///
/// Each crate is built by a cargo call of its own. All of them share the workspace's target folder
/// and so nearly all the work; but in one call for several crates cargo would unify the features of
/// their dependencies, and a package would depend on which others were built along with it. Local
/// packages are always compiled anew, once per call: what cargo holds for up to date may come from
/// another checkout.
///
/// # Errors
///
/// Fails when sources are no longer those of the digest, when a crate does not compile, when its
/// executable would not start in Lambda, and when a file can't be read or written.
pub async fn build(
    root: &Path,
    sources: &[(String, Source, Digest, Architecture)],
    out_dir: &Path,
    progress: &(dyn Fn(&str) + Sync),
) -> Result<Vec<Package>, PackageError> {
    let mut packages = Vec::with_capacity(sources.len());
    let mut told = false;
    let mut compiled = Compiled::new();
    for (name, source, digest, architecture) in sources {
        let job = Job {
            root: root.to_owned(),
            name: name.clone(),
            source: source.clone(),
            digest: *digest,
            architecture: *architecture,
            out_dir: out_dir.to_owned(),
        };
        if !is_name(name) {
            return Err(PackageError::Name(name.clone()));
        }
        if let Some(package) = job.run(|job| Ok(job.cached())).await? {
            progress(&format!("{name}: package {} is there already", digest.short()));
            packages.push(package);
            continue;
        }
        let ignored = ignored_variables();
        if !told && !ignored.is_empty() && matches!(source, Source::Crate { .. }) {
            told = true;
            let names = ignored.join(", ");
            progress(&format!("{names}: not passed on; set flags in .cargo/config.toml, which the digest covers"));
        }
        let begun = Instant::now();
        progress(&format!("{name}: building package {}", digest.short()));
        let package = job.build(&mut compiled, progress).await?;
        let seconds = begun.elapsed().as_secs_f32();
        progress(&format!("{name}: built {} bytes in {seconds:.1} s", package.size));
        packages.push(package);
    }
    Ok(packages)
}

#[derive(Clone)]
struct Job {
    root: PathBuf,
    name: String,
    source: Source,
    digest: Digest,
    architecture: Architecture,
    out_dir: PathBuf,
}

impl Job {
    async fn build(&self, compiled: &mut Compiled, progress: &(dyn Fn(&str) + Sync)) -> Result<Package, PackageError> {
        self.run(Self::is_unchanged).await?;
        let entries = match &self.source {
            Source::Folder { dir } => {
                let dir = dir.clone();
                self.run(move |job| {
                    let root = job.root.canonicalize().map_err(PackageError::io("read", &job.root))?;
                    let entries = tree::files(&dir, &[&root], Rules::Folder)?;
                    source::fits(&dir, &entries)?;
                    Ok(entries)
                })
                .await?
            }
            Source::Program => vec![self.run(Self::program).await?],
            Source::Crate { dir, binary, workspace_root, .. } => {
                let krate = Crate { dir, binary, workspace_root, architecture: self.architecture };
                vec![self.bootstrap(&krate, compiled, progress).await?]
            }
        };
        // Whatever was edited while cargo ran may or may not be in the executable.
        self.run(Self::is_unchanged).await?;
        let package = self.run(move |job| archive::write(&job.out_dir, &job.name, job.digest, &entries));
        package.await
    }

    /// Compiles a crate and checks its executable; where the host's C library is too new, it is
    /// compiled again with cargo-zigbuild, if that is installed.
    async fn bootstrap(
        &self,
        krate: &Crate<'_>,
        compiled: &mut Compiled,
        progress: &(dyn Fn(&str) + Sync),
    ) -> Result<Entry, PackageError> {
        let has_zig = is_installed("cargo-zigbuild");
        let tool = match self.architecture.is_host() {
            true => Tool::Cargo,
            false if has_zig => Tool::Zigbuild,
            false => Tool::Cross,
        };
        let executable = krate.compile(tool, compiled).await?;
        let checked = self.run(move |job| job.check(&executable)).await;
        match checked {
            Err(PackageError::Executable { problem: ElfProblem::Glibc(_), .. }) if has_zig && tool != Tool::Zigbuild => {
                progress("the host's C library is newer than Lambda's: building with cargo-zigbuild");
                let executable = krate.compile(Tool::Zigbuild, compiled).await?;
                self.run(move |job| job.check(&executable)).await
            }
            checked => checked,
        }
    }

    fn cached(&self) -> Option<Package> {
        archive::cached(&self.out_dir, &self.name, self.digest)
    }

    fn is_unchanged(&self) -> Result<(), PackageError> {
        let found = inputs::digest(&self.root, &self.source, self.architecture)?;
        if found == self.digest {
            return Ok(());
        }
        let path = match &self.source {
            Source::Crate { dir, .. } | Source::Folder { dir } => dir.clone(),
            Source::Program => program()?,
        };
        Err(PackageError::Changed { path, planned: self.digest, found })
    }

    fn program(&self) -> Result<Entry, PackageError> {
        self.check(&program()?)
    }

    fn check(&self, executable: &Path) -> Result<Entry, PackageError> {
        let bytes = fs::read(executable).map_err(PackageError::io("read", executable))?;
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let path = executable.to_owned();
        if size > MAX_UNZIPPED {
            return Err(PackageError::TooLarge { path, size, limit: MAX_UNZIPPED });
        }
        let architecture = self.architecture;
        match elf::check(&bytes, architecture) {
            Ok(()) => Ok(Entry { path: "bootstrap".to_owned(), file: path, executable: true, size }),
            Err(problem) => Err(PackageError::Executable { path, architecture, problem }),
        }
    }

    /// Runs work on files away from the threads that wait for the network.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, PackageError> + Send + 'static,
    ) -> Result<T, PackageError> {
        let job = self.clone();
        let interrupted = |_| PackageError::Interrupted(self.out_dir.clone());
        task::spawn_blocking(move || work(&job)).await.map_err(interrupted)?
    }
}

/// Where the executable lies that runs now.
fn program() -> Result<PathBuf, PackageError> {
    env::current_exe().map_err(PackageError::io("find", Path::new("scones")))
}

/// Tells whether a function's name can be part of a file's name.
fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    !name.is_empty() && name.bytes().all(allowed)
}
