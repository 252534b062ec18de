//! Calling cargo for one crate.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use serde::Deserialize;
use tokio::process::Command;

use super::{Architecture, PackageError, elf};

/// How many lines of the compiler's output an error shows.
const TAIL: usize = 40;

/// What compiles a crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tool {
    /// Cargo for this machine, without `--target`: it shares its work with an ordinary build.
    Cargo,
    /// Cargo for another machine, with whatever linker its configuration names.
    Cross,
    /// cargo-zigbuild, which links against the C library of any version.
    Zigbuild,
}

/// A crate to compile.
pub(super) struct Crate<'a> {
    /// Its folder.
    pub dir: &'a Path,
    /// Its executable.
    pub binary: &'a str,
    /// The folder cargo runs in.
    pub workspace_root: &'a Path,
    /// What it is compiled for.
    pub architecture: Architecture,
}

/// What cargo says of a finished target, one line of JSON each:
/// <https://doc.rust-lang.org/cargo/reference/external-tools.html#artifact-messages>.
#[derive(Deserialize)]
struct Artifact {
    reason: String,
    package_id: String,
    manifest_path: PathBuf,
    target: Target,
    filenames: Vec<PathBuf>,
    executable: Option<PathBuf>,
    fresh: bool,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

/// Which files in a target folder were compiled from which local package by this very run.
pub(super) type Compiled = BTreeMap<Vec<PathBuf>, String>;

impl Artifact {
    /// Tells whether the compiler did not look at the package's present sources in this run.
    ///
    /// Cargo judges by times: with a target folder that several checkouts share, or sources whose
    /// times go back, it takes for up to date what was made from others. What comes from a registry
    /// or a git commit never changes, so only local packages matter.
    fn is_doubtful(&self, compiled: &Compiled) -> bool {
        self.fresh && self.is_local() && compiled.get(&self.filenames) != Some(&self.package_id)
    }

    fn is_local(&self) -> bool {
        self.package_id.starts_with("path+")
    }
}

impl Crate<'_> {
    fn arguments(&self, tool: Tool) -> Vec<String> {
        let target = self.architecture.target();
        let mut arguments = match tool {
            Tool::Cargo => vec!["build".to_owned()],
            Tool::Cross => vec!["build".to_owned(), format!("--target={target}")],
            Tool::Zigbuild => {
                let glibc = elf::GLIBC_OF_AMAZON_LINUX_2023;
                vec!["zigbuild".to_owned(), format!("--target={target}.{glibc}")]
            }
        };
        // The manifest's path and not `--package`: a name may be ambiguous.
        let manifest = self.dir.join("Cargo.toml");
        let manifest = manifest.strip_prefix(self.workspace_root).unwrap_or(&manifest).display();
        arguments.extend(["--release".to_owned(), "--locked".to_owned()]);
        arguments.push(format!("--manifest-path={manifest}"));
        arguments.push(format!("--bin={}", self.binary));
        arguments
    }

    /// Runs cargo in the workspace's root and returns the executable's path. `compiled` is what
    /// earlier calls of this run made, and is added to.
    ///
    /// # Errors
    ///
    /// Fails with the compiler's last lines when cargo does.
    pub async fn compile(&self, tool: Tool, compiled: &mut Compiled) -> Result<PathBuf, PackageError> {
        let mut artifacts = self.artifacts(tool).await?;
        let doubtful = artifacts.iter().filter(|artifact| artifact.is_doubtful(compiled));
        let doubtful: BTreeSet<String> = doubtful.map(|artifact| artifact.package_id.clone()).collect();
        if !doubtful.is_empty() {
            self.clean(tool, &doubtful).await?;
            artifacts = self.artifacts(tool).await?;
        }
        for artifact in artifacts.iter().filter(|artifact| artifact.is_local()) {
            compiled.insert(artifact.filenames.clone(), artifact.package_id.clone());
        }
        self.executable(artifacts)
            .ok_or_else(|| PackageError::NoExecutable { path: self.dir.to_owned(), binary: self.binary.to_owned() })
    }

