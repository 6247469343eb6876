// On the real cgroups of this machine, whatever versions they are of.
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sandbox/cgroups/cgroups.h"

namespace so {
namespace {

constexpr uint64_t kMegabyte = 1 << 20;
constexpr auto kPatience = std::chrono::seconds(5);

bool Eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

class CgroupsRootTest : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root";
    auto found =
        Cgroups::Discover({.base = absl::StrCat("so-root-test-", getpid())});
    ASSERT_TRUE(found.ok()) << found.status();
    cgroups_ = *std::move(found);
    auto made = cgroups_->Make("one");
    ASSERT_TRUE(made.ok()) << made.status();
    group_ = *std::move(made);
  }

  void TearDown() override {
    if (group_ == nullptr) return;
    EXPECT_TRUE(group_->Kill().ok());
    for (const pid_t pid : children_) waitpid(pid, nullptr, 0);
    EXPECT_TRUE(Eventually([&] { return group_->Remove().ok(); }));
    EXPECT_TRUE(cgroups_->Sweep().ok());
  }

  bool Works(CgroupController controller) {
    return cgroups_->version(controller) != CgroupVersion::kNone;
  }

  // Runs `body` in a process in the group; it ends when `body` returns.
  pid_t Run(const std::function<int()>& body) {
    const pid_t pid = fork();
    if (pid == 0) {
      for (const UniqueFd& entrance : group_->entrances()) {
        if (write(entrance.get(), "0", 1) != 1) _exit(99);
      }
      _exit(body());
    }
    children_.push_back(pid);
    return pid;
  }

  static int Await(pid_t pid) {
    int status = 0;
    waitpid(pid, &status, 0);
    return status;
  }

  // Looks at the list of processes as the contract says.
  static int Count(const UniqueFd& processes) {
    const UniqueFd fd(open(
        absl::StrCat("/proc/self/fd/", processes.get()).c_str(), O_RDONLY));
    char text[65536];
    const ssize_t got = read(fd.get(), text, sizeof(text));
    int lines = 0;
    for (ssize_t i = 0; i < got; ++i) lines += text[i] == '\n';
    return lines;
  }

  void SetFrozen(const UniqueFd& freezer, bool frozen) {
    const bool v1 =
        cgroups_->version(CgroupController::kFreezer) == CgroupVersion::kV1;
    const std::string text =
        v1 ? (frozen ? "FROZEN" : "THAWED") : (frozen ? "1" : "0");
    ASSERT_EQ(write(freezer.get(), text.data(), text.size()),
              static_cast<ssize_t>(text.size()));
  }

  std::unique_ptr<Cgroups> cgroups_;
  std::unique_ptr<SandboxCgroup> group_;
  std::vector<pid_t> children_;
};

