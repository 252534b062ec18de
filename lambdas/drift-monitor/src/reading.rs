//! Reads the captured records of a window, in bounded memory and time.

use std::cell::Cell;
use std::ops::ControlFlow;
use std::time::Instant;

use futures::{StreamExt, stream};

use crate::baseline::Baseline;
use crate::capture::{MAX_LINE, Record, Unreadable};
use crate::event::Event;
use crate::failure::Failure;
use crate::handler::{Cloud, File};
use crate::lines::{Line, Lines};
use crate::picture::Picture;
use crate::report::{Coverage, Cut};
use crate::tally::Tally;

/// How many files are read at a time: most are small, and most of the time is spent waiting for S3.
const AT_ONCE: usize = 8;

/// What a reading may cost.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Files that are listed.
    pub files: usize,
    /// Records that are counted.
    pub records: u64,
    /// Bytes that are read of one file; what follows in it is left out.
    pub file_bytes: u64,
    /// Bytes that are read of all files.
    pub bytes: u64,
    /// When to stop.
    pub until: Option<Instant>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { files: 100_000, records: 200_000, file_bytes: 64 * 1024 * 1024, bytes: 8 * 1024 * 1024 * 1024, until: None }
    }
}

/// What is left of the limits, shared by the files that are read at once.
struct Budget {
    records: Cell<u64>,
    bytes: Cell<u64>,
    until: Option<Instant>,
    cut: Cell<Option<Cut>>,
}

impl Budget {
    fn of(limits: Limits) -> Self {
        let Limits { records, bytes, until, .. } = limits;
        Self { records: Cell::new(records), bytes: Cell::new(bytes), until, cut: Cell::new(None) }
    }

    /// Whether there is still `amount` left of one limit, and time.
    fn allows(&self, left: &Cell<u64>, amount: u64, limit: Cut) -> bool {
        let rest = left.get().checked_sub(amount);
        left.set(rest.unwrap_or(0));
        if rest.is_none() {
            self.cut.set(Some(limit));
        }
        rest.is_some() && self.has_time()
    }

    fn has_time(&self) -> bool {
        let is_over = self.until.is_some_and(|until| Instant::now() >= until);
        if is_over {
            self.cut.set(Some(Cut::Time));
        }
        !is_over
    }
}

/// Counts the records of the event's window.
pub async fn read(cloud: &impl Cloud, event: &Event, baseline: &Baseline, limits: Limits) -> Result<(Tally, Coverage), Failure> {
    let (files, all_listed) = files(cloud, event, limits.files).await?;
    let mut coverage = Coverage { files: files.len() as u64, ..Coverage::default() };
    let mut tally = baseline.tally();
    let budget = Budget::of(limits);
    let each = |file| one(cloud, file, Reader::new(event, baseline, &budget, limits.file_bytes));
    let mut outcomes = std::pin::pin!(stream::iter(files).map(each).buffer_unordered(AT_ONCE));
    while let Some(outcome) = outcomes.next().await {
        match outcome? {
            Outcome::Read(reader) => {
                coverage.files_read += u64::from(!reader.stopped);
                coverage.files_partly += u64::from(reader.stopped);
                coverage.unreadable += reader.unreadable;
                tally.merge(&reader.tally);
            }
            Outcome::Gone => coverage.files_gone += 1,
            Outcome::Skipped => {}
        }
    }
    coverage.cut = budget.cut.get().or((!all_listed).then_some(Cut::Files));
    Ok((tally, coverage))
}

/// All files that may hold records of the window, in an order that has nothing to do with their time: should a limit
/// end the reading, what was read is a sample of the whole window.
async fn files(cloud: &impl Cloud, event: &Event, most: usize) -> Result<(Vec<File>, bool), Failure> {
    let mut files: Vec<File> = vec![];
    let mut all_listed = true;
    for prefix in event.window.prefixes(&event.capture, &event.endpoint, &event.variant) {
        let left = most.saturating_sub(files.len());
        let listed = cloud.list(&prefix, left.saturating_add(1)).await?;
        all_listed &= listed.len() <= left;
        let may_be_in = |file: &File| {
            file.address.key.ends_with(".jsonl") && file.written.is_none_or(|written| event.window.may_be_in(written))
        };
        files.extend(listed.into_iter().filter(may_be_in).take(left));
    }
    files.sort_by_cached_key(|file| scatter(file.address.key.as_bytes()));
    Ok((files, all_listed))
}

/// FNV-1a, its bits mixed once more: the same key has the same place in each run.
fn scatter(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325, step);
    (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// What became of a file.
enum Outcome<'a> {
    /// It was read, at least in part.
    Read(Box<Reader<'a>>),
    /// It was deleted meanwhile.
    Gone,
    /// A limit had been reached before.
    Skipped,
}

async fn one<'a>(cloud: &impl Cloud, file: File, mut reader: Reader<'a>) -> Result<Outcome<'a>, Failure> {
    if reader.budget.cut.get().is_some() || !reader.budget.has_time() {
        return Ok(Outcome::Skipped);
    }
    let mut lines = Lines::new(MAX_LINE);
    if !cloud.read(&file.address, |chunk| reader.chunk(&mut lines, chunk)).await? {
        return Ok(Outcome::Gone);
    }
    lines.finish(|line| reader.line(line));
    Ok(Outcome::Read(Box::new(reader)))
}

/// Counts the lines of one file.
struct Reader<'a> {
    event: &'a Event,
    budget: &'a Budget,
    bytes_left: u64,
    tally: Tally,
    unreadable: u64,
    stopped: bool,
}

impl<'a> Reader<'a> {
    fn new(event: &'a Event, baseline: &Baseline, budget: &'a Budget, bytes_left: u64) -> Self {
        Self { event, budget, bytes_left, tally: baseline.tally(), unreadable: 0, stopped: false }
    }

    fn chunk(&mut self, lines: &mut Lines, chunk: &[u8]) -> ControlFlow<()> {
        let allowed = self.bytes_left.min(chunk.len() as u64);
        self.bytes_left -= allowed;
        lines.push(&chunk[..allowed as usize], |line| self.line(line));
        self.stopped |= allowed < chunk.len() as u64 || !self.budget.allows(&self.budget.bytes, allowed, Cut::Bytes);
        if self.stopped { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// Counts a line, if it is of the window. The rest of a line that a limit has cut is none.
    fn line(&mut self, line: Line) {
        if self.stopped {
            return;
        }
        match decoded(line, self.event) {
            Ok(None) => {}
            Ok(Some(_)) if !self.budget.allows(&self.budget.records, 1, Cut::Records) => self.stopped = true,
            Ok(Some((probabilities, picture))) => {
                self.tally.add(probabilities.as_deref(), picture.as_ref(), self.event.low_confidence);
            }
            Err(_) => self.unreadable += 1,
        }
    }
}

type Decoded = (Option<Vec<f64>>, Option<Picture>);

/// What a line holds; nothing if it is of another time.
fn decoded(line: Line, event: &Event) -> Result<Option<Decoded>, Unreadable> {
    let Line::Whole(line) = line else {
        return Err(Unreadable::Form);
    };
    let record = Record::read(line)?;
    if !event.window.contains(record.time) {
        return Ok(None);
    }
    let probabilities = record.probabilities(event.classes.len())?;
    let picture = record.input()?.map(|encoded| Picture::measure(&encoded));
    Ok(Some((probabilities, picture)))
}
