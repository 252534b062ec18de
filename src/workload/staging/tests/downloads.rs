//! Downloads from a server on this machine.

use std::io::Read as _;
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::*;

/// Answers each request by its path, and counts them.
struct Server {
    address: String,
    requests: Arc<AtomicUsize>,
}

impl Server {
    fn new(body: Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&requests);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                count.fetch_add(1, Ordering::Relaxed);
                let _ = answer(stream.unwrap(), &body);
            }
        });
        Self { address, requests }
    }

    fn archive(&self, path: &str, declared: Json) -> Archive {
        let mut json = json!({ "url": format!("{}{path}", self.address) });
        json.as_object_mut().unwrap().extend(declared.as_object().unwrap().clone());
        serde_json::from_value(json).unwrap()
    }

    fn requests(&self) -> usize {
        self.requests.swap(0, Ordering::Relaxed)
    }
}

fn answer(mut stream: TcpStream, body: &[u8]) -> std::io::Result<()> {
    let mut request = vec![];
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte)? == 0 {
            return Ok(());
        }
        request.extend(byte);
    }
    let request = String::from_utf8(request).unwrap();
    let path = request.split(' ').nth(1).unwrap();
    let redirect = |to: &str| format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    let length = body.len();
    let head = match path {
        "/a.tar.gz" => format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"),
        "/endless" => "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n".to_owned(),
        "/cut" => format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", length + 1),
        "/moved" => redirect("sub/../a.tar.gz"),
        "/round" => redirect("/round"),
        "/away" => redirect("http://example.org/a.tar.gz"),
        _ => "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned(),
    };
    stream.write_all(head.as_bytes())?;
    if head.contains("200 OK") {
        stream.write_all(body)?;
    }
    Ok(())
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn refusal(dir: &Path, archive: &Archive) -> String {
    let refusal = open(dir, archive).unwrap_err().to_string();
    assert_eq!(fs::read_dir(dir.join("cache")).unwrap().count(), 0, "nothing is left behind");
    refusal
}

#[test]
fn a_digest_keeps_the_download() {
    let (body, dir) = (vec![7; 100_000], tempfile::tempdir().unwrap());
    let server = Server::new(body.clone());
    let archive = server.archive("/moved", json!({ "size": body.len(), "sha256": sha256(&body) }));
    let file = open(dir.path(), &archive).unwrap();
    assert_eq!((fs::read(file.path()).unwrap(), server.requests()), (body.clone(), 2));
    let again = open(dir.path(), &archive).unwrap();
    assert_eq!((again.path(), server.requests()), (file.path(), 0));
    fs::write(file.path(), b"damaged").unwrap();
    let again = open(dir.path(), &archive).unwrap();
    assert_eq!((fs::read(again.path()).unwrap(), server.requests()), (body, 2));
}

#[test]
fn without_a_digest_nothing_is_kept() {
    let (body, dir) = (b"some bytes".to_vec(), tempfile::tempdir().unwrap());
    let server = Server::new(body.clone());
    let archive = server.archive("/a.tar.gz", json!({}));
    for _ in 0..2 {
        let file = open(dir.path(), &archive).unwrap();
        assert_eq!((fs::read(file.path()).unwrap(), server.requests()), (body.clone(), 1));
        drop(file);
        assert_eq!(fs::read_dir(dir.path().join("cache")).unwrap().count(), 0);
    }
}

#[test]
fn what_is_not_as_declared_is_refused() {
    let (body, dir) = (vec![1; 5000], tempfile::tempdir().unwrap());
    let server = Server::new(body.clone());
    let refused = |path, declared| refusal(dir.path(), &server.archive(path, declared));
    assert!(refused("/a.tar.gz", json!({ "size": 4999 })).contains("5000 bytes or more, but 4999 are the limit"));
    assert!(refused("/endless", json!({ "size": 4999 })).contains("4999 are the limit"), "without a content-length");
    assert!(refused("/a.tar.gz", json!({ "size": 5001 })).contains("5000 bytes came, but 5001 are declared"));
    assert!(refused("/a.tar.gz", json!({ "sha256": "0".repeat(64) })).contains(&sha256(&body)));
    assert!(refused("/cut", json!({})).contains("broke off after"));
    assert!(refused("/missing", json!({})).contains("HTTP 404"));
    assert!(refused("/round", json!({})).contains("more than 5 times"));
    assert!(refused("/away", json!({})).contains("write https://"));
}

#[test]
fn a_host_that_is_not_there_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let archive = serde_json::from_value(json!({ "url": "http://127.0.0.1:1/a" })).unwrap();
    let refusal = refusal(dir.path(), &archive);
    assert!(refusal.contains("can't download `http://127.0.0.1:1/a`: ") && refusal.contains("refused"), "{refusal}");
}
