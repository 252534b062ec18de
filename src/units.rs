//! Values that are written with a unit.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A duration, kept in seconds: `30s`, `5m`, `1h` or `7d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seconds(pub u32);

/// As it is written in a file; only the schema's defaults are.
impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}s", self.0))
    }
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse(&text)
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom(format!("`{text}` is no duration: write one such as 30s, 5m or 1h")))
    }
}

fn parse(text: &str) -> Option<u32> {
    let unit = match text.chars().last()? {
        's' => 1,
        'm' => 60,
        'h' => 60 * 60,
        'd' => 24 * 60 * 60,
        _ => return None,
    };
    let digits = text.get(..text.len() - 1)?;
    digits.chars().all(|c| c.is_ascii_digit()).then(|| digits.parse::<u32>().ok()?.checked_mul(unit)).flatten()
}

impl JsonSchema for Seconds {
    fn schema_name() -> Cow<'static, str> {
        "Seconds".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^[0-9]+(s|m|h|d)$",
            "description": "a duration such as 30s, 5m or 1h",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_durations() {
        let units = [("0s", Some(0)), ("30s", Some(30)), ("5m", Some(300)), ("1h", Some(3600)), ("7d", Some(604_800))];
        let wrong = [("", None), ("s", None), ("5", None), ("+5s", None), ("1.5h", None), ("5 m", None), ("9999999d", None)];
        for (text, seconds) in units.into_iter().chain(wrong) {
            assert_eq!(parse(text), seconds, "{text}");
        }
    }
}
