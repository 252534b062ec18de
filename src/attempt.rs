//! How the last rollout of a resource went, kept in a tag: what went back is not tried again until it changes.

use serde_json::Value;

use crate::kind::digest;

const BEGAN: &str = "began";
const DONE: &str = "done";
const WENT_BACK: &str = "went back";
const DIGITS: usize = 16;
/// The most characters that a tag's value has.
const LONGEST: usize = 256;

/// Whether a state is reached by a rollout.
pub fn is_rolled_out(state: &Value) -> bool {
    state.get("rollout").is_some_and(Value::is_object)
}

/// Says that this state is on the way, for whoever comes after an interruption.
pub fn began(state: &Value) -> String {
    note(state, BEGAN)
}

/// Says that this state is reached.
pub fn done(state: &Value) -> String {
    note(state, DONE)
}

/// Says that this state was not reached, and why: in the characters that a tag may have.
pub fn went_back(state: &Value, why: &str) -> String {
    let allowed = |c: char| if c.is_alphanumeric() || " _.:/=+-@".contains(c) { c } else { ' ' };
    let text: String = note(state, WENT_BACK).chars().chain(": ".chars()).chain(why.chars().map(allowed)).collect();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    text.chars().take(LONGEST).collect::<String>().trim_end().to_owned()
}

/// Why this very state was not reached the last time, if it was tried. `failure` is what the service still says of its last
/// change: of an attempt whose end nobody saw, that is all there is.
pub fn refused(tag: Option<&str>, state: &Value, failure: Option<&str>) -> Option<String> {
    let outcome = tag?.strip_prefix(&digits(state))?.strip_prefix(' ')?;
    match outcome.split_once(": ") {
        Some((WENT_BACK, why)) => Some(why.to_owned()),
        // What of a reason a tag cannot hold is gone, and all of it may be.
        _ if outcome.trim_end_matches(':') == WENT_BACK => Some("no reason was given".to_owned()),
        _ if outcome == BEGAN => failure.map(str::to_owned),
        _ => None,
    }
}

fn note(state: &Value, outcome: &str) -> String {
    format!("{} {outcome}", digits(state))
}

fn digits(state: &Value) -> String {
    digest(state)[..DIGITS].to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_went_back_is_refused_until_it_changes() {
        let (tried, other) = (json!({ "a": 1 }), json!({ "a": 2 }));
        let tag = went_back(&tried, "the alarm `x` went off (2 of 3)");
        assert_eq!(refused(Some(&tag), &tried, None).as_deref(), Some("the alarm x went off 2 of 3"));
        assert_eq!(refused(Some(&tag), &other, Some("failed")), None);
        assert_eq!(refused(None, &tried, Some("failed")), None);
    }

    #[test]
    fn what_was_interrupted_is_refused_where_aws_says_that_it_failed() {
        let tried = json!({ "a": 1 });
        assert_eq!(refused(Some(&began(&tried)), &tried, None), None);
        assert_eq!(refused(Some(&began(&tried)), &tried, Some("no capacity")).as_deref(), Some("no capacity"));
        assert_eq!(refused(Some(&done(&tried)), &tried, Some("no capacity")), None);
    }

    #[test]
    fn fits_into_a_tag() {
        let tag = went_back(&json!({}), &"é(".repeat(300));
        assert!(tag.chars().count() <= LONGEST);
        assert!(refused(Some(&tag), &json!({}), None).is_some());
        assert_eq!(refused(Some(&went_back(&json!({}), "(")), &json!({}), None).as_deref(), Some("no reason was given"));
    }
}
