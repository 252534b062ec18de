//! One apply at a time per environment: a lease in the bootstrap bucket, taken and kept by conditional writes.
//!
//! Whoever wants to apply reads the lease, plans, and then takes it on the condition that it is still what was read: so nobody
//! else has applied since the plan was made. A holder renews it; one that is renewed no more is over after its term.

mod process;

use std::future::Future;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::author::Author;
use crate::aws::bootstrap::{self, Stored};
use crate::aws::{Aws, AwsError};
use crate::kind::World;
use process::Process;

/// How long a lease holds without being renewed.
pub const TERM: Duration = Duration::from_secs(60);
/// How often it is renewed.
const RENEWAL: Duration = Duration::from_secs(12);
const FORMAT: u32 = 1;

/// A lease as it lies in the bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    format: u32,
    /// Tells two leases of one holder apart.
    id: String,
    pub holder: Author,
    process: Process,
    /// When it was taken (RFC 3339, UTC).
    pub since: String,
    /// For how many seconds it holds after it was last written.
    term: i64,
    /// Its holder is done.
    released: bool,
}

/// The lease as it was read.
pub struct Seen {
    lease: Option<Lease>,
    etag: Option<String>,
    /// For how many seconds it still holds.
    left: i64,
}

/// A lease of one's own.
pub struct Held<'a> {
    aws: &'a Aws,
    lease: Lease,
    etag: String,
}

/// Somebody else applies, or did since the lease was read.
#[derive(Debug)]
pub enum Refused {
    /// It is held, for so many more seconds unless it is renewed.
    Held(Box<Lease>, i64),
    /// Somebody took it and gave it back in the meantime.
    CameAndWent(Option<Box<Lease>>),
}

/// Reads the lease; without a bucket or a lease in it there is none.
///
/// # Errors
/// What S3 answers, or a lease of another version of scones.
pub async fn see(aws: &Aws) -> Result<Seen, AwsError> {
    let key = key(&aws.world);
    match bootstrap::stored(aws, &key).await? {
        None => Ok(Seen { lease: None, etag: None, left: 0 }),
        Some(Stored { document, etag, modified }) => {
            let lease = parse(&key, &document)?;
            let left = modified + lease.term - aws.now();
            Ok(Seen { lease: Some(lease), etag: Some(etag), left })
        }
    }
}

fn parse(key: &str, document: &[u8]) -> Result<Lease, AwsError> {
    let unknown = |why: String| AwsError::local(format!("{key} is no lease that this version of scones knows: {why}"));
    let lease: Lease = serde_json::from_slice(document).map_err(|error| unknown(error.to_string()))?;
    if lease.format == FORMAT { Ok(lease) } else { Err(unknown(format!("its format is {}", lease.format))) }
}

/// Where the lease of an environment lies.
fn key(world: &World) -> String {
    format!("{}lease.json", world.folder())
}

impl Seen {
    /// The lease that somebody holds, and for how many seconds it still does.
    pub fn held(&self) -> Option<(&Lease, i64)> {
        let lease = self.lease.as_ref()?;
        (!lease.released && self.left > 0 && !lease.process.is_gone()).then_some((lease, self.left))
    }

    /// Takes the lease, if nobody has it and nobody had it since it was read.
    ///
    /// # Errors
    /// What S3 answers.
    pub async fn take<'a>(self, aws: &'a Aws, holder: &Author) -> Result<Result<Held<'a>, Refused>, AwsError> {
        if let Some((lease, left)) = self.held() {
            return Ok(Err(Refused::Held(Box::new(lease.clone()), left)));
        }
        let lease = Lease {
            format: FORMAT,
            id: format!("{:032x}", fastrand::u128(..)),
            holder: holder.clone(),
            process: Process::this(),
            since: timestamp(aws.now()),
            term: TERM.as_secs().cast_signed(),
            released: false,
        };
        let key = key(&aws.world);
        if let Some(etag) = bootstrap::put_if_unchanged(aws, &key, document(&lease)?, self.etag.as_deref()).await? {
            return Ok(Ok(Held { aws, lease, etag }));
        }
        let now = see(aws).await?;
        // The answer to a first attempt was lost, and the SDK sent the request again.
        if let (Some(found), Some(etag)) = (&now.lease, &now.etag)
            && *found == lease
        {
            return Ok(Ok(Held { aws, etag: etag.clone(), lease }));
        }
        Ok(Err(match now.held() {
            Some((lease, left)) => Refused::Held(Box::new(lease.clone()), left),
            None => Refused::CameAndWent(now.lease.map(Box::new)),
        }))
    }

    /// Ends the lease, whoever holds it. Answers whether it was still the one that was read.
    ///
    /// # Errors
    /// What S3 answers.
    pub async fn end(self, aws: &Aws) -> Result<bool, AwsError> {
        let Some(lease) = self.lease else { return Ok(true) };
        let ended = document(&Lease { released: true, ..lease })?;
        Ok(bootstrap::put_if_unchanged(aws, &key(&aws.world), ended, self.etag.as_deref()).await?.is_some())
    }
}

impl Held<'_> {
    /// Works while the lease is renewed. Should it get lost, `stop` is told, so that nothing more is begun; the answer says
    /// whether it was kept.
    pub async fn during<T>(&mut self, work: impl Future<Output = T>, stop: &watch::Sender<bool>) -> (T, bool) {
        tokio::pin!(work);
        let mut kept = true;
        let mut renewed = tokio::time::Instant::now();
        loop {
            tokio::select! {
                done = &mut work => return (done, kept),
                () = tokio::time::sleep(RENEWAL), if kept => {
                    match self.renew().await {
                        Ok(true) => renewed = tokio::time::Instant::now(),
                        // S3 may answer again before the term is over.
                        Err(_) if renewed.elapsed() < TERM => {}
                        _ => {
                            kept = false;
                            let _ = stop.send(true);
                        }
                    }
                }
            }
        }
    }

    async fn renew(&mut self) -> Result<bool, AwsError> {
        let key = key(&self.aws.world);
        match bootstrap::put_if_unchanged(self.aws, &key, document(&self.lease)?, Some(&self.etag)).await? {
            Some(etag) => self.etag = etag,
            None => {
                let now = see(self.aws).await?;
                match now.etag {
                    Some(etag) if now.lease.as_ref() == Some(&self.lease) => self.etag = etag,
                    _ => return Ok(false),
                }
            }
        }
        Ok(true)
    }

    /// Gives the lease back. One that somebody else has by now is theirs.
    ///
    /// # Errors
    /// What S3 answers.
    pub async fn release(self) -> Result<(), AwsError> {
        let released = document(&Lease { released: true, ..self.lease })?;
        bootstrap::put_if_unchanged(self.aws, &key(&self.aws.world), released, Some(&self.etag)).await.map(drop)
    }
}

fn document(lease: &Lease) -> Result<Vec<u8>, AwsError> {
    serde_json::to_vec(lease).map_err(|error| AwsError::local(format!("a lease cannot be written: {error}")))
}

/// A time in words, from seconds since 1970.
pub fn timestamp(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map_or_else(|_| "an unknown time".to_owned(), |time| time.to_string())
}
