//! How the fields of a state are written in a file: the way back from what AWS has to what a person writes.

use serde_json::Value;

/// How a field of a state is written in a file.
#[derive(Clone, Copy, Debug)]
pub struct Written {
    /// The path from the state's root; `*` stands for any one key. It holds for all below it too.
    pub state: &'static str,
    /// The path from the spec's root; each `*` stands for the key that the one of the state stood for.
    pub spec: &'static str,
    pub form: Form,
}

/// The form of what is written.
#[derive(Clone, Copy, Debug)]
pub enum Form {
    /// As the state has it.
    Same,
    /// Seconds, written with a unit.
    Seconds,
    /// Made of the state's value; `None` where no spec says that.
    Made(fn(&Value) -> Option<Value>),
    /// Nothing that can be made of it; says what a person can do.
    ByHand(&'static str),
    /// No value of its own; says what it follows from.
    Follows(&'static str),
}

/// Where a path of a state is written.
#[derive(Clone, Debug)]
pub struct Place {
    /// How many keys of the state's path lead to the value.
    pub depth: usize,
    pub spec: Vec<String>,
    pub form: Form,
}

impl Written {
    pub const fn same(state: &'static str, spec: &'static str) -> Self {
        Self { state, spec, form: Form::Same }
    }

    pub const fn seconds(state: &'static str, spec: &'static str) -> Self {
        Self { state, spec, form: Form::Seconds }
    }

    pub const fn made(state: &'static str, spec: &'static str, form: fn(&Value) -> Option<Value>) -> Self {
        Self { state, spec, form: Form::Made(form) }
    }

    pub const fn by_hand(state: &'static str, spec: &'static str, what_to_do: &'static str) -> Self {
        Self { state, spec, form: Form::ByHand(what_to_do) }
    }
}

/// Finds where a path of a state is written; of several rules, the longest holds.
pub fn place(rules: &[Written], path: &[String]) -> Option<Place> {
    let fits = |rule: &&Written| {
        let pattern: Vec<&str> = rule.state.split('.').collect();
        pattern.len() <= path.len() && pattern.iter().zip(path).all(|(want, have)| *want == "*" || want == have)
    };
    let rule = rules.iter().filter(fits).max_by_key(|rule| rule.state.split('.').count())?;
    let pattern: Vec<&str> = rule.state.split('.').collect();
    let mut stars = pattern.iter().zip(path).filter(|(want, _)| **want == "*").map(|(_, have)| have.clone());
    let keys = rule.spec.split('.').filter(|key| !key.is_empty());
    let spec = keys.map(|key| if key == "*" { stars.next().unwrap_or_default() } else { key.to_owned() });
    Some(Place { depth: pattern.len(), spec: spec.collect(), form: rule.form })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &[Written] = &[
        Written::same("memory", "memory"),
        Written::by_hand("log_group", "log_retention", "by hand"),
        Written::same("log_group.retention", "log_retention"),
        Written::same("scaling.*.min", "variants.*.scaling.min"),
    ];

    fn found(path: &str) -> Option<(usize, String)> {
        let path: Vec<String> = path.split('.').map(str::to_owned).collect();
        place(RULES, &path).map(|place| (place.depth, place.spec.join(".")))
    }

    /// The schemas that a path of keys leads to, through references and choices.
    fn schemas<'a>(root: &'a Value, at: &'a Value, path: &[&str]) -> Vec<&'a Value> {
        if let Some(target) = at.get("$ref").and_then(Value::as_str).and_then(|target| root.pointer(target.strip_prefix('#')?)) {
            return schemas(root, target, path);
        }
        let choices = ["anyOf", "oneOf", "allOf"].iter().filter_map(|word| at.get(*word)?.as_array()).flatten();
        let mut found: Vec<&Value> = choices.flat_map(|choice| schemas(root, choice, path)).collect();
        match path.split_first() {
            None => found.push(at),
            Some((key, rest)) => {
                let inner =
                    if *key == "*" { at.get("additionalProperties") } else { at.get("properties").and_then(|all| all.get(*key)) };
                found.extend(inner.into_iter().flat_map(|inner| schemas(root, inner, rest)));
            }
        }
        found
    }

    #[test]
    fn every_rule_leads_to_a_key_that_a_person_may_write() {
        let registry = crate::kinds::registry();
        let schema = crate::environment::schema::schema(&registry);
        let mut count = 0;
        for kind in registry.iter() {
            for rule in kind.written().iter().filter(|rule| !rule.spec.is_empty()) {
                let path: Vec<&str> = [kind.section(), "*"].into_iter().chain(rule.spec.split('.')).collect();
                assert!(!schemas(&schema, &schema, &path).is_empty(), "{}: {} is no key", kind.section(), rule.spec);
                count += 1;
            }
        }
        assert!(count > 80, "{count}");
    }

    #[test]
    fn every_rule_is_one_of_a_field() {
        let registry = crate::kinds::registry();
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/toy/environments/toy.yaml");
        let text = std::fs::read_to_string(&path).expect("the toy").replace("APP", "toy");
        let environment = crate::environment::load::load_text(&crate::environment::edit::source(&path, text), &registry);
        let desired = crate::desired::desired(&environment.expect("an environment"), "123456789012", &registry).expect("a state");
        for kind in registry.iter() {
            let of_kind = desired.resources.iter().filter(|(address, _)| address.section == kind.section());
            let states: Vec<&Value> = of_kind.map(|(_, resource)| &resource.state).collect();
            for rule in kind.written() {
                let field = rule.state.split('.').next().unwrap_or_default();
                assert!(states.iter().any(|state| state.get(field).is_some()), "{}: no field {field}", kind.section());
            }
        }
    }

    #[test]
    fn paths_lead_from_a_state_to_its_spec() {
        assert_eq!(found("memory"), Some((1, "memory".into())));
        assert_eq!(found("memory.below"), Some((1, "memory".into())));
        assert_eq!(found("log_group.retention"), Some((2, "log_retention".into())));
        assert_eq!(found("log_group.kms_key"), Some((1, "log_retention".into())));
        assert_eq!(found("scaling.Blue.min"), Some((3, "variants.Blue.scaling.min".into())));
        assert_eq!((found("scaling.Blue"), found("other")), (None, None));
    }
}
