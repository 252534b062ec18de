//! The local cloud, a project in a folder of its own, and the program run in it.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use aws_config::SdkConfig;
use serde_json::Value;
use tempfile::TempDir;

/// The folder of the repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The variables of `env.sh`, from this process's environment or from the local cloud's folder.
pub fn cloud() -> &'static BTreeMap<String, String> {
    static CLOUD: OnceLock<BTreeMap<String, String>> = OnceLock::new();
    CLOUD.get_or_init(|| {
        let folder = std::env::var_os("SCONES_TEST_CLOUD").map_or_else(|| repository().join("target/cloud"), PathBuf::from);
        variables(&folder)
    })
}

/// The variables of the `env.sh` of a cloud.
pub fn variables(folder: &Path) -> BTreeMap<String, String> {
    let file = folder.join("env.sh");
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| {
        panic!("{}: {error}: start the local cloud with `make cloud-up`, or run `make test`", file.display())
    });
    let pairs = text.lines().filter_map(|line| line.strip_prefix("export ")?.split_once('='));
    pairs.map(|(key, value)| (key.to_owned(), value.trim_matches('"').to_owned())).collect()
}

/// Runs a future to its end.
pub fn wait<T>(future: impl Future<Output = T>) -> T {
    static RUNTIME: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| tokio::runtime::Runtime::new().unwrap()).block_on(future)
}

/// Answers one question of the gateway's control page.
pub fn gateway(path: &str) -> Value {
    ask(&cloud()["AWS_ENDPOINT_URL"], "GET", path, "")
}

/// Does what one of the gateway's controls does.
pub fn control(path: &str) -> Value {
    ask(&cloud()["AWS_ENDPOINT_URL"], "POST", &format!("/__cloud__/{path}"), "")
}

/// Plants faults that only requests of clients with a name in their user agent meet.
pub fn plant(client: &str, faults: Value) {
    let rows = faults.as_array().unwrap().iter().cloned().map(|mut row| {
        row["user_agent"] = client.into();
        row
    });
    ask(&cloud()["AWS_ENDPOINT_URL"], "POST", "/__cloud__/faults", &Value::Array(rows.collect()).to_string());
}

/// Asks the control page of a gateway.
pub fn ask(url: &str, method: &str, path: &str, body: &str) -> Value {
    let address = url.trim_start_matches("http://");
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    use std::io::{Read as _, Write as _};
    let length = body.len();
    write!(stream, "{method} {path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    assert!(head.starts_with("HTTP/1.1 200"), "{path}: {answer}");
    serde_json::from_str(body).unwrap_or(Value::Null)
}

/// Fails if any request so far was one that AWS's own models forbid. Environments made at random are judged by their own test.
pub fn assert_no_violations() {
    let all = gateway("/__cloud__/violations");
    let agent = |one: &&Value| one["user_agent"].as_str().unwrap_or_default().to_owned();
    let ours = all
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| agent(one).contains("app/scones") && !agent(one).contains("scones-generated"));
    let ours: Vec<&Value> = ours.collect();
    assert!(ours.is_empty(), "requests that AWS's models forbid: {ours:#?}");
}

/// Clients for changing things behind the deployer's back.
pub fn sdk() -> &'static SdkConfig {
    static SDK: OnceLock<SdkConfig> = OnceLock::new();
    SDK.get_or_init(|| config(cloud()))
}

/// Clients of a cloud.
pub fn config(env: &BTreeMap<String, String>) -> SdkConfig {
    let http = aws_smithy_http_client::Builder::new().build_http();
    let keys =
        aws_sdk_sts::config::Credentials::new(&env["AWS_ACCESS_KEY_ID"], &env["AWS_SECRET_ACCESS_KEY"], None, None, "tests");
    let load = aws_config::defaults(aws_config::BehaviorVersion::latest())
        .region("us-east-1")
        .endpoint_url(&env["AWS_ENDPOINT_URL"])
        .credentials_provider(keys)
        .http_client(http)
        .load();
    // On a thread of its own, since the first who asks may already be inside a runtime.
    std::thread::spawn(move || wait(load)).join().unwrap()
}

/// A cloud besides the one that all tests share.
pub struct Cloud {
    folder: TempDir,
    pub env: BTreeMap<String, String>,
    pub sdk: SdkConfig,
}

