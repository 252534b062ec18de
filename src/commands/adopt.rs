//! `scones adopt`: take over a resource that exists.

use clap::Args;

use super::{Context, EnvironmentName, Error, exit, print};
use crate::address::Address;
use crate::observe::Looking;
use crate::plan::is_owned;

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    environment: EnvironmentName,
    /// The address that declares it, such as functions.image-classification
    address: Address,
    /// Take it over even if it carries another environment's tags
    #[arg(long)]
    from_other: bool,
}

pub async fn run(arguments: Arguments) -> Result<u8, Error> {
    let context = Context::open(&arguments.environment.environment).await?;
    let address = &arguments.address;
    let Some(resource) = context.desired.resources.get(address) else {
        return Err(Error::other(
            format!("{address} is not declared"),
            "declare it first, with `name:` if it keeps its own name",
        ));
    };
    let observed = context.observe(Looking::Once).await?;
    let Some(live) = observed.resources.get(address) else {
        return Err(Error::other(
            format!("there is no {} named {} to take over", address.section, resource.name),
            "`scones apply` makes it",
        ));
    };
    let live_tags = live.tags.clone().unwrap_or_default();
    if is_owned(&live_tags, &context.desired.world) {
        print(&format!("{address} is this environment's already"))?;
        return Ok(exit::OK);
    }
    if let Some(owner) = live_tags.get(crate::desired::tag::APP).filter(|_| !arguments.from_other) {
        let environment = live_tags.get(crate::desired::tag::ENVIRONMENT).cloned().unwrap_or_default();
        let message = format!("{} belongs to {owner} / {environment}", live.name);
        return Err(Error::other(message, "if that one gave it up, add --from-other"));
    }
    crate::apply::adopt(&context.aws, &context.registry, address, live, resource).await?;
    print(&format!("{address} is now {}; see what apply would change: scones plan {}", live.arn, context.name))?;
    Ok(exit::OK)
}
