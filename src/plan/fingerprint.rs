//! What the live side of a step was when the plan was made, so that applying can tell whether it still is that.

use serde_json::{Value, json};

use crate::desired::tag;
use crate::diff::{Field, diff};
use crate::kind::{Live, Tags, digest};

/// The SHA-256 of a live state: its name, what is compared of it, its tags, and the service's own mark of it.
pub fn fingerprint(live: &Live<Value>) -> String {
    let counts = |(key, _): &(&String, &String)| !tag::RECORDS.contains(&key.as_str());
    let tags: Option<Tags> =
        live.tags.as_ref().map(|tags| tags.iter().filter(counts).map(|(key, value)| (key.clone(), value.clone())).collect());
    format!("sha256:{}", digest(&json!([live.name, live.arn, live.state, tags, live.revision])))
}

/// Where a live state is no longer what it was: paths, or that only its revision moved. Tags are not looked at.
pub fn moved(before: &Live<Value>, now: &Live<Value>, fields: &[Field]) -> Vec<String> {
    if before.name != now.name {
        return vec![format!("its name, which is {}", now.name)];
    }
    let paths: Vec<String> = diff(&before.state, &now.state, fields).into_iter().map(|change| change.path).collect();
    let both = before.revision.as_ref().zip(now.revision.as_ref());
    match both.is_some_and(|(before, now)| before != now) {
        true if paths.is_empty() => vec!["its revision: it was changed, and changed back".to_owned()],
        _ => paths,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live(memory: i32, revision: &str) -> Live<Value> {
        let mut live = Live::settled("f", "arn", json!({ "memory": memory }), Some(Tags::new()));
        live.revision = Some(revision.to_owned());
        live
    }

    #[test]
    fn tells_what_moved() {
        assert!(moved(&live(1, "a"), &live(1, "a"), &[]).is_empty());
        assert_eq!(moved(&live(1, "a"), &live(2, "b"), &[]), ["memory"]);
        assert_eq!(moved(&live(1, "a"), &live(1, "b"), &[]), ["its revision: it was changed, and changed back"]);
        let renamed = Live { name: "g".to_owned(), ..live(1, "a") };
        assert_eq!(moved(&live(1, "a"), &renamed, &[]), ["its name, which is g"]);
    }

    #[test]
    fn what_scones_records_is_no_part_of_it() {
        let stamped = |key: &str| Live { tags: Some(Tags::from([(key.to_owned(), "1".to_owned())])), ..live(1, "a") };
        assert_eq!(fingerprint(&stamped(tag::STAMP)), fingerprint(&live(1, "a")));
        assert_eq!(fingerprint(&stamped(tag::ROLLOUT)), fingerprint(&live(1, "a")));
        assert_ne!(fingerprint(&stamped("mine")), fingerprint(&live(1, "a")));
        assert_ne!(fingerprint(&live(2, "a")), fingerprint(&live(1, "a")));
        assert_ne!(fingerprint(&live(1, "b")), fingerprint(&live(1, "a")));
    }
}
