//! The form of `contract.yaml`.

use proptest::prelude::*;

use super::*;

fn faults(document: &Value) -> Vec<String> {
    match Contract::read(document) {
        Ok(_) => Vec::new(),
        Err(findings) => shown(&findings),
    }
}

#[test]
fn takes_the_smallest_contract() {
    assert_eq!(faults(&json!({ "output": "any" })), Vec::<String>::new());
}

#[test]
fn says_what_is_wrong_and_where() {
    for (document, said) in [
        (json!("x"), "invalid type"),
        (json!({}), "missing field `output`"),
        (json!({ "output": "any", "inputs": {} }), "unknown field `inputs`"),
        (json!({ "output": "any", "input": { "needed": [] } }), "input.needed: unknown field `needed`"),
        (json!({ "output": { "body": { "x": "text" } } }), "in `body`: in `x`: `text` is no type"),
        (json!({ "output": { "*": "all" } }), "`*` is `input`"),
        (json!({ "output": 1 }), "1 is no type"),
        (json!({ "output": "any", "errors": ["A", "A"] }), "errors.1: `A` is listed twice"),
        (json!({ "output": "any", "errors": ["States.Timeout"] }), "errors.0: `States.Timeout` is no name"),
        (json!({ "output": "any", "errors": ["NotMet"], "business": ["NotMeet"] }), "business.0: `NotMeet` is none of `errors`"),
        (json!({ "output": "any", "input": { "required": ["a"], "optional": ["a"] } }), "input.optional.0: `a` is required too"),
        (json!({ "output": { "a": "string" }, "sizes": { "b": 1 } }), "sizes.b: the answer has no such field"),
        (json!({ "output": { "a": "string" }, "sizes": { "a": -1 } }), "-1 is no number of bytes"),
        (json!({ "output": { "a": "string" }, "sizes": { "a": { "picture": "hex" } } }), "is no size"),
        (json!({ "output": { "a": "string" }, "sizes": { "a": { "picture": "base64", "upto": 1 } } }), "is no size"),
        (json!({ "output": "any", "largest_output": 300_000 }), "largest_output: Step Functions takes"),
    ] {
        let found = faults(&document);
        assert!(found.iter().any(|fault| fault.contains(said)), "{document}: {found:#?}");
    }
}

#[test]
fn a_picture_in_base64_is_a_third_larger() {
    let size = |up_to, largest| Size::Picture { up_to }.bytes(largest);
    assert_eq!(size(Some(180_000), None), Some(240_000));
    assert_eq!(size(Some(180_000), Some(100)), Some(136));
    assert_eq!(size(None, Some(300_000)), Some(400_000));
    assert_eq!(size(None, None), None);
}

proptest! {
    #[test]
    fn takes_any_document(text in "[{}\\[\\]\":,a*1 -]{0,40}") {
        if let Ok(document) = serde_json::from_str::<Value>(&text) {
            let _ = faults(&document);
        }
    }
}
