//! What a value refers to: parameters, resources, conditions, mappings.

use serde_json::{Map, Value};

use crate::finding::{Finding, below};

/// The pseudo parameters. Source: template reference, "Pseudo parameters".
pub(super) const PSEUDO: [&str; 8] = [
    "AWS::AccountId",
    "AWS::NotificationARNs",
    "AWS::NoValue",
    "AWS::Partition",
    "AWS::Region",
    "AWS::StackId",
    "AWS::StackName",
    "AWS::URLSuffix",
];

/// The intrinsic functions. Source: template reference, "Intrinsic functions" and "Rule functions".
const FUNCTIONS: [&str; 24] = [
    "Fn::And",
    "Fn::Base64",
    "Fn::Cidr",
    "Fn::Contains",
    "Fn::EachMemberEquals",
    "Fn::EachMemberIn",
    "Fn::Equals",
    "Fn::FindInMap",
    "Fn::GetAtt",
    "Fn::GetAZs",
    "Fn::GetStackOutput",
    "Fn::If",
    "Fn::ImportValue",
    "Fn::Join",
    "Fn::Length",
    "Fn::Not",
    "Fn::Or",
    "Fn::RefAll",
    "Fn::Select",
    "Fn::Split",
    "Fn::Sub",
    "Fn::ToJsonString",
    "Fn::Transform",
    "Fn::ValueOf",
];

/// What is referred to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// A parameter, a pseudo parameter or a resource, by `Ref` or `${…}`.
    Name(String),
    /// An attribute of a resource, by `Fn::GetAtt` or `${….…}`.
    Attribute(String),
    /// A condition.
    Condition(String),
    /// A mapping.
    Mapping(String),
}

/// A reference and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) target: Target,
    pub(super) path: Vec<String>,
}

/// Collects the references below a value, and what is wrong with its intrinsic functions.
#[derive(Debug, Default)]
pub(super) struct Collector {
    pub(super) references: Vec<Reference>,
    pub(super) findings: Vec<Finding>,
    /// Whether `{ Condition: name }` stands for a condition, as it does only within conditions: policies have it too.
    pub(super) in_condition: bool,
}

/// Returns the references below a value.
pub(super) fn references(value: &Value) -> Vec<Reference> {
    let mut collector = Collector::default();
    collector.collect(value, &[]);
    collector.references
}

