#include "services/pool/process_sandbox.h"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/ids.h"
#include "base/mutex.h"
#include "base/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/pool/process_memory.h"
#include "services/pool/testing/process_end.h"

namespace so {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
namespace fs = std::filesystem;

// Remembers what a process said and how it ended. Thread-safe.
class Recorder final : public SandboxListener {
 public:
  void OnControl(absl::string_view bytes) override {
    MutexLock lock(mu_);
    control_.append(bytes.data(), bytes.size());
    changed_.SignalAll();
  }
  void OnOutput(absl::string_view bytes) override {
    MutexLock lock(mu_);
    output_.append(bytes.data(), bytes.size());
    changed_.SignalAll();
  }
  void OnExit(const SandboxExit& exit) override {
    MutexLock lock(mu_);
    exit_ = exit;
    changed_.SignalAll();
  }

  SandboxExit WaitForExit() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    while (!exit_ && changed_.WaitFor(mu_, absl::Seconds(20))) {
    }
    EXPECT_TRUE(exit_.has_value());
    return exit_.value_or(SandboxExit{});
  }
  // Waits until that much was printed, or received on the control channel.
  std::string WaitForOutput(size_t bytes) ABSL_LOCKS_EXCLUDED(mu_) {
    return WaitForBytes(output_, bytes);
  }
  std::string WaitForControl(size_t bytes) ABSL_LOCKS_EXCLUDED(mu_) {
    return WaitForBytes(control_, bytes);
  }

 private:
  std::string WaitForBytes(const std::string& text, size_t bytes)
      ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    while (text.size() < bytes && changed_.WaitFor(mu_, absl::Seconds(20))) {
    }
    return text;
  }

  Mutex mu_;
  CondVar changed_;
  std::string output_;
  std::string control_;
  std::optional<SandboxExit> exit_;
};

class ProcessSandboxTest : public ::testing::Test {
 protected:
  ProcessSandboxTest()
      : dir_(fs::path(::testing::TempDir()) / ("sandbox-" + RandomToken(10))) {
    fs::create_directories(dir_ / "code");
    fs::create_directories(dir_ / "work" / "inst-left-behind" / "files");
    auto sandbox =
        ProcessSandbox::Create({.work_dir = (dir_ / "work").string()}, loop_);
    SO_EXPECT_OK(sandbox);
    sandbox_ = *std::move(sandbox);
  }
  ~ProcessSandboxTest() override {
    loop_.Run([this] { process_.reset(); });
    fs::remove_all(dir_);
  }

  void StartShell(const std::string& script) {
    Start({"/bin/sh", "-c", script});
  }
  void Start(std::vector<std::string> command) {
    loop_.Run([&] {
      process_ = sandbox_->Start({.instance_id = "inst-000001",
                                  .command = std::move(command),
                                  .environment = {"A=b"},
                                  .code_dir = (dir_ / "code").string(),
                                  .memory = 64,
                                  .address_space_reserve = 16},
                                 recorder_);
    });
  }

  const fs::path dir_;
  EventLoop loop_;
  Recorder recorder_;
  std::unique_ptr<ProcessSandbox> sandbox_;
  std::unique_ptr<SandboxProcess> process_;
};

