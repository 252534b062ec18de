//! The JSON Schema of environment files, made of the same types that read them.

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::{Blocks, Header};
use crate::kind::Registry;

/// Builds the schema of a complete environment file.
pub fn schema(registry: &Registry) -> Value {
    let mut generator = SchemaGenerator::new(SchemaSettings::draft2020_12());
    let mut root = generator.subschema_for::<Header>().to_value();
    if let Some(name) = root.get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix("#/$defs/")) {
        root = generator.definitions().get(name).cloned().unwrap_or_default();
    }
    let properties = |root: &mut Value| root.get_mut("properties").and_then(Value::as_object_mut).cloned().unwrap_or_default();
    let mut known = properties(&mut root);
    known.insert(
        "extends".into(),
        json!({ "type": "string", "description": "The environment file below this one: mappings merge by key, all else is replaced, null removes." }),
    );
    known.extend(properties(&mut generator.root_schema_for::<Blocks>().to_value()));
    for kind in registry.iter() {
        let spec = kind.spec_schema(&mut generator);
        let description = format!("Each {} by its name.", kind.title());
        known
            .insert(kind.section().into(), json!({ "type": "object", "description": description, "additionalProperties": spec }));
    }
    let definitions = generator.take_definitions(true);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "scones environment",
        "type": "object",
        "additionalProperties": false,
        "required": root.get("required").cloned().unwrap_or_else(|| json!([])),
        "properties": known,
        "$defs": definitions,
    })
}

/// The same schema for a file on its own: what an overlay inherits need not stand in it.
pub fn editor_schema(registry: &Registry) -> Value {
    fn relax(value: &mut Value) {
        match value {
            Value::Object(map) => {
                map.remove("required");
                map.values_mut().for_each(relax);
            }
            Value::Array(items) => items.iter_mut().for_each(relax),
            _ => {}
        }
    }
    let mut schema = schema(registry);
    relax(&mut schema);
    schema
}
