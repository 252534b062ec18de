//! `scones lease`: who applies, and ending the lease of whoever does so no more.

use clap::Args;

use super::{Context, EnvironmentName, Error, exit, print};
use crate::lease;

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    environment: EnvironmentName,
    /// End it, whoever holds it: for an apply that has died
    #[arg(long)]
    release: bool,
    /// Do not ask
    #[arg(long, requires = "release")]
    yes: bool,
}

pub async fn run(arguments: Arguments) -> Result<u8, Error> {
    let context = Context::open(&arguments.environment.environment).await?;
    let seen = lease::see(&context.aws).await?;
    let Some((held, left)) = seen.held() else {
        print("nobody applies to this environment")?;
        return Ok(exit::OK);
    };
    let holder = &held.holder;
    let mut lines = vec![format!("held by  {}", holder.caller), format!("on       {}", holder.host)];
    lines.extend(holder.job.iter().map(|job| format!("job      {job}")));
    lines.extend(holder.commit.iter().map(|commit| format!("commit   {commit}")));
    lines.push(format!("since    {}", held.since));
    lines.push(format!("ends     in {left} s, unless it is renewed"));
    print(&lines.join("\n"))?;
    if !arguments.release {
        return Ok(exit::OK);
    }
    super::apply::refuse_to_ask_nobody(arguments.yes)?;
    if !arguments.yes && !super::apply::agreed("End it? Two applies at once can leave neither's state.") {
        return Ok(exit::ERROR);
    }
    if !seen.end(&context.aws).await? {
        return Err(Error::other("it was renewed or taken in this very moment: it is alive", "look again"));
    }
    print("the lease is ended")?;
    Ok(exit::OK)
}
