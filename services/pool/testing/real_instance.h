#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/worker_thread.h"
#include "services/pool/event_loop.h"
#include "services/pool/instance.h"
#include "services/pool/launcher_client.h"
#include "services/pool/launcher_sandbox.h"
#include "services/pool/parked_pool.h"
#include "services/pool/runtime_catalog.h"
#include "services/pool/start_steps.h"
#include "services/pool/testing/launcher_process.h"

namespace so {

// What an instance has told its owner. Thread-safe.
struct InstanceOutcome {
  bool warm = false;
  Error start_error;
  std::vector<std::string> start_logs;
  std::vector<serverless::pool::v1::Result> results;
  bool gone = false;
};

struct RealInstanceOptions {
  absl::Duration init_timeout = absl::Seconds(20);
  size_t log_limit = 1 << 20;
  int memory = 128;
};

// One instance in a real sandbox, on the real runtimes in runtimes/. Needs
// root. For the test's thread; everything waits at most 20 s.
class RealInstance final : private InstanceOwner {
 public:
  // `code` is the one source file; handlers are index.handler or main.handler.
  RealInstance(const std::string& runtime, const std::string& code,
               RealInstanceOptions options = {});
  ~RealInstance() override;

  // Waits until it is warm or has failed.
  InstanceOutcome Start();
  // Runs one invocation and waits for its result.
  serverless::pool::v1::Result Invoke(
      const std::string& event = "{}",
      absl::Duration timeout = absl::Seconds(15));
  // Retires it and waits until it is gone.
  void Retire();
  bool WaitUntilGone();

  absl::Duration start_duration() { return instance_->start_duration(); }
  absl::Duration init_duration() { return instance_->init_duration(); }
  const std::filesystem::path& dir() const { return dir_; }

 private:
  void OnWarm(Instance&) override;
  void OnStartFailed(Instance&, const Error& error,
                     std::vector<std::string> logs) override;
  void OnStarted(Instance&, const RunningCall&) override {}
  void OnPart(Instance&, const RunningCall&,
              serverless::pool::v1::ResponsePart) override {}
  void OnResult(Instance&, const RunningCall&,
                serverless::pool::v1::Result result) override;
  void OnRejected(Instance&, const RunningCall&, absl::string_view) override {}
  void OnTerminating(Instance&, bool) override {}
  void OnGone(Instance&) override;

  void Update(absl::AnyInvocable<void(InstanceOutcome&)> change)
      ABSL_LOCKS_EXCLUDED(mu_);
  // Whether `condition` became true.
  bool WaitFor(absl::AnyInvocable<bool(const InstanceOutcome&)> condition)
      ABSL_LOCKS_EXCLUDED(mu_);

  const std::filesystem::path dir_;
  const LauncherProcess launcher_;
  const RealInstanceOptions options_;
  const Logger log_{"POOL"};
  SystemClock clock_;
  EventLoop loop_;
  WorkerThread worker_;
  std::unique_ptr<RuntimeCatalog> runtimes_;
  StartSteps steps_;
  std::unique_ptr<LauncherClient> client_;
  std::unique_ptr<ParkedPool> parked_;
  std::unique_ptr<LauncherSandbox> sandbox_;
  std::unique_ptr<InstanceContext> context_;
  SandboxSpec spec_;
  std::unique_ptr<Instance> instance_;
  Mutex mu_;
  CondVar changed_;
  InstanceOutcome outcome_ ABSL_GUARDED_BY(mu_);
};

}  // namespace so
