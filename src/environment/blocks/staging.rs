//! What an environment file says about staging.

use std::borrow::Cow;
use std::fmt;

use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};

/// The pictures a model is trained and tested with, and where they lie.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Staging {
    /// The archive the pictures come from.
    pub archive: Archive,
    /// The classes to keep, each with its label in the archive's `fine_labels`, such as `bicycle: 8`. Their order is the
    /// class index in `train.lst` and `test.lst`.
    #[serde(deserialize_with = "classes")]
    pub classes: IndexMap<String, Within<0, 99>>,
    /// Where the pictures and lists go: `s3://bucket/prefix`. Objects below its `train/` and `test/` belong to staging.
    pub to: String,
    /// Pixels per edge of each picture. CIFAR's own are 32; other sizes are resampled bilinearly.
    #[serde(default = "cifar_size")]
    pub size: Within<8, 256>,
    /// What is done to the contrast of each picture, for training and test alike.
    #[serde(default)]
    pub normalise: Normalise,
    /// Further, slightly changed copies of the training pictures.
    #[serde(default)]
    pub augment: Option<Augment>,
}

/// An archive in the format of `cifar-100-python.tar.gz`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Archive {
    /// An `https://` URL, or a path relative to the project. `http://` is taken for this machine only.
    pub url: String,
    /// Its size in bytes. A file of another size is refused.
    #[serde(default)]
    pub size: Option<u64>,
    /// Its SHA-256, 64 hexadecimal digits. Without it a downloaded archive is not kept.
    #[serde(default)]
    pub sha256: Option<Sha256Digest>,
}

/// What is done to the contrast of a picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Normalise {
    /// Nothing: the model sees pictures as the endpoint will get them.
    #[default]
    None,
    /// The 1st to 99th percentile of the luma are stretched to the full range. An endpoint gets pictures without this,
    /// so stretch them there too.
    Contrast,
}

/// Further copies of each training picture. What happens to a copy depends on the seed, the picture's name and the
/// copy's number only.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Augment {
    /// Copies per picture, besides the picture itself.
    pub copies: Within<1, 16>,
    /// Whether about half of the copies are mirrored, left to right.
    #[serde(default)]
    pub flip: bool,
    /// Pixels by which a copy is moved at most, in each direction; the edge is repeated.
    #[serde(default)]
    pub shift: Within<0, 64>,
    /// How much brighter or darker a copy gets at most; 1 is the full range.
    #[serde(default)]
    pub brightness: Fraction,
    /// How much contrast a copy gains or loses at most; 0.1 is between 90 % and 110 %.
    #[serde(default)]
    pub contrast: Fraction,
    /// Another seed makes other copies.
    #[serde(default)]
    pub seed: u64,
}

fn cifar_size() -> Within<8, 256> {
    Within(32)
}

/// Refuses classes that could not be told apart, and names that are no words.
fn classes<'de, D: Deserializer<'de>>(input: D) -> Result<IndexMap<String, Within<0, 99>>, D::Error> {
    let classes = IndexMap::<String, Within<0, 99>>::deserialize(input)?;
    if classes.len() < 2 {
        return Err(de::Error::custom("a classifier needs two classes or more: add another one"));
    }
    for (index, (name, label)) in classes.iter().enumerate() {
        let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if name.is_empty() || name.len() > 64 || !name.bytes().all(word) {
            return Err(de::Error::custom(format!("`{name}` can't name a class: use up to 64 letters, digits, `-` and `_`")));
        }
        if let Some((other, _)) = classes.iter().take(index).find(|(_, taken)| *taken == label) {
            return Err(de::Error::custom(format!("`{name}` and `{other}` have the same label {label}: each needs its own")));
        }
    }
    Ok(classes)
}

/// A whole number between two bounds, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Within<const LOW: u32, const HIGH: u32>(u32);

impl<const LOW: u32, const HIGH: u32> Within<LOW, HIGH> {
    /// Returns the number.
    pub fn get(self) -> u32 {
        self.0
    }
}

impl<const LOW: u32, const HIGH: u32> Default for Within<LOW, HIGH> {
    fn default() -> Self {
        Self(LOW)
    }
}

impl<const LOW: u32, const HIGH: u32> fmt::Display for Within<LOW, HIGH> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<const LOW: u32, const HIGH: u32> TryFrom<u32> for Within<LOW, HIGH> {
    type Error = String;

