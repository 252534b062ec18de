//! Shows steps as they run: a line each with a clock on a terminal, plain lines elsewhere.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write as _};
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::plan::sign;
use super::style::{ADDED, FAINT, REMOVED, paint};
use crate::address::Address;
use crate::apply::Progress;
use crate::plan::Step;

/// Writes to standard error, so that standard output holds results alone.
pub struct Lines {
    bars: Option<MultiProgress>,
    running: Mutex<BTreeMap<Address, (ProgressBar, String)>>,
}

impl Lines {
    pub fn new() -> Self {
        let bars = std::io::stderr().is_terminal().then(MultiProgress::new);
        Self { bars, running: Mutex::default() }
    }

    fn print(&self, line: &str) {
        match &self.bars {
            Some(bars) => bars.suspend(|| drop(writeln!(anstream::stderr(), "{line}"))),
            None => drop(writeln!(anstream::stderr(), "{line}")),
        }
    }

    fn running(&self) -> std::sync::MutexGuard<'_, BTreeMap<Address, (ProgressBar, String)>> {
        self.running.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Default for Lines {
    fn default() -> Self {
        Self::new()
    }
}

impl Progress for Lines {
    fn note(&self, text: &str) {
        self.print(&paint(FAINT, text));
    }

    fn started(&self, step: &Step) {
        let (_, word) = sign(step.action);
        let bar = match &self.bars {
            Some(bars) => {
                let bar = bars.add(ProgressBar::new_spinner());
                // A template of our own always parses; without it the default style still shows the message.
                if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed:>4} {wide_msg}") {
                    bar.set_style(style);
                }
                bar.enable_steady_tick(Duration::from_millis(120));
                bar
            }
            None => ProgressBar::hidden(),
        };
        bar.set_message(format!("{word} {}", step.address));
        self.running().insert(step.address.clone(), (bar, String::new()));
    }

    fn waiting(&self, address: &Address, what: &str) {
        let mut running = self.running();
        let Some((bar, last)) = running.get_mut(address) else { return };
        if last == what {
            return;
        }
        *last = what.to_owned();
        bar.set_message(format!("{address}: waiting for {what}"));
        drop(running);
        if self.bars.is_none() {
            self.print(&paint(FAINT, format!("  {address}: waiting for {what}")));
        }
    }

    fn finished(&self, step: &Step, took: Duration, failure: Option<&str>) {
        if let Some((bar, _)) = self.running().remove(&step.address) {
            bar.finish_and_clear();
        }
        let (_, word) = sign(step.action);
        let time = paint(FAINT, format!("{:.1} s", took.as_secs_f64()));
        match failure {
            None => self.print(&format!("{} {word} {} {time}", paint(ADDED, "✓"), step.address)),
            Some(_) => self.print(&format!("{} {word} {} {time}", paint(REMOVED, "✗"), step.address)),
        }
    }
}
