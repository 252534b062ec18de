//! The body of a dashboard, checked as far as CloudWatch's documentation of it goes.
//!
//! Source: "Dashboard Body Structure and Syntax" in the CloudWatch API reference.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use crate::finding::{Finding, below};

const MOST_WIDGETS: usize = 500;
const MOST_METRICS: usize = 500;
const MOST_ALARMS: usize = 100;
const TYPES: [&str; 6] = ["metric", "text", "log", "alarm", "explorer", "custom"];
const KEYS: [&str; 6] = ["type", "x", "y", "width", "height", "properties"];
const BODY_KEYS: [&str; 5] = ["widgets", "start", "end", "periodOverride", "variables"];
/// Numbers of a widget, the grid having 24 columns.
const PLACES: [(&str, RangeInclusive<i64>); 4] = [("x", 0..=23), ("y", 0..=i64::MAX), ("width", 1..=24), ("height", 1..=1000)];

/// Finds what CloudWatch would refuse, or show as an empty widget.
pub fn check(body: &Value) -> Vec<Finding> {
    let mut found = vec![];
    for key in body.as_object().into_iter().flat_map(Map::keys).filter(|key| !BODY_KEYS.contains(&key.as_str())) {
        let finding = Finding::new(&below(&[], key), format!("a dashboard has no `{key}`"));
        found.push(finding.nearest_of(key, BODY_KEYS));
    }
    let path = below(&[], "widgets");
    match body.get("widgets") {
        Some(Value::Array(widgets)) => {
            if widgets.len() > MOST_WIDGETS {
                let message = format!("a dashboard has at most {MOST_WIDGETS} widgets, not {}", widgets.len());
                found.push(Finding::new(&path, message));
            }
            for (index, one) in widgets.iter().enumerate().take(MOST_WIDGETS) {
                widget(one, &below(&path, index), &mut found);
            }
        }
        Some(_) => found.push(Finding::new(&path, "`widgets` is a list")),
        None => found.push(Finding::new(&[], "a dashboard has a list of `widgets`")),
    }
    found
}

fn widget(widget: &Value, path: &[String], found: &mut Vec<Finding>) {
    let Some(map) = widget.as_object() else {
        return found.push(Finding::new(path, "a widget is a mapping with a `type` and `properties`"));
    };
    for key in map.keys().filter(|key| !KEYS.contains(&key.as_str())) {
        let message = format!("a widget has no `{key}`");
        found.push(Finding::new(&below(path, key), message).nearest_of(key, KEYS));
    }
    for (key, range) in PLACES {
        if let Some(value) = map.get(key)
            && !value.as_i64().is_some_and(|number| range.contains(&number))
        {
            let most = if *range.end() == i64::MAX { "up".to_owned() } else { format!("to {}", range.end()) };
            let message = format!("`{key}` is a whole number from {} {most}", range.start());
            found.push(Finding::new(&below(path, key), message));
        }
    }
    if map.contains_key("x") != map.contains_key("y") {
        found.push(Finding::new(path, "`x` and `y` go together: give both or none"));
    }
    let properties = match map.get("properties") {
        Some(Value::Object(properties)) => properties,
        _ => return found.push(Finding::new(path, "a widget has `properties`, a mapping")),
    };
    let inside = below(path, "properties");
    match map.get("type").and_then(Value::as_str) {
        Some("metric") => metric(properties, &inside, found),
        Some("text") => need(properties, "markdown", "a text widget shows its", &inside, found),
        Some("log") => {
            need(properties, "region", "a log widget names its", &inside, found);
            need(properties, "query", "a log widget shows the answers to its", &inside, found);
        }
        Some("alarm") => alarms(properties, &inside, found),
        Some("custom") => need(properties, "endpoint", "a custom widget asks its", &inside, found),
        Some("explorer") => {}
        Some(other) => {
            let finding = Finding::new(&below(path, "type"), format!("there is no type of widget `{other}`"));
            let finding = finding.help(format!("one of: {}", TYPES.join(", ")));
            found.push(finding.nearest_of(other, TYPES));
        }
        None => found.push(Finding::new(path, "a widget has a `type`").help(format!("one of: {}", TYPES.join(", ")))),
    }
}

/// A graph of metrics, or of one alarm's metric: then it has annotations instead.
fn metric(properties: &Map<String, Value>, path: &[String], found: &mut Vec<Finding>) {
    need(properties, "region", "a metric widget names its", path, found);
    let of_alarm = properties.get("annotations").is_some_and(|annotations| annotations.get("alarms").is_some());
    match properties.get("metrics") {
        Some(Value::Array(metrics)) if metrics.len() <= MOST_METRICS && metrics.iter().all(Value::is_array) => {}
        Some(Value::Array(metrics)) if metrics.len() > MOST_METRICS => {
            let message = format!("a widget shows at most {MOST_METRICS} metrics, not {}", metrics.len());
            found.push(Finding::new(&below(path, "metrics"), message));
        }
        Some(_) => {
            let finding = Finding::new(&below(path, "metrics"), "`metrics` is a list of lists");
            found.push(finding.help("such as: [[AWS/Lambda, Errors, FunctionName, my-function]]"));
        }
        None if of_alarm => {}
        None => {
            let finding = Finding::new(path, "a metric widget shows its `metrics`, and has none");
            found.push(finding.help("add `metrics:`, or `annotations: { alarms: [ARN] }` for the graph of an alarm"));
        }
    }
}

