//! What beside a crate's own files decides how it is compiled: the workspace's manifest, its
//! `.cargo/config.toml` and its pinned toolchain.

use std::collections::BTreeSet;
use std::path::Path;

use toml::{Table, Value};

use super::PackageError;
use super::manifest::{Manifest, canonical, read_toml};
use super::tree;

/// The parts of `.cargo/config.toml` that change what is compiled. Left out is what only changes
/// where and how fast: registries, network, aliases, the number of jobs.
const CONFIG: [&str; 4] = ["env", "profile", "target", "unstable"];

/// Lists the settings of a workspace that some of its packages are built with.
///
/// `reachable` names the packages of the build, `inherited` the keys of `workspace.dependencies`
/// and `workspace.package` that its own packages refer to: what concerns others only is left out.
///
/// # Errors
///
/// Fails when a file can't be read or understood.
pub(super) fn settings(
    workspace: &Manifest,
    reachable: &BTreeSet<String>,
    inherited: &BTreeSet<(&'static str, String)>,
) -> Result<Vec<String>, PackageError> {
    let mut lines = Vec::new();
    let mut line = |name: &str, value: Option<&Value>| {
        lines.extend(value.map(|value| format!("{name} {}", canonical(value))));
    };
    line("rust-version", workspace.get(&["package", "rust-version"]));
    line("workspace.rust-version", workspace.get(&["workspace", "package", "rust-version"]));
    // The feature resolver follows from either of these.
    line("edition", workspace.get(&["package", "edition"]));
    line("resolver", workspace.get(&["package", "resolver"]));
    line("workspace.resolver", workspace.get(&["workspace", "resolver"]));
    for (section, key) in inherited {
        let name = format!("workspace.{section}.{key}");
        line(&name, workspace.get(&["workspace", section, key]));
    }
    let release = workspace.get(&["profile", "release"]).and_then(Value::as_table);
    let release = release.map(|profile| Value::Table(without_others(profile, reachable)));
    line("profile.release", release.as_ref());
    lines.extend(cargo_config(&workspace.dir)?);
    lines.extend(toolchain(&workspace.dir)?);
    Ok(lines)
}

/// Leaves out the overrides for packages that are not part of the build.
fn without_others(profile: &Table, reachable: &BTreeSet<String>) -> Table {
    let mut profile = profile.clone();
    if let Some(Value::Table(overrides)) = profile.get_mut("package") {
        overrides.retain(|spec, _| {
            // A specification is `*`, a name, `name@version`, or a URL.
            let name = spec.split(['@', ':']).next().unwrap_or(spec);
            spec == "*" || spec.contains("://") || reachable.contains(name)
        });
        if overrides.is_empty() {
            profile.remove("package");
        }
    }
    profile
}

fn cargo_config(workspace: &Path) -> Result<Vec<String>, PackageError> {
    let folder = workspace.join(".cargo");
    // Cargo reads the name without extension first, where both exist.
    let config = match read_toml(&folder.join("config"))? {
        Some(config) => Some(config),
        None => read_toml(&folder.join("config.toml"))?,
    };
    let Some(config) = config else {
        return Ok(Vec::new());
    };
    let mut lines = Vec::new();
    for key in CONFIG {
        lines.extend(config.get(key).map(|value| format!("config.{key} {}", canonical(value))));
    }
    for key in ["rustflags", "target"] {
        let value = config.get("build").and_then(|build| build.get(key));
        lines.extend(value.map(|value| format!("config.build.{key} {}", canonical(value))));
    }
    Ok(lines)
}

fn toolchain(workspace: &Path) -> Result<Option<String>, PackageError> {
    for name in ["rust-toolchain", "rust-toolchain.toml"] {
        let path = workspace.join(name);
        if path.is_file() {
            return Ok(Some(format!("toolchain {}", tree::sha256_hex(&path)?)));
        }
    }
    Ok(None)
}
