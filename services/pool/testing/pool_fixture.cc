#include "services/pool/testing/pool_fixture.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace so {
namespace {

namespace pb = serverless::pool::v1;

RuntimeCatalog FakeRuntimes() {
  serverless::config::v1::RuntimeDescriptor descriptor;
  descriptor.set_name("node");
  descriptor.add_zygote("node");
  descriptor.mutable_source()->add_files("{file}.js");
  descriptor.set_memory_floor(64);
  descriptor.set_max_pids(32);
  return RuntimeCatalog({{"node", Runtime(descriptor)}});
}

}  // namespace

PoolFixture::PoolFixture(InstancePool::Options options)
    : runtimes_(FakeRuntimes()),
      context_{.clock = clock,
               .timers = clock,
               .sandbox = sandbox,
               .log = log_,
               .executor = executor_,
               .worker = worker},
      pool(std::make_unique<InstancePool>(
          std::move(options),
          InstancePool::Dependencies{context_, directory, code, runtimes_,
                                     steps, executor_, &memory})) {
  router = pool->Attach(link);
}

PoolFixture::~PoolFixture() = default;

serverless::function::v1::Function PoolFixture::MakeFunction(
    const std::string& name, int version) {
  serverless::function::v1::Function function;
  function.set_id("fn-" + name);
  function.set_name(name);
  function.set_runtime("node");
  function.set_handler("index.handler");
  function.set_version(version);
  function.set_timeout(30000);
  function.set_memory(128);
  function.set_max_instances(20);
  function.set_reuse("warm");
  function.set_network("none");
  return function;
}

void PoolFixture::Put(const serverless::function::v1::Function& function) {
  directory.Put(function);
  pool->OnFunctionChanged(directory.Find(function.id()));
}

void PoolFixture::Delete(const std::string& name) {
  directory.Delete("fn-" + name);
  pool->OnFunctionDeleted("fn-" + name);
}

void PoolFixture::StartInstance(const std::string& name,
                                const std::string& start_id, int version) {
  pb::StartInstance request;
  request.set_start_id(start_id);
  request.set_function_id("fn-" + name);
  request.set_version(version);
  pool->StartInstance(router, request);
}

FakeProcess& PoolFixture::WarmOne(const std::string& name, int version) {
  StartInstance(name, "start", version);
  sandbox.last().BecomeReady();
  return sandbox.last();
}

void PoolFixture::Dispatch(const std::string& instance_id,
                           const std::string& request_id, int timeout) {
  pb::Dispatch request;
  request.set_dispatch_id(++dispatches_);
  request.set_request_id(request_id);
  request.set_instance_id(instance_id);
  request.set_event("{}");
  request.set_timeout(timeout);
  pool->Dispatch(router, request);
}

void PoolFixture::LetDie() {
  for (size_t i = 0; i < sandbox.started(); ++i) {
    FakeProcess* process = sandbox.at(i);
    if (process != nullptr && (process->terminated || process->killed)) {
      process->Exit({.signal = process->killed ? 9 : 15});
    }
  }
}

int PoolFixture::Count(const std::string& name, const std::string& state) {
  int count = 0;
  pool->ListInstances("fn-" + name, [&](auto response) {
    if (!response.ok()) return;
    for (const auto& instance : response->instances()) {
      if (instance.state() == state) ++count;
    }
  });
  return count;
}

std::string PoolFixture::ReasonOf(const std::string& instance_id) {
  std::string reason;
  for (const FunctionPtr& function : directory.List()) {
    pool->ListInstances(function->id(), [&](auto response) {
      for (const auto& instance : response->instances()) {
        if (instance.id() == instance_id) reason = instance.reason();
      }
    });
  }
  return reason;
}

std::vector<pb::PoolEvent> PoolFixture::all_events(int64_t after) {
  pb::ListEventsRequest request;
  request.set_after(after);
  const auto response = pool->ListEvents(request);
  return {response->events().begin(), response->events().end()};
}

std::vector<std::string> PoolFixture::Events(int64_t after) {
  std::vector<std::string> events;
  for (const pb::PoolEvent& event : all_events(after)) {
    events.push_back(absl::StrCat(event.action(), " ", event.instance_id(),
                                  event.reason().empty() ? "" : " ",
                                  event.reason()));
  }
  return events;
}

}  // namespace so
