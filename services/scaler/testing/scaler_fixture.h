#pragma once

#include <string>
#include <vector>

#include "base/testing/manual_clock.h"
#include "services/registry/client/testing/fake_function_directory.h"
#include "services/scaler/control_loop.h"
#include "services/scaler/policy/cost_optimal.h"
#include "services/scaler/testing/fake_load.h"

namespace so {

// Everything a control loop borrows, on a manual clock.
struct ScalerFixture {
  // A function that the registry knows, and what it may be asked to be.
  void AddFunction(const std::string& id, const std::string& name = "hello") {
    serverless::function::v1::Function function;
    function.set_id(id);
    function.set_name(name);
    function.set_runtime("node");
    function.set_version(1);
    function.set_memory(128);
    function.set_max_instances(20);
    directory.Put(function);
  }

  ControlLoop::Dependencies dependencies() {
    return {.source = source,
            .sink = sink,
            .directory = directory,
            .memory = memory,
            .clock = clock,
            .timers = clock};
  }

  // Only these policies, every five seconds.
  ControlLoop::Options options(std::vector<std::string> policies) {
    ControlLoop::Options options;
    options.scaling.policies = std::move(policies);
    options.scaling.interval = absl::Seconds(5);
    options.scaling.keep_alive = &keep_alive;
    return options;
  }

  const CostOptimal keep_alive;
  ManualClock clock;
  FakeFunctionDirectory directory;
  FakeLoadSource source;
  FakeTargetSink sink;
  FakeMemory memory;
};

// 2 instances free, 1 busy, and so many calls waiting.
inline FunctionLoad Waiting(const std::string& id, int queue_depth) {
  FunctionLoad load;
  load.function_id = id;
  load.function_name = "hello";
  load.queue_depth = queue_depth;
  load.warm = 2;
  load.busy = 1;
  load.by_pool = {3};
  return load;
}

}  // namespace so
