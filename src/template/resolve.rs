//! Works out what intrinsic functions give, as far as that can be known without AWS.

use std::cell::Cell;
use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::parameters::is_list;
use super::references::{PSEUDO, Part, sub_parts};
use super::resources::{Named, name_property, qualifier_property, url_suffix};
use super::{Context, scalar};

/// How much is worked out before a template is held to be hostile: references may multiply each other.
const MOST_STEPS: usize = 200_000;

/// How deep values may lead into each other. Values are at most 64 deep, but references may lead on.
const DEEPEST: usize = 120;

/// Encloses, in a symbolic text, what stands for a pseudo parameter: unknown, but the same at any time.
pub(super) const FIXED: char = '\u{1a}';

/// Encloses, in a symbolic text, what only the finished resources can tell.
pub(super) const LATER: char = '\u{1b}';

/// Either a value, or why it is not known.
type Resolved<T> = Result<T, String>;

/// Resolves the functions of one template.
pub(super) struct Resolver<'a> {
    template: &'a Value,
    parameters: &'a BTreeMap<String, String>,
    /// What pseudo parameters stand for; without it, they and all that hangs on resources become symbols, so that two
    /// templates can be compared.
    context: Option<&'a Context<'a>>,
    steps: Cell<usize>,
    depth: Cell<usize>,
}

impl<'a> Resolver<'a> {
    pub(super) fn offline(template: &'a Value, context: &'a Context<'a>) -> Self {
        Self { context: Some(context), ..Self::symbolic(template, context.parameters) }
    }

    pub(super) fn symbolic(template: &'a Value, parameters: &'a BTreeMap<String, String>) -> Self {
        Self { template, parameters, context: None, steps: Cell::new(0), depth: Cell::new(0) }
    }