impl Cloud {
    pub fn up(more: &[&str]) -> Self {
        let folder = TempDir::new().unwrap();
        Run::from(cloud_script(&folder, "up").args(more).output().unwrap()).expect(0);
        let env = variables(folder.path());
        Self { sdk: config(&env), folder, env }
    }

    /// Fails if any request to it so far was one that AWS's own models forbid.
    pub fn assert_no_violations(&self) {
        let found = ask(&self.env["AWS_ENDPOINT_URL"], "GET", "/__cloud__/violations", "");
        assert_eq!(found, serde_json::json!([]));
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        let stopped = cloud_script(&self.folder, "down").output().unwrap();
        if !std::thread::panicking() {
            Run::from(stopped).expect(0);
        }
    }
}

fn cloud_script(folder: &TempDir, what: &str) -> Command {
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let mut command = Command::new(python);
    command.arg(repository().join("tests/cloud/cloud.py")).arg(what).arg("--dir").arg(folder.path());
    command
}

/// What the program printed, and how it ended.
#[derive(Debug)]
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code().unwrap_or(-1), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

/// A project of its own, whose application has a name that no other test has.
pub struct Project {
    folder: TempDir,
    /// Whether what it made is deleted at the end.
    destroy: Option<String>,
}

impl Project {
    /// Copies a folder below tests/fixtures; `APP` in its environment files becomes the application's name.
    pub fn from_fixture(fixture: &str, app: &str) -> Self {
        let folder = TempDir::new().unwrap();
        copy(&repository().join("tests/fixtures").join(fixture), folder.path());
        let project = Self { folder, destroy: None };
        for entry in std::fs::read_dir(project.path("environments")).unwrap() {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap().replace("APP", app);
            std::fs::write(&path, text).unwrap();
        }
        project
    }

    /// A project of one environment file.
    pub fn of_text(text: &str) -> Self {
        let folder = TempDir::new().unwrap();
        std::fs::create_dir(folder.path().join("environments")).unwrap();
        std::fs::write(folder.path().join("environments/toy.yaml"), text).unwrap();
        Self { folder, destroy: None }
    }

    /// Deletes the environment when the test ends, however it ends.
    pub fn destroyed_at_end(mut self, environment: &str) -> Self {
        self.destroy = Some(environment.to_owned());
        self
    }

    pub fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().join(relative)
    }

    pub fn read(&self, relative: &str) -> String {
        std::fs::read_to_string(self.path(relative)).unwrap()
    }

    pub fn write(&self, relative: &str, text: &str) {
        let path = self.path(relative);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Replaces text in a file; it must be there.
    #[track_caller]
    pub fn edit(&self, relative: &str, from: &str, to: &str) {
        let text = self.read(relative);
        assert!(text.contains(from), "{relative} does not contain {from:?}");
        self.write(relative, &text.replace(from, to));
    }

    /// The program, ready to run in the project's folder against the local cloud.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_scones"));
        command.args(arguments).current_dir(self.folder.path()).env("NO_COLOR", "1").envs(cloud()).env_remove("AWS_PROFILE");
        command
    }

    pub fn scones(&self, arguments: &[&str]) -> Run {
        self.command(arguments).output().unwrap().into()
    }

    /// The program without any AWS surroundings.
    pub fn offline(&self, arguments: &[&str]) -> Run {
        let mut command = Command::new(env!("CARGO_BIN_EXE_scones"));
        command.args(arguments).current_dir(self.folder.path()).env_clear().env("NO_COLOR", "1");
        command.output().unwrap().into()
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        if let Some(environment) = self.destroy.take() {
            let run = self.scones(&["destroy", &environment, "--yes"]);
            if !std::thread::panicking() {
                run.expect(0);
            }
        }
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The (address, path) pairs of a plan's changes.
pub fn changes(plan: &Value) -> Vec<(String, String)> {
    let steps = plan["steps"].as_array().unwrap();
    let of_step = |step: &Value| {
        let address = step["address"].as_str().unwrap().to_owned();
        let paths = step["changes"].as_array().unwrap().iter().map(|change| change["path"].as_str().unwrap().to_owned());
        paths.map(|path| (address.clone(), path)).collect::<Vec<_>>()
    };
    steps.iter().flat_map(of_step).collect()
}

/// The (address, action) pairs of a plan's steps.
pub fn actions(plan: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    plan["steps"].as_array().unwrap().iter().map(|step| (text(&step["address"]), text(&step["action"]))).collect()
}
