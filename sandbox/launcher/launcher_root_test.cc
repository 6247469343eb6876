// The real launcher with real sandboxes, through its socket.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sandbox/launcher/testing/launcher_client.h"
#include "sandbox/launcher/testing/launcher_process.h"
#include "sandbox/launcher/text.h"

namespace so {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using Parked = LauncherClient::ParkedSandbox;

bool Eventually(const std::function<bool()>& holds) {
  for (int i = 0; i < 1000; ++i) {
    if (holds()) return true;
    absl::SleepFor(absl::Milliseconds(10));
  }
  return false;
}

class LauncherRootTest : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root";
    Launch({});
  }

  void Launch(std::vector<std::string> flags) {
    client_.reset();
    launcher_.reset();
    launcher_ = std::make_unique<LauncherProcess>(std::move(flags));
    Connect();
  }

  // As the user that the launcher expects.
  void Connect() {
    ASSERT_EQ(seteuid(LauncherProcess::kClient), 0);
    auto client = LauncherClient::Connect(launcher_->socket());
    ASSERT_EQ(seteuid(0), 0);
    ASSERT_THAT(client, IsOk()) << launcher_->Log();
    client_ = *std::move(client);
    SO_ASSERT_OK(client_->WaitUntilReady("test"));
  }

  void TearDown() override {
    if (HasFailure() && launcher_ != nullptr) {
      std::cerr << launcher_->Log();
    }
  }

  Parked Park() {
    auto parked = client_->Park("test");
    EXPECT_THAT(parked, IsOk());
    return parked.ok() ? *std::move(parked) : Parked{};
  }

  launcher::ActivateRequest RequestFor(const Parked& sandbox) {
    launcher::ActivateRequest request;
    request.sandbox = sandbox.id();
    request.memory_bytes = uint64_t{64} << 20;
    request.max_pids = 32;
    request.cpu_percent = 100;
    CopyText(launcher_->MakeCode("the code"), request.code_dir);
    return request;
  }

  Parked Run() {
    Parked sandbox = Park();
    EXPECT_THAT(client_->Activate(RequestFor(sandbox)), IsOk());
    return sandbox;
  }

  std::string Ask(const Parked& sandbox, const std::string& command) {
    auto answer = AskSandbox(sandbox.channel, command);
    EXPECT_THAT(answer, IsOk()) << command;
    return answer.ok() ? *answer : "";
  }

  launcher::Exited End(const Parked& sandbox) {
    EXPECT_THAT(client_->Kill(sandbox.id()), IsOk());
    return WaitForExit(sandbox);
  }

  launcher::Exited WaitForExit(const Parked& sandbox) {
    auto exited = client_->WaitForExit(sandbox.id());
    EXPECT_THAT(exited, IsOk());
    return exited.ok() ? *exited : launcher::Exited{};
  }

  std::unique_ptr<LauncherProcess> launcher_;
  std::unique_ptr<LauncherClient> client_;
};

TEST_F(LauncherRootTest, AllLayersAreInForceHere) {
  EXPECT_EQ(client_->hello().missing_layers, 0u);
}

TEST_F(LauncherRootTest, SandboxHasItsCodeReadOnly) {
  const Parked sandbox = Run();
  EXPECT_EQ(Ask(sandbox, "sh cat /var/task/code"), "the code");
  EXPECT_THAT(Ask(sandbox, "sh echo x > /var/task/code"),
              HasSubstr("cannot create"));
  EXPECT_THAT(Ask(sandbox, "sh touch /usr/x"), HasSubstr("cannot touch"));
  const launcher::Exited exited = End(sandbox);
  EXPECT_TRUE(WIFSIGNALED(exited.wait_status));
  EXPECT_EQ(WTERMSIG(exited.wait_status), SIGKILL);
  EXPECT_EQ(exited.out_of_memory, 0u);
  EXPECT_GT(exited.memory_peak_bytes, 0u);
  EXPECT_GT(exited.cpu_nanos, 0u);
  EXPECT_THAT(launcher_->Cgroups(), IsEmpty());
}

TEST_F(LauncherRootTest, SandboxIsAloneAndNobody) {
  const Parked sandbox = Run();
  EXPECT_EQ(Ask(sandbox, "sh id -un; id -G; hostname"),
            "sandbox|1000|sandbox|");
  EXPECT_EQ(Ask(sandbox, "sh cd /proc; set -- [0-9]*; echo $#"), "2|");
  EXPECT_EQ(Ask(sandbox,
                "sh for path in /root /home /sys /run /boot /srv /var/lib "
                "/etc/shadow; do test -e $path && echo $path; done"),
            "");
  EXPECT_EQ(Ask(sandbox, "sh env | cut -d= -f1 | sort"),
            "FROM_DESCRIPTOR|HOME|LANG|PATH|PWD|TMPDIR|TZ|");
  EXPECT_EQ(Ask(sandbox, "sh echo $HOME $TMPDIR"), "/tmp /tmp|");
  EXPECT_EQ(
      Ask(sandbox, "sh tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '"),
      "lo|");
  EXPECT_EQ(Ask(sandbox, "sh cut -d: -f3 /proc/self/cgroup | sort -u"), "/|");
}

