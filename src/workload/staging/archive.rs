//! The gzip-compressed tar file around the pickles, read from front to back.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use tar::EntryType;

use super::StagingError;
use super::pickle::{self, Heap, PickleError, Rows, Value};

/// Bytes that an archive may unpack to. CIFAR-100 unpacks to 187 MB.
pub const MAX_UNPACKED: u64 = 1 << 30;

/// Files that an archive may have. CIFAR-100 has four and a folder.
pub const MAX_MEMBERS: usize = 1000;

/// The folder that all of it lies in.
const FOLDER: &str = "cifar-100-python/";

/// A part of the data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// What a model learns from.
    Train,
    /// What it is measured by.
    Test,
}

impl Part {
    /// Returns both, in the order of their lists.
    pub const ALL: [Self; 2] = [Self::Train, Self::Test];

    /// Returns its name, in the archive and in keys.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Test => "test",
        }
    }
}

/// A pickle in the archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Member {
    Batch(Part),
    Meta,
}

impl Member {
    const ALL: [Self; 3] = [Self::Batch(Part::Train), Self::Batch(Part::Test), Self::Meta];

    pub fn name(self) -> &'static str {
        match self {
            Self::Batch(part) => part.name(),
            Self::Meta => "meta",
        }
    }

    /// Finds a member by its path in the archive. The path is only compared: nothing is written by it.
    fn named(path: &[u8]) -> Option<Self> {
        let path = path.strip_prefix(b"./").unwrap_or(path);
        let name = path.strip_prefix(FOLDER.as_bytes())?;
        Self::ALL.into_iter().find(|member| member.name().as_bytes() == name)
    }
}

/// What a member holds, with its name for errors.
pub struct Content<'a> {
    path: &'a Path,
    member: Member,
    input: &'a mut dyn BufRead,
}

impl Content<'_> {
    /// Reads the member's pickle and hands out its pixels.
    ///
    /// # Errors
    /// A refused pickle, with its place; or what `rows` fails with.
    pub fn read(self, rows: Rows<'_>) -> Result<(Heap, Value), StagingError> {
        let Self { path, member, input } = self;
        pickle::read(input, rows).map_err(|(offset, source)| match source {
            PickleError::Rows(error) => *error,
            source => StagingError::Pickle { path: path.to_owned(), member: member.name(), offset, source },
        })
    }

    /// Says what a pickle lacks that could be read.
    pub fn lacks(path: &Path, member: Member) -> impl FnOnce(PickleError) -> StagingError {
        move |source| StagingError::Pickle { path: path.to_owned(), member: member.name(), offset: 0, source }
    }
}

/// Goes through an archive, from its first byte to its last, so that its check sums are checked too.
///
/// # Errors
/// What is truncated, damaged or too large, lacks a member or has it twice; or what `visit` fails with.
pub fn walk(path: &Path, visit: &mut Visit<'_>) -> Result<(), StagingError> {
    walk_up_to(MAX_UNPACKED, path, visit)
}

/// What sees each member.
pub type Visit<'a> = dyn FnMut(Member, Content<'_>) -> Result<(), StagingError> + 'a;

fn walk_up_to(limit: u64, path: &Path, visit: &mut Visit<'_>) -> Result<(), StagingError> {
    let file = File::open(path).map_err(StagingError::io("open", path))?;
    let broken = |error: io::Error| StagingError::archive(path, unpacking(&error));
    let unpacked = Bounded { reader: MultiGzDecoder::new(BufReader::with_capacity(1 << 16, file)), limit, left: limit };
    let mut archive = tar::Archive::new(unpacked);
    let mut seen = vec![];
    // Raw: long names and other extensions would be read into memory whole. No member needs one.
    for (count, entry) in archive.entries().map_err(broken)?.raw(true).enumerate() {
        if count == MAX_MEMBERS {
            return Err(StagingError::archive(path, format!("it has more than {MAX_MEMBERS} files")));
        }
        let entry = entry.map_err(broken)?;
        let Some(member) = Member::named(&entry.path_bytes()) else { continue };
        let name = member.name();
        if !matches!(entry.header().entry_type(), EntryType::Regular) {
            return Err(StagingError::archive(path, format!("`{FOLDER}{name}` in it is no plain file")));
        }
        if seen.contains(&member) {
            return Err(StagingError::archive(path, format!("`{FOLDER}{name}` is in it twice")));
        }
        seen.push(member);
        let mut input = BufReader::with_capacity(1 << 16, entry);
        visit(member, Content { path, member, input: &mut input })?;
    }
    if let Some(missing) = Member::ALL.into_iter().find(|member| !seen.contains(member)) {
        return Err(StagingError::archive(path, format!("it has no `{FOLDER}{}`", missing.name())));
    }
    // Behind the last file is only padding, but also gzip's check sum.
    io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(broken)?;
    Ok(())
}

/// Says what is wrong with a stream, in terms of the archive.
fn unpacking(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "it is truncated".to_owned(),
        _ => format!("it can't be unpacked: {error}"),
    }
}

/// A reader that fails, rather than ends, where a decompression bomb would go on.
struct Bounded<R> {
    reader: R,
    limit: u64,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.left = self.left.checked_sub(count as u64).ok_or_else(|| {
            io::Error::new(io::ErrorKind::FileTooLarge, format!("it unpacks to more than {} bytes", self.limit))
        })?;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Project, gzip, members, tar};
    use super::*;

    #[test]
    fn what_unpacks_to_more_than_the_limit_is_refused() {
        let size = tar(&members()).len() as u64;
        let project = Project::new();
        let walk = |limit| walk_up_to(limit, &project.path(), &mut |_, _| Ok(()));
        assert!(walk(size).is_ok());
        let refusal = walk(size - 1).unwrap_err().to_string();
        assert!(refusal.contains(&format!("unpacks to more than {} bytes", size - 1)), "{refusal}");
    }

    /// Long names are entries of their own in a tar file, and could be as long as the archive.
    #[test]
    fn long_names_are_skipped_and_never_read() {
        let mut header = ::tar::Header::new_gnu();
        header.set_entry_type(EntryType::GNULongName);
        header.set_size(4096);
        header.set_cksum();
        let name = [&b"cifar-100-python/train"[..], &[0; 4074]].concat();
        let long = [header.as_bytes().as_slice(), &name, &tar(&members())].concat();
        assert!(Project::with(&gzip(&long)).read().is_ok());
        header.set_size(MAX_UNPACKED);
        header.set_cksum();
        assert!(Project::with(&gzip(&[header.as_bytes().as_slice(), &name].concat())).refusal().contains("can't be used"));
    }
}