int Fill(uint64_t bytes) {
  char* const memory =
      static_cast<char*>(mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  if (memory == MAP_FAILED) return 1;
  for (uint64_t i = 0; i < bytes; i += 4096) memory[i] = 1;
  return 0;
}

TEST_F(CgroupsRootTest, EveryControllerWorksOrSaysWhyNot) {
  for (int i = 0; i < kCgroupControllers; ++i) {
    const auto controller = static_cast<CgroupController>(i);
    EXPECT_NE(Works(controller), !cgroups_->problem(controller).empty()) << i;
  }
}

TEST_F(CgroupsRootTest, MemoryAboveTheLimitIsAnOutOfMemoryKill) {
  if (!Works(CgroupController::kMemory)) GTEST_SKIP();
  ASSERT_TRUE(group_->SetLimits({.memory_bytes = 32 * kMegabyte}).ok());
  EXPECT_EQ(Await(Run([] { return Fill(8 * kMegabyte); })), 0);
  EXPECT_EQ(group_->OutOfMemoryKills(), 0u);
  EXPECT_GE(group_->MemoryPeakBytes(), 8 * kMegabyte);

  const int status = Await(Run([] { return Fill(64 * kMegabyte); }));
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
  // v2 counts the one victim of a whole group twice.
  EXPECT_GE(group_->OutOfMemoryKills(), 1u);
  EXPECT_LE(group_->MemoryPeakBytes(), 32 * kMegabyte);
}

TEST_F(CgroupsRootTest, TheMemoryLimitCanBeRaisedAndLowered) {
  if (!Works(CgroupController::kMemory)) GTEST_SKIP();
  ASSERT_TRUE(group_->SetLimits({.memory_bytes = 64 * kMegabyte}).ok());
  ASSERT_TRUE(group_->SetLimits({.memory_bytes = 128 * kMegabyte}).ok());
  EXPECT_EQ(Await(Run([] { return Fill(96 * kMegabyte); })), 0);
  ASSERT_TRUE(group_->SetLimits({.memory_bytes = 32 * kMegabyte}).ok());
  EXPECT_TRUE(WIFSIGNALED(Await(Run([] { return Fill(96 * kMegabyte); }))));
}

TEST_F(CgroupsRootTest, ForksEndAtTheLimitOfProcesses) {
  if (!Works(CgroupController::kPids)) GTEST_SKIP();
  ASSERT_TRUE(group_->SetLimits({.max_pids = 5}).ok());
  const int status = Await(Run([] {
    int forked = 0;
    for (int i = 0; i < 20; ++i) {
      const pid_t pid = fork();
      if (pid == 0) _exit(pause());
      if (pid > 0) ++forked;
    }
    return forked;
  }));
  EXPECT_EQ(WEXITSTATUS(status), 4);
}

TEST_F(CgroupsRootTest, ProcessorTimeIsLimitedAndCounted) {
  if (!Works(CgroupController::kCpu)) GTEST_SKIP();
  ASSERT_TRUE(group_->SetLimits({.cpu_percent = 10}).ok());
  Run([] {
    while (true) {
    }
    return 0;
  });
  std::this_thread::sleep_for(std::chrono::seconds(1));
  EXPECT_GT(group_->CpuNanos(), 20'000'000u);
  EXPECT_LT(group_->CpuNanos(), 400'000'000u);
}

TEST_F(CgroupsRootTest, WhatIsFrozenDoesNotRunUntilThawed) {
  if (!Works(CgroupController::kFreezer)) GTEST_SKIP();
  auto* const counter =
      static_cast<volatile int*>(mmap(nullptr, 4096, PROT_READ | PROT_WRITE,
                                      MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  Run([counter] {
    while (true) {
      *counter = *counter + 1;
      usleep(1000);
    }
    return 0;
  });
  ASSERT_TRUE(Eventually([&] { return *counter > 0; }));
  const UniqueFd freezer = *group_->OpenFreezer();
  SetFrozen(freezer, true);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  const int frozen_at = *counter;
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_EQ(*counter, frozen_at);
  SetFrozen(freezer, false);
  EXPECT_TRUE(Eventually([&] { return *counter > frozen_at; }));
}

TEST_F(CgroupsRootTest, KillEndsFrozenProcesses) {
  const pid_t pid = Run([] { return pause(); });
  const UniqueFd processes = *group_->OpenProcesses();
  ASSERT_TRUE(Eventually([&] { return Count(processes) == 1; }));
  const UniqueFd freezer = *group_->OpenFreezer();
  SetFrozen(freezer, true);
  ASSERT_TRUE(group_->Kill().ok());
  EXPECT_TRUE(WIFSIGNALED(Await(pid)));
}

TEST_F(CgroupsRootTest, KillEndsAForkBomb) {
  ASSERT_TRUE(group_->SetLimits({.max_pids = 60}).ok());
  Run([] {
    while (true) {
      const pid_t pid = fork();
      if (pid == 0) setsid();
    }
    return 0;
  });
  const UniqueFd processes = *group_->OpenProcesses();
  ASSERT_TRUE(Eventually([&] { return Count(processes) >= 60; }));
  ASSERT_TRUE(group_->Kill().ok());
  EXPECT_TRUE(Eventually([&] { return Count(processes) == 0; }));
}

TEST_F(CgroupsRootTest, ProcessesAreCountedAnewAtEveryLook) {
  const UniqueFd processes = *group_->OpenProcesses();
  EXPECT_EQ(Count(processes), 0);
  const pid_t pid = Run([] { return pause(); });
  EXPECT_TRUE(Eventually([&] { return Count(processes) == 1; }));
  kill(pid, SIGKILL);
  Await(pid);
  EXPECT_EQ(Count(processes), 0);
}

TEST_F(CgroupsRootTest, AGroupInUseIsNotRemoved) {
  const UniqueFd processes = *group_->OpenProcesses();
  Run([] { return pause(); });
  ASSERT_TRUE(Eventually([&] { return Count(processes) == 1; }));
  EXPECT_TRUE(absl::IsUnavailable(group_->Remove()));
  // The groups nobody was in are gone now; a second Remove takes the rest.
}

TEST_F(CgroupsRootTest, NamesAreUsedOnce) {
  EXPECT_TRUE(absl::IsAlreadyExists(cgroups_->Make("one").status()));
}

TEST_F(CgroupsRootTest, SweepEndsWhatAnEarlierLifeLeft) {
  const UniqueFd processes = *group_->OpenProcesses();
  const pid_t pid = Run([] { return pause(); });
  ASSERT_TRUE(Eventually([&] { return Count(processes) == 1; }));
  SetFrozen(*group_->OpenFreezer(), true);
  std::thread reaper([pid] { waitpid(pid, nullptr, 0); });
  EXPECT_TRUE(cgroups_->Sweep().ok());
  reaper.join();
  children_.clear();
  EXPECT_TRUE(cgroups_->Make("one").ok());
}

}  // namespace
}  // namespace so
