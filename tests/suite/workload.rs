//! What is done with a workload beside deploying it: staged, trained, served, measured, run and verified.

mod serving;
mod staging;
mod training;

use std::path::{Path, PathBuf};
use std::process::Command;

use aws_sdk_s3::primitives::ByteStream;

use crate::support::{gateway, repository, sdk, wait};

fn s3() -> aws_sdk_s3::Client {
    aws_sdk_s3::Client::from_conf(aws_sdk_s3::config::Builder::from(sdk()).force_path_style(true).build())
}

fn put(bucket: &str, key: &str, bytes: impl Into<Vec<u8>>) {
    let body = ByteStream::from(bytes.into());
    wait(s3().put_object().bucket(bucket).key(key).body(body).send()).unwrap();
}

fn get(bucket: &str, key: &str) -> Vec<u8> {
    wait(async {
        let object = s3().get_object().bucket(bucket).key(key).send().await.unwrap();
        object.body.collect().await.unwrap().to_vec()
    })
}

fn text(bucket: &str, key: &str) -> String {
    String::from_utf8(get(bucket, key)).unwrap()
}

/// The keys below a prefix.
fn keys(bucket: &str, prefix: &str) -> Vec<String> {
    wait(async {
        let mut pages = s3().list_objects_v2().bucket(bucket).prefix(prefix).into_paginator().send();
        let mut found = vec![];
        while let Some(page) = pages.next().await {
            found.extend(page.unwrap().contents.unwrap_or_default().into_iter().filter_map(|object| object.key));
        }
        found
    })
}

/// How many objects the program put, when it called itself `client`.
fn puts(client: &str) -> u64 {
    gateway(&format!("/__cloud__/cost?user_agent={client}"))["by_operation"]["s3:PutObject"].as_u64().unwrap_or(0)
}

/// Writes an archive in CIFAR-100's format: so many pictures of each of the two classes, and a few of others.
pub fn write_archive(path: &Path, train: usize, test: usize) {
    let venvs = std::env::var_os("SCONES_VENVS").map_or_else(|| repository().join("target/cloud-venvs"), PathBuf::from);
    let mut command = Command::new(venvs.join("ministack/bin/python"));
    command.arg(repository().join("tests/cloud/pictures.py")).arg("archive").arg(path);
    command.args(["--others", "10", "--train", &train.to_string(), "--test", &test.to_string()]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
