//! Which record is one step back.

use super::Record;

/// The newest complete record before the state that was asked for last, and with another one. Records are given newest first.
///
/// An apply that went back counts as the one whose state it restored: going back twice leads two steps back, not to where one
/// came from.
pub fn before(records: &[Record]) -> Option<&Record> {
    let mut at = 0;
    let newest = records.first()?;
    let mut current = newest;
    while let Some(id) = &current.restores {
        at = records.iter().position(|record| record.id == *id)?;
        current = &records[at];
    }
    let state = current.state();
    records[at + 1..].iter().find(|record| record.ending.is_complete() && record.restores.is_none() && record.state() != state)
}

#[cfg(test)]
mod tests {
    use super::super::tests::record;
    use super::*;

    /// Newest first: (id, state, complete, restores).
    fn chosen(records: &[(&str, i32, bool, Option<&str>)]) -> Option<String> {
        let records: Vec<Record> =
            records.iter().map(|(id, state, done, restores)| record(id, *state, *done, *restores)).collect();
        before(&records).map(|record| record.id.clone())
    }

    #[test]
    fn one_step_back_is_the_last_complete_state_that_was_another() {
        assert_eq!(chosen(&[]), None);
        assert_eq!(chosen(&[("a", 1, true, None)]), None);
        assert_eq!(chosen(&[("b", 2, true, None), ("a", 1, true, None)]).as_deref(), Some("a"));
        assert_eq!(chosen(&[("b", 1, true, None), ("a", 1, true, None)]), None);
        assert_eq!(chosen(&[("c", 3, false, None), ("b", 2, false, None), ("a", 1, true, None)]).as_deref(), Some("a"));
    }

    #[test]
    fn going_back_twice_leads_two_steps_back() {
        let history = [("b", 2, true, None), ("a", 1, true, None)];
        let after_one = [&[("c", 2, true, Some("b")), ("x", 3, true, None)], history.as_slice()].concat();
        assert_eq!(chosen(&after_one).as_deref(), Some("a"));
        // What was begun and did not end well is still where one went back from.
        let failed = [&[("d", 2, false, Some("b"))], &after_one[1..]].concat();
        assert_eq!(chosen(&failed).as_deref(), Some("a"));
    }
}
