//! Fetches an archive over HTTPS: no larger than declared, and under its name only once it is checked.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::HttpConnector as _;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::byte_stream::ByteStream;
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;
use tokio::time::timeout;
use url::{Host, Url};

use super::archive::MAX_UNPACKED;
use super::file::declared;
use super::spec::Archive;
use super::{Progress, StagingError};

/// Redirects that are followed, one after the other.
const MAX_REDIRECTS: usize = 5;

/// How long a server may stay silent.
const PATIENCE: Duration = Duration::from_secs(60);

/// Downloads into a new file in the folder `cache`, which disappears unless it is kept.
///
/// # Errors
/// Whatever keeps it from being as declared.
pub async fn fetch(archive: &Archive, cache: &Path, progress: Progress<'_>) -> Result<NamedTempFile, StagingError> {
    let failed = |reason: String| StagingError::Download { url: archive.url.clone(), reason };
    let response = follow(&archive.url).await.map_err(failed)?;
    let length = response.headers().get("content-length").and_then(|length| length.parse::<u64>().ok());
    // What is packed can't be larger than what it unpacks to may be.
    let limit = archive.size.unwrap_or(MAX_UNPACKED);
    if let Some(length) = length.filter(|length| *length > limit) {
        return Err(failed(too_large(length, limit, archive.size.is_some())));
    }
    let mut file = NamedTempFile::with_prefix_in(".archive-", cache).map_err(StagingError::io("create a file in", cache))?;
    let mut body = ByteStream::new(response.into_body());
    let (mut size, mut hash) = (0, Sha256::new());
    loop {
        let chunk = timeout(PATIENCE, body.next()).await.map_err(|_| failed(silent()))?;
        let Some(chunk) = chunk else { break };
        let chunk = chunk.map_err(|error| failed(format!("the transfer broke off after {size} bytes ({error}): try again")))?;
        size += chunk.len() as u64;
        if size > limit {
            return Err(failed(too_large(size, limit, archive.size.is_some())));
        }
        hash.update(&chunk);
        file.write_all(&chunk).map_err(StagingError::io("write", file.path()))?;
        progress(size, archive.size.or(length).unwrap_or(size));
    }
    declared(archive, size, hash).map_err(failed)?;
    file.as_file().sync_all().map_err(StagingError::io("write", file.path()))?;
    Ok(file)
}

/// Asks for a URL, and for the one it is redirected to.
async fn follow(url: &str) -> Result<HttpResponse, String> {
    let mut url = Url::parse(url).map_err(|error| format!("it is no URL ({error}): correct the `url:` of `archive:`"))?;
    permitted(&url)?;
    let connector = Connector::builder().tls_provider(Provider::Rustls(CryptoMode::Ring)).build();
    for _ in 0..=MAX_REDIRECTS {
        let request = HttpRequest::get(url.as_str()).map_err(|error| error.to_string())?;
        let answer = timeout(PATIENCE, connector.call(request)).await.map_err(|_| silent())?;
        let response = answer.map_err(|error| format!("{}: check the network and the host's name", innermost(&error)))?;
        match response.status().as_u16() {
            200 => return Ok(response),
            301 | 302 | 303 | 307 | 308 => url = redirect(&url, response.headers().get("location"))?,
            status => return Err(format!("{} answers with HTTP {status}: correct the `url:` of `archive:`", host(&url))),
        }
    }
    Err(format!("it redirects more than {MAX_REDIRECTS} times: name the last address"))
}

fn redirect(from: &Url, location: Option<&str>) -> Result<Url, String> {
    let location = location.ok_or_else(|| format!("{} redirects to nowhere", host(from)))?;
    let to = from.join(location).map_err(|error| format!("{} redirects to what is no URL ({error})", host(from)))?;
    if from.scheme() == "https" && to.scheme() != "https" {
        return Err(format!("{} redirects to {}, which is not encrypted: name another address", host(from), to.scheme()));
    }
    permitted(&to)?;
    Ok(to)
}

/// Plain HTTP can be changed on its way, so it is for this machine only.
fn permitted(url: &Url) -> Result<(), String> {
    let loopback = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    match url.scheme() {
        "https" => Ok(()),
        "http" if loopback => Ok(()),
        "http" => Err(format!("http:// is for this machine only, {} may be anyone: write https://", host(url))),
        scheme => Err(format!("`{scheme}:` is not fetched: write an https:// URL or a path")),
    }
}

fn host(url: &Url) -> &str {
    url.host_str().unwrap_or_default()
}

fn too_large(size: u64, limit: u64, declared: bool) -> String {
    let next = if declared { "correct `size:` if that is right" } else { "declare its `size:` if that is right" };
    format!("it has {size} bytes or more, but {limit} are the limit: {next}")
}

fn silent() -> String {
    format!("the server said nothing for {} s: try again", PATIENCE.as_secs())
}

/// The cause that the others only wrap.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn plain_http_is_for_this_machine() {
        for text in ["https://example.org/a", "http://localhost:1/a", "http://127.0.0.2/a", "http://[::1]/a"] {
            assert_eq!(permitted(&url(text)), Ok(()), "{text}");
        }
        for text in ["http://example.org/", "http://127.0.0.1@example.org/", "http://localhost.example.org/", "http://10.0.0.1/"]
        {
            assert!(permitted(&url(text)).unwrap_err().contains("write https://"), "{text}");
        }
        assert!(permitted(&url("ftp://example.org/")).unwrap_err().contains("`ftp:`"));
        assert!(permitted(&url("file:///etc/passwd")).is_err());
    }

    #[test]
    fn redirects_stay_encrypted() {
        let from = url("https://example.org/a/b.tar.gz");
        assert_eq!(redirect(&from, Some("c.tar.gz")).unwrap().as_str(), "https://example.org/a/c.tar.gz");
        assert_eq!(redirect(&from, Some("//cdn.example.org/c")).unwrap().as_str(), "https://cdn.example.org/c");
        assert!(redirect(&from, Some("http://localhost/c")).unwrap_err().contains("not encrypted"));
        assert!(redirect(&from, None).unwrap_err().contains("nowhere"));
        assert!(redirect(&url("http://localhost/a"), Some("http://example.org/")).is_err());
    }
}
