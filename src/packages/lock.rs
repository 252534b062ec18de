//! The part of a `Cargo.lock` that an executable is built from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::PackageError;
use super::manifest::read_toml;

/// A parsed `Cargo.lock`.
#[derive(Debug)]
pub(super) struct Lock {
    /// The file.
    pub path: PathBuf,
    /// All packages.
    pub packages: Vec<Locked>,
    /// The checksums of files of version 1, which keep them apart.
    checksums: BTreeMap<String, String>,
}

/// A package of the lock file.
#[derive(Debug, Deserialize)]
pub(super) struct Locked {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Where it comes from; `None` for a local folder.
    pub source: Option<String>,
    checksum: Option<String>,
    #[serde(default)]
    dependencies: Vec<String>,
}

impl Lock {
    /// Reads the lock file of a workspace.
    ///
    /// # Errors
    ///
    /// Fails when there is none, or when it can't be understood.
    pub fn read(workspace: &Path) -> Result<Self, PackageError> {
        #[derive(Deserialize)]
        struct Content {
            #[serde(default)]
            package: Vec<Locked>,
            #[serde(default)]
            metadata: BTreeMap<String, String>,
        }
        let path = workspace.join("Cargo.lock");
        let Some(table) = read_toml(&path)? else {
            return Err(PackageError::Lock { path, reason: "does not exist".to_owned() });
        };
        let content: Content = toml::Value::Table(table)
            .try_into()
            .map_err(|error: toml::de::Error| PackageError::manifest(&path, error.to_string()))?;
        Ok(Self { path, packages: content.package, checksums: content.metadata })
    }

    /// Finds a local package; where two have the same name, the version decides.
    ///
    /// # Errors
    ///
    /// Fails when the file does not know it.
    pub fn local(&self, name: &str, version: Option<&str>) -> Result<usize, PackageError> {
        let named = |locked: &&Locked| locked.name == name && locked.source.is_none();
        let exact = |locked: &Locked| version.is_none_or(|version| locked.version == version);
        let count = self.packages.iter().filter(named).count();
        self.packages
            .iter()
            .position(|locked| named(&locked) && (count == 1 || exact(locked)))
            .ok_or_else(|| self.stale(format!("does not know the package `{name}`")))
    }

    /// Lists what a package depends on.
    ///
    /// # Errors
    ///
    /// Fails when the file names a dependency that it does not hold.
    pub fn dependencies(&self, index: usize) -> Result<Vec<usize>, PackageError> {
        let Some(locked) = self.packages.get(index) else {
            return Ok(Vec::new());
        };
        let mut found = Vec::new();
        for text in &locked.dependencies {
            let before = found.len();
            let matching = self.packages.iter().enumerate().filter(|(_, other)| other.is(text));
            found.extend(matching.map(|(index, _)| index));
            if found.len() == before {
                return Err(self.stale(format!("does not hold the dependency `{text}`")));
            }
        }
        Ok(found)
    }

    /// Describes a package in one line: its name, version, origin and checksum.
    pub fn describe(&self, locked: &Locked) -> String {
        let source = locked.source.as_deref().unwrap_or("-");
        let key = format!("checksum {} {} ({source})", locked.name, locked.version);
        let checksum = locked.checksum.as_ref().or_else(|| self.checksums.get(&key));
        let checksum = checksum.map_or("-", String::as_str);
        format!("{} {} {source} {checksum}", locked.name, locked.version)
    }

    /// Says that the lock file must be renewed.
    pub fn stale(&self, reason: String) -> PackageError {
        PackageError::Lock { path: self.path.clone(), reason }
    }
}

impl Locked {
    /// Tells whether a dependency line means this package: `name`, `name version` or
    /// `name version (source)`, as short as is unambiguous.
    fn is(&self, text: &str) -> bool {
        let mut parts = text.splitn(3, ' ');
        let matches = |part: Option<&str>, own: &str| part.is_none_or(|part| part == own);
        if parts.next() != Some(self.name.as_str()) || !matches(parts.next(), &self.version) {
            return false;
        }
        let Some(source) = parts.next() else {
            return true;
        };
        let source = source.trim_start_matches('(').trim_end_matches(')');
        // A git source is listed with its commit behind `#`, which dependency lines may leave out.
        self.source.as_deref().is_some_and(|own| own == source || own.split('#').next() == Some(source))
    }
}
