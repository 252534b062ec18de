//! When each drift was first seen. Without it an age starts anew, and nothing else changes.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::plan::Plan;

const FORMAT: u32 = 1;

/// The time of the first sight, in UTC, by `address:path`; of what is gone or must be replaced, by its address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    format: u32,
    first_seen: BTreeMap<String, String>,
}

impl Default for Memory {
    fn default() -> Self {
        Self { format: FORMAT, first_seen: BTreeMap::new() }
    }
}

impl Memory {
    /// Reads what an earlier check left; `None` for what is no memory of this format.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok().filter(|memory: &Self| memory.format == FORMAT)
    }

    /// The memory after a look: what is still there keeps its time, what is new gets `now`, what is gone is forgotten,
    /// unless not all could be read: then nobody knows that it is gone.
    pub fn after(&self, drift: &Plan, now: Timestamp) -> Self {
        let mut first_seen = if drift.is_complete() { BTreeMap::new() } else { self.first_seen.clone() };
        for key in keys(drift) {
            let before = self.first_seen.get(&key).filter(|time| seen_at(time, now).is_some());
            first_seen.insert(key, before.cloned().unwrap_or_else(|| now.to_string()));
        }
        Self { format: FORMAT, first_seen }
    }

    /// For how many seconds the oldest of what drifts now is known; 0 without drift.
    pub fn oldest_age(&self, drift: &Plan, now: Timestamp) -> u64 {
        let seen = keys(drift).into_iter().filter_map(|key| seen_at(self.first_seen.get(&key)?, now));
        let oldest = seen.min().unwrap_or(now);
        u64::try_from(now.as_second() - oldest.as_second()).unwrap_or(0)
    }
}

/// A time that may have been; others were written by nobody here.
fn seen_at(text: &str, now: Timestamp) -> Option<Timestamp> {
    text.parse::<Timestamp>().ok().filter(|time| *time <= now)
}

fn keys(drift: &Plan) -> BTreeSet<String> {
    let keys = drift.steps.iter().flat_map(|step| {
        let address = step.address.to_string();
        match step.changes.as_slice() {
            [] => vec![address],
            changes => changes.iter().map(|change| format!("{address}:{}", change.path)).collect(),
        }
    });
    keys.collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::drift_check::measure::tests::drift;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn an_age_counts_from_the_first_sight() {
        let (one, both) = (drift(&[("roles.a", &["trust"])]), drift(&[("roles.a", &["trust"]), ("alarms.b", &[])]));
        let first = Memory::default().after(&one, at(1000));
        assert_eq!(first.oldest_age(&one, at(1000)), 0);
        let second = first.after(&both, at(1060));
        assert_eq!(second.oldest_age(&both, at(1090)), 90);
        // The older one is set right: what is left is younger.
        let other = drift(&[("alarms.b", &[])]);
        let third = second.after(&other, at(1120));
        assert_eq!(third.oldest_age(&other, at(1120)), 60);
        assert_eq!(third.after(&drift(&[]), at(1130)), Memory::default());
        // It comes back: another drift, another age.
        assert_eq!(third.after(&one, at(1200)).oldest_age(&one, at(1200)), 0);
    }

    #[test]
    fn what_could_not_be_read_is_not_forgotten() {
        let one = drift(&[("roles.a", &["trust"])]);
        let seen = Memory::default().after(&one, at(1000));
        let mut unread = drift(&[]);
        unread.unseen.push(crate::plan::Unread { what: "it".into(), why: "denied".into(), help: None });
        let blind = seen.after(&unread, at(1100));
        assert_eq!(blind.oldest_age(&drift(&[]), at(1100)), 0);
        assert_eq!(blind.after(&one, at(1200)).oldest_age(&one, at(1200)), 200);
    }

    #[test]
    fn what_nobody_here_wrote_starts_anew() {
        let one = drift(&[("roles.a", &["trust"])]);
        for text in ["", "[]", "{}", r#"{"format":2,"first_seen":{}}"#, r#"{"format":1,"first_seen":{"roles.a:trust":7}}"#] {
            assert_eq!(Memory::parse(text.as_bytes()), None, "{text}");
        }
        for time in ["yesterday", "9999-01-01T00:00:00Z", ""] {
            let text = format!(r#"{{"format":1,"first_seen":{{"roles.a:trust":"{time}"}}}}"#);
            let memory = Memory::parse(text.as_bytes()).unwrap();
            assert_eq!(memory.oldest_age(&one, at(1000)), 0, "{time}");
            let next = memory.after(&one, at(1000));
            assert_eq!(next.oldest_age(&one, at(1010)), 10, "{time}");
        }
    }

    proptest! {
        #[test]
        fn it_is_read_as_it_was_written(start in 0i64..4_000_000_000, gap in 0i64..1_000_000, paths in prop::collection::vec("[a-zé.\\[\\]0-9]{1,12}", 0..5)) {
            let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
            let drift = drift(&[("roles.a", &paths)]);
            let memory = Memory::default().after(&drift, at(start));
            let again = Memory::parse(&serde_json::to_vec(&memory).unwrap()).unwrap();
            prop_assert_eq!(&again, &memory);
            let later = again.after(&drift, at(start + gap));
            prop_assert_eq!(&later, &memory);
            prop_assert_eq!(later.oldest_age(&drift, at(start + gap)), gap as u64);
        }
    }
}