TEST_F(LauncherRootTest, SandboxHasOnlyItsDescriptors) {
  const Parked sandbox = Run();
  EXPECT_EQ(Ask(sandbox, "fds"), "0=/dev/null 1=pipe 2=pipe 3=socket");
  EXPECT_EQ(Ask(sandbox, "sh ulimit -n; ulimit -c; ulimit -Hl"), "256|0|64|");
}

TEST_F(LauncherRootTest, OutputComesThroughThePipe) {
  const Parked sandbox = Run();
  Ask(sandbox, "sh echo printed > /proc/1/fd/1");
  char text[64] = {};
  EXPECT_EQ(read(sandbox.output.get(), text, sizeof(text)), 8);
  EXPECT_STREQ(text, "printed\n");
}

TEST_F(LauncherRootTest, FilterIsInForce) {
  const Parked sandbox = Run();
  const auto errno_of = [&](long number, long a = 0, long b = 0) {
    return Ask(sandbox, absl::StrCat("call ", number, " ", a, " ", b));
  };
  EXPECT_EQ(errno_of(SYS_unshare, 0x10000000), absl::StrCat(EPERM));
  EXPECT_EQ(errno_of(SYS_ptrace), absl::StrCat(EPERM));
  EXPECT_EQ(errno_of(SYS_clone3), absl::StrCat(ENOSYS));
  EXPECT_EQ(errno_of(SYS_socket, 40, 1), absl::StrCat(EAFNOSUPPORT));
  EXPECT_EQ(errno_of(SYS_socket, 1, 1), "0");
}

// What ordinary programs do: threads, processes, files, loopback.
TEST_F(LauncherRootTest, OrdinaryProgramsRunUnderTheFilter) {
  const Parked sandbox = Park();
  launcher::ActivateRequest request = RequestFor(sandbox);
  request.memory_bytes = uint64_t{512} << 20;
  request.max_pids = 128;
  SO_ASSERT_OK(client_->Activate(request));
  EXPECT_EQ(Ask(sandbox,
                "sh python3 -c 'import threading, subprocess, socket, tempfile;"
                "t = threading.Thread(target=print, args=[1]); t.start();"
                "t.join(); print(subprocess.check_output([\"echo\", \"2\"]));"
                "s = socket.create_server((\"127.0.0.1\", 0));"
                "c = socket.create_connection(s.getsockname());"
                "tempfile.TemporaryFile().write(b\"x\"); print(3)'"),
            "1|b'2\\n'|3|");
  const std::string node = Ask(
      sandbox,
      "sh command -v node >/dev/null || { echo none; exit; }; node -e '"
      "const { Worker } = require(\"worker_threads\");"
      "new Worker(\"1\", { eval: true }).on(\"exit\", () => {"
      " require(\"fs\").writeFileSync(\"/tmp/x\", \"x\");"
      " console.log(require(\"child_process\").execSync(\"echo ok\") + \"\")"
      "})'");
  EXPECT_THAT(node, AnyOf("none|", "ok||"));
}

TEST_F(LauncherRootTest, ParkedSandboxesDifferInUserAndSeeNothingOfOthers) {
  const Parked one = Run();
  const Parked other = Run();
  const std::string map = "sh awk '{print $2}' /proc/self/uid_map";
  EXPECT_NE(Ask(one, map), Ask(other, map));
  Ask(one, "sh echo secret > /tmp/mine");
  EXPECT_EQ(Ask(other, "sh ls -A /tmp /dev/shm"), "/dev/shm:||/tmp:|");
  EXPECT_EQ(Ask(other, "sh kill -9 -1 2>/dev/null; echo alive"), "alive|");
  EXPECT_EQ(Ask(one, "sh cat /tmp/mine"), "secret|");
}

TEST_F(LauncherRootTest, WhatABuildWritesBelongsToTheClient) {
  const Parked sandbox = Park();
  launcher::ActivateRequest request = RequestFor(sandbox);
  const std::string output = launcher_->MakeDirectory(LauncherProcess::kClient);
  CopyText(output, request.output_dir);
  SO_ASSERT_OK(client_->Activate(request));
  EXPECT_EQ(Ask(sandbox,
                "sh echo made > /var/output/file && "
                "stat -c %u /var/output/file /var/output"),
            "1000|1000|");
  EXPECT_THAT(Ask(sandbox, "sh chmod u+s /var/output/file"),
              HasSubstr("not permitted"));
  struct stat info;
  ASSERT_EQ(stat((output + "/file").c_str(), &info), 0);
  EXPECT_EQ(info.st_uid, LauncherProcess::kClient);
}

