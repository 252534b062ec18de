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
    /// No value of its own: apply brings it about; says how.
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
