//! All that staging makes of an archive: names, sizes and digests, but no pixels.

use std::path::Path;
use std::time::{Duration, Instant};

use md5::{Digest as _, Md5};

use super::archive::Part;
use super::file::{ArchiveFile, hex};
use super::picture::Change;
use super::selection::{Picked, Selection};
use super::spec::Staging;
use super::{Progress, Rgb, StagingError};

/// A picture that is staged as it is in the archive, resampled and normalised: not one of its copies.
#[derive(Debug)]
pub struct Original<'a> {
    /// Its pixels.
    pub picture: &'a Rgb,
    /// Its class: the place in `classes:`, from 0.
    pub class: usize,
    /// The size of its PNG file.
    pub bytes: usize,
}

/// A file that staging makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Staged {
    /// Its key below the prefix, such as `train/bike_s_000658.png`.
    pub key: String,
    /// Its class: the place in `classes:`, from 0.
    pub class: usize,
    /// Its size in bytes.
    pub size: u64,
    /// Its MD5, which is also the ETag that S3 gives it.
    pub md5: [u8; 16],
}

/// What staging makes of an archive.
#[derive(Debug)]
pub struct Inventory {
    archive: ArchiveFile,
    spec: Staging,
    selection: Selection,
    /// By key.
    files: Vec<Staged>,
    took: Duration,
}

/// Decodes an archive, and makes each picture once to learn its size and digest. Blocks: call it beside the tasks that wait.
///
/// `summary` sees each training picture, but none of its copies; `progress` counts pictures. Memory holds names and
/// digests, no pixels.
///
/// # Errors
/// Whatever is wrong with the archive, or does not fit what is declared.
pub fn read(
    archive: ArchiveFile,
    spec: &Staging,
    summary: &mut dyn FnMut(&Original<'_>),
    progress: Progress<'_>,
) -> Result<Inventory, StagingError> {
    let started = Instant::now();
    let selection = Selection::read(archive.path(), spec)?;
    let total = Part::ALL.map(|part| selection.part(part).len() as u64).iter().sum();
    let (mut files, mut done) = (vec![], 0);
    selection.pictures(archive.path(), &mut |part, picked, picture| {
        for version in versions(spec, part, picked, picture) {
            let png = version.encode()?;
            if part == Part::Train && version.copy == 0 {
                summary(&Original { picture: &version.picture, class: picked.class, bytes: png.len() });
            }
            files.push(Staged { key: version.key, class: picked.class, size: png.len() as u64, md5: Md5::digest(&png).into() });
        }
        done += 1;
        progress(done, total);
        Ok(())
    })?;
    files.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    if let Some([twice, _]) = files.array_windows::<2>().find(|[a, b]| a.key == b.key) {
        return Err(StagingError::Twice { path: archive.path().to_owned(), name: twice.key.clone() });
    }
    Ok(Inventory { archive, spec: spec.clone(), selection, files, took: started.elapsed() })
}

impl Inventory {
    /// Returns the archive's path.
    pub fn archive(&self) -> &Path {
        self.archive.path()
    }

    /// Returns all pictures, by key.
    pub fn files(&self) -> &[Staged] {
        &self.files
    }

    /// Returns a part's pictures, by file name.
    pub fn part(&self, part: Part) -> impl Iterator<Item = &Staged> {
        self.files.iter().filter(move |file| file.key.split('/').next() == Some(part.name()))
    }

    /// Returns how many training pictures each class has, without copies, in the order of `classes:`.
    pub fn originals(&self) -> Vec<usize> {
        let train = self.selection.part(Part::Train);
        (0..self.spec.classes.len()).map(|class| train.iter().filter(|picked| picked.class == class).count()).collect()
    }

    /// Returns how long reading took.
    pub fn took(&self) -> Duration {
        self.took
    }

    /// Returns `train.lst` or `test.lst` as SageMaker's image classification reads it: row, class index and file name,
    /// separated by tabs, sorted by file name, without a header.
    ///
    /// Source: <https://docs.aws.amazon.com/sagemaker/latest/dg/image-classification.html>.
    pub fn list(&self, part: Part) -> String {
        let line = |(row, file): (usize, &Staged)| {
            let name = file.key.split_once('/').map_or(file.key.as_str(), |(_, name)| name);
            format!("{row}\t{}\t{name}\n", file.class)
        };
        self.part(part).enumerate().map(line).collect()
    }

    /// Returns `dataset.json`: what a training workflow must know of the pictures, their numbers above all.
    pub fn dataset(&self) -> String {
        let dataset = serde_json::json!({
            "format": 1,
            "classes": self.spec.classes.keys().collect::<Vec<_>>(),
            "size": self.spec.size.get(),
            "train": self.part(Part::Train).count(),
            "test": self.part(Part::Test).count(),
        });
        format!("{dataset:#}\n")
    }

    /// Finds a picture by its key.
    pub(super) fn find(&self, key: &str) -> Option<&Staged> {
        let index = self.files.binary_search_by(|file| file.key.as_str().cmp(key)).ok()?;
        self.files.get(index)
    }

    /// Makes the wanted pictures once more, to upload them.
    ///
    /// # Errors
    /// An archive that changed since it was read; or what `take` fails with.
    pub(super) fn render(
        &self,
        wanted: impl Fn(&str) -> bool,
        mut take: impl FnMut(&Staged, Vec<u8>) -> Result<(), StagingError>,
    ) -> Result<(), StagingError> {
        let changed = || StagingError::Changed(self.archive().to_owned());
        self.selection.pictures(self.archive(), &mut |part, picked, picture| {
            for version in versions(&self.spec, part, picked, picture).filter(|version| wanted(&version.key)) {
                let png = version.encode()?;
                let file = self.find(&version.key).ok_or_else(changed)?;
                if file.md5[..] != Md5::digest(&png)[..] {
                    return Err(changed());
                }
                take(file, png)?;
            }
            Ok(())
        })
    }
}

impl Staged {
    /// Returns the ETag that S3 gives this content, unless a KMS key encrypts it.
    pub fn etag(&self) -> String {
        hex(&self.md5)
    }
}

/// A picture or one of its copies.
struct Version {
    key: String,
    /// 0 is the picture itself.
    copy: u32,
    picture: Rgb,
}

impl Version {
    fn encode(&self) -> Result<Vec<u8>, StagingError> {
        self.picture.to_png().map_err(|source| StagingError::Png { name: self.key.clone(), source })
    }
}

/// Makes a picture and its copies, which training pictures alone have.
fn versions(spec: &Staging, part: Part, picked: &Picked, picture: Rgb) -> impl Iterator<Item = Version> {
    let picture = picture.prepared(spec);
    let augment = spec.augment.filter(|_| part == Part::Train);
    let stem = picked.name.trim_end_matches(".png");
    let key = move |name: &str| format!("{}/{name}", part.name());
    (0..=augment.map_or(0, |augment| augment.copies.get())).map(move |copy| match &augment {
        Some(augment) if copy > 0 => {
            let picture = Change::draw(augment, &picked.name, copy).apply(&picture);
            Version { key: key(&format!("{stem}_aug{copy}.png")), copy, picture }
        }
        _ => Version { key: key(&picked.name), copy, picture: picture.clone() },
    })
}