std::string FirstLine(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

TEST_F(ProcessSandboxTest, HasACleanEnvironmentAndNoOtherDescriptors) {
  const int leaked = socket(AF_UNIX, SOCK_STREAM, 0);  // Without CLOEXEC.
  StartShell("env; ls -l /proc/self/fd; ulimit -c; ulimit -n; pwd; id -u");
  EXPECT_EQ(recorder_.WaitForExit().exit_code, 0);
  close(leaked);
  const std::string output = recorder_.WaitForOutput(0);
  const std::string work = (dir_ / "work" / "inst-000001").string();
  EXPECT_THAT(output, HasSubstr("A=b\n"));
  EXPECT_THAT(output, HasSubstr(absl::StrCat("HOME=", work, "\n")));
  EXPECT_THAT(output, HasSubstr(absl::StrCat("TMPDIR=", work, "\n")));
  EXPECT_THAT(output, Not(HasSubstr("USER=")));
  EXPECT_THAT(output, HasSubstr("0 -> /dev/null"));
  EXPECT_THAT(output, HasSubstr("3 -> socket:"));
  // 4 is the listing itself.
  EXPECT_THAT(output, Not(HasSubstr("5 -> ")));
  EXPECT_THAT(output, HasSubstr("\n0\n256\n"));
  EXPECT_THAT(output, HasSubstr((dir_ / "code").string()));
  const std::string user = geteuid() == 0 ? "\n65534\n" : "\n";
  EXPECT_THAT(output, HasSubstr(user));
}

TEST_F(ProcessSandboxTest, NoSignalIsBlockedOrIgnoredAndNoPrivilegesComeBack) {
  sigset_t term, before;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  loop_.Run([&] {
    pthread_sigmask(SIG_BLOCK, &term, &before);
    signal(SIGPIPE, SIG_IGN);
  });
  StartShell("grep -E 'SigBlk|SigIgn|NoNewPrivs' /proc/self/status");
  recorder_.WaitForExit();
  const std::string output = recorder_.WaitForOutput(0);
  EXPECT_THAT(output, HasSubstr("SigBlk:\t0000000000000000"));
  EXPECT_THAT(output, HasSubstr("SigIgn:\t0000000000000000"));
  EXPECT_THAT(output, HasSubstr("NoNewPrivs:\t1"));
}

TEST_F(ProcessSandboxTest, CarriesBytesBothWays) {
  StartShell("head -c 200000 <&3 >&3");
  const std::string sent(200000, 'x');
  loop_.Run([&] { process_->Send(sent); });
  EXPECT_EQ(recorder_.WaitForControl(sent.size()), sent);
  EXPECT_EQ(recorder_.WaitForExit().exit_code, 0);
}

TEST_F(ProcessSandboxTest, ReportsExitCodesAndSignals) {
  StartShell("exit 7");
  EXPECT_EQ(recorder_.WaitForExit().exit_code, 7);
}

TEST_F(ProcessSandboxTest, KillEndsTheWholeGroup) {
  StartShell("sleep 600 & echo $!; wait");
  recorder_.WaitForOutput(2);
  loop_.Run([&] { process_->Kill(); });
  EXPECT_EQ(recorder_.WaitForExit().signal, SIGKILL);
  EXPECT_TRUE(ProcessEnds(FirstLine(recorder_.WaitForOutput(0))));
}

TEST_F(ProcessSandboxTest, AnExitTakesLeftoversOfTheGroupAlong) {
  StartShell("sleep 600 & echo $!");
  EXPECT_EQ(recorder_.WaitForExit().exit_code, 0);
  EXPECT_TRUE(ProcessEnds(FirstLine(recorder_.WaitForOutput(0))));
}

TEST_F(ProcessSandboxTest, SaysWhichStepOfAStartFailed) {
  Start({"/nowhere/at/all"});
  EXPECT_THAT(recorder_.WaitForExit().start_error, HasSubstr("exec: "));
}

TEST_F(ProcessSandboxTest, RemovesWorkDirectories) {
  EXPECT_FALSE(fs::exists(dir_ / "work" / "inst-left-behind"));
  StartShell("echo x > $HOME/file; echo done");
  recorder_.WaitForExit();
  EXPECT_TRUE(fs::exists(dir_ / "work" / "inst-000001" / "file"));
  loop_.Run([this] { process_.reset(); });
  EXPECT_FALSE(fs::exists(dir_ / "work" / "inst-000001"));
}

TEST_F(ProcessSandboxTest, MeasuresThePeakFromOutside) {
  StartShell("echo up; sleep 600");
  recorder_.WaitForOutput(3);
  double memory = 0;
  loop_.Run([&] { memory = process_->MeasureMemory(); });
  EXPECT_GT(memory, 0.1);
  EXPECT_LT(memory, 64);
}

TEST(ProcessMemoryTest, ReadsThePeak) {
  EXPECT_EQ(ParsePeakMemory("Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t1 kB\n"),
            2);
  EXPECT_EQ(ParsePeakMemory("Name:\tx\n"), 0);
  EXPECT_GT(UsableMemory(), 64);
}

}  // namespace
}  // namespace so
