module serverless-orchestrator/runtimes/go/builder

go 1.26
