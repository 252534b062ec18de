//! The time that is looked at, and where in S3 its records are.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::s3uri::S3Uri;

/// The longest window: a week.
pub const MAX_MINUTES: u32 = 7 * 24 * 60;

/// How far a record's own time may be from the hour in its file's path: SageMaker collects records into a file.
const COLLECTING: SignedDuration = SignedDuration::from_mins(15);

/// How far the clocks of S3 and of an endpoint's instance may differ.
const CLOCKS: SignedDuration = SignedDuration::from_mins(1);

/// From `start`, to before `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The first instant within.
    pub start: Timestamp,
    /// The first instant that is no longer within.
    pub end: Timestamp,
}

impl Window {
    /// The window of `minutes` before `end`; nothing if that is no time of the calendar.
    pub fn before(end: Timestamp, minutes: u32) -> Option<Self> {
        let start = end.checked_sub(SignedDuration::from_mins(minutes.into())).ok()?;
        (start < end).then_some(Self { start, end })
    }

    /// Whether a record of that time is looked at.
    pub fn contains(&self, time: Timestamp) -> bool {
        self.start <= time && time < self.end
    }

    /// Whether a file last written then can hold records of the window: none was written before what it records.
    pub fn may_be_in(&self, written: Timestamp) -> bool {
        written.checked_add(CLOCKS).is_ok_and(|latest| latest >= self.start)
    }

    /// Where SageMaker keeps the window's records: `<capture>/<endpoint>/<variant>/yyyy/mm/dd/hh/`, one address for
    /// each hour, and those of a neighbouring hour if the window begins or ends close to it.
    pub fn prefixes(&self, capture: &S3Uri, endpoint: &str, variant: &str) -> Vec<S3Uri> {
        let hour = |time: Timestamp| time.as_second().div_euclid(3600);
        let first = self.start.checked_sub(COLLECTING).map_or(hour(self.start), hour);
        let last = self.end.checked_add(COLLECTING).map_or(hour(self.end), hour);
        (first..=last)
            .filter_map(|hour| Timestamp::from_second(hour * 3600).ok())
            .map(|hour| capture.join(&format!("{endpoint}/{variant}/{}/", utc(hour, "%Y/%m/%d/%H"))))
            .collect()
    }

    /// Where the window's report belongs, below the monitor's reports: `yyyy/mm/dd/hhmm` of its end.
    pub fn report_path(&self) -> String {
        utc(self.end, "%Y/%m/%d/%H%M")
    }
}

/// A time of UTC in a format of `strftime`.
pub fn utc(time: Timestamp, format: &str) -> String {
    time.to_zoned(TimeZone::UTC).strftime(format).to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn prefixes(end: &str, minutes: u32) -> Vec<String> {
        let window = Window::before(time(end), minutes).unwrap();
        let capture = S3Uri::read("s3://b/capture").unwrap();
        window.prefixes(&capture, "classifier", "AllTraffic").iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_start_is_within_and_the_end_is_not() {
        let window = Window::before(time("2026-11-22T10:00:00Z"), 60).unwrap();
        assert!(window.contains(time("2026-11-22T09:00:00Z")) && window.contains(time("2026-11-22T09:59:59Z")));
        assert!(!window.contains(time("2026-11-22T08:59:59Z")) && !window.contains(time("2026-11-22T10:00:00Z")));
        assert_eq!(Window::before(time("2026-11-22T10:00:00Z"), 0), None);
        assert_eq!(Window::before(Timestamp::MIN, 60), None);
    }

    #[test]
    fn every_hour_of_the_window_and_its_neighbours_are_listed() {
        assert_eq!(
            prefixes("2026-11-22T10:55:00Z", 60),
            [9, 10, 11].map(|hour| format!("s3://b/capture/classifier/AllTraffic/2026/11/22/{hour:02}/"))
        );
        assert_eq!(prefixes("2026-11-22T10:40:00Z", 20).len(), 1);
        let over_new_year = prefixes("2027-01-01T00:30:00Z", 60);
        assert!(over_new_year[0].ends_with("/2026/12/31/23/") && over_new_year[1].ends_with("/2027/01/01/00/"));
        assert_eq!(prefixes("2026-11-22T10:30:00Z", MAX_MINUTES).len(), 7 * 24 + 1);
    }

    #[test]
    fn a_file_written_before_the_window_holds_none_of_it() {
        let window = Window::before(time("2026-11-22T10:00:00Z"), 60).unwrap();
        assert!(!window.may_be_in(time("2026-11-22T08:58:59Z")));
        assert!(window.may_be_in(time("2026-11-22T08:59:30Z")));
        assert!(window.may_be_in(time("2026-11-22T12:00:00Z")) && !window.may_be_in(Timestamp::MIN));
    }

    #[test]
    fn a_report_is_found_by_the_end_of_its_window() {
        assert_eq!(Window::before(time("2026-01-02T03:04:05Z"), 60).unwrap().report_path(), "2026/01/02/0304");
    }

    proptest! {
        #[test]
        fn the_hour_of_every_record_is_listed(end in 0i64..4_000_000_000, minutes in 1u32..=MAX_MINUTES, at in 0.0f64..1.0) {
            let window = Window::before(Timestamp::from_second(end).unwrap(), minutes).unwrap();
            let record = Timestamp::from_second(end - 1 - (at * f64::from(minutes * 60 - 1)) as i64).unwrap();
            prop_assert!(window.contains(record));
            let hour = format!("/{}/", utc(record, "%Y/%m/%d/%H"));
            let listed = window.prefixes(&S3Uri::read("s3://b/c").unwrap(), "e", "v");
            prop_assert!(listed.iter().any(|uri| uri.key.ends_with(&hour)));
            prop_assert!(listed.len() <= minutes as usize / 60 + 3);
        }
    }
}
