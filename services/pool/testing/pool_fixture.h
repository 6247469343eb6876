#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/testing/inline_executor.h"
#include "base/testing/manual_clock.h"
#include "base/testing/manual_executor.h"
#include "services/pool/instance_pool.h"
#include "services/pool/testing/fake_code_store.h"
#include "services/pool/testing/fake_node_memory.h"
#include "services/pool/testing/fake_sandbox.h"
#include "services/registry/client/testing/fake_function_directory.h"

namespace so {

// Keeps what the pool sends to one router.
class RecordingLink final : public RouterLink {
 public:
  void Send(serverless::pool::v1::AttachResponse message) override {
    messages.push_back(std::move(message));
  }
  // Messages of one kind: Of(&AttachResponse::has_result).
  using Has = bool (serverless::pool::v1::AttachResponse::*)() const;
  std::vector<serverless::pool::v1::AttachResponse> Of(Has has) const {
    std::vector<serverless::pool::v1::AttachResponse> found;
    for (const auto& message : messages) {
      if ((message.*has)()) found.push_back(message);
    }
    return found;
  }
  std::vector<serverless::pool::v1::AttachResponse> messages;
};

// A pool on fakes, with a clock that stands still.
class PoolFixture {
 public:
  explicit PoolFixture(InstancePool::Options options = {});
  ~PoolFixture();

  // A function "hello" with id "fn-hello" and so on, already in the directory.
  static serverless::function::v1::Function MakeFunction(
      const std::string& name, int version = 1);
  void Put(const serverless::function::v1::Function& function);
  void Delete(const std::string& name);

  // Asks for an instance, as the router does.
  void StartInstance(const std::string& name,
                     const std::string& start_id = "start", int version = 1);
  // Starts one and makes it warm; returns its process.
  FakeProcess& WarmOne(const std::string& name, int version = 1);
  // The dispatch ids count up from 1.
  void Dispatch(const std::string& instance_id,
                const std::string& request_id = "req-1", int timeout = 1000);
  // The process ends if the pool wants it to.
  void LetDie();
  // Instances of a function in a state such as "warm".
  int Count(const std::string& name, const std::string& state);
  std::string ReasonOf(const std::string& instance_id);
  // What the pool has decided after an event, as "retire inst-000001 idle".
  std::vector<std::string> Events(int64_t after = 0);
  std::vector<serverless::pool::v1::PoolEvent> all_events(int64_t after = 0);

  ManualClock clock;
  FakeSandbox sandbox;
  FakeFunctionDirectory directory;
  FakeCodeStore code;
  RecordingLink link;
  StartSteps steps;
  // Unknown unless the test says something.
  FakeNodeMemory memory;
  // What is done elsewhere is done at once, unless the test holds it.
  ManualExecutor worker;
  RouterId router = 0;

 private:
  uint64_t dispatches_ = 0;
  Logger log_{"POOL"};
  InlineExecutor executor_;
  RuntimeCatalog runtimes_;
  InstanceContext context_;

 public:
  std::unique_ptr<InstancePool> pool;
};

}  // namespace so
