//! IAM policy documents: their normal form, and what AWS would refuse in them.
//!
//! Two documents may read differently and mean the same: a list of one is a scalar, order is free, an account id
//! is its root. [`normalize`] folds all that, so that a diff shows only what changes who may do what. Source: the
//! IAM policy grammar in the IAM user guide, and what `GetRolePolicy` was seen to answer.

mod check;
mod normal;
mod pattern;
mod statement;

use serde_json::Value;

pub use check::{check_identity_policy, check_resource_policy, check_trust_policy};
pub use normal::{equivalent, normalize};
pub use pattern::glob;

/// The most characters that the inline policies of one role may have together, white space not counted.
///
/// Source: IAM quotas, "Role inline policies"; the quota cannot be raised.
pub const ROLE_INLINE_LIMIT: usize = 10_240;

/// The most characters that a role's trust policy may have, white space not counted.
///
/// Source: IAM quotas, "Role trust policy length"; this is the default, and AWS raises it to 4,096 on request.
pub const TRUST_LIMIT: usize = 2_048;

/// Returns how many characters of a policy document count against IAM's quotas: all but white space.
#[must_use]
pub fn size(document: &Value) -> usize {
    document.to_string().chars().filter(|character| !character.is_whitespace()).count()
}

/// Parses a policy document as AWS answers it.
///
/// IAM percent-encodes the documents it answers (RFC 3986, so a `+` is a plus); other services answer plain JSON. A
/// JSON document never starts with a per cent sign, which tells the two apart.
///
/// # Errors
///
/// Says what is wrong when the text is no percent-encoding of UTF-8 or no JSON.
pub fn parse_live(text: &str) -> Result<Value, String> {
    let trimmed = text.trim_start();
    let decoded = if trimmed.starts_with('%') { percent_decode(trimmed)? } else { trimmed.to_owned() };
    serde_json::from_str(&decoded).map_err(|error| format!("the policy document is not JSON: {error}"))
}

fn percent_decode(text: &str) -> Result<String, String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'%' {
            decoded.push(*first);
            continue;
        }
        let (byte, tail) = hex_byte(rest).ok_or("the policy document is not percent-encoded: `%` without two digits")?;
        decoded.push(byte);
        rest = tail;
    }
    String::from_utf8(decoded).map_err(|_| "the policy document is not percent-encoded UTF-8".to_owned())
}

fn hex_byte(text: &[u8]) -> Option<(u8, &[u8])> {
    let [high, low, rest @ ..] = text else { return None };
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some((digit(high)? * 16 + digit(low)?, rest))
}

#[cfg(test)]
mod tests;
