#include "services/pool/testing/real_instance.h"

#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/ids.h"
#include "base/testing/status_matchers.h"
#include "gtest/gtest.h"
#include "services/pool/code_files.h"

namespace so {
namespace {

namespace pb = serverless::pool::v1;

FunctionPtr MakeFunction(const std::string& runtime, int memory) {
  auto function = std::make_shared<serverless::function::v1::Function>();
  function->set_id("fn-hello");
  function->set_name("hello");
  function->set_runtime(runtime);
  function->set_handler(runtime == "node" ? "index.handler" : "main.handler");
  function->set_version(3);
  function->set_memory(memory);
  (*function->mutable_environment())["GREETING"] = "hello there";
  return function;
}

std::filesystem::path MakeDirectory() {
  auto dir = std::filesystem::path(::testing::TempDir()) /
             ("so-pool-test-" + RandomToken(10));
  std::filesystem::create_directories(dir);
  return dir;
}

}  // namespace

RealInstance::RealInstance(const std::string& runtime, const std::string& code,
                           RealInstanceOptions options)
    : dir_(MakeDirectory()), launcher_(dir_.string()), options_(options) {
  auto runtimes = RuntimeCatalog::Load("runtimes");
  SO_EXPECT_OK(runtimes);
  runtimes_ = std::make_unique<RuntimeCatalog>(*std::move(runtimes));
  loop_.Run([this] {
    client_ = std::make_unique<LauncherClient>(launcher_.socket(), loop_);
    parked_ = std::make_unique<ParkedPool>(ParkedPool::Options{.min = 1},
                                           *client_, clock_, loop_, steps_);
    sandbox_ = std::make_unique<LauncherSandbox>(*client_, *parked_, loop_,
                                                 clock_, steps_);
    client_->Connect();
  });
  context_ = std::make_unique<InstanceContext>(
      InstanceContext{.clock = clock_,
                      .timers = loop_,
                      .sandbox = *sandbox_,
                      .log = log_,
                      .executor = loop_,
                      .worker = worker_,
                      .init_timeout = options.init_timeout,
                      .log_limit = options.log_limit});
  const FunctionPtr function = MakeFunction(runtime, options.memory);
  const Runtime& found = *runtimes_->Find(runtime);
  const std::string code_dir = (dir_ / "code").string();
  SO_EXPECT_OK(
      WriteFiles(code_dir, *found.SourceFiles(function->handler()), code));
  spec_ = {.runtime = runtime,
           .code_dir = code_dir,
           .memory = found.EnforcedMemory(options.memory),
           .max_pids = found.max_pids()};
  instance_ = std::make_unique<Instance>(*context_, "inst-000001", function,
                                         static_cast<InstanceOwner&>(*this));
}

RealInstance::~RealInstance() {
  loop_.Run([this] {
    instance_.reset();
    sandbox_.reset();
    parked_.reset();
    client_.reset();
  });
  // The code directory is read-only.
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(dir_)) {
    if (entry.is_directory()) {
      std::filesystem::permissions(entry.path(),
                                   std::filesystem::perms::owner_all);
    }
  }
  std::filesystem::remove_all(dir_);
}

InstanceOutcome RealInstance::Start() {
  loop_.Run([this] { instance_->Start(spec_); });
  EXPECT_TRUE(WaitFor([](const InstanceOutcome& outcome) {
    return outcome.warm || !outcome.start_error.code().empty();
  })) << "neither warm nor failed";
  MutexLock lock(mu_);
  return outcome_;
}

pb::Result RealInstance::Invoke(const std::string& event,
                                absl::Duration timeout) {
  pb::Dispatch dispatch;
  dispatch.set_request_id("req-1");
  dispatch.set_event(event);
  dispatch.set_timeout(static_cast<int>(absl::ToInt64Milliseconds(timeout)));
  size_t before = 0;
  {
    MutexLock lock(mu_);
    before = outcome_.results.size();
  }
  loop_.Run([&] { instance_->Invoke(/*router=*/1, dispatch); });
  EXPECT_TRUE(WaitFor([before](const InstanceOutcome& outcome) {
    return outcome.results.size() > before;
  })) << "no result";
  MutexLock lock(mu_);
  return outcome_.results.empty() ? pb::Result() : outcome_.results.back();
}

void RealInstance::Retire() {
  loop_.Run([this] { instance_->Retire(); });
  EXPECT_TRUE(WaitUntilGone());
}

bool RealInstance::WaitUntilGone() {
  return WaitFor([](const InstanceOutcome& outcome) { return outcome.gone; });
}

void RealInstance::OnWarm(Instance&) {
  Update([](InstanceOutcome& outcome) { outcome.warm = true; });
}

void RealInstance::OnStartFailed(Instance&, const Error& error,
                                 std::vector<std::string> logs) {
  Update([&](InstanceOutcome& outcome) {
    outcome.start_error = error;
    outcome.start_logs = std::move(logs);
  });
}

void RealInstance::OnResult(Instance&, const RunningCall&, pb::Result result) {
  Update([&](InstanceOutcome& outcome) {
    outcome.results.push_back(std::move(result));
  });
}

void RealInstance::OnGone(Instance&) {
  Update([](InstanceOutcome& outcome) { outcome.gone = true; });
}

void RealInstance::Update(absl::AnyInvocable<void(InstanceOutcome&)> change) {
  MutexLock lock(mu_);
  change(outcome_);
  changed_.SignalAll();
}

bool RealInstance::WaitFor(
    absl::AnyInvocable<bool(const InstanceOutcome&)> condition) {
  const absl::Time deadline = absl::Now() + absl::Seconds(20);
  MutexLock lock(mu_);
  while (!condition(outcome_)) {
    const absl::Duration left = deadline - absl::Now();
    if (left <= absl::ZeroDuration()) return false;
    changed_.WaitFor(mu_, left);
  }
  return true;
}

}  // namespace so
