#include "services/pool/launcher_sandbox.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>

#include "base/mutex.h"
#include "base/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/pool/testing/fake_launcher.h"

namespace so {
namespace {

// Remembers what a sandbox said and how it ended. Thread-safe.
class Recorder final : public SandboxListener {
 public:
  void OnControl(absl::string_view bytes) override { Add(control_, bytes); }
  void OnOutput(absl::string_view bytes) override { Add(output_, bytes); }
  void OnExit(const SandboxExit& exit) override {
    MutexLock lock(mu_);
    exit_ = exit;
    changed_.SignalAll();
  }

  std::string WaitForControl(size_t bytes) { return WaitFor(control_, bytes); }
  std::string WaitForOutput(size_t bytes) { return WaitFor(output_, bytes); }
  SandboxExit WaitForExit() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    while (!exit_ && changed_.WaitFor(mu_, absl::Seconds(20))) {
    }
    EXPECT_TRUE(exit_.has_value());
    return exit_.value_or(SandboxExit{});
  }

 private:
  void Add(std::string& to, absl::string_view bytes) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    to.append(bytes.data(), bytes.size());
    changed_.SignalAll();
  }
  std::string WaitFor(const std::string& text, size_t bytes)
      ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    while (text.size() < bytes && changed_.WaitFor(mu_, absl::Seconds(20))) {
    }
    return text;
  }

  Mutex mu_;
  CondVar changed_;
  std::string control_;
  std::string output_;
  std::optional<SandboxExit> exit_;
};

class LauncherSandboxTest : public ::testing::Test {
 protected:
  LauncherSandboxTest() {
    loop_.Run([this] {
      parked_ = std::make_unique<ParkedPool>(ParkedPool::Options{.min = 1},
                                             launcher_, clock_, loop_, steps_);
      sandbox_ = std::make_unique<LauncherSandbox>(launcher_, *parked_, loop_,
                                                   clock_, steps_);
      launcher_.BecomeReady();
    });
  }
  ~LauncherSandboxTest() override {
    loop_.Run([this] {
      process_.reset();
      sandbox_.reset();
      parked_.reset();
    });
  }

  void Start() {
    loop_.Run([this] {
      process_ = sandbox_->Start({.instance_id = "inst-000001",
                                  .runtime = "node",
                                  .code_dir = "/code",
                                  .memory = 64,
                                  .max_pids = 32},
                                 recorder_);
    });
  }
  FakeLauncher::Inside& inside() { return launcher_.sandboxes.at(1); }
  void Activate(absl::StatusOr<absl::Duration> answer = absl::Microseconds(9)) {
    loop_.Run([&] { inside().activated(std::move(answer)); });
  }
  // Parked, taken and activated.
  void StartRunning() {
    Start();
    loop_.Run([this] { launcher_.Make(); });
    Activate();
  }
  // What was sent to the process so far, at least `bytes`.
  std::string Received(size_t bytes) {
    std::string text;
    char buffer[256];
    while (text.size() < bytes) {
      const ssize_t got = read(inside().channel.get(), buffer, sizeof(buffer));
      if (got <= 0) break;
      text.append(buffer, got);
    }
    return text;
  }

  EventLoop loop_;
  SystemClock clock_;
  FakeLauncher launcher_;
  StartSteps steps_;
  Recorder recorder_;
  std::unique_ptr<ParkedPool> parked_;
  std::unique_ptr<LauncherSandbox> sandbox_;
  std::unique_ptr<SandboxProcess> process_;
};

TEST_F(LauncherSandboxTest, SendsOnlyOnceItIsActivated) {
  Start();
  loop_.Run([this] {
    process_->Send("con");
    launcher_.Make();
    process_->Send("fig");
  });
  EXPECT_EQ(inside().spec.code_dir, "/code");
  EXPECT_EQ(inside().spec.memory, 64);
  ASSERT_EQ(write(inside().channel.get(), "hello", 5), 5);
  ASSERT_EQ(write(inside().output.get(), "print", 5), 5);
  Activate();
  EXPECT_EQ(Received(6), "config");
  EXPECT_EQ(recorder_.WaitForControl(5), "hello");
  EXPECT_EQ(recorder_.WaitForOutput(5), "print");
}

TEST_F(LauncherSandboxTest, CountsTakingAndActivating) {
  StartRunning();
  serverless::pool::v1::GetMetricsResponse metrics;
  loop_.Run([&] { steps_.AddTo(metrics); });
  std::vector<std::string> names;
  for (const auto& step : metrics.start_steps()) names.push_back(step.step());
  EXPECT_THAT(names, ::testing::IsSupersetOf({"take", "activate", "mounts"}));
}

TEST_F(LauncherSandboxTest, SaysWhatIsLeftWhenItEnds) {
  StartRunning();
  ASSERT_EQ(write(inside().channel.get(), "last", 4), 4);
  ASSERT_EQ(write(inside().output.get(), "words", 5), 5);
  loop_.Run([this] {
    launcher_.End(1, {.exit = {.signal = 9, .out_of_memory = true},
                      .usage = {.memory = 64, .cpu = absl::Seconds(2)}});
  });
  const SandboxExit exit = recorder_.WaitForExit();
  EXPECT_EQ(exit.signal, 9);
  EXPECT_TRUE(exit.out_of_memory);
  EXPECT_EQ(recorder_.WaitForControl(4), "last");
  EXPECT_EQ(recorder_.WaitForOutput(5), "words");
  loop_.Run([this] {
    EXPECT_EQ(process_->Measure().memory, 64);
    EXPECT_EQ(process_->Measure().cpu, absl::Seconds(2));
  });
}

TEST_F(LauncherSandboxTest, ReportsWhyItCouldNotBeActivated) {
  Start();
  loop_.Run([this] { launcher_.Make(); });
  Activate(absl::UnavailableError("mount: no such directory"));
  loop_.Run([this] { launcher_.End(1, {.exit = {.signal = 9}}); });
  EXPECT_EQ(recorder_.WaitForExit().start_error, "mount: no such directory");
}

TEST_F(LauncherSandboxTest, ReportsWhyNoneCouldBeMade) {
  Start();
  loop_.Run([this] { launcher_.Refuse("fork: out of everything"); });
  EXPECT_EQ(recorder_.WaitForExit().start_error, "fork: out of everything");
}

TEST_F(LauncherSandboxTest, CanBeKilledBeforeThereIsOne) {
  Start();
  loop_.Run([this] { process_->Kill(); });
  EXPECT_EQ(recorder_.WaitForExit().signal, SIGKILL);
  loop_.Run([this] { launcher_.Make(); });
  EXPECT_EQ(inside().activated, nullptr);
}

TEST_F(LauncherSandboxTest, KillsThroughTheLauncher) {
  StartRunning();
  loop_.Run([this] { process_->Terminate(); });
  EXPECT_TRUE(inside().asked_to_end);
  EXPECT_FALSE(inside().killed);
  loop_.Run([this] { process_->Kill(); });
  EXPECT_TRUE(inside().killed);
}

TEST_F(LauncherSandboxTest, NobodyHearsOfOneThatWasDestroyed) {
  StartRunning();
  loop_.Run([this] { process_.reset(); });
  EXPECT_TRUE(inside().abandoned);
}

}  // namespace
}  // namespace so
