//! What the deployer needs from a `Cargo.toml`.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value as Json};
use toml::{Table, Value};

use super::PackageError;

/// A parsed `Cargo.toml`.
#[derive(Clone, Debug)]
pub(super) struct Manifest {
    /// The file.
    pub path: PathBuf,
    /// Its folder.
    pub dir: PathBuf,
    /// Its content.
    pub table: Table,
}

/// A dependency that takes part in the build of an executable.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Dependency {
    /// The package's own name, whatever it was renamed to.
    pub package: String,
    /// Its folder, for a path dependency.
    pub path: Option<PathBuf>,
    /// Whether a feature must ask for it.
    pub optional: bool,
    /// Its key in `workspace.dependencies`, if it is declared there.
    pub inherited: Option<String>,
}

impl Manifest {
    /// Reads the manifest of a folder.
    ///
    /// # Errors
    ///
    /// Fails when there is none, or when it is no TOML.
    pub fn read(dir: &Path) -> Result<Self, PackageError> {
        let path = dir.join("Cargo.toml");
        let table = read_toml(&path)?.ok_or_else(|| PackageError::manifest(&path, "there is no such file"))?;
        Ok(Self { dir: dir.to_owned(), table, path })
    }

    /// Returns the value below some keys.
    pub fn get(&self, keys: &[&str]) -> Option<&Value> {
        get(&self.table, keys)
    }

    /// Returns the text below some keys.
    pub fn text(&self, keys: &[&str]) -> Option<&str> {
        self.get(keys).and_then(Value::as_str)
    }

    /// Returns the package's name.
    pub fn package(&self) -> Result<&str, PackageError> {
        self.text(&["package", "name"]).ok_or_else(|| {
            PackageError::manifest(
                &self.path,
                "it has no `[package]` with a `name`; point `source:` at a member of the workspace",
            )
        })
    }

    /// Returns the executable that becomes `bootstrap`: the only one, or else the one of
    /// `default-run`, or the one named `bootstrap` or like the package.
    ///
    /// # Errors
    ///
    /// Fails when there is none, or no way to choose.
    pub fn binary(&self) -> Result<String, PackageError> {
        let package = self.package()?;
        let binaries = self.binaries(package)?;
        if let Some(name) = self.text(&["package", "default-run"]) {
            return Ok(name.to_owned());
        }
        let named = |name: &str| binaries.get(name).cloned();
        let only = binaries.first().filter(|_| binaries.len() == 1).cloned();
        only.or_else(|| named("bootstrap")).or_else(|| named(package)).ok_or_else(|| {
            let reason = if binaries.is_empty() {
                "the crate makes no executable; add `src/main.rs`".to_owned()
            } else {
                let names: Vec<_> = binaries.iter().map(String::as_str).collect();
                format!("which of {} is the function? Say it with `default-run`", names.join(", "))
            };
            PackageError::manifest(&self.path, reason)
        })
    }

