//! Values that are written in a form of their own: with a unit, or as a date.

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

/// Writes seconds in the unit of a text, if that comes out even; else in the largest unit that does.
pub fn written(seconds: u32, like: Option<&str>) -> String {
    let units = [('d', 24 * 60 * 60), ('h', 60 * 60), ('m', 60), ('s', 1)];
    let fits = |unit: &&(char, u32)| seconds.is_multiple_of(unit.1) && (seconds > 0 || unit.1 == 1);
    let kept = units.iter().find(|(unit, _)| like.is_some_and(|text| text.ends_with(*unit))).filter(fits);
    let (unit, length) = kept.or_else(|| units.iter().find(fits)).copied().unwrap_or(('s', 1));
    format!("{}{unit}", seconds / length)
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

/// A day, such as `2027-01-31`. Days are ordered as their texts are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Day(String);

impl Day {
    /// The day that a text names.
    pub fn parse(text: &str) -> Option<Self> {
        let day: jiff::civil::Date = text.parse().ok()?;
        (day.to_string() == text).then(|| Self(text.to_owned()))
    }

    /// Today, by UTC.
    pub fn today() -> Self {
        Self(jiff::Timestamp::now().strftime("%Y-%m-%d").to_string())
    }
}

impl std::fmt::Display for Day {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom(format!("`{text}` is no day: write one such as 2027-01-31")))
    }
}

impl JsonSchema for Day {
    fn schema_name() -> Cow<'static, str> {
        "Day".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
            "description": "a day such as 2027-01-31",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_days() {
        for text in ["2027-01-31", "2028-02-29"] {
            assert_eq!(Day::parse(text).map(|day| day.to_string()).as_deref(), Some(text));
        }
        for text in ["2027-02-29", "2027-1-31", "31.01.2027", "2027-01-31T00:00", "", "tomorrow"] {
            assert_eq!(Day::parse(text), None, "{text}");
        }
        assert!(Day::parse("2026-12-31") < Day::parse("2027-01-01"));
    }

    #[test]
    fn keeps_the_unit_where_it_can() {
        let cases = [(60, Some("10s"), "60s"), (90, Some("1m"), "90s"), (120, None, "2m"), (86_400, Some("1h"), "24h")];
        for (seconds, like, expected) in cases.into_iter().chain([(0, None, "0s"), (0, Some("5m"), "0s"), (604_800, None, "7d")])
        {
            assert_eq!(written(seconds, like), expected);
            assert_eq!(parse(expected), Some(seconds));
        }
    }

    #[test]
    fn reads_durations() {
        let units = [("0s", Some(0)), ("30s", Some(30)), ("5m", Some(300)), ("1h", Some(3600)), ("7d", Some(604_800))];
        let wrong = [("", None), ("s", None), ("5", None), ("+5s", None), ("1.5h", None), ("5 m", None), ("9999999d", None)];
        for (text, seconds) in units.into_iter().chain(wrong) {
            assert_eq!(parse(text), seconds, "{text}");
        }
    }
}
