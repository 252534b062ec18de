//! The inputs of a crate: its files, those of its path dependencies, what it locks, and how the
//! workspace compiles it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};

use serde_json::Value as Json;
use toml::Value;

use super::config;
use super::lock::Lock;
use super::manifest::{Dependency, Manifest};
use super::tree::{self, Rules};
use super::{Architecture, PackageError};

/// Lists the inputs of a crate, one line each, in an order that is the same everywhere.
///
/// # Errors
///
/// Fails when a file can't be read or understood, when the lock file does not fit the manifests,
/// or when a path dependency lies outside the project and the workspace.
pub(super) fn inputs(
    root: &Path,
    dir: &Path,
    workspace_root: &Path,
    architecture: Architecture,
) -> Result<Vec<String>, PackageError> {
    let workspace = Manifest::read(workspace_root)?;
    let lock = Lock::read(workspace_root)?;
    let mut closure = Closure {
        root,
        workspace: &workspace,
        lock: &lock,
        local: BTreeMap::new(),
        locked: BTreeSet::new(),
        inherited: BTreeSet::new(),
        lines: Vec::new(),
    };
    closure.collect(dir)?;

    let names = closure.locked.iter().filter_map(|index| lock.packages.get(*index));
    let reachable: BTreeSet<String> = names.map(|locked| locked.name.clone()).collect();
    let mut lines = closure.lines;
    lines.extend(config::settings(&workspace, &reachable, &closure.inherited)?);
    lines.push(format!("architecture {architecture}"));
    lines.push(format!("target {}", architecture.target()));
    lines.sort();
    Ok(lines)
}

struct Closure<'a> {
    root: &'a Path,
    workspace: &'a Manifest,
    lock: &'a Lock,
    local: BTreeMap<usize, PathBuf>,
    locked: BTreeSet<usize>,
    inherited: BTreeSet<(&'static str, String)>,
    lines: Vec<String>,
}

impl Closure<'_> {
    /// Walks over all packages that a crate's executable is built from.
    fn collect(&mut self, dir: &Path) -> Result<(), PackageError> {
        let manifest = Manifest::read(dir)?;
        let first = self.lock.local(manifest.package()?, version(&manifest))?;
        self.local.insert(first, dir.to_owned());
        let mut queue = VecDeque::from([first]);
        while let Some(index) = queue.pop_front() {
            if !self.locked.insert(index) {
                continue;
            }
            let Some(locked) = self.lock.packages.get(index) else {
                continue;
            };
            if locked.source.is_some() {
                self.lines.push(format!("lock {}", self.lock.describe(locked)));
                queue.extend(self.lock.dependencies(index)?);
            } else {
                let dir = match self.local.get(&index) {
                    Some(dir) => dir.clone(),
                    None => self.patched(&locked.name)?,
                };
                queue.extend(self.package(index, &dir)?);
            }
        }
        Ok(())
    }

    /// Adds a local package and returns what it needs.
    fn package(&mut self, index: usize, dir: &Path) -> Result<Vec<usize>, PackageError> {
        let manifest = Manifest::read(dir)?;
        let name = self.relative(dir)?;
        self.lines.push(format!("crate {} {}", manifest.package()?, Json::from(name.as_str())));
        let whole = manifest.table.contains_key("workspace") || self.root.starts_with(dir);
        let rules = if whole { Rules::RootCrate } else { Rules::Crate };
        for entry in tree::files(dir, &[self.root, &self.workspace.dir], rules)? {
            let path = if name.is_empty() { entry.path } else { format!("{name}/{}", entry.path) };
            self.lines.push(format!("file {} {}", Json::from(path), tree::sha256_hex(&entry.file)?));
        }
        self.inherits(&manifest);

        let declared = manifest.dependencies(self.workspace);
        let mut needed = Vec::new();
        for other in self.lock.dependencies(index)? {
            let Some(locked) = self.lock.packages.get(other) else {
                continue;
            };
            // The lock file does not tell development dependencies apart, the manifest does.
            let mut same = declared.iter().filter(|one| one.package == locked.name).peekable();
            if same.peek().is_none() {
                continue;
            }
            if let Some(path) = same.find_map(|one| one.path.as_ref())
                && locked.source.is_none()
            {
                let dir = path.canonicalize().map_err(PackageError::io("read", path))?;
                self.local.insert(other, dir);
            }
            needed.push(other);
        }
        self.is_locked(&manifest, &declared, &needed)?;
        for dependency in declared {
            self.inherited.extend(dependency.inherited.map(|key| ("dependencies", key)));
        }
        Ok(needed)
    }

    /// Checks that the lock file has what the manifest asks for.
    fn is_locked(&self, manifest: &Manifest, declared: &[Dependency], needed: &[usize]) -> Result<(), PackageError> {
        let names: BTreeSet<&str> =
            needed.iter().filter_map(|index| self.lock.packages.get(*index)).map(|locked| locked.name.as_str()).collect();
        let missing = declared.iter().find(|one| !one.optional && !names.contains(one.package.as_str()));
        match missing {
            Some(Dependency { package: needed, .. }) => {
                let package = manifest.package()?;
                Err(self.lock.stale(format!("does not know that `{package}` needs `{needed}`")))
            }
            None => Ok(()),
        }
    }

    /// Remembers which keys of `workspace.package` a package takes over.
    fn inherits(&mut self, manifest: &Manifest) {
        let package = manifest.get(&["package"]).and_then(Value::as_table);
        for (key, value) in package.into_iter().flatten() {
            if value.get("workspace").and_then(Value::as_bool) == Some(true) {
                self.inherited.insert(("package", key.clone()));
            }
        }
    }

    /// Finds the folder that `[patch]` puts in place of a package from elsewhere.
    fn patched(&self, name: &str) -> Result<PathBuf, PackageError> {
        let sources = self.workspace.get(&["patch"]).and_then(Value::as_table);
        let entries = sources.into_iter().flat_map(|table| table.values()).filter_map(Value::as_table);
        for (key, spec) in entries.flatten() {
            let text = |name: &str| spec.get(name).and_then(Value::as_str);
            if let Some(path) = text("path")
                && text("package").unwrap_or(key) == name
            {
                let dir = self.workspace.dir.join(path);
                return dir.canonicalize().map_err(PackageError::io("read", &dir));
            }
        }
        Err(self.lock.stale(format!("has `{name}` without a source, and no manifest says where it is")))
    }

    /// Returns a folder's path as every checkout has it: below the workspace, or else the project.
    fn relative(&self, dir: &Path) -> Result<String, PackageError> {
        let inside = [self.workspace.dir.as_path(), self.root];
        let relative = inside.iter().find_map(|base| dir.strip_prefix(base).ok());
        let Some(relative) = relative else {
            return Err(PackageError::Outside { path: dir.to_owned(), target: dir.to_owned(), root: self.root.to_owned() });
        };
        let parts: Option<Vec<&str>> = relative.iter().map(|part| part.to_str()).collect();
        Ok(parts.ok_or_else(|| PackageError::NotUtf8(dir.to_owned()))?.join("/"))
    }
}

/// Returns a package's version, unless it is the workspace's.
fn version(manifest: &Manifest) -> Option<&str> {
    manifest.text(&["package", "version"])
}
