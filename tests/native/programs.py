"""The same function in each form in which a runtime takes it.

Its event says what it does; what comes of it is in test_programs.py.
"""

GO_HANDLER = r'''
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/aws/aws-lambda-go/lambdacontext"
)

type event struct {
	Do string `json:"do"`
	N  int    `json:"n"`
}

func Handler(ctx context.Context, e event) (any, error) {
	fmt.Println("doing", e.Do)
	switch e.Do {
	case "fail":
		return nil, errors.New("no such thing")
	case "panic":
		panic("lost")
	case "exit":
		os.Exit(3)
	case "text":
		return strings.Repeat("x", e.N), nil
	case "http":
		return map[string]any{"statusCode": 201, "headers": map[string]any{"a": 1}, "body": `{"b":[1]}`}, nil
	case "bad-status":
		return map[string]any{"statusCode": "ok"}, nil
	case "environment":
		return []string{os.Getenv("GREETING"), os.Getenv("_HANDLER"), os.Getenv("LAMBDA_TASK_ROOT")}, nil
	case "context":
		c, _ := lambdacontext.FromContext(ctx)
		deadline, _ := ctx.Deadline()
		return []any{c.AwsRequestID, c.InvokedFunctionArn, lambdacontext.FunctionName, !deadline.IsZero()}, nil
	case "files":
		return files(), nil
	}
	return e, nil
}

func files() []string {
	var found []string
	for i := range 4 {
		target, _ := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", i))
		found = append(found, strings.SplitN(target, ":", 2)[0])
	}
	return found
}
'''

GO_MAIN = GO_HANDLER.replace('"strings"\n', '"strings"\n\n\t"github.com/aws/aws-lambda-go/lambda"') + '''
func main() { lambda.Start(Handler) }
'''

GO_LIBRARY = GO_HANDLER.replace("package main", "package function")

_RUST_BODY = r'''
    println!("doing {}", event["do"]);
    match event["do"].as_str().unwrap_or_default() {
        "fail" => return Err("no such thing".into()),
        "panic" => panic!("lost"),
        "exit" => std::process::exit(3),
        "text" => return Ok(Value::String("x".repeat(event["n"].as_u64().unwrap() as usize))),
        "http" => return Ok(json!({"statusCode": 201, "headers": {"a": 1}, "body": "{\"b\":[1]}"})),
        "bad-status" => return Ok(json!({"statusCode": "ok"})),
        "environment" => {
            let get = |name| std::env::var(name).unwrap_or_default();
            return Ok(json!([get("GREETING"), get("_HANDLER"), get("LAMBDA_TASK_ROOT")]));
        }
        "files" => {
            let found: Vec<String> = (0..4)
                .map(|i| std::fs::read_link(format!("/proc/self/fd/{i}")).map(|p| p.to_string_lossy().split(':').next().unwrap().to_owned()).unwrap_or_default())
                .collect();
            return Ok(json!(found));
        }
        _ => {}
    }
'''

RUST_HANDLER = r'''
pub fn handler(event: Value, context: &Context) -> Result<Value, Error> {
    if event["do"] == "context" {
        let left = context.get_remaining_time_in_millis();
        return Ok(json!([context.aws_request_id, context.invoked_function_arn, context.function_name, left > 1000 && left <= 15000]));
    }
''' + _RUST_BODY + "    Ok(event)\n}\n"

RUST_ASYNC_HANDLER = RUST_HANDLER.replace("pub fn handler", "async fn handler").replace(
    "    Ok(event)", "    tokio::time::sleep(std::time::Duration::from_millis(1)).await;\n    Ok(event)")

RUST_MAIN = r'''
use lambda_runtime::{service_fn, Error, LambdaEvent};
use serde_json::{json, Value};

async fn function(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let (event, context) = event.into_parts();
    if event["do"] == "context" {
        return Ok(json!([context.request_id, context.invoked_function_arn, context.env_config.function_name, context.deadline > 0]));
    }
''' + _RUST_BODY + r'''
    Ok(event)
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    lambda_runtime::run(service_fn(function)).await
}
'''

# (runtime, source, handler) by name.
PROGRAMS = {
    "go-handler": ("go", GO_HANDLER, "Handler"),
    "go-library": ("go", GO_LIBRARY, "Handler"),
    "go-main": ("go", GO_MAIN, "bootstrap"),
    "rust-handler": ("rust", RUST_HANDLER, "handler"),
    "rust-async": ("rust", RUST_ASYNC_HANDLER, "handler"),
    "rust-main": ("rust", RUST_MAIN, "bootstrap"),
}
