//! The contract of a Lambda function: what it takes, answers and raises. It stands in `contract.yaml` beside its sources.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::LIMIT;
use crate::finding::{Finding, nearest};

/// What a function takes, answers and raises.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Contract {
    /// The fields of the event that it reads.
    #[serde(default)]
    pub input: Input,
    /// Its answer.
    pub output: Field,
    /// The largest answer in bytes of JSON.
    pub largest_output: Option<u64>,
    /// How large single fields of the answer can be, by their way from its root, such as `body.image_data`.
    #[serde(default)]
    pub sizes: BTreeMap<String, Size>,
    /// The names of its errors, each the `errorType` that Step Functions matches.
    #[serde(default)]
    pub errors: Vec<String>,
    /// Those of its errors that are outcomes rather than faults: a workflow must catch each.
    #[serde(default)]
    pub business: Vec<String>,
}

/// The fields of an event.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Those without which the function fails.
    #[serde(default)]
    pub required: Vec<String>,
    /// Those that it reads if they are there.
    #[serde(default)]
    pub optional: Vec<String>,
}

/// A value of an answer: its type, or the fields that it has.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(try_from = "Value")]
pub enum Field {
    /// A value of a type.
    Of(Type),
    /// An object with these fields and no others, unless it has a [`Rest`].
    Object(BTreeMap<String, Field>, Rest),
}

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Any type.
    Any,
    /// A string.
    String,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// A list.
    List,
}

/// Which fields an object has besides those that are named. It is written as the field `*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// None.
    Nothing,
    /// Those of the event: the function passes them on.
    Input,
    /// Any.
    Anything,
}

/// How large a field can be.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(try_from = "Value")]
pub enum Size {
    /// Bytes at most.
    Bytes(u64),
    /// The picture in base64, if it has up to so many bytes; else the field is empty.
    Picture {
        /// The largest picture that is put there, in bytes; any when absent.
        up_to: Option<u64>,
    },
}

const TYPES: [(&str, Type); 5] =
    [("any", Type::Any), ("string", Type::String), ("number", Type::Number), ("boolean", Type::Boolean), ("list", Type::List)];

impl TryFrom<Value> for Field {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        match value {
            Value::String(word) => match TYPES.into_iter().find(|(name, _)| *name == word) {
                Some((_, found)) => Ok(Self::Of(found)),
                None => Err(format!("`{word}` is no type: write {}", TYPES.map(|(name, _)| name).join(", "))),
            },
            Value::Object(members) => {
                let mut rest = Rest::Nothing;
                let mut fields = BTreeMap::new();
                for (name, value) in members {
                    if name == "*" {
                        rest = rest_of(&value)?;
                    } else {
                        let field = Self::try_from(value).map_err(|fault| format!("in `{name}`: {fault}"))?;
                        fields.insert(name, field);
                    }
                }
                Ok(Self::Object(fields, rest))
            }
            other => Err(format!("{other} is no type: write {}, or a map of fields", TYPES.map(|(name, _)| name).join(", "))),
        }
    }
}

fn rest_of(value: &Value) -> Result<Rest, String> {
    match value.as_str() {
        Some("input") => Ok(Rest::Input),
        Some("any") => Ok(Rest::Anything),
        _ => Err(format!("`*` is `input` (the event's fields) or `any`, not {value}")),
    }
}

impl TryFrom<Value> for Size {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        const FORM: &str = "write a number of bytes, or `{ picture: base64, up_to: 180000 }`";
        match &value {
            Value::Number(number) => {
                number.as_u64().map(Self::Bytes).ok_or_else(|| format!("{number} is no number of bytes: {FORM}"))
            }
            Value::Object(members) if members.get("picture").and_then(Value::as_str) == Some("base64") => {
                let up_to = members.get("up_to");
                let bytes = up_to.and_then(Value::as_u64);
                let known = members.keys().all(|key| matches!(key.as_str(), "picture" | "up_to"));
                if !known || up_to.is_some() && bytes.is_none() {
                    return Err(format!("{value} is no size: {FORM}"));
                }
                Ok(Self::Picture { up_to: bytes })
            }
            _ => Err(format!("{value} is no size: {FORM}")),
        }
    }
}

impl Size {
    /// Returns the bytes at most, given the largest picture in bytes; nothing when neither tells.
    #[must_use]
    pub fn bytes(&self, largest_picture: Option<u64>) -> Option<u64> {
        match self {
            Self::Bytes(bytes) => Some(*bytes),
            Self::Picture { up_to } => {
                let picture = match (*up_to, largest_picture) {
                    (Some(most), Some(largest)) => most.min(largest),
                    (one, other) => one.or(other)?,
                };
                Some(picture.div_ceil(3).saturating_mul(4))
            }
        }
    }
}

impl Contract {
    /// Reads a contract from its document.
    ///
    /// # Errors
    ///
    /// What is wrong, with its place: an unknown key, a wrong type, or parts that contradict each other.
    pub fn read(document: &Value) -> Result<Self, Vec<Finding>> {
        let contract: Self = serde_path_to_error::deserialize(document).map_err(|error| {
            let path: Vec<String> = error.path().iter().map(ToString::to_string).filter(|step| step != "?").collect();
            vec![Finding::new(&path, error.inner().to_string())]
        })?;
        let findings = contract.contradictions();
        if findings.is_empty() { Ok(contract) } else { Err(findings) }
    }