    fn declared(&self, section: &str, name: &str) -> Option<&'a Value> {
        self.template.get(section)?.get(name)
    }

    /// Resolves a value that must be one text.
    pub(super) fn text(&self, value: &Value) -> Resolved<String> {
        scalar(&self.value(value)?).ok_or_else(|| "it is no single text".to_owned())
    }

    /// Resolves a value. `null` stands for `AWS::NoValue`, and is left out of lists and maps.
    pub(super) fn value(&self, value: &Value) -> Resolved<Value> {
        self.steps.set(self.steps.get() + 1);
        if self.steps.get() > MOST_STEPS || self.depth.get() > DEEPEST {
            return Err("its references lead too far".to_owned());
        }
        self.depth.set(self.depth.get() + 1);
        let resolved = self.any(value);
        self.depth.set(self.depth.get() - 1);
        resolved
    }

    fn any(&self, value: &Value) -> Resolved<Value> {
        if let Some((function, argument)) = function_of(value) {
            return self.call(function, argument);
        }
        match value {
            Value::Array(items) => {
                let resolved: Resolved<Vec<Value>> = items.iter().map(|item| self.value(item)).collect();
                Ok(Value::Array(resolved?.into_iter().filter(|item| !item.is_null()).collect()))
            }
            Value::Object(members) => {
                let one = |(key, value): (&String, &Value)| Ok((key.clone(), self.value(value)?));
                let resolved: Resolved<Map<String, Value>> = members.iter().map(one).collect();
                Ok(Value::Object(resolved?.into_iter().filter(|(_, value)| !value.is_null()).collect()))
            }
            other => Ok(scalar(other).map_or(Value::Null, Value::from)),
        }
    }

    fn call(&self, function: &str, argument: &Value) -> Resolved<Value> {
        match function {
            "Ref" => self.name(argument.as_str().ok_or("a `Ref` takes a name")?),
            "Fn::GetAtt" => {
                let (resource, attribute) = self.attribute_of(argument)?;
                self.attribute(&resource, &attribute).map(Value::from)
            }
            "Fn::Sub" => self.sub(argument).map(Value::from),
            "Fn::Join" => self.join(argument).map(Value::from),
            "Fn::Split" => self.split(argument),
            "Fn::Select" => self.select(argument),
            "Fn::If" => match argument.as_array().map(Vec::as_slice) {
                Some([Value::String(name), yes, no]) => self.value(if self.named_condition(name)? { yes } else { no }),
                _ => Err("a `Fn::If` takes a condition and two values".to_owned()),
            },
            "Fn::FindInMap" => self.find_in_map(argument),
            other => Err(format!("`{other}` is not resolved offline")),
        }
    }

    /// Resolves what `Ref` or `${…}` names.
    fn name(&self, name: &str) -> Resolved<Value> {
        if PSEUDO.contains(&name) {
            return self.pseudo(name);
        }
        if let Some(declared) = self.declared("Parameters", name) {
            return self.parameter(name, declared);
        }
        let Some(resource) = self.declared("Resources", name) else { return Err(format!("there is no `{name}`")) };
        let Some(context) = self.context else { return Ok(Value::from(format!("{LATER}{name}{LATER}"))) };
        self.named(name, resource, |named| named.reference(context)).map(Value::from)
    }

    fn pseudo(&self, name: &str) -> Resolved<Value> {
        if name == "AWS::NoValue" {
            return Ok(Value::Null);
        }
        let Some(context) = self.context else { return Ok(Value::from(format!("{FIXED}{name}{FIXED}"))) };
        let known = match name {
            "AWS::AccountId" => Some(context.account),
            "AWS::Partition" => Some(context.partition),
            "AWS::Region" => Some(context.region),
            "AWS::StackName" => Some(context.stack_name),
            "AWS::URLSuffix" => url_suffix(context.partition),
            _ => None,
        };
        known.map(Value::from).ok_or_else(|| format!("`{name}` is known only to AWS"))
    }

    fn parameter(&self, name: &str, declared: &Value) -> Resolved<Value> {
        let given = self.parameters.get(name).cloned().or_else(|| declared.get("Default").and_then(scalar));
        let kind = declared.get("Type").and_then(Value::as_str).unwrap_or_default();
        let stored = kind.starts_with("AWS::SSM::Parameter::Value");
        let hidden = declared.get("NoEcho").and_then(scalar).is_some_and(|flag| flag.eq_ignore_ascii_case("true"));
        match (given, self.context) {
            (None, None) => Ok(Value::from(format!("{LATER}{name}{LATER}"))),
            (None, Some(_)) => Err(format!("the parameter `{name}` has no value")),
            (Some(key), None) if stored => Ok(Value::from(format!("{LATER}{name}={key}{LATER}"))),
            (Some(_), Some(_)) if stored => Err(format!("the parameter `{name}` is read from Parameter Store")),
            // What is hidden must not turn up in a plan.
            (Some(_), Some(_)) if hidden => Err(format!("the parameter `{name}` is hidden")),
            (Some(value), _) if is_list(kind) => {
                Ok(Value::Array(value.split(',').map(|item| Value::from(item.trim())).collect()))
            }
            (Some(value), _) => Ok(Value::from(value)),
        }
    }

    fn attribute_of(&self, argument: &Value) -> Resolved<(String, String)> {
        let wrong = || "a `Fn::GetAtt` takes a resource and an attribute".to_owned();
        match argument {
            Value::String(text) => {
                text.split_once('.').map(|(name, attribute)| (name.to_owned(), attribute.to_owned())).ok_or_else(wrong)
            }
            Value::Array(items) => match items.as_slice() {
                [Value::String(name), attribute] => Ok((name.clone(), self.text(attribute)?)),
                _ => Err(wrong()),
            },
            _ => Err(wrong()),
        }
    }

    fn attribute(&self, name: &str, attribute: &str) -> Resolved<String> {
        let Some(resource) = self.declared("Resources", name) else { return Err(format!("there is no `{name}`")) };
        let Some(context) = self.context else { return Ok(format!("{LATER}{name}.{attribute}{LATER}")) };
        self.named(name, resource, |named| named.attribute(attribute, context))
            .map_err(|why| if why.contains('`') { why } else { format!("the resource `{name}`: {why}") })
    }

    /// Derives something from a resource's name, when the template sets the name.
    pub(super) fn named(&self, id: &str, resource: &Value, derive: impl Fn(&Named) -> Option<String>) -> Resolved<String> {
        if let Some(condition) = resource.get("Condition").and_then(Value::as_str)
            && !self.named_condition(condition)?
        {
            return Err(format!("the resource `{id}` is not made, as its condition `{condition}` is false"));
        }
        let type_name = resource.get("Type").and_then(Value::as_str).unwrap_or_default();
        let unknown = || format!("the resource `{id}` ({type_name}) must exist first");
        let property = name_property(type_name).ok_or_else(unknown)?;
        let set = |property: &str| resource.get("Properties").and_then(|properties| properties.get(property));
        let unnamed = || format!("the resource `{id}` ({type_name}) sets no `{property}`, so AWS names it");
        let name = match self.value(set(property).ok_or_else(unnamed)?)? {
            Value::Null => return Err(unnamed()),
            value => scalar(&value).ok_or_else(unnamed)?,
        };
        let qualifier = match qualifier_property(type_name) {
            Some((property, default)) => match set(property).map(|value| self.value(value)).transpose()? {
                None | Some(Value::Null) => Some(default.to_owned()),
                Some(value) => scalar(&value),
            },
            None => None,
        };
        derive(&Named { type_name, name: &name, qualifier: qualifier.as_deref() }).ok_or_else(unknown)
    }

    fn sub(&self, argument: &Value) -> Resolved<String> {
        let (text, variables) = match argument {
            Value::String(text) => (text, None),
            Value::Array(items) => match items.as_slice() {
                [Value::String(text), Value::Object(variables)] => (text, Some(variables)),
                _ => return Err("a `Fn::Sub` takes a text and a map".to_owned()),
            },
            _ => return Err("a `Fn::Sub` takes a text".to_owned()),
        };
        let mut whole = String::with_capacity(text.len());
        for part in sub_parts(text) {
            match part {
                Part::Text(text) => whole.push_str(text),
                Part::Open => return Err("a `${` is not closed".to_owned()),
                Part::Name(name) => {
                    let value = match (variables.and_then(|map| map.get(name)), name.split_once('.')) {
                        (Some(value), _) => self.text(value)?,
                        (None, Some((resource, attribute))) => self.attribute(resource, attribute)?,
                        (None, None) => {
                            let value = self.name(name)?;
                            scalar(&value).ok_or_else(|| format!("`{name}` is no single text"))?
                        }
                    };
                    whole.push_str(&value);
                }
            }
        }
        Ok(whole)
    }

    fn join(&self, argument: &Value) -> Resolved<String> {
        let Some([delimiter, items]) = argument.as_array().map(Vec::as_slice) else {
            return Err("a `Fn::Join` takes a delimiter and a list".to_owned());
        };
        let delimiter = self.text(delimiter)?;
        let items = self.list(items)?;
        let texts: Option<Vec<String>> = items.iter().map(scalar).collect();
        Ok(texts.ok_or("a `Fn::Join` takes a list of texts")?.join(&delimiter))
    }

    fn split(&self, argument: &Value) -> Resolved<Value> {
        let Some([delimiter, text]) = argument.as_array().map(Vec::as_slice) else {
            return Err("a `Fn::Split` takes a delimiter and a text".to_owned());
        };
        let (delimiter, text) = (self.text(delimiter)?, self.text(text)?);
        if delimiter.is_empty() || is_symbolic(&text) {
            return Err("the text to split is not known".to_owned());
        }
        Ok(Value::Array(text.split(delimiter.as_str()).map(Value::from).collect()))
    }

    fn select(&self, argument: &Value) -> Resolved<Value> {
        let Some([index, items]) = argument.as_array().map(Vec::as_slice) else {
            return Err("a `Fn::Select` takes an index and a list".to_owned());
        };
        let index: usize = self.text(index)?.parse().map_err(|_| "the index of `Fn::Select` is no number".to_owned())?;
        self.list(items)?.into_iter().nth(index).ok_or_else(|| format!("a `Fn::Select` finds no item {index}"))
    }

    fn list(&self, value: &Value) -> Resolved<Vec<Value>> {
        match self.value(value)? {
            Value::Array(items) => Ok(items),
            _ => Err("a list is not known".to_owned()),
        }
    }

    fn find_in_map(&self, argument: &Value) -> Resolved<Value> {
        let Some([mapping, first, second, rest @ ..]) = argument.as_array().map(Vec::as_slice) else {
            return Err("a `Fn::FindInMap` takes a mapping and two keys".to_owned());
        };
        let (mapping, first, second) = (self.text(mapping)?, self.text(first)?, self.text(second)?);
        let found = self.declared("Mappings", &mapping).and_then(|map| map.get(&first)?.get(&second));
        match (found, rest.first().and_then(|options| options.get("DefaultValue"))) {
            (Some(value), _) => self.value(value),
            (None, Some(default)) if ![&mapping, &first, &second].into_iter().any(|key| is_symbolic(key)) => self.value(default),
            (None, _) => Err(format!("the mapping `{mapping}` has no `{first}`, `{second}`")),
        }
    }

    /// Tells whether a condition holds, by its name.
    pub(super) fn named_condition(&self, name: &str) -> Resolved<bool> {
        let declared = self.declared("Conditions", name).ok_or_else(|| format!("there is no condition `{name}`"))?;
        self.depth.set(self.depth.get() + 1);
        let holds = if self.depth.get() > DEEPEST {
            Err("its conditions lead too far".to_owned())
        } else {
            self.condition(declared).map_err(|why| format!("the condition `{name}` is not known: {why}"))
        };
        self.depth.set(self.depth.get() - 1);
        holds
    }

    fn condition(&self, expression: &Value) -> Resolved<bool> {
        self.steps.set(self.steps.get() + 1);
        if self.steps.get() > MOST_STEPS {
            return Err("it leads too far".to_owned());
        }
        let Some((function, argument)) = expression.as_object().filter(|map| map.len() == 1).and_then(|map| map.iter().next())
        else {
            return Err("it is no condition function".to_owned());
        };
        let operands = argument.as_array().map(Vec::as_slice).unwrap_or_default();
        match (function.as_str(), operands) {
            ("Condition", _) => self.named_condition(argument.as_str().unwrap_or_default()),
            ("Fn::Equals", [left, right]) => self.equals(left, right),
            ("Fn::Not", [only]) => self.condition(only).map(|holds| !holds),
            ("Fn::And", [_, ..]) => self.all(operands, true),
            ("Fn::Or", [_, ..]) => self.all(operands, false).map(|none| !none),
            _ => Err(format!("`{function}` is not resolved offline")),
        }
    }

    /// Tells whether each operand is what is wanted. One that surely is not decides, whatever the unknown ones are.
    fn all(&self, operands: &[Value], wanted: bool) -> Resolved<bool> {
        let mut unknown = None;
        for operand in operands {
            match self.condition(operand) {
                Ok(holds) if holds != wanted => return Ok(false),
                Ok(_) => {}
                Err(why) => unknown = Some(why),
            }
        }
        unknown.map_or(Ok(true), Err)
    }

    fn equals(&self, left: &Value, right: &Value) -> Resolved<bool> {
        let (left, right) = (self.value(left)?, self.value(right)?);
        if left != right && (is_symbolic(&left.to_string()) || is_symbolic(&right.to_string())) {
            return Err("it compares what only AWS knows".to_owned());
        }
        Ok(left == right)
    }

    /// Writes a value with everything worked out that can be; the rest keeps its functions.
    pub(super) fn expanded(&self, value: &Value) -> Value {
        if let Some((function, argument)) = function_of(value) {
            let unresolved = || {
                let argument = match (function, argument.as_array().map(Vec::as_slice)) {
                    // The condition's text, not its name, decides what the value is.
                    ("Fn::If", Some([Value::String(name), rest @ ..])) => {
                        let condition = self.declared("Conditions", name).map_or(Value::Null, |found| self.expanded(found));
                        Value::Array([condition].into_iter().chain(rest.iter().map(|item| self.expanded(item))).collect())
                    }
                    _ => self.expanded(argument),
                };
                Value::Object([(function.to_owned(), argument)].into_iter().collect())
            };
            return self.value(value).unwrap_or_else(|_| unresolved());
        }
        self.steps.set(self.steps.get() + 1);
        if self.steps.get() > MOST_STEPS {
            return value.clone();
        }
        match value {
            Value::Array(items) => {
                Value::Array(items.iter().map(|item| self.expanded(item)).filter(|item| !item.is_null()).collect())
            }
            Value::Object(members) => {
                let mut expanded: Map<String, Value> = members
                    .iter()
                    .map(|(key, value)| (key.clone(), self.expanded(value)))
                    .filter(|(_, value)| !value.is_null())
                    .collect();
                // The order of members means nothing.
                expanded.sort_keys();
                Value::Object(expanded)
            }
            other => scalar(other).map_or(Value::Null, Value::from),
        }
    }
}

/// Tells whether a symbolic text holds something unknown. JSON escapes control characters, so both forms are looked for.
fn is_symbolic(text: &str) -> bool {
    text.contains([FIXED, LATER]) || text.contains("\\u001a") || text.contains("\\u001b")
}

/// Returns the function that a value calls, with its argument.
fn function_of(value: &Value) -> Option<(&str, &Value)> {
    let (key, argument) = value.as_object().filter(|members| members.len() == 1)?.iter().next()?;
    (key == "Ref" || key.starts_with("Fn::")).then_some((key.as_str(), argument))
}
