//! Templates as they are sent, and as CloudFormation gives them back.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::environment::source::Source;
use crate::environment::yaml::{self, Tags};
use crate::template::INLINE_LIMIT;

/// A template as it is sent: for people to read, unless only the compact form goes without a detour over S3.
///
/// Characters beyond ASCII are written as escapes, since GetTemplate is known to answer them as question marks.
pub fn canonical(template: &Value) -> String {
    let compact = || ascii(&template.to_string());
    match serde_json::to_string_pretty(template).map(|text| ascii(&text)) {
        Ok(pretty) if pretty.len() <= INLINE_LIMIT => pretty,
        Ok(pretty) => {
            let compact = compact();
            if compact.len() <= INLINE_LIMIT { compact } else { pretty }
        }
        Err(_) => compact(),
    }
}

/// In JSON, what is not ASCII can only stand in a string, where it may as well be an escape.
fn ascii(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut units = [0; 2];
    for character in json.chars() {
        if character.is_ascii() {
            out.push(character);
        } else {
            character.encode_utf16(&mut units).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
        }
    }
    out
}

/// Parses a live template, whoever wrote it, in JSON or YAML.
pub fn parse(name: &str, text: &str) -> Result<Value, String> {
    if let Ok(value) = serde_json::from_str(text) {
        return Ok(value);
    }
    let source = Arc::new(Source { path: PathBuf::from(format!("{name} (live template)")), text: text.to_owned() });
    match yaml::parse(&source, Tags::CloudFormation) {
        Ok(node) => Ok(node.to_json()),
        Err(diagnostic) => {
            let at = diagnostic.span.as_ref().map(|span| format!(" at {}", span.location())).unwrap_or_default();
            Err(format!("{}{at}", diagnostic.message))
        }
    }
}

/// The live template, or the declared one where both come to the same.
///
/// CloudFormation takes some parts of a template only along with others: it answers "No updates are to be performed"
/// where the description, the metadata or a parameter's bounds are all that changed. They count at the next update,
/// which brings them along, so a difference in them alone is none that anybody could make go away.
/// Question marks may be what is left of characters that are not ASCII.
pub fn folded(live: Value, declared: Option<&Value>) -> Value {
    let Some(declared) = declared else { return live };
    let wanted = effective(declared);
    let is = effective(&live);
    if is == wanted || is == mangled(&wanted) { declared.clone() } else { live }
}

fn effective(template: &Value) -> Value {
    const DECLARATIONS: [&str; 4] = ["AWSTemplateFormatVersion", "Description", "Metadata", "Rules"];
    // Values are compared apart, with the defaults filled in.
    const OF_PARAMETERS: [&str; 9] = [
        "Description",
        "ConstraintDescription",
        "Default",
        "AllowedPattern",
        "AllowedValues",
        "MinLength",
        "MaxLength",
        "MinValue",
        "MaxValue",
    ];
    let mut template = template.clone();
    let Some(sections) = template.as_object_mut() else { return template };
    without(sections, &DECLARATIONS);
    let parameters = sections.get_mut("Parameters").and_then(Value::as_object_mut);
    for parameter in parameters.into_iter().flat_map(Map::values_mut).filter_map(Value::as_object_mut) {
        without(parameter, &OF_PARAMETERS);
    }
    template
}

fn without(map: &mut Map<String, Value>, keys: &[&str]) {
    map.retain(|key, _| !keys.contains(&key.as_str()));
}

fn mangled(value: &Value) -> Value {
    let text: String = value.to_string().chars().map(|c| if c.is_ascii() { c } else { '?' }).collect();
    serde_json::from_str(&text).unwrap_or_default()
}

/// The capability that a template needs for IAM resources, and one that needs it.
///
/// Source: "Acknowledging IAM resources in CloudFormation templates". Macros need none in a change set.
pub fn needed_capability(template: &Value) -> Option<(&'static str, String)> {
    const TYPES: [(&str, &str); 8] = [
        ("AWS::IAM::AccessKey", ""),
        ("AWS::IAM::Group", "GroupName"),
        ("AWS::IAM::InstanceProfile", "InstanceProfileName"),
        ("AWS::IAM::ManagedPolicy", "ManagedPolicyName"),
        ("AWS::IAM::Policy", ""),
        ("AWS::IAM::Role", "RoleName"),
        ("AWS::IAM::User", "UserName"),
        ("AWS::IAM::UserToGroupAddition", ""),
    ];
    let resources = template.get("Resources").and_then(Value::as_object)?;
    let mut plain = None;
    for (name, resource) in resources {
        let type_name = resource.get("Type").and_then(Value::as_str).unwrap_or_default();
        let Some((_, key)) = TYPES.iter().find(|(known, _)| *known == type_name) else { continue };
        if resource.get("Properties").and_then(|properties| properties.get(key)).is_some() {
            return Some(("CAPABILITY_NAMED_IAM", name.clone()));
        }
        plain.get_or_insert_with(|| name.clone());
    }
    plain.map(|name| ("CAPABILITY_IAM", name))
}
