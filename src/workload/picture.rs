//! Pictures for the workflow, on this machine or in S3.

use std::fmt;
use std::path::{Path, PathBuf};

use aws_sdk_s3::primitives::ByteStream;
use sha2::{Digest as _, Sha256};

use crate::aws::{Aws, AwsError};

/// The largest picture that is uploaded, in bytes; the workflow takes less, and says so itself.
const LARGEST: u64 = 32 << 20;

/// An object in S3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub bucket: String,
    pub key: String,
}

impl Place {
    /// Reads `s3://bucket/key`.
    pub fn parse(text: &str) -> Option<Self> {
        let (bucket, key) = text.strip_prefix("s3://")?.split_once('/')?;
        (!bucket.is_empty() && !key.is_empty()).then(|| Self { bucket: bucket.to_owned(), key: key.to_owned() })
    }

    /// The place of something below this one.
    pub fn below(&self, name: &str) -> Self {
        Self { bucket: self.bucket.clone(), key: format!("{}/{name}", self.key.trim_end_matches('/')) }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.key)
    }
}

/// Where a picture is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Picture {
    Object(Place),
    File(PathBuf),
}

impl Picture {
    /// Reads an address in S3, or a path that starts from `directory`.
    ///
    /// # Errors
    /// An address in S3 without bucket or key.
    pub fn parse(text: &str, directory: &Path) -> Result<Self, String> {
        if !text.starts_with("s3://") {
            return Ok(Self::File(directory.join(text)));
        }
        Place::parse(text).map(Self::Object).ok_or_else(|| format!("`{text}` is no address: write s3://bucket/key"))
    }

    /// Puts a picture of this machine below `upload`, under a name that tells its content; one in S3 stays where it is.
    ///
    /// # Errors
    /// A file that cannot be read, or what S3 answers.
    pub async fn place(&self, aws: &Aws, upload: &Place) -> Result<Place, AwsError> {
        let path = match self {
            Self::Object(place) => return Ok(place.clone()),
            Self::File(path) => path,
        };
        let bytes = read(path).await.map_err(AwsError::local)?;
        let digest: String = Sha256::digest(&bytes).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let plain = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' };
        let place = upload.below(&format!("{digest}-{}", name.chars().map(plain).collect::<String>()));
        let request = aws.s3().put_object().bucket(&place.bucket).key(&place.key).body(ByteStream::from(bytes));
        aws.call("s3:PutObject", &place.to_string(), request.send()).await?;
        Ok(place)
    }
}

async fn read(path: &Path) -> Result<Vec<u8>, String> {
    let fail = |error: std::io::Error| format!("cannot read {}: {error}", path.display());
    let about = tokio::fs::metadata(path).await.map_err(fail)?;
    match about.len() {
        0 => Err(format!("{} is empty", path.display())),
        size if size > LARGEST => Err(format!("{} has {size} bytes, which is no picture for this workflow", path.display())),
        _ => tokio::fs::read(path).await.map_err(fail),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_paths_are_told_apart() {
        let object = Picture::Object(Place { bucket: "b".into(), key: "a/b.png".into() });
        assert_eq!(Picture::parse("s3://b/a/b.png", Path::new(".")), Ok(object));
        assert_eq!(Picture::parse("a.png", Path::new("x")), Ok(Picture::File("x/a.png".into())));
        assert!(Picture::parse("s3://b", Path::new(".")).is_err());
        assert!(Picture::parse("s3:///key", Path::new(".")).is_err());
    }
}
