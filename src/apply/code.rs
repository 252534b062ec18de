//! Puts function packages into the bootstrap bucket before any step needs them.

use std::path::Path;

use futures::future::try_join_all;

use super::Run;
use crate::address::Address;
use crate::aws::{AwsError, bootstrap};
use crate::packages::{self, Architecture, Digest, Source};
use crate::plan::{Action, Step};

/// A package that a step uses.
struct Wanted<'a> {
    address: &'a Address,
    source: &'a str,
    digest: Digest,
    architecture: Architecture,
}

/// Uploads what is not in the bucket yet, building what is not built yet.
pub async fn upload(run: &Run<'_>, directory: &Path) -> Result<(), (Address, AwsError)> {
    let wanted: Vec<Wanted<'_>> = run.plan.steps.iter().filter_map(|step| wanted(run, step)).collect();
    let present = try_join_all(wanted.iter().map(|one| async move {
        let key = bootstrap::package_key(&one.digest.to_string());
        bootstrap::size(run.aws, &key).await.map_err(|error| (one.address.clone(), error))
    }));
    let present = present.await?;
    let missing: Vec<&Wanted<'_>> = wanted.iter().zip(present).filter(|(_, size)| size.is_none()).map(|(one, _)| one).collect();
    let mut sources = vec![];
    for one in &missing {
        sources.push((
            one.address.name.clone(),
            source(one, directory).map_err(|error| (one.address.clone(), error))?,
            one.digest,
            one.architecture,
        ));
    }
    let Some(first) = missing.first() else { return Ok(()) };
    let out = directory.join("target/packages");
    let note = |text: &str| run.progress.note(text);
    let built = packages::build(directory, &sources, &out, &note)
        .await
        .map_err(|error| (first.address.clone(), AwsError::local(error.to_string())))?;
    try_join_all(built.iter().zip(&missing).map(|(package, one)| async move {
        let fail = |error: AwsError| (one.address.clone(), error);
        let bytes = tokio::fs::read(&package.path)
            .await
            .map_err(|error| fail(AwsError::local(format!("cannot read {}: {error}", package.path.display()))))?;
        run.progress.note(&format!("uploading {} ({:.1} MB)", package.name, package.size as f64 / 1e6));
        bootstrap::upload(run.aws, &bootstrap::package_key(&package.digest.to_string()), bytes).await.map_err(fail)
    }))
    .await?;
    Ok(())
}

fn wanted<'a>(run: &Run<'a>, step: &'a Step) -> Option<Wanted<'a>> {
    let uses = match step.action {
        Action::Create | Action::Replace => true,
        Action::Update => step.changes.iter().any(|change| change.field() == "package"),
        _ => false,
    };
    let source = run.plan.desired.resources.get(&step.address)?.source.as_deref()?;
    let to = step.to.as_ref()?;
    let digest = to.get("package")?.as_str()?.parse().ok()?;
    let architecture = to.get("architecture").cloned().and_then(|value| serde_json::from_value(value).ok()).unwrap_or_default();
    uses.then_some(Wanted { address: &step.address, source, digest, architecture })
}

/// The source of a package, if it is the one wanted: a pinned package of another state of the sources can't be built.
fn source(one: &Wanted<'_>, directory: &Path) -> Result<Source, AwsError> {
    let local = |error: packages::PackageError| AwsError::local(error.to_string());
    let source = packages::inspect(directory, Path::new(one.source)).map_err(local)?;
    let digest = packages::digest(directory, &source, one.architecture).map_err(local)?;
    if digest != one.digest {
        let message = format!(
            "the package {} is neither in the bootstrap bucket nor what {} makes now ({})",
            one.digest, one.source, digest
        );
        return Err(AwsError::local(message));
    }
    Ok(source)
}