    fn contradictions(&self) -> Vec<Finding> {
        let mut findings = twice("errors", &self.errors);
        findings.extend(self.errors.iter().enumerate().filter(|(_, name)| is_reserved(name)).map(|(index, name)| {
            let path = ["errors".to_owned(), index.to_string()];
            Finding::new(&path, format!("`{name}` is no name of a function's own")).help("leave out what Lambda or AWS raises")
        }));
        for (index, name) in self.business.iter().enumerate().filter(|(_, name)| !self.errors.contains(name)) {
            let finding = Finding::new(&["business".to_owned(), index.to_string()], format!("`{name}` is none of `errors`"));
            findings.push(finding.nearest_of(name, self.errors.iter().map(String::as_str)));
        }
        for (index, name) in self.input.optional.iter().enumerate().filter(|(_, name)| self.input.required.contains(name)) {
            let path = ["input".to_owned(), "optional".to_owned(), index.to_string()];
            findings.push(Finding::new(&path, format!("`{name}` is required too")));
        }
        for way in self.sizes.keys().filter(|way| !self.output.has(way)) {
            let path = ["sizes".to_owned(), way.clone()];
            findings.push(Finding::new(&path, "the answer has no such field").help("write its way from the answer's root"));
        }
        if let Some(largest) = self.largest_output.filter(|largest| *largest > LIMIT) {
            let message = format!("Step Functions takes answers of up to {LIMIT} bytes, not {largest}");
            findings
                .push(Finding::new(&["largest_output".to_owned()], message).help("leave large data in S3, and answer its key"));
        }
        findings
    }
}

impl Field {
    /// Tells whether a way such as `body.image_data` leads to a field.
    fn has(&self, way: &str) -> bool {
        let (first, rest) = way.split_once('.').map_or((way, None), |(first, rest)| (first, Some(rest)));
        let Self::Object(fields, _) = self else { return false };
        fields.get(first).is_some_and(|field| rest.is_none_or(|rest| field.has(rest)))
    }
}

/// Tells whether a name belongs to AWS: those have a service before a dot.
fn is_reserved(name: &str) -> bool {
    name.is_empty() || ["States.", "Lambda.", "Sandbox.", "Runtime."].iter().any(|prefix| name.starts_with(prefix))
}

fn twice(key: &str, names: &[String]) -> Vec<Finding> {
    let mut seen = BTreeSet::new();
    let again = names.iter().enumerate().filter(|(_, name)| !seen.insert(name.as_str()));
    again.map(|(index, name)| Finding::new(&[key.to_owned(), index.to_string()], format!("`{name}` is listed twice"))).collect()
}

/// A Lambda function that a workflow may call.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its name in the environment file.
    pub name: String,
    /// Its ARN without a version or alias.
    pub arn: String,
    /// Its contract, if it has one.
    pub contract: Option<Contract>,
}

/// Stands for the number of a version that is published only when the workflow is deployed; Lambda counts from 1.
const TO_COME: &str = "0";

/// A definition in which references to versions that are not published yet are ARNs with a number that stands for theirs.
pub(super) fn with_versions(definition: &Value, functions: &[Function]) -> Value {
    match definition {
        Value::String(text) => {
            let name = text.strip_prefix("${functions.").and_then(|rest| rest.strip_suffix(".version_arn}"));
            let function = name.and_then(|name| functions.iter().find(|function| function.name == name));
            function.map_or_else(|| definition.clone(), |function| format!("{}:{TO_COME}", function.arn).into())
        }
        Value::Array(items) => items.iter().map(|item| with_versions(item, functions)).collect(),
        Value::Object(members) => {
            members.iter().map(|(key, value)| (key.clone(), with_versions(value, functions))).collect::<Map<_, _>>().into()
        }
        other => other.clone(),
    }
}

/// The function of which a version is to come, if an ARN stands for one.
pub(super) fn with_version_to_come(resource: &str) -> Option<&str> {
    match unqualified(resource) {
        (function, Some(TO_COME)) => Some(function),
        _ => None,
    }
}

/// Finds a function by what a task calls it: its ARN, with or without a version or alias, or its name in AWS.
pub(super) fn find<'f>(functions: &'f [Function], called: &str) -> Option<&'f Function> {
    let plain = unqualified(called).0;
    functions.iter().find(|function| {
        function.arn == plain || !plain.starts_with("arn:") && function.arn.ends_with(&format!(":function:{plain}"))
    })
}

/// Splits what a task calls a function into its ARN or name, and the version or alias behind it.
///
/// Source: Lambda API reference, `Invoke`, "FunctionName": a name, an ARN or a part of one.
pub(super) fn unqualified(called: &str) -> (&str, Option<&str>) {
    let name_at = called.find(":function:").map_or(0, |at| at + ":function:".len());
    match called.get(name_at..).unwrap_or_default().find(':') {
        Some(colon) => {
            let (plain, qualifier) = called.split_at(name_at + colon);
            (plain, Some(qualifier.trim_start_matches(':')))
        }
        None => (called, None),
    }
}

/// Returns the function whose name was most likely meant.
pub(super) fn nearest_function<'f>(functions: &'f [Function], called: &str) -> Option<&'f str> {
    nearest(unqualified(called).0.rsplit(':').next().unwrap_or_default(), functions.iter().map(|function| function.name.as_str()))
}
