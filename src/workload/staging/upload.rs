//! Makes the bucket hold what an inventory says: pictures first, the lists that name them last.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use md5::{Digest as _, Md5};
use tokio::sync::mpsc;

use super::archive::Part;
use super::file::hex;
use super::inventory::Inventory;
use super::store::{Object, Store};
use super::{Progress, StagingError};

/// Uploads at once. Pictures are small, so that waiting is most of an upload's time.
const PARALLEL: usize = 16;

/// Objects below the prefix that are looked at, and so held in memory.
const MAX_OBJECTS: usize = 2_000_000;

/// Objects per DeleteObjects request.
///
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html>.
const MAX_DELETED: usize = 1000;

/// How to upload.
pub struct Options<'a> {
    /// Whether to delete objects below `train/` and `test/` that staging does not make.
    pub prune: bool,
    /// Counts uploaded files.
    pub progress: Progress<'a>,
}

/// What an upload did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// Files that were put.
    pub uploaded: usize,
    /// Files that were there already.
    pub unchanged: usize,
    /// Keys below `train/` and `test/` that staging does not make; deleted if that was asked for.
    pub stale: Vec<String>,
    /// Bytes that were put.
    pub bytes: u64,
    /// Pictures put per second; 0 if none was.
    pub pictures_per_second: f64,
}

/// Uploads what is missing or differs: pictures, then `train.lst`, `test.lst`, `baseline.json` and `dataset.json`.
///
/// An interrupted upload is resumed by the next one: what is there by size and MD5 stays. Under a KMS key ETags are no
/// MD5, so there all of it is put again.
///
/// # Errors
/// What S3 answers; an archive that changed since it was read.
pub async fn upload(
    store: &impl Store,
    inventory: &Arc<Inventory>,
    baseline: Vec<u8>,
    options: Options<'_>,
) -> Result<Report, StagingError> {
    let started = Instant::now();
    let present = list(store).await?;
    let missing: HashSet<String> = inventory
        .files()
        .iter()
        .filter(|file| !is_there(&present, &file.key, file.size, &file.md5))
        .map(|file| file.key.clone())
        .collect();
    let mut documents = documents(inventory, baseline);
    documents.retain(|(key, _, bytes)| !is_there(&present, key, bytes.len() as u64, &Md5::digest(bytes).into()));

    let total = (missing.len() + documents.len()) as u64;
    let mut report =
        Report { unchanged: inventory.files().len() + DOCUMENTS - missing.len() - documents.len(), ..Report::default() };
    let put = |report: &mut Report, bytes: u64| {
        report.uploaded += 1;
        report.bytes += bytes;
        (options.progress)(report.uploaded as u64, total);
    };
    if !missing.is_empty() {
        let missing = Arc::new(missing);
        let (sender, mut receiver) = mpsc::channel(PARALLEL);
        let rendering = render(inventory, &missing, sender);
        let pictures = stream::poll_fn(move |context| receiver.poll_recv(context));
        let mut uploads = pictures
            .map(|(key, bytes): (String, Vec<u8>)| async move {
                let size = bytes.len() as u64;
                store.put(&key, "image/png", bytes).await.map(|()| size)
            })
            .buffer_unordered(PARALLEL);
        while let Some(size) = uploads.try_next().await? {
            put(&mut report, size);
        }
        rendering.await.map_err(|_| StagingError::Interrupted(inventory.archive().to_owned()))??;
        report.pictures_per_second = report.uploaded as f64 / started.elapsed().as_secs_f64().max(1e-9);
    }
    for (key, content_type, bytes) in documents {
        let size = bytes.len() as u64;
        store.put(key, content_type, bytes).await?;
        put(&mut report, size);
    }
    report.stale = stale(present, inventory);
    if options.prune {
        for keys in report.stale.chunks(MAX_DELETED) {
            store.delete(keys).await?;
        }
    }
    Ok(report)
}

/// How many files there are beside the pictures.
const DOCUMENTS: usize = 4;

/// The files that name or describe pictures: key, content type and bytes.
fn documents(inventory: &Inventory, baseline: Vec<u8>) -> Vec<(&'static str, &'static str, Vec<u8>)> {
    const LIST: &str = "text/tab-separated-values";
    let documents: [_; DOCUMENTS] = [
        ("train.lst", LIST, inventory.list(Part::Train).into_bytes()),
        ("test.lst", LIST, inventory.list(Part::Test).into_bytes()),
        ("baseline.json", "application/json", baseline),
        ("dataset.json", "application/json", inventory.dataset().into_bytes()),
    ];
    documents.into()
}

/// Makes the missing pictures in a thread of its own, only as fast as they are uploaded.
fn render(
    inventory: &Arc<Inventory>,
    missing: &Arc<HashSet<String>>,
    sender: mpsc::Sender<(String, Vec<u8>)>,
) -> tokio::task::JoinHandle<Result<(), StagingError>> {
    let (inventory, missing) = (Arc::clone(inventory), Arc::clone(missing));
    tokio::task::spawn_blocking(move || {
        let interrupted = || StagingError::Interrupted(inventory.archive().to_owned());
        inventory.render(
            |key| missing.contains(key),
            |file, png| {
                // Nobody receives any more once an upload failed; that error is the one to tell.
                sender.blocking_send((file.key.clone(), png)).map_err(|_| interrupted())
            },
        )
    })
}

/// Lists what staging could have made, by key. What else lies below the prefix is nobody's business here.
async fn list(store: &impl Store) -> Result<HashMap<String, Object>, StagingError> {
    let mut found = HashMap::new();
    for start in ["train", "test", "baseline.json", "dataset.json"] {
        let mut next = None;
        loop {
            let page = store.page(start, next).await?;
            found.extend(page.objects.into_iter().map(|object| (object.key.clone(), object)));
            if found.len() > MAX_OBJECTS {
                return Err(StagingError::Crowded { prefix: store.place(), limit: MAX_OBJECTS });
            }
            next = page.next;
            if next.is_none() {
                break;
            }
        }
    }
    Ok(found)
}

fn is_there(present: &HashMap<String, Object>, key: &str, size: u64, md5: &[u8; 16]) -> bool {
    present.get(key).is_some_and(|object| object.size == size && object.etag == hex(md5))
}

/// The keys that are below `train/` or `test/`, but not in the inventory. A folder's own marker is none.
fn stale(present: HashMap<String, Object>, inventory: &Inventory) -> Vec<String> {
    let below = |key: &str, part: Part| key.strip_prefix(part.name()).is_some_and(|rest| rest.len() > 1 && rest.starts_with('/'));
    let ours = |key: &str| Part::ALL.into_iter().any(|part| below(key, part));
    let mut stale: Vec<String> = present.into_keys().filter(|key| ours(key) && inventory.find(key).is_none()).collect();
    stale.sort_unstable();
    stale
}
