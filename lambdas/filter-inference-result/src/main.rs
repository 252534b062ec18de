//! The last function of the classify workflow: lets a picture pass that the model is sure about.

#[cfg(test)]
mod contract;
mod failure;
mod handler;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| {
        let threshold = std::env::var("THRESHOLD").ok();
        handler::handle(&event.payload, threshold.as_deref()).inspect_err(|failure| failure.log(&event.context.request_id))
    }))
    .await
}
