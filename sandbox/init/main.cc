// The runtime of go, rust and custom: a small first process that forks, as a
// zygote, into sandboxes, and runs a program there that speaks the AWS Lambda
// Runtime API.
#include "sandbox/init/instance.h"
#include "sandbox/isolation/zygote.h"

int main() {
  so::isolation::ServeZygote({});
  so::init::RunInstance();
}
