//! Uploads: in which order, resumed, and what is left of earlier ones.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use md5::{Digest as _, Md5};
use serde_json::json;

use super::*;
use crate::aws::AwsError;
use crate::workload::staging::{Object, Options, Page, Report, Store, upload};

/// A bucket in memory, which fails after so many puts.
struct Memory {
    objects: Mutex<BTreeMap<String, Vec<u8>>>,
    puts: Mutex<Vec<String>>,
    fails_after: AtomicUsize,
    kms: bool,
}

impl Memory {
    fn new() -> Self {
        let (objects, puts) = (Mutex::default(), Mutex::default());
        Self { objects, puts, fails_after: AtomicUsize::new(usize::MAX), kms: false }
    }

    fn keys(&self) -> Vec<String> {
        self.objects.lock().unwrap().keys().cloned().collect()
    }

    fn take_puts(&self) -> Vec<String> {
        std::mem::take(&mut *self.puts.lock().unwrap())
    }

    fn insert(&self, key: &str, bytes: &[u8]) {
        self.objects.lock().unwrap().insert(key.to_owned(), bytes.to_vec());
    }
}

impl Store for Memory {
    /// Pages of two, so that there are several.
    async fn page(&self, start: &str, next: Option<String>) -> Result<Page, AwsError> {
        let objects = self.objects.lock().unwrap();
        let salt: &[u8] = if self.kms { b"key" } else { b"" };
        let behind = |key: &str| next.as_deref().is_none_or(|next| key > next);
        let etag = |bytes: &[u8]| Md5::digest([bytes, salt].concat()).iter().map(|byte| format!("{byte:02x}")).collect();
        let found: Vec<Object> = objects
            .iter()
            .filter(|(key, _)| key.starts_with(start) && behind(key))
            .map(|(key, bytes)| Object { key: key.clone(), size: bytes.len() as u64, etag: etag(bytes) })
            .take(2)
            .collect();
        let next = found.get(1).map(|object| object.key.clone());
        Ok(Page { objects: found, next })
    }

    async fn put(&self, key: &str, content_type: &str, bytes: Vec<u8>) -> Result<(), AwsError> {
        tokio::task::yield_now().await;
        assert_eq!(key.ends_with(".png"), content_type == "image/png");
        if self.fails_after.fetch_sub(1, Ordering::Relaxed) == 0 {
            return Err(AwsError::local("the network is gone"));
        }
        self.puts.lock().unwrap().push(key.to_owned());
        self.insert(key, &bytes);
        Ok(())
    }

    async fn delete(&self, keys: &[String]) -> Result<(), AwsError> {
        keys.iter().for_each(|key| drop(self.objects.lock().unwrap().remove(key)));
        Ok(())
    }

    fn place(&self) -> String {
        "memory".into()
    }
}

fn run(store: &Memory, inventory: &Arc<Inventory>, prune: bool) -> Result<Report, StagingError> {
    wait(upload(store, inventory, b"{}".to_vec(), Options { prune, progress: &|_, _| {} }))
}

#[test]
fn lists_come_last_and_nothing_is_put_twice() {
    let project = Project::new();
    let (store, inventory) = (Memory::new(), project.read().unwrap());
    let calls = Mutex::new(vec![]);
    let progress = |done, total| calls.lock().unwrap().push((done, total));
    let options = Options { prune: false, progress: &progress };
    let report = wait(upload(&store, &inventory, b"{}".to_vec(), options)).unwrap();
    assert_eq!((report.uploaded, report.unchanged, report.stale.len()), (10, 0, 0));
    assert_eq!(report.bytes, store.objects.lock().unwrap().values().map(|bytes| bytes.len() as u64).sum::<u64>());
    assert!(report.pictures_per_second > 0.0);
    assert_eq!(calls.into_inner().unwrap(), (1..=10).map(|done| (done, 10)).collect::<Vec<_>>());
    let puts = store.take_puts();
    assert_eq!(puts[6..], ["train.lst", "test.lst", "baseline.json", "dataset.json"]);
    assert!(puts[..6].iter().all(|key| key.ends_with(".png")));
    let list = store.objects.lock().unwrap()["train.lst"].clone();
    let expected = "0\t0\tbike_s_1.png\n1\t0\tbike_s_2.png\n2\t1\tmoto_s_1.png\n3\t1\tmoto_s_2.png\n";
    assert_eq!(String::from_utf8(list).unwrap(), expected);

    let dataset: serde_json::Value = serde_json::from_slice(&store.objects.lock().unwrap()["dataset.json"]).unwrap();
    assert_eq!((&dataset["train"], &dataset["test"], &dataset["size"]), (&json!(4), &json!(2), &json!(32)));

    let report = run(&store, &inventory, false).unwrap();
    assert_eq!(report, Report { unchanged: 10, ..Report::default() });
    assert!(store.take_puts().is_empty());
}

