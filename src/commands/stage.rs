//! `scones stage`: makes the pictures that a model is trained and tested with, and uploads what changed.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use drift_monitor::baseline::{Builder, Source};
use drift_monitor::picture::Picture;

use super::executions::missing;
use super::{Context, EnvironmentName, Error, bar, exit, print, tell};
use crate::workload::staging::{self, Bucket, Inventory, Options, Original, Report, Staging, StagingError};

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    environment: EnvironmentName,
    /// Another archive than the declared one: a file, or a URL
    #[arg(long, value_name = "PATH|URL")]
    archive: Option<String>,
    /// Also delete pictures that were staged once and are no more
    #[arg(long)]
    prune: bool,
}

pub async fn run(arguments: Arguments) -> Result<u8, Error> {
    let context = Context::open(&arguments.environment.environment).await?;
    let mut spec = context.blocks()?.staging.ok_or_else(|| missing("staging", &context.name))?;
    let mut directory = context.directory.clone();
    if let Some(archive) = arguments.archive {
        // The size and digest that are declared are still those it must have. A path on the command line is the caller's.
        (spec.archive.url, directory) = (archive, PathBuf::new());
    }
    let downloading = bar(0);
    let counted = |done, total| {
        downloading.set_length(total);
        downloading.set_position(done);
    };
    let archive = staging::archive_file(&spec.archive, &directory, &cache(), &counted).await?;
    downloading.finish_and_clear();
    let (inventory, baseline) = read(archive, spec.clone()).await?;
    tell(&format!(
        "{}: {} pictures made in {:.1} s",
        inventory.archive().display(),
        inventory.files().len(),
        inventory.took().as_secs_f64()
    ));
    let bucket = Bucket::new(&context.aws, &spec.to)?;
    let uploading = bar(0);
    let options = Options {
        prune: arguments.prune,
        progress: &|done, total| {
            uploading.set_length(total);
            uploading.set_position(done);
        },
    };
    let report = staging::upload(&bucket, &Arc::new(inventory), baseline, options).await?;
    uploading.finish_and_clear();
    print(&text(&report, &spec.to, arguments.prune))?;
    Ok(exit::OK)
}

/// Decodes the archive beside the tasks that wait, and sums up the training pictures for the baseline.
async fn read(archive: staging::ArchiveFile, spec: Staging) -> Result<(Inventory, Vec<u8>), Error> {
    let reading = bar(0);
    let watched = reading.clone();
    let task = tokio::task::spawn_blocking(move || {
        let classes: Vec<String> = spec.classes.keys().cloned().collect();
        let mut builder = Builder::new(Source::Staging, classes).map_err(|error| Error::other(error.to_string(), ""))?;
        let mut summary = |original: &Original<'_>| {
            let (edge, pixels) = (original.picture.edge(), original.picture.pixels().as_flattened());
            let measured = Picture::of_rgb(edge, edge, pixels, original.bytes as u64);
            // Both fit by construction: the class is one of the spec's, and the pixels are those of a picture.
            if let Some(measured) = measured {
                let _ = builder.label(original.class, &measured);
            }
        };
        let inventory = staging::read(archive, &spec, &mut summary, &|done, total| {
            watched.set_length(total);
            watched.set_position(done);
        })?;
        let baseline = builder.finish().and_then(|baseline| baseline.write());
        let baseline = baseline.map_err(|error| Error::other(format!("the baseline of the training pictures: {error}"), ""))?;
        Ok::<_, Error>((inventory, baseline.into_bytes()))
    });
    let read = task.await.map_err(|error| Error::other(format!("reading the archive was cut short: {error}"), ""))?;
    reading.finish_and_clear();
    read
}

fn text(report: &Report, to: &str, pruned: bool) -> String {
    let mut text = format!("{} uploaded to {to}, {} unchanged", report.uploaded, report.unchanged);
    if report.pictures_per_second > 0.0 {
        text += &format!(", {:.0} pictures/s", report.pictures_per_second);
    }
    match (report.stale.len(), pruned) {
        (0, _) => {}
        (stale, true) => text += &format!(", {stale} deleted"),
        (stale, false) => {
            text += &format!("\n{stale} pictures there are staged no more, such as {}: --prune deletes them", report.stale[0])
        }
    }
    text
}

/// Where downloads are kept.
fn cache() -> PathBuf {
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(home);
    base.unwrap_or_else(std::env::temp_dir).join("scones")
}

impl From<StagingError> for Error {
    fn from(error: StagingError) -> Self {
        match error {
            StagingError::Aws(error) => error.into(),
            other => Self::other(other.to_string(), ""),
        }
    }
}
