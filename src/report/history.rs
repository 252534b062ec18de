//! Records of applies, as text.

use std::fmt::Write as _;

use super::style::{ADDED, CHANGED, FAINT, REMOVED, STRONG, paint};
use crate::history::{Ending, Record};
use crate::plan::{Mode, Summary};

/// A line for each, and under it what failed.
pub fn text(records: &[Record]) -> String {
    let mut out = String::new();
    for record in records {
        let _ = writeln!(out, "{}", line(record));
        for failed in &record.failed {
            let _ = writeln!(out, "{:10}{}", "", paint(FAINT, failed));
        }
    }
    out.trim_end().to_owned()
}

/// One record: what it is called, when it began, how it ended, what it changed, of which commit and by whom.
pub fn line(record: &Record) -> String {
    let when = record.began.get(..16).unwrap_or(&record.began).replace('T', " ");
    let (style, word) = match record.ending {
        Ending::Done => (ADDED, "done"),
        Ending::Blocked => (CHANGED, "blocked"),
        Ending::Unfinished => (CHANGED, "unfinished"),
        Ending::Interrupted => (CHANGED, "interrupted"),
        Ending::Failed => (REMOVED, "failed"),
        Ending::Unverified => (REMOVED, "unverified"),
    };
    let restores = record.restores.as_ref().map(|id| format!("back to {}  ", id.rsplit('-').next().unwrap_or(id)));
    let commit = record.author.commit.as_ref().map(|commit| format!("{}  ", commit.get(..7).unwrap_or(commit)));
    format!(
        "{}  {when}  {}  {:<10}  {}{}{}",
        paint(STRONG, record.short()),
        paint(style, format!("{word:<11}")),
        changes(record.mode, &record.summary),
        restores.unwrap_or_default(),
        commit.unwrap_or_default(),
        paint(FAINT, record.author.text()),
    )
}

/// How many were made, changed and deleted: `+2 ~1 -0`.
fn changes(mode: Mode, summary: &Summary) -> String {
    let word = if mode == Mode::Destroy { "destroy " } else { "" };
    format!("{word}+{} ~{} -{}", summary.create, summary.update + summary.replace, summary.delete)
}
