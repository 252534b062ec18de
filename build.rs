//! Names the program by its sources, so that the package that `drift_check` makes of it is the same for all who compiled
//! the same.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use sha2::{Digest as _, Sha256};

/// All that the program is compiled from: its own crate, and the one that it shares definitions with.
const INPUTS: [&str; 6] =
    ["Cargo.lock", "Cargo.toml", "build.rs", "lambdas/drift-monitor/Cargo.toml", "lambdas/drift-monitor/src", "src"];

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let mut files = vec![];
    for input in INPUTS {
        println!("cargo::rerun-if-changed={input}");
        collect(&root.join(input), &mut files)?;
    }
    let mut all = Sha256::new();
    for file in files {
        let name = file.strip_prefix(&root).unwrap_or(&file).to_string_lossy().replace('\\', "/");
        let content = Sha256::digest(fs::read(&file)?);
        all.update(format!("{} {name}\n", hexadecimal(&content)));
    }
    println!("cargo::rustc-env=SCONES_SOURCES={}", hexadecimal(&all.finalize()));
    Ok(())
}

/// The files at or below a path, sorted; what is hidden is no source.
fn collect(path: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let mut entries: Vec<PathBuf> =
        fs::read_dir(path)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<_>>()?;
    entries.retain(|entry| entry.file_name().is_some_and(|name| !name.to_string_lossy().starts_with('.')));
    entries.sort();
    entries.iter().try_for_each(|entry| collect(entry, files))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
