//! A line about a state, and how it looks.

use std::time::Duration;

use anstyle::Style;

use crate::report::plain::{one_line, shortened};
use crate::report::style::{ADDED, CHANGED, FAINT, REMOVED, paint};

/// What a line tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// The state, or the execution, came to its end.
    Done,
    /// It failed, and nothing caught that.
    Failed,
    /// It failed, and a Catch went on elsewhere.
    Caught,
    /// It failed and is tried again.
    Retried,
    /// It was ended because something else failed, or from outside.
    Aborted,
    /// It holds states of its own, which follow.
    Opened,
    /// It is under way.
    Running,
}

/// A line about a state; [`Line::text`] renders it.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// How many states it lies in.
    pub depth: usize,
    /// What it tells.
    pub mark: Mark,
    /// The state's name.
    pub subject: String,
    /// How long the state took, or takes so far; none for what takes no time.
    pub elapsed: Option<Duration>,
    /// What else there is to say; may be empty.
    pub note: String,
}

/// Deeper lines are not indented further.
const DEEPEST: usize = 8;
/// The longest name of a state is 80 characters.
const LONGEST_NAME: usize = 80;

impl Line {
    /// Renders the line in `width` characters; what is too long loses its end.
    pub fn text(&self, width: usize) -> String {
        let (sign, style) = self.sign();
        let indent = "  ".repeat(self.depth.min(DEEPEST) + 1);
        let subject = shortened(&self.subject, LONGEST_NAME);
        let time = self.elapsed.map(|time| format!(" {}", duration(time))).unwrap_or_default();
        let used = indent.chars().count() + 2 + subject.chars().count() + time.chars().count();
        let note = match (self.note.is_empty(), width.saturating_sub(used + 2)) {
            (true, _) | (_, 0..4) => String::new(),
            (false, room) => format!("  {}", paint(note_style(self.mark), shortened(&one_line(&self.note), room))),
        };
        format!("{indent}{} {subject}{}{note}", paint(style, sign), paint(FAINT, time))
    }

    fn sign(&self) -> (&'static str, Style) {
        match self.mark {
            Mark::Done => ("✓", ADDED),
            Mark::Failed => ("✗", REMOVED),
            Mark::Caught => ("!", CHANGED),
            Mark::Retried => ("↻", CHANGED),
            Mark::Aborted => ("-", FAINT),
            Mark::Opened => ("▸", FAINT),
            Mark::Running => ("…", CHANGED),
        }
    }
}

fn note_style(mark: Mark) -> Style {
    match mark {
        Mark::Failed => REMOVED,
        Mark::Caught | Mark::Retried => CHANGED,
        _ => FAINT,
    }
}

/// A duration with as many digits as are of use.
fn duration(time: Duration) -> String {
    let (seconds, whole) = (time.as_secs_f64(), time.as_secs());
    match whole {
        0..10 => format!("{seconds:.2} s"),
        10..60 => format!("{seconds:.1} s"),
        60..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(note: &str, elapsed: Option<Duration>) -> Line {
        Line { depth: 1, mark: Mark::Failed, subject: "Train".into(), elapsed, note: note.into() }
    }

    fn plain(line: &Line, width: usize) -> String {
        anstream::adapter::strip_str(&line.text(width)).to_string()
    }

    #[test]
    fn fits_the_width_without_line_breaks() {
        let long = line("States.Timeout:\n\u{1b}[2Ja cause without end, that goes on and on", Some(Duration::from_millis(1234)));
        assert_eq!(plain(&long, 40), "    ✗ Train 1.23 s  States.Timeout: �[2…");
        assert_eq!(plain(&line("gone", None), 14), "    ✗ Train");
        assert_eq!(plain(&line("", None), 80), "    ✗ Train");
    }

    #[test]
    fn durations_are_short() {
        let shown = [0.213, 9.999, 12.34, 65.0, 3599.9, 3725.0].map(|seconds| duration(Duration::from_secs_f64(seconds)));
        assert_eq!(shown, ["0.21 s", "10.00 s", "12.3 s", "1 min 05 s", "59 min 59 s", "1 h 02 min"]);
    }
}