impl Collector {
    pub(super) fn collect(&mut self, value: &Value, path: &[String]) {
        match value {
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.collect(item, &below(path, index));
                }
            }
            Value::Object(members) => self.collect_members(members, path),
            _ => {}
        }
    }

    fn collect_members(&mut self, members: &Map<String, Value>, path: &[String]) {
        for (key, argument) in members {
            let here = below(path, key);
            if key.starts_with("Fn::ForEach::") {
                // Its body holds names that only CloudFormation's language extension puts together.
                continue;
            }
            if key.starts_with("Fn::") {
                self.check_function(key, members.len(), &here);
            }
            match key.as_str() {
                "Ref" if members.len() == 1 => self.collect_ref(argument, here),
                "Fn::GetAtt" => self.collect_attribute(argument, &here),
                "Fn::Sub" => self.collect_sub(argument, &here),
                "Fn::If" => self.collect_if(argument, &here),
                "Fn::FindInMap" => self.collect_mapping(argument, &here),
                "Condition" if self.in_condition && members.len() == 1 => match argument.as_str() {
                    Some(name) => self.add(Target::Condition(name.to_owned()), here),
                    None => self.collect(argument, &here),
                },
                _ => self.collect(argument, &here),
            }
        }
    }

    fn add(&mut self, target: Target, path: Vec<String>) {
        self.references.push(Reference { target, path });
    }

    fn report(&mut self, path: &[String], message: &str, help: &str) {
        self.findings.push(Finding::new(path, message).help(help));
    }

    fn check_function(&mut self, name: &str, members: usize, path: &[String]) {
        if !FUNCTIONS.contains(&name) {
            let finding = Finding::new(path, format!("there is no function `{name}`"));
            self.findings.push(finding.nearest_of(name, FUNCTIONS));
        } else if members > 1 {
            self.findings.push(Finding::new(path, format!("`{name}` must stand alone in its map")));
        }
    }

    fn collect_ref(&mut self, argument: &Value, path: Vec<String>) {
        match argument.as_str() {
            Some(name) => self.add(Target::Name(name.to_owned()), path),
            None => self.report(&path, "`Ref` takes a name", "write the name of a parameter or a resource"),
        }
    }

    fn collect_attribute(&mut self, argument: &Value, path: &[String]) {
        match argument {
            Value::String(text) if text.contains('.') => {
                let name = text.split('.').next().unwrap_or_default();
                self.add(Target::Attribute(name.to_owned()), path.to_vec());
            }
            Value::Array(items) => match items.as_slice() {
                [Value::String(name), attribute] => {
                    self.add(Target::Attribute(name.clone()), below(path, 0));
                    self.collect(attribute, &below(path, 1));
                }
                _ => self.report(path, "`Fn::GetAtt` takes a resource and an attribute", "write `[Bucket, Arn]`"),
            },
            _ => self.report(path, "`Fn::GetAtt` takes a resource and an attribute", "write `[Bucket, Arn]`"),
        }
    }

    fn collect_sub(&mut self, argument: &Value, path: &[String]) {
        // A macro may give the text, such as one that includes a file.
        let text = argument.get(0).unwrap_or(argument);
        if text.get("Fn::Transform").is_some() {
            return self.collect(argument, path);
        }
        let (text, variables) = match argument {
            Value::String(text) => (text, None),
            Value::Array(items) => match items.as_slice() {
                [Value::String(text), Value::Object(variables)] => (text, Some(variables)),
                _ => return self.report(path, "`Fn::Sub` takes a text and a map", "write `[text, { Name: value }]`"),
            },
            _ => return self.report(path, "`Fn::Sub` takes a text", "write a text with `${Name}` in it"),
        };
        for part in sub_parts(text) {
            match part {
                Part::Text(_) => {}
                Part::Open => {
                    self.report(path, "a `${` is not closed by `}`", "write `${Name}`, or `${!Name}` for the text itself")
                }
                Part::Name(name) if variables.is_some_and(|map| map.contains_key(name)) => {}
                Part::Name(name) => {
                    let target = match name.split_once('.') {
                        Some((resource, _)) => Target::Attribute(resource.to_owned()),
                        None => Target::Name(name.to_owned()),
                    };
                    self.add(target, path.to_vec());
                }
            }
        }
        for (name, value) in variables.into_iter().flatten() {
            self.collect(value, &below(&below(path, 1), name));
        }
    }

    fn collect_if(&mut self, argument: &Value, path: &[String]) {
        let Some([condition, yes, no]) = argument.as_array().map(Vec::as_slice) else {
            return self.report(path, "`Fn::If` takes a condition and two values", "write `[Condition, then, otherwise]`");
        };
        match condition.as_str() {
            Some(name) => self.add(Target::Condition(name.to_owned()), below(path, 0)),
            None => self.report(&below(path, 0), "`Fn::If` takes the name of a condition", "declare it in `Conditions`"),
        }
        self.collect(yes, &below(path, 1));
        self.collect(no, &below(path, 2));
    }

    fn collect_mapping(&mut self, argument: &Value, path: &[String]) {
        match argument.as_array().map(Vec::as_slice) {
            Some([Value::String(name), _, _, ..]) => self.add(Target::Mapping(name.clone()), below(path, 0)),
            Some([_, _, _, ..]) => {}
            _ => self.report(path, "`Fn::FindInMap` takes a mapping and two keys", "write `[Mapping, key, key]`"),
        }
        self.collect(argument, path);
    }
}

/// A part of the text of a `Fn::Sub`.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part<'a> {
    /// Text that stays.
    Text(&'a str),
    /// A name to put a value for.
    Name(&'a str),
    /// A `${` that nothing closes.
    Open,
}

/// Takes the text of a `Fn::Sub` apart. `${!Name}` stands for the text `${Name}`.
pub(super) fn sub_parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        parts.push(Part::Text(before));
        let Some((name, behind)) = after.split_once('}') else {
            parts.push(Part::Open);
            return parts;
        };
        match name.strip_prefix('!') {
            Some(literal) => parts.extend([Part::Text("${"), Part::Text(literal), Part::Text("}")]),
            None => parts.push(Part::Name(name.trim())),
        }
        rest = behind;
    }
    parts.push(Part::Text(rest));
    parts
}