    /// Lists the executable targets, declared and found, by the rules of
    /// <https://doc.rust-lang.org/cargo/reference/cargo-targets.html#target-auto-discovery>.
    fn binaries(&self, package: &str) -> Result<BTreeSet<String>, PackageError> {
        let mut names = BTreeSet::new();
        for bin in self.get(&["bin"]).and_then(Value::as_array).into_iter().flatten() {
            names.extend(bin.get("name").and_then(Value::as_str).map(str::to_owned));
        }
        if self.get(&["package", "autobins"]).and_then(Value::as_bool) == Some(false) {
            return Ok(names);
        }
        if self.dir.join("src/main.rs").is_file() {
            let declared = self
                .get(&["bin"])
                .and_then(Value::as_array)
                .is_some_and(|bins| bins.iter().any(|bin| bin.get("path").and_then(Value::as_str) == Some("src/main.rs")));
            if !declared {
                names.insert(package.to_owned());
            }
        }
        let folder = self.dir.join("src/bin");
        let children = match fs::read_dir(&folder) {
            Ok(children) => children,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(names),
            Err(error) => return Err(PackageError::io("list", &folder)(error)),
        };
        for child in children {
            let path = child.map_err(PackageError::io("list", &folder))?.path();
            let is_rust = path.extension().is_some_and(|extension| extension == "rs");
            if is_rust || path.join("main.rs").is_file() {
                names.extend(path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned));
            }
        }
        Ok(names)
    }

    /// Lists what the package is built from; development dependencies are not part of that.
    pub fn dependencies(&self, workspace: &Self) -> Vec<Dependency> {
        let mut found = Vec::new();
        let targets = self.get(&["target"]).and_then(Value::as_table);
        let tables = targets.into_iter().flat_map(|table| table.values()).filter_map(Value::as_table);
        for table in std::iter::once(&self.table).chain(tables) {
            for section in ["dependencies", "build-dependencies", "build_dependencies"] {
                let section = table.get(section).and_then(Value::as_table);
                found.extend(section.into_iter().flatten().map(|(key, value)| self.dependency(workspace, key, value)));
            }
        }
        found
    }

    fn dependency(&self, workspace: &Self, key: &str, value: &Value) -> Dependency {
        let is_true = |name: &str| value.get(name).and_then(Value::as_bool) == Some(true);
        let inherited = is_true("workspace").then(|| key.to_owned());
        let (base, declared) = match &inherited {
            Some(_) => (&workspace.dir, workspace.get(&["workspace", "dependencies", key])),
            None => (&self.dir, Some(value)),
        };
        let text = |name: &str| declared.and_then(|spec| spec.get(name)).and_then(Value::as_str);
        Dependency {
            package: text("package").unwrap_or(key).to_owned(),
            path: text("path").map(|path| base.join(path)),
            optional: is_true("optional"),
            inherited,
        }
    }

    /// Finds the workspace a package belongs to, as cargo does: its own `[workspace]`, what
    /// `package.workspace` says, or the nearest folder above with a `[workspace]` that does not
    /// exclude it.
    ///
    /// # Errors
    ///
    /// Fails when a manifest on the way is no TOML.
    pub fn workspace(&self) -> Result<Self, PackageError> {
        if self.table.contains_key("workspace") {
            return Ok(self.clone());
        }
        if let Some(path) = self.text(&["package", "workspace"]) {
            let dir = self.dir.join(path);
            return Self::read(&dir.canonicalize().map_err(PackageError::io("read", &dir))?);
        }
        for dir in self.dir.ancestors().skip(1) {
            let path = dir.join("Cargo.toml");
            let Some(table) = read_toml(&path)? else {
                continue;
            };
            let candidate = Self { path, dir: dir.to_owned(), table };
            if candidate.table.contains_key("workspace") && !candidate.excludes(&self.dir) {
                return Ok(candidate);
            }
        }
        Ok(self.clone())
    }

    fn excludes(&self, dir: &Path) -> bool {
        let lists = |key: &str| {
            let list = self.get(&["workspace", key]).and_then(Value::as_array);
            list.into_iter().flatten().filter_map(Value::as_str).any(|path| dir.starts_with(self.dir.join(path)))
        };
        lists("exclude") && !lists("members")
    }
}

/// Returns the value below some keys of a table.
pub(super) fn get<'a>(table: &'a Table, keys: &[&str]) -> Option<&'a Value> {
    let (first, rest) = keys.split_first()?;
    rest.iter().try_fold(table.get(*first)?, |value, key| value.get(*key))
}

/// Reads a TOML file; `None` where there is none.
///
/// # Errors
///
/// Fails when it can't be read or is no TOML.
pub(super) fn read_toml(path: &Path) -> Result<Option<Table>, PackageError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(PackageError::io("read", path)(error)),
    };
    let parsed = toml::from_str(&text);
    parsed.map(Some).map_err(|error| PackageError::manifest(path, error.to_string()))
}

/// Turns TOML into JSON with sorted keys, so that the order of a file's lines does not count,
/// whatever order the parser keeps.
pub(super) fn canonical(value: &Value) -> Json {
    match value {
        Value::String(text) => Json::from(text.as_str()),
        Value::Integer(number) => Json::from(*number),
        Value::Float(number) => Json::from(*number),
        Value::Boolean(flag) => Json::from(*flag),
        Value::Datetime(time) => Json::from(time.to_string()),
        Value::Array(items) => items.iter().map(canonical).collect(),
        Value::Table(table) => {
            let mut members: Vec<_> = table.iter().collect();
            members.sort_by(|a, b| a.0.cmp(b.0));
            let members = members.into_iter().map(|(key, value)| (key.clone(), canonical(value)));
            Json::Object(members.collect::<Map<_, _>>())
        }
    }
}
