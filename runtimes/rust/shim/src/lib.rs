//! Turns a handler into a program that speaks the AWS Lambda Runtime API.
//! The builder writes the `main` that calls [`run`].

mod client;
mod fault;

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use client::{Client, Invocation};
use fault::Fault;

/// What a handler may fail with: any error, by `?`, and text, by `.into()`.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// In scope of a handler without a `use`.
pub mod prelude {
    pub use crate::{Context, Error};
    pub use serde_json::{json, Value};
}

/// What the handler is told about its invocation, as on AWS Lambda.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Context {
    pub aws_request_id: String,
    pub function_name: String,
    pub function_version: String,
    pub memory_limit_in_mb: String,
    pub invoked_function_arn: String,
    pub log_group_name: String,
    pub log_stream_name: String,
    pub trace_id: String,
    /// Milliseconds since 1970.
    pub deadline_ms: u64,
}

impl Context {
    pub fn get_remaining_time_in_millis(&self) -> u64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        self.deadline_ms.saturating_sub(now.as_millis() as u64)
    }

    fn new(invocation: &Invocation) -> Context {
        let variable = |name| std::env::var(name).unwrap_or_default();
        let header = |name| invocation.header(name).unwrap_or_default().to_owned();
        Context {
            aws_request_id: header("lambda-runtime-aws-request-id"),
            function_name: variable("AWS_LAMBDA_FUNCTION_NAME"),
            function_version: variable("AWS_LAMBDA_FUNCTION_VERSION"),
            memory_limit_in_mb: variable("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"),
            invoked_function_arn: header("lambda-runtime-invoked-function-arn"),
            log_group_name: variable("AWS_LAMBDA_LOG_GROUP_NAME"),
            log_stream_name: variable("AWS_LAMBDA_LOG_STREAM_NAME"),
            trace_id: header("lambda-runtime-trace-id"),
            deadline_ms: header("lambda-runtime-deadline-ms").parse().unwrap_or(0),
        }
    }
}

/// Serves invocations until the platform ends the process. A panic of the
/// handler fails its invocation only.
pub fn run<D, T, E, F>(handler: F) -> !
where
    D: serde::de::DeserializeOwned,
    T: serde::Serialize,
    E: Into<Error>,
    F: Fn(D, &Context) -> Result<T, E>,
{
    fault::remember_panics();
    let address = std::env::var("AWS_LAMBDA_RUNTIME_API").expect("AWS_LAMBDA_RUNTIME_API");
    let mut client = match Client::connect(&address) {
        Ok(client) => client,
        Err(error) => end(&error),
    };
    loop {
        if let Err(error) = serve_one(&mut client, &handler) {
            end(&error);
        }
    }
}

/// The platform is gone, or broken: nobody is left to be told.
fn end(error: &std::io::Error) -> ! {
    eprintln!("the Runtime API cannot be reached: {error}");
    std::process::exit(1)
}

fn serve_one<D, T, E, F>(client: &mut Client, handler: &F) -> std::io::Result<()>
where
    D: serde::de::DeserializeOwned,
    T: serde::Serialize,
    E: Into<Error>,
    F: Fn(D, &Context) -> Result<T, E>,
{
    let invocation = client.next()?;
    let context = Context::new(&invocation);
    let outcome = call(handler, &invocation.body, &context);
    let _ = std::io::Write::flush(&mut std::io::stdout());
    match outcome {
        Ok(body) => client.respond(&context.aws_request_id, &body),
        Err(fault) => client.fail(&context.aws_request_id, &fault),
    }
}

fn call<D, T, E, F>(handler: &F, event: &[u8], context: &Context) -> Result<Vec<u8>, Fault>
where
    D: serde::de::DeserializeOwned,
    T: serde::Serialize,
    E: Into<Error>,
    F: Fn(D, &Context) -> Result<T, E>,
{
    let event = serde_json::from_slice(event)
        .map_err(|error| Fault::new("InvalidEvent", format!("the event has another shape: {error}")))?;
    match catch_unwind(AssertUnwindSafe(|| handler(event, context))) {
        Ok(Ok(result)) => serde_json::to_vec(&result)
            .map_err(|error| Fault::new("InvalidResult", format!("the result is not JSON: {error}"))),
        Ok(Err(error)) => Err(Fault::of_error::<E>(&*error.into())),
        Err(_) => Err(Fault::of_panic()),
    }
}

/// Runs an async handler. All invocations share one runtime, so that clients
/// made in one work in the next.
pub fn block_on<F: std::future::Future>(future: F) -> F::Output {
    static RUNTIME: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("an async runtime")
    });
    runtime.block_on(future)
}
