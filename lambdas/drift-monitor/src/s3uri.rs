//! Addresses in S3, such as `s3://bucket/folder/file.json`.

use std::fmt;

/// A bucket, and a key or a prefix of keys without slashes at its ends.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct S3Uri {
    /// The bucket's name.
    pub bucket: String,
    /// The key, not URL-encoded.
    pub key: String,
}

impl S3Uri {
    /// Reads `s3://bucket/key`; nothing if it is another thing.
    pub fn read(text: &str) -> Option<Self> {
        let (bucket, key) = text.strip_prefix("s3://")?.split_once('/')?;
        let named = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-_".contains(c);
        let key = key.trim_matches('/');
        // S3 takes keys of 1024 bytes; what is appended here needs its part of them.
        let fits = (1..=63).contains(&bucket.len()) && (1..=768).contains(&key.len());
        (fits && bucket.chars().all(named)).then(|| Self { bucket: bucket.into(), key: key.into() })
    }

    /// An address below this one.
    pub fn join(&self, path: &str) -> Self {
        Self { bucket: self.bucket.clone(), key: format!("{}/{path}", self.key) }
    }
}

impl fmt::Display for S3Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_bucket_and_a_key() {
        let uri = S3Uri::read("s3://my.bucket-1/capture/all/").unwrap();
        assert_eq!((uri.bucket.as_str(), uri.key.as_str()), ("my.bucket-1", "capture/all"));
        assert_eq!(uri.join("x.json").to_string(), "s3://my.bucket-1/capture/all/x.json");
        for wrong in
            ["", "bucket/key", "s3://bucket", "s3://bucket/", "s3:///key", "s3://Bucket/key", "s3://b\u{e9}/k", "https://b/k"]
        {
            assert_eq!(S3Uri::read(wrong), None, "{wrong}");
        }
        assert_eq!(S3Uri::read(&format!("s3://b/{}", "k".repeat(769))), None);
    }
}
