//! Arguments in, exit code out; or events in and answers out, where Lambda started it.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use scones::commands::{Cli, exit, run};
use scones::drift_check::function;
use tokio::runtime::Runtime;

fn main() -> ExitCode {
    if function::is_called() {
        return ended(runtime().and_then(|runtime| {
            runtime.block_on(function::serve()).map_err(|error| (exit::ERROR, format!("error: {error}")))?;
            Ok(exit::OK)
        }));
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            // Wrong usage is an error like any other; 2 means that there are changes.
            return ExitCode::from(if error.use_stderr() { exit::ERROR } else { exit::OK });
        }
    };
    ended(runtime().and_then(|runtime| runtime.block_on(run(cli)).map_err(|error| (error.code(), error.to_string()))))
}

fn runtime() -> Result<Runtime, (u8, String)> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.map_err(|error| (exit::ERROR, format!("error: cannot start: {error}")))
}

fn ended(result: Result<u8, (u8, String)>) -> ExitCode {
    match result {
        Ok(code) => ExitCode::from(code),
        Err((code, error)) => {
            let _ = writeln!(anstream::stderr(), "{error}");
            ExitCode::from(code)
        }
    }
}
