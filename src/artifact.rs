//! The address of a model's artifact: `s3://bucket/key`, and for a pinned object its ETag: `s3://bucket/key#etag=…`.
//!
//! An object in S3 can be overwritten, its address stays. The ETag tells: it follows from the bytes, or, where they were
//! uploaded in parts or lie encrypted with a key of KMS, at least from that upload.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html>.

use std::fmt;

const MARK: &str = "#etag=";

/// An artifact's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    pub bucket: String,
    pub key: String,
    /// What the object's ETag must be, without quotes.
    pub etag: Option<String>,
}

impl Artifact {
    /// Reads an address; what ends in `/` is a folder and none.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, etag) = split(text);
        let (bucket, key) = address.strip_prefix("s3://")?.split_once('/')?;
        let whole = !bucket.is_empty() && !key.is_empty() && !key.ends_with('/');
        whole.then(|| Self { bucket: bucket.to_owned(), key: key.to_owned(), etag: etag.map(str::to_owned) })
    }

    /// The address alone.
    pub fn address(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.key)
    }
}

impl fmt::Display for Artifact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.address())?;
        self.etag.as_ref().map_or(Ok(()), |etag| write!(f, "{MARK}{etag}"))
    }
}

/// Parts an address from the ETag behind it. What follows the mark and cannot be an ETag belongs to the key.
pub fn split(text: &str) -> (&str, Option<&str>) {
    let is_etag = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    match text.rsplit_once(MARK) {
        Some((address, etag)) if is_etag(etag) => (address, Some(etag)),
        _ => (text, None),
    }
}

/// An ETag as S3 answers it, without its quotes.
pub fn plain_etag(etag: &str) -> &str {
    etag.trim_matches('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_carry_an_etag() {
        let artifact =
            |etag: Option<&str>| Artifact { bucket: "b".into(), key: "a/m.tar.gz".into(), etag: etag.map(str::to_owned) };
        for (text, etag) in [("s3://b/a/m.tar.gz", None), ("s3://b/a/m.tar.gz#etag=0f-2", Some("0f-2"))] {
            assert_eq!(Artifact::parse(text), Some(artifact(etag)));
            assert_eq!(artifact(etag).to_string(), text);
        }
        assert_eq!(split("s3://b/a#etag=x/y"), ("s3://b/a#etag=x/y", None));
        assert_eq!(split("s3://b/a#etag="), ("s3://b/a#etag=", None));
        for wrong in ["https://b/a", "s3://b", "s3://b/", "s3:///a", "s3://b/a/", "s3://b/a/#etag=00"] {
            assert_eq!(Artifact::parse(wrong), None, "{wrong}");
        }
    }
}
