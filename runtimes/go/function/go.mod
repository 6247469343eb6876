// What inline source is built in. An archive brings its own go.mod.
module function

go 1.26

require github.com/aws/aws-lambda-go v1.54.0