    fn try_from(number: u32) -> Result<Self, String> {
        if (LOW..=HIGH).contains(&number) {
            return Ok(Self(number));
        }
        Err(format!("{number} is out of range: write a number from {LOW} to {HIGH}"))
    }
}

impl<'de, const LOW: u32, const HIGH: u32> Deserialize<'de> for Within<LOW, HIGH> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        u32::deserialize(input)?.try_into().map_err(de::Error::custom)
    }
}

impl<const LOW: u32, const HIGH: u32> JsonSchema for Within<LOW, HIGH> {
    fn schema_name() -> Cow<'static, str> {
        format!("Within{LOW}To{HIGH}").into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": LOW, "maximum": HIGH })
    }
}

/// A number from 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(try_from = "f64")]
pub struct Fraction(f64);

impl Fraction {
    /// Returns the number.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Fraction {
    type Error = String;

    fn try_from(number: f64) -> Result<Self, String> {
        if (0.0..=1.0).contains(&number) {
            return Ok(Self(number));
        }
        Err(format!("{number} is out of range: write a number from 0 to 1"))
    }
}

impl JsonSchema for Fraction {
    fn schema_name() -> Cow<'static, str> {
        "Fraction".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "number", "minimum": 0, "maximum": 1 })
    }
}

/// A SHA-256 as `sha256sum` prints it.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Sha256Digest(String);

impl Sha256Digest {
    /// Returns the digits, in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Sha256Digest {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(Self(text.to_ascii_lowercase()));
        }
        Err(format!("`{text}` is no SHA-256: write the 64 hexadecimal digits that `sha256sum` prints"))
    }
}

impl fmt::Debug for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl JsonSchema for Sha256Digest {
    fn schema_name() -> Cow<'static, str> {
        "Sha256Digest".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9a-fA-F]{64}$" })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;

    fn spec(change: impl FnOnce(&mut Json)) -> Result<Staging, String> {
        let mut json = json!({
            "archive": { "url": "https://example.org/a.tar.gz" },
            "classes": { "motorcycle": 48, "bicycle": 8 },
            "to": "s3://bucket/prefix",
        });
        change(&mut json);
        serde_json::from_value(json).map_err(|error| error.to_string())
    }

    #[test]
    fn classes_keep_their_order_and_all_else_has_defaults() {
        let spec = spec(|_| {}).unwrap();
        assert_eq!(spec.classes.keys().collect::<Vec<_>>(), ["motorcycle", "bicycle"]);
        assert_eq!((spec.size.get(), spec.normalise, spec.augment), (32, Normalise::None, None));
    }

    #[test]
    fn numbers_out_of_range_are_refused_with_the_range() {
        assert!(spec(|json| json["size"] = json!(7)).unwrap_err().contains("from 8 to 256"));
        assert!(spec(|json| json["size"] = json!(256)).is_ok());
        assert!(spec(|json| json["classes"]["bicycle"] = json!(100)).unwrap_err().contains("from 0 to 99"));
        assert!(spec(|json| json["augment"] = json!({ "copies": 0 })).unwrap_err().contains("from 1 to 16"));
        assert!(spec(|json| json["augment"] = json!({ "copies": 1, "contrast": 1.5 })).unwrap_err().contains("from 0 to 1"));
    }

    #[test]
    fn classes_that_cannot_be_told_apart_are_refused() {
        assert!(spec(|json| json["classes"]["bicycle"] = json!(48)).unwrap_err().contains("same label 48"));
        assert!(spec(|json| json["classes"] = json!({ "bicycle": 8 })).unwrap_err().contains("two classes"));
        assert!(spec(|json| json["classes"]["a/b"] = json!(1)).unwrap_err().contains("can't name a class"));
    }

    #[test]
    fn unknown_keys_and_broken_digests_are_refused() {
        assert!(spec(|json| json["archive"]["md5"] = json!("x")).unwrap_err().contains("unknown field"));
        assert!(spec(|json| json["archive"]["sha256"] = json!("85cd")).unwrap_err().contains("64 hexadecimal digits"));
        let upper = spec(|json| json["archive"]["sha256"] = json!("AB".repeat(32))).unwrap();
        assert_eq!(upper.archive.sha256.unwrap().as_str(), "ab".repeat(32));
    }
}