fn alarms(properties: &Map<String, Value>, path: &[String], found: &mut Vec<Finding>) {
    match properties.get("alarms").and_then(Value::as_array) {
        Some(alarms) if (1..=MOST_ALARMS).contains(&alarms.len()) => {
            for (index, alarm) in alarms.iter().enumerate() {
                if !alarm.as_str().is_some_and(|arn| arn.starts_with("arn:") || arn.contains("${")) {
                    let finding =
                        Finding::new(&below(&below(path, "alarms"), index), "an alarm widget names alarms by their ARNs");
                    found.push(finding.help("such as ${alarms.NAME.arn}"));
                }
            }
        }
        _ => found.push(Finding::new(path, format!("an alarm widget shows 1 to {MOST_ALARMS} `alarms`"))),
    }
}

fn need(properties: &Map<String, Value>, key: &str, what: &str, path: &[String], found: &mut Vec<Finding>) {
    if properties.get(key).and_then(Value::as_str).is_none_or(str::is_empty) {
        found.push(Finding::new(path, format!("{what} `{key}`")));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(widget: Value) -> Vec<String> {
        check(&json!({ "widgets": [widget] })).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn takes_every_type_of_widget() {
        let widgets = [
            json!({ "type": "metric", "x": 0, "y": 0, "width": 24, "height": 6, "properties": { "region": "us-east-1", "metrics": [["AWS/Lambda", "Errors"]] } }),
            json!({ "type": "metric", "properties": { "region": "us-east-1", "annotations": { "alarms": ["arn:x"] } } }),
            json!({ "type": "text", "properties": { "markdown": "# Hello" } }),
            json!({ "type": "log", "properties": { "region": "us-east-1", "query": "SOURCE 'a' | fields @message" } }),
            json!({ "type": "alarm", "properties": { "alarms": ["arn:aws:cloudwatch:us-east-1:123456789012:alarm:a"] } }),
            json!({ "type": "explorer", "properties": {} }),
            json!({ "type": "custom", "properties": { "endpoint": "arn:aws:lambda:us-east-1:123456789012:function:f" } }),
        ];
        for widget in widgets {
            assert_eq!(found(widget.clone()), Vec::<String>::new(), "{widget}");
        }
    }

    #[test]
    fn names_what_is_wrong_and_where() {
        let cases = [
            (
                json!({ "type": "metrics", "properties": {} }),
                "widgets.0.type: there is no type of widget `metrics` (did you mean `metric`?)",
            ),
            (
                json!({ "type": "text", "width": 25, "properties": { "markdown": "a" } }),
                "widgets.0.width: `width` is a whole number from 1 to 24",
            ),
            (
                json!({ "type": "text", "x": 0, "properties": { "markdown": "a" } }),
                "widgets.0: `x` and `y` go together: give both or none",
            ),
            (
                json!({ "type": "text", "x": 1.5, "y": 0, "properties": { "markdown": "a" } }),
                "widgets.0.x: `x` is a whole number from 0 to 23",
            ),
            (json!({ "type": "text" }), "widgets.0: a widget has `properties`, a mapping"),
            (
                json!({ "type": "metric", "properties": { "metrics": [["A", "B"]] } }),
                "widgets.0.properties: a metric widget names its `region`",
            ),
            (
                json!({ "type": "alarm", "properties": { "alarms": [] } }),
                "widgets.0.properties: an alarm widget shows 1 to 100 `alarms`",
            ),
            (
                json!({ "type": "text", "heigth": 1, "properties": { "markdown": "a" } }),
                "widgets.0.heigth: a widget has no `heigth` (did you mean `height`?)",
            ),
            (json!(5), "widgets.0: a widget is a mapping with a `type` and `properties`"),
        ];
        for (widget, expected) in cases {
            assert_eq!(found(widget), [expected]);
        }
    }

    #[test]
    fn counts_widgets() {
        let text = json!({ "type": "text", "properties": { "markdown": "a" } });
        assert_eq!(check(&json!({ "widgets": vec![text.clone(); 500] })), []);
        assert_eq!(check(&json!({ "widgets": vec![text; 501] })).len(), 1);
        assert_eq!(check(&json!({ "widgets": {} })).len(), 1);
        assert_eq!(check(&json!({ "widget": [] })).len(), 2);
    }
}
