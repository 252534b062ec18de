//! Which pictures of an archive are staged, and under which names.

use std::collections::HashSet;
use std::path::Path;

use super::archive::{self, Content, Member, Part};
use super::batch::{self, Batch};
use super::pickle::Row;
use super::spec::Staging;
use super::{Rgb, StagingError};

/// The longest file name that is taken, in bytes.
const LONGEST_NAME: usize = 100;

/// A picture to stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picked {
    /// Its row in its batch, from 0.
    pub row: usize,
    /// Its class: the place in `classes:`, from 0.
    pub class: usize,
    /// Its file name.
    pub name: String,
}

/// The pictures to stage, each part's by row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    train: Vec<Picked>,
    test: Vec<Picked>,
}

impl Selection {
    /// Reads the structure of an archive, and selects the declared classes. No pixel is kept.
    ///
    /// # Errors
    /// What is no archive of CIFAR-100, or does not fit the declared classes; names that can't be staged.
    pub fn read(path: &Path, spec: &Staging) -> Result<Self, StagingError> {
        let mut batches: [Batch; 2] = Default::default();
        let mut names = vec![];
        archive::walk(path, &mut |member, content| {
            let (heap, value) = content.read(&mut |_, _| Ok(()))?;
            let lacks = Content::lacks(path, member);
            match member {
                Member::Batch(Part::Train) => batches[0] = Batch::new(&heap, value).map_err(lacks)?,
                Member::Batch(Part::Test) => batches[1] = Batch::new(&heap, value).map_err(lacks)?,
                Member::Meta => names = batch::class_names(&heap, value).map_err(lacks)?,
            }
            Ok(())
        })?;
        check_names(path, spec, &names)?;
        let [train, test] = &batches;
        Ok(Self { train: pick(path, spec, Part::Train, train)?, test: pick(path, spec, Part::Test, test)? })
    }

    /// Returns the pictures of a part, by row.
    pub fn part(&self, part: Part) -> &[Picked] {
        match part {
            Part::Train => &self.train,
            Part::Test => &self.test,
        }
    }

    /// Streams the selected pictures out of the archive.
    ///
    /// # Errors
    /// An archive that is no longer the one selected from; or what `take` fails with.
    pub fn pictures(
        &self,
        path: &Path,
        take: &mut dyn FnMut(Part, &Picked, Rgb) -> Result<(), StagingError>,
    ) -> Result<(), StagingError> {
        archive::walk(path, &mut |member, content| {
            let Member::Batch(part) = member else { return Ok(()) };
            let mut picked = self.part(part).iter().peekable();
            content.read(&mut |index: usize, row: &Row| match picked.next_if(|one| one.row == index) {
                Some(one) => take(part, one, Rgb::from_planes(row)),
                None => Ok(()),
            })?;
            match picked.next() {
                Some(_) => Err(StagingError::Changed(path.to_owned())),
                None => Ok(()),
            }
        })
    }
}

/// Refuses a class under another label than the archive has it. A class may have a name of its own.
fn check_names(path: &Path, spec: &Staging, names: &[Box<[u8]>]) -> Result<(), StagingError> {
    for (class, label) in &spec.classes {
        let official = names.iter().position(|name| **name == *class.as_bytes());
        if let Some(official) = official.filter(|official| *official != label.get() as usize) {
            let reason = format!("`{class}` has the label {official} in it, not {label}: correct the number");
            return Err(StagingError::Classes { path: path.to_owned(), reason });
        }
    }
    Ok(())
}

fn pick(path: &Path, spec: &Staging, part: Part, batch: &Batch) -> Result<Vec<Picked>, StagingError> {
    let mut picked = vec![];
    let mut taken = HashSet::new();
    for (row, (label, name)) in batch.labels.iter().zip(&batch.names).enumerate() {
        let Some(class) = spec.classes.values().position(|wanted| wanted.get() == u32::from(*label)) else { continue };
        let name = file_name(name).ok_or_else(|| StagingError::Name {
            path: path.to_owned(),
            member: part.name(),
            row,
            name: shown(name),
        })?;
        let name = if taken.contains(name) { numbered(name, row) } else { name.to_owned() };
        if !taken.insert(name.clone()) {
            return Err(StagingError::Twice { path: path.to_owned(), name });
        }
        picked.push(Picked { row, class, name });
    }
    for (class, (name, label)) in spec.classes.iter().enumerate() {
        if !picked.iter().any(|one| one.class == class) {
            let reason = format!("its `{}` has no picture of `{name}` (label {label}): correct the number", part.name());
            return Err(StagingError::Classes { path: path.to_owned(), reason });
        }
    }
    Ok(picked)
}

/// A name from the archive, if it can be a key and a column of a list: it may hold anything.
fn file_name(name: &[u8]) -> Option<&str> {
    let name = str::from_utf8(name).ok()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    let fits = name.len() <= LONGEST_NAME && name.bytes().all(plain) && !name.starts_with('.');
    (fits && name.len() > ".png".len() && name.ends_with(".png")).then_some(name)
}

/// The name of a further picture by the same name, by its row.
fn numbered(name: &str, row: usize) -> String {
    format!("{}_row{row}.png", name.trim_end_matches(".png"))
}

/// The start of a name, with all that a terminal would not show escaped.
fn shown(name: &[u8]) -> String {
    let start = name.get(..LONGEST_NAME).unwrap_or(name);
    let more = if start.len() < name.len() { "…" } else { "" };
    format!("\"{}{more}\"", start.escape_ascii())
}