TEST_F(LauncherRootTest, DirectoriesOfOthersAreNotLent) {
  const Parked sandbox = Park();
  launcher::ActivateRequest request = RequestFor(sandbox);
  CopyText(launcher_->MakeDirectory(0), request.code_dir);
  EXPECT_THAT(client_->Activate(request),
              HasCode(absl::StatusCode::kFailedPrecondition));
  WaitForExit(sandbox);
}

TEST_F(LauncherRootTest, UnknownRuntimeCannotBeParked) {
  EXPECT_THAT(client_->Park("cobol"),
              HasCode(absl::StatusCode::kFailedPrecondition));
}

TEST_F(LauncherRootTest, SandboxBeyondItsMemoryIsKilledAndSaysSo) {
  const Parked sandbox = Run();
  EXPECT_FALSE(AskSandbox(sandbox.channel, "memory 200000000").ok());
  EXPECT_EQ(WaitForExit(sandbox).out_of_memory, 1u);
}

TEST_F(LauncherRootTest, ForkBombIsContainedAndGone) {
  const Parked sandbox = Run();
  Ask(sandbox, "sh (while sleep 100 & do :; done) >/dev/null 2>&1; echo");
  EXPECT_LE(launcher_->Processes().size(), 32u * launcher_->Cgroups().size());
  End(sandbox);
  EXPECT_THAT(launcher_->Processes(), IsEmpty());
  EXPECT_THAT(launcher_->Cgroups(), IsEmpty());
}

TEST_F(LauncherRootTest, FrozenSandboxCanBeKilled) {
  const Parked sandbox = Run();
  const bool v1 = sandbox.message.freezer_dialect == launcher::Parked::kV1;
  const std::string word = v1 ? "FROZEN" : "1";
  ASSERT_GT(pwrite(sandbox.freezer.get(), word.data(), word.size(), 0), 0);
  End(sandbox);
  EXPECT_THAT(launcher_->Cgroups(), IsEmpty());
}

TEST_F(LauncherRootTest, GentleKillIsASignal) {
  const Parked sandbox = Run();
  // It answers once it has its handler for the signal.
  EXPECT_EQ(Ask(sandbox, "sh echo here"), "here|");
  SO_ASSERT_OK(client_->Kill(sandbox.id(), true));
  const launcher::Exited exited = WaitForExit(sandbox);
  ASSERT_TRUE(WIFEXITED(exited.wait_status));
  EXPECT_EQ(WEXITSTATUS(exited.wait_status), 7);
}

TEST_F(LauncherRootTest, SandboxesEndWithTheirClientAndTheNextGetsIn) {
  std::vector<Parked> sandboxes;
  for (int i = 0; i < 5; ++i) sandboxes.push_back(Run());
  EXPECT_THAT(launcher_->Cgroups(), Not(IsEmpty()));
  client_.reset();
  Connect();
  EXPECT_THAT(launcher_->Cgroups(), IsEmpty());
  Run();
}

TEST_F(LauncherRootTest, StrangersAreTurnedAway) {
  client_.reset();
  // As root, not as the client.
  EXPECT_THAT(LauncherClient::Connect(launcher_->socket()),
              HasCode(absl::StatusCode::kUnavailable));
}

TEST_F(LauncherRootTest, SandboxesEndWithTheLauncherAndAreSweptByTheNext) {
  std::vector<Parked> sandboxes;
  for (int i = 0; i < 3; ++i) sandboxes.push_back(Run());
  ASSERT_THAT(launcher_->Processes(), Not(IsEmpty()));
  launcher_->Kill();
  EXPECT_TRUE(Eventually([&] { return launcher_->Processes().empty(); }));
  EXPECT_THAT(launcher_->Cgroups(), Not(IsEmpty()));
  launcher_->Start();
  Connect();
  EXPECT_THAT(launcher_->Cgroups(), IsEmpty());
}

TEST_F(LauncherRootTest, WornOutZygoteIsReplacedAndItsSandboxesLiveOn) {
  Launch({"--zygote_max_forks=2"});
  std::vector<Parked> sandboxes;
  for (int i = 0; i < 10; ++i) sandboxes.push_back(Run());
  for (const Parked& sandbox : sandboxes) {
    EXPECT_EQ(Ask(sandbox, "sh echo alive"), "alive|");
  }
}

TEST_F(LauncherRootTest, UsersRunOutAndComeBack) {
  Launch({"--max_sandboxes=2"});
  const Parked one = Park();
  const Parked two = Park();
  EXPECT_FALSE(client_->Park("test").ok());
  End(one);
  Park();
}

TEST(LauncherStartRootTest, UnknownLayerIsNotAllowedToBeMissing) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  LauncherProcess launcher({"--allow_missing=gravity"});
  EXPECT_EQ(launcher.Wait(), 1);
  EXPECT_THAT(launcher.Log(), HasSubstr("gravity"));
}

}  // namespace
}  // namespace so
