//! `scones build`: the packages of all functions, as apply would make them.

use std::path::Path;

use super::{Context, Error, exit, print};
use crate::packages;

pub async fn run(name: &str) -> Result<u8, Error> {
    let (environment, desired) = Context::offline(name)?;
    let fail = |error: packages::PackageError| Error::other(error.to_string(), "");
    let mut sources = vec![];
    for (address, resource) in &desired.resources {
        let Some(source) = &resource.source else { continue };
        let architecture = resource.state.get("architecture").cloned().and_then(|value| serde_json::from_value(value).ok());
        let architecture: packages::Architecture = architecture.unwrap_or_default();
        let source = packages::inspect(&environment.directory, Path::new(source)).map_err(fail)?;
        let digest = packages::digest(&environment.directory, &source, architecture).map_err(fail)?;
        sources.push((address.name.clone(), source, digest, architecture));
    }
    let progress = |text: &str| {
        use std::io::Write as _;
        let _ = writeln!(anstream::stderr(), "{text}");
    };
    let out = environment.directory.join("target/packages");
    for package in packages::build(&environment.directory, &sources, &out, &progress).await.map_err(fail)? {
        print(&format!(
            "{}  {}  {:.1} MB",
            package.path.strip_prefix(".").unwrap_or(&package.path).display(),
            package.digest.short(),
            package.size as f64 / 1e6
        ))?;
    }
    Ok(exit::OK)
}
