//! Calling cargo for one crate.

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
struct Message {
    reason: String,
    manifest_path: Option<PathBuf>,
    target: Option<Target>,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
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

    /// Runs cargo in the workspace's root and returns the executable's path.
    ///
    /// # Errors
    ///
    /// Fails with the compiler's last lines when cargo does.
    pub async fn compile(&self, tool: Tool) -> Result<PathBuf, PackageError> {
        let arguments = self.arguments(tool);
        let line = format!("cargo {}", arguments.join(" "));
        let mut command = Command::new("cargo");
        command
            .args(&arguments)
            .arg("--message-format=json-render-diagnostics")
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
        if !output.status.success() {
            return Err(PackageError::Compile {
                path: self.dir.to_owned(),
                command: line,
                workspace: self.workspace_root.to_owned(),
                status: output.status.to_string(),
                tail: tail(&output),
            });
        }
        self.executable(&output.stdout)
            .ok_or_else(|| PackageError::NoExecutable { path: self.dir.to_owned(), binary: self.binary.to_owned() })
    }

    fn executable(&self, messages: &[u8]) -> Option<PathBuf> {
        let own = self.dir.join("Cargo.toml");
        let is_own = |path: &Path| path == own || path.canonicalize().is_ok_and(|path| path == own);
        messages.split(|byte| *byte == b'\n').find_map(|line| {
            let message: Message = serde_json::from_slice(line).ok()?;
            let target = message.target?;
            let matches = message.reason == "compiler-artifact"
                && target.name == self.binary
                && target.kind.iter().any(|kind| kind == "bin")
                && message.manifest_path.is_some_and(|path| is_own(&path));
            message.executable.filter(|_| matches)
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