    /// Builds the crate and lists all that it is made of.
    async fn artifacts(&self, tool: Tool) -> Result<Vec<Artifact>, PackageError> {
        let output = self.cargo(&self.arguments(tool), &["--message-format=json-render-diagnostics"]).await?;
        let lines = output.split(|byte| *byte == b'\n');
        let artifacts = lines.filter_map(|line| serde_json::from_slice::<Artifact>(line).ok());
        Ok(artifacts.filter(|artifact| artifact.reason == "compiler-artifact").collect())
    }

    /// Removes what some local packages were compiled to, and nothing of their dependencies.
    async fn clean(&self, tool: Tool, packages: &BTreeSet<String>) -> Result<(), PackageError> {
        let mut arguments = vec!["clean".to_owned(), "--release".to_owned(), "--locked".to_owned()];
        if tool != Tool::Cargo {
            arguments.push(format!("--target={}", self.architecture.target()));
        }
        arguments.extend(packages.iter().map(|package| format!("--package={package}")));
        self.cargo(&arguments, &[]).await.map(drop)
    }

    /// Runs cargo and returns its standard output. The further arguments are not shown.
    async fn cargo(&self, arguments: &[String], further: &[&str]) -> Result<Vec<u8>, PackageError> {
        let line = format!("cargo {}", arguments.join(" "));
        let mut command = Command::new("cargo");
        command
            .args(arguments)
            .args(further)
            .current_dir(self.workspace_root)
            .env("CARGO_TERM_COLOR", "never")
            .env("CARGO_TERM_PROGRESS_WHEN", "never")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        for name in ignored_variables() {
            command.env_remove(name);
        }
        let output = command.output().await.map_err(|source| PackageError::Cargo {
            command: line.clone(),
            path: self.workspace_root.to_owned(),
            source,
        })?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        Err(PackageError::Compile {
            path: self.dir.to_owned(),
            command: line,
            workspace: self.workspace_root.to_owned(),
            status: output.status.to_string(),
            tail: tail(&output),
        })
    }

    fn executable(&self, artifacts: Vec<Artifact>) -> Option<PathBuf> {
        let own = self.dir.join("Cargo.toml");
        let is_own = |path: &Path| path == own || path.canonicalize().is_ok_and(|path| path == own);
        artifacts.into_iter().find_map(|artifact| {
            let matches = artifact.target.name == self.binary
                && artifact.target.kind.iter().any(|kind| kind == "bin")
                && is_own(&artifact.manifest_path);
            artifact.executable.filter(|_| matches)
        })
    }
}

/// Returns the last lines of what cargo wrote, without those that only tell of progress.
fn tail(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let is_progress = |line: &str| {
        let first = line.split_whitespace().next().unwrap_or_default();
        line.starts_with(' ') && matches!(first, "Compiling" | "Downloading" | "Downloaded" | "Fresh")
    };
    let lines: Vec<&str> = text.lines().filter(|line| !is_progress(line)).collect();
    let first = lines.len().saturating_sub(TAIL);
    lines.get(first..).unwrap_or_default().join("\n")
}

/// Lists the variables of the environment that change what cargo compiles. They are not part of the
/// digest, which must be the same everywhere, so cargo does not see them.
pub(super) fn ignored_variables() -> Vec<String> {
    let changes = |name: &str| {
        matches!(name, "RUSTFLAGS" | "CARGO_ENCODED_RUSTFLAGS" | "CARGO_BUILD_RUSTFLAGS")
            || name == "CARGO_BUILD_TARGET"
            || name.starts_with("CARGO_PROFILE_RELEASE_")
            || (name.starts_with("CARGO_TARGET_") && name.ends_with("_RUSTFLAGS"))
    };
    let names = env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    names.filter(|name| changes(name)).collect()
}

/// Tells whether a program is on the `PATH`.
pub(super) fn is_installed(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|dir| dir.join(program).is_file())
}