#[test]
fn an_interrupted_upload_names_no_missing_picture_and_is_resumed() {
    let project = Project::new();
    let inventory = project.read().unwrap();
    for successes in 0..10 {
        let store = Memory::new();
        store.fails_after.store(successes, Ordering::Relaxed);
        assert!(run(&store, &inventory, true).unwrap_err().to_string().contains("network is gone"));
        let keys = store.keys();
        if keys.iter().any(|key| key.ends_with(".lst") || key.ends_with(".json")) {
            assert_eq!(keys.iter().filter(|key| key.ends_with(".png")).count(), 6, "after {successes}");
        }
        store.fails_after.store(usize::MAX, Ordering::Relaxed);
        let report = run(&store, &inventory, false).unwrap();
        assert_eq!(report.unchanged, keys.len());
        assert_eq!(report.uploaded, 10 - keys.len());
        assert_eq!(store.keys().len(), 10);
    }
}

#[test]
fn what_differs_is_put_again() {
    let project = Project::new();
    let (store, inventory) = (Memory::new(), project.read().unwrap());
    run(&store, &inventory, false).unwrap();
    store.take_puts();
    let size = store.objects.lock().unwrap()["train/bike_s_1.png"].len();
    store.insert("train/bike_s_1.png", &vec![0; size]);
    store.insert("train/bike_s_2.png", b"");
    store.insert("test.lst", b"");
    assert_eq!(run(&store, &inventory, false).unwrap().uploaded, 3);
    let mut puts = store.take_puts();
    assert_eq!(puts.pop().unwrap(), "test.lst");
    puts.sort();
    assert_eq!(puts, ["train/bike_s_1.png", "train/bike_s_2.png"]);
}

#[test]
fn stale_pictures_are_told_and_only_deleted_on_demand() {
    let project = Project::new();
    let (store, inventory) = (Memory::new(), project.read().unwrap());
    let stale = ["test/old.png", "train/old.png", "train/sub/old.png"];
    let others = ["other.txt", "models/model.tar.gz", "train/", "training/a.png", "train.old"];
    stale.iter().chain(&others).for_each(|key| store.insert(key, b"x"));
    assert_eq!(run(&store, &inventory, false).unwrap().stale, stale);
    assert_eq!(store.keys().len(), 10 + stale.len() + others.len());
    assert_eq!(run(&store, &inventory, true).unwrap().stale, stale);
    let keys = store.keys();
    assert!(others.iter().all(|key| keys.contains(&(*key).to_owned())) && keys.len() == 10 + others.len(), "{keys:?}");
    assert!(run(&store, &inventory, true).unwrap().stale.is_empty());
}

#[test]
fn under_a_kms_key_all_is_put_again() {
    let project = Project::new();
    let (mut store, inventory) = (Memory::new(), project.read().unwrap());
    store.kms = true;
    run(&store, &inventory, false).unwrap();
    assert_eq!(run(&store, &inventory, false).unwrap().uploaded, 10);
}

#[test]
fn another_archive_under_the_same_path_is_found() {
    let project = Project::new();
    let inventory = project.read().unwrap();
    let mut members = members();
    let last = members[1].1.len() - 10;
    members[1].1[last] ^= 1;
    fs::write(project.path(), gzip(&tar(&members))).unwrap();
    let store = Memory::new();
    let error = run(&store, &inventory, false).unwrap_err();
    assert!(matches!(error, StagingError::Changed(_)), "{error}");
    assert!(!store.keys().contains(&"train.lst".to_owned()));
}

#[test]
fn many_copies_go_through_a_small_channel() {
    let mut project = Project::new();
    project.spec["augment"] = json!({ "copies": 16, "shift": 2 });
    let (store, inventory) = (Memory::new(), project.read().unwrap());
    assert_eq!(run(&store, &inventory, false).unwrap().uploaded, 4 * 17 + 2 + 4);
    let failing = Memory::new();
    failing.fails_after.store(20, Ordering::Relaxed);
    assert!(run(&failing, &inventory, false).is_err(), "and does not hang");
}
