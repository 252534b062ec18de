//! Staging as a whole, on archives that are written here, opcode by opcode, or by numpy (`tests/fixtures/staging`).

mod archives;
mod downloads;
mod pictures;
mod uploads;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use super::pickle::ROW;
use super::{Archive, ArchiveFile, Inventory, Staging, StagingError, archive_file, read};

/// A text as Python 2 pickled it.
pub fn text(text: &[u8]) -> Vec<u8> {
    match u8::try_from(text.len()) {
        Ok(length) => [b"U", &[length][..], text].concat(),
        Err(_) => [b"T", &u32::try_from(text.len()).unwrap().to_le_bytes()[..], text].concat(),
    }
}

pub fn list(items: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
    [b"](".to_vec(), items.into_iter().flatten().collect(), b"e".to_vec()].concat()
}

pub fn dict(items: impl IntoIterator<Item = (&'static str, Vec<u8>)>) -> Vec<u8> {
    let items = items.into_iter().flat_map(|(key, value)| [text(key.as_bytes()), value].concat());
    [b"}(".to_vec(), items.collect(), b"u".to_vec()].concat()
}

pub fn pickle(value: &[u8]) -> Vec<u8> {
    [b"\x80\x02", value, b"."].concat()
}

fn number(number: usize) -> Vec<u8> {
    [b"J", &i32::try_from(number).unwrap().to_le_bytes()[..]].concat()
}

/// An array as numpy pickled it for Python 2, with a hole for each thing that can be wrong.
pub fn array_of(shape: (usize, usize), dtype: &str, fortran: bool, pixels: &[u8]) -> Vec<u8> {
    let dtype =
        [b"cnumpy\ndtype\n(", &text(dtype.as_bytes())[..], b"K\0K\x01tR(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb"];
    let flag: &[u8] = if fortran { b"\x88" } else { b"\x89" };
    [
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\0tU\x01btR(K\x01(",
        &number(shape.0)[..],
        &number(shape.1),
        b"t",
        &dtype.concat(),
        flag,
        &text(pixels),
        b"tb",
    ]
    .concat()
}

pub fn array(pixels: &[u8]) -> Vec<u8> {
    array_of((pixels.len() / ROW, ROW), "u1", false, pixels)
}

/// The pixels of a picture by its number; each byte value occurs.
pub fn pixels(number: usize) -> Vec<u8> {
    (0..ROW).map(|index| (index * 7 + number * 13) as u8).collect()
}

/// A picture's name and label.
pub type Entry<'a> = (&'a str, u8);

/// The parts of a batch, in CIFAR's order.
pub fn batch_parts(entries: &[Entry<'_>]) -> Vec<(&'static str, Vec<u8>)> {
    let data: Vec<u8> = (0..entries.len()).flat_map(pixels).collect();
    vec![
        ("filenames", list(entries.iter().map(|(name, _)| text(name.as_bytes())))),
        ("batch_label", text(b"training batch 1 of 1")),
        ("fine_labels", list(entries.iter().map(|(_, label)| vec![b'K', *label]))),
        ("coarse_labels", list(entries.iter().map(|_| vec![b'K', 18]))),
        ("data", array(&data)),
    ]
}

pub fn batch(entries: &[Entry<'_>]) -> Vec<u8> {
    pickle(&dict(batch_parts(entries)))
}

/// The pickle `meta`, with two names that matter.
pub fn meta() -> Vec<u8> {
    let name = |label| match label {
        8 => "bicycle".to_owned(),
        48 => "motorcycle".to_owned(),
        other => format!("class_{other}"),
    };
    pickle(&dict([("fine_label_names", list((0..100).map(|label| text(name(label).as_bytes()))))]))
}

pub const TRAIN: [Entry<'static>; 5] =
    [("moto_s_1.png", 48), ("bike_s_2.png", 8), ("apple's.png", 0), ("bike_s_1.png", 8), ("moto_s_2.png", 48)];
pub const TEST: [Entry<'static>; 3] = [("bike_s_9.png", 8), ("pear.png", 57), ("moto_s_9.png", 48)];

/// The members of a small archive, by their names below the folder.
pub fn members() -> Vec<(&'static str, Vec<u8>)> {
    vec![("file.txt~", b"notes".to_vec()), ("train", batch(&TRAIN)), ("test", batch(&TEST)), ("meta", meta())]
}

pub fn tar(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(vec![]);
    for (name, data) in members {
        let mut header = tar::Header::new_ustar();
        header.set_size(data.len() as u64);
        header.set_mode(0o644);
        // Set by hand: the builder refuses the names that a hostile archive has.
        let path = format!("cifar-100-python/{name}");
        header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
        header.set_cksum();
        tar.append(&header, data.as_slice()).unwrap();
    }
    tar.into_inner().unwrap()
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(vec![], Compression::fast());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

/// A folder with an archive, and what is declared of it.
pub struct Project {
    pub dir: TempDir,
    pub spec: Json,
}

impl Project {
    pub fn with(archive: &[u8]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("cifar.tar.gz"), archive).unwrap();
        let spec = json!({
            "archive": { "url": "cifar.tar.gz" },
            "classes": { "bicycle": 8, "motorcycle": 48 },
            "to": "s3://bucket/prefix",
        });
        Self { dir, spec }
    }

    pub fn new() -> Self {
        Self::with(&gzip(&tar(&members())))
    }

    /// One member replaced.
    pub fn replacing(name: &str, data: Vec<u8>) -> Self {
        let members = members().into_iter().map(|(old, kept)| if old == name { (old, data.clone()) } else { (old, kept) });
        Self::with(&gzip(&tar(&members.collect::<Vec<_>>())))
    }

    pub fn path(&self) -> PathBuf {
        self.dir.path().join("cifar.tar.gz")
    }

    pub fn spec(&self) -> Staging {
        serde_json::from_value(self.spec.clone()).unwrap()
    }

    pub fn read(&self) -> Result<Arc<Inventory>, StagingError> {
        let file = open(self.dir.path(), &self.spec().archive)?;
        read(file, &self.spec(), &mut |_| {}, &|_, _| {}).map(Arc::new)
    }

    pub fn refusal(&self) -> String {
        self.read().unwrap_err().to_string()
    }
}

pub fn open(dir: &Path, archive: &Archive) -> Result<ArchiveFile, StagingError> {
    wait(archive_file(archive, dir, &dir.join("cache"), &|_, _| {}))
}

pub fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap().block_on(future)
}
