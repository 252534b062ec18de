//! The stamp: a short digest of each field of the state last applied, kept in a tag, that tells who moved a field since.

use serde_json::Value;

use crate::diff::Cause;
use crate::kind::digest;

/// The form of the stamps that are written.
const VERSION: &str = "1";
const NAME_DIGITS: usize = 3;
const VALUE_DIGITS: usize = 5;

/// Stamps a state and its tags: at most 31 fields fit into a tag's 256 characters.
pub fn stamp(state: &Value) -> String {
    let fields = state.as_object().into_iter().flatten();
    let mut entries: Vec<String> = fields.map(|(name, value)| entry(name, value)).collect();
    entries.sort();
    format!("{VERSION}:{}", entries.concat())
}

/// Tells why a field differs. Without a stamp that knows the field, the file is taken to have moved; but what is not
/// declared, and was not when the stamp was made, can only have come from the live side.
pub fn cause(stamp: Option<&str>, field: &str, live: &Value, desired: &Value) -> Cause {
    let Some(stamp) = stamp.and_then(entries) else { return Cause::Declared };
    let Some(applied) = lookup(stamp, field) else {
        return if desired.is_null() { Cause::Drifted } else { Cause::Declared };
    };
    match (applied == value_digits(desired), applied == value_digits(live)) {
        (true, _) => Cause::Drifted,
        (false, true) => Cause::Declared,
        (false, false) => Cause::Both,
    }
}

fn entry(name: &str, value: &Value) -> String {
    format!("{}{}", name_digits(name), value_digits(value))
}

fn name_digits(name: &str) -> String {
    digest(&Value::from(name))[..NAME_DIGITS].to_owned()
}

fn value_digits(value: &Value) -> String {
    digest(value)[..VALUE_DIGITS].to_owned()
}

/// The entries of a stamp of this form; a stamp has at least that of the tags.
fn entries(stamp: &str) -> Option<&[u8]> {
    let entries = stamp.strip_prefix(VERSION)?.strip_prefix(':')?.as_bytes();
    (!entries.is_empty() && entries.len().is_multiple_of(NAME_DIGITS + VALUE_DIGITS)).then_some(entries)
}

fn lookup(entries: &[u8], field: &str) -> Option<String> {
    let wanted = name_digits(field);
    entries
        .chunks_exact(NAME_DIGITS + VALUE_DIGITS)
        .find(|chunk| chunk.starts_with(wanted.as_bytes()))
        .and_then(|chunk| String::from_utf8(chunk[NAME_DIGITS..].to_vec()).ok())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tells_who_moved() {
        let applied = stamp(&json!({ "memory": 128, "timeout": 3 }));
        let cause = |live: i32, desired: i32| cause(Some(&applied), "memory", &json!(live), &json!(desired));
        assert_eq!(cause(256, 128), Cause::Drifted);
        assert_eq!(cause(128, 256), Cause::Declared);
        assert_eq!(cause(512, 256), Cause::Both);
    }

    #[test]
    fn without_a_stamp_the_file_moved() {
        for stamp in [None, Some(""), Some("2:abc"), Some("1:é"), Some("1:abc")] {
            assert_eq!(cause(stamp, "memory", &json!(1), &json!(2)), Cause::Declared);
        }
    }

    #[test]
    fn what_is_neither_declared_nor_stamped_was_added() {
        let applied = stamp(&json!({ "memory": 128 }));
        assert_eq!(cause(Some(&applied), "other", &json!({ "a": 1 }), &Value::Null), Cause::Drifted);
        assert_eq!(cause(Some(&applied), "new", &json!(1), &json!(2)), Cause::Declared);
        for stamp in [None, Some("1:"), Some("1:abc"), Some("2:e382747b")] {
            assert_eq!(cause(stamp, "other", &json!(1), &Value::Null), Cause::Declared);
        }
    }

    #[test]
    fn fits_into_a_tag() {
        let state = Value::Object((0..31).map(|n| (format!("field-{n}"), json!(n))).collect());
        assert!(stamp(&state).len() <= 256);
    }

    #[test]
    fn its_form_is_pinned() {
        assert_eq!(stamp(&json!({ "memory": 128 })), "1:e382747b");
    }
}
