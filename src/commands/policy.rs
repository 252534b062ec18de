//! A program of one's own that may refuse a plan: OPA, cfn-guard, a script.

use std::path::Path;
use std::process::Stdio;

use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::{Error, plan::json};
use crate::plan::Plan;

/// Gives a plan to a program as JSON. It refuses by ending with another code than 0; what it prints is shown to whoever
/// called, on standard error.
///
/// The program is named on the command line alone: an environment file must not be able to have anything run.
pub async fn ask(program: &Path, plan: &Plan) -> Result<(), Error> {
    let shown = program.display();
    let failed = |error: std::io::Error| {
        Error::other(
            format!("the policy {shown} cannot be asked: {error}"),
            "--policy takes the path of a program, without arguments",
        )
    };
    let mut child = Command::new(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)?;
    let input = json(plan)?;
    let given = child.stdin.take().map(|mut stdin| async move {
        // A program that has read enough closes its end; its verdict is its exit code.
        let _ = stdin.write_all(input.as_bytes()).await;
    });
    let (output, ()) = tokio::join!(child.wait_with_output(), async {
        if let Some(given) = given {
            given.await;
        }
    });
    let output = output.map_err(failed)?;
    let said = String::from_utf8_lossy(&output.stdout);
    if !said.trim().is_empty() {
        super::tell(said.trim_end());
    }
    if output.status.success() {
        return Ok(());
    }
    let how = output.status.code().map_or_else(|| "was ended by a signal".to_owned(), |code| format!("ended with {code}"));
    Err(Error::other(format!("the policy {shown} refuses this plan: it {how}"), ""))
}
