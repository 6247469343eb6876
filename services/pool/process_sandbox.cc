#include "services/pool/process_sandbox.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <deque>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "services/pool/process_launch.h"
#include "services/pool/process_memory.h"

namespace so {
namespace {

constexpr size_t kReadBytes = 64 << 10;
// A writer that never stops must not keep the loop from everything else.
constexpr size_t kMaxDrainBytes = 4 << 20;
constexpr unsigned long long kMegabyte = 1 << 20;

// One process. A listener destroys it in OnExit at the earliest.
class GroupProcess final : public SandboxProcess {
 public:
  GroupProcess(EventLoop& loop, SandboxListener& listener, std::string work_dir)
      : loop_(loop), listener_(listener), work_dir_(std::move(work_dir)) {}

  ~GroupProcess() override {
    if (running()) {
      kill(-process_.pid, SIGKILL);
      waitpid(process_.pid, nullptr, 0);
    }
    std::error_code ignored;
    std::filesystem::remove_all(work_dir_, ignored);
  }

  void Begin(absl::StatusOr<LaunchedProcess> process) {
    if (!process.ok()) {
      loop_.Post([this, alive = std::weak_ptr<bool>(alive_),
                  error = std::string(process.status().message())] {
        if (!alive.expired()) listener_.OnExit({.start_error = error});
      });
      return;
    }
    process_ = *std::move(process);
    exit_watch_ = loop_.WatchFd(process_.pidfd.get());
    channel_watch_ = loop_.WatchFd(process_.channel.get());
    output_watch_ = loop_.WatchFd(process_.output.get());
    exit_watch_->WhenReadable([this] { Exited(); });
    WaitForControl();
    WaitForOutput();
  }

  void Send(std::string bytes) override {
    if (!process_.channel.valid()) return;
    outgoing_.push_back(std::move(bytes));
    if (outgoing_.size() == 1) Write();
  }

  void DrainOutput() override { ReadOutput(kMaxDrainBytes); }

  void Terminate() override {
    if (running()) kill(process_.pid, SIGTERM);
  }

  void Kill() override {
    if (!running()) return;
    MeasureMemory();
    kill(-process_.pid, SIGKILL);
  }

  double MeasureMemory() override {
    if (running()) {
      if (const double now = PeakMemory(process_.pid); now > 0) memory_ = now;
    }
    return memory_;
  }

 private:
  bool running() const { return process_.pid > 0; }

  enum class ReadResult { kSome, kNothingNow, kEnd };

  void WaitForControl() {
    channel_watch_->WhenReadable([this] {
      if (ReadControl() != ReadResult::kEnd) WaitForControl();
    });
  }

  ReadResult ReadControl() {
    char buffer[kReadBytes];
    const ssize_t got = read(process_.channel.get(), buffer, sizeof(buffer));
    if (got == 0) return ReadResult::kEnd;
    if (got < 0) {
      return errno == EAGAIN || errno == EINTR ? ReadResult::kNothingNow
                                               : ReadResult::kEnd;
    }
    listener_.OnControl(absl::string_view(buffer, got));
    return ReadResult::kSome;
  }

  void WaitForOutput() {
    output_watch_->WhenReadable([this] {
      if (ReadOutput(kReadBytes)) WaitForOutput();
    });
  }

  // Returns false when there will be no more.
  bool ReadOutput(size_t limit) {
    if (!process_.output.valid()) return false;
    char buffer[kReadBytes];
    for (size_t total = 0; total < limit;) {
      const ssize_t got = read(process_.output.get(), buffer, sizeof(buffer));
      if (got == 0) return false;
      if (got < 0) return errno == EAGAIN || errno == EINTR;
      total += got;
      listener_.OnOutput(absl::string_view(buffer, got));
    }
    return true;
  }

  void Write() {
    while (!outgoing_.empty()) {
      const std::string& front = outgoing_.front();
      const ssize_t sent =
          write(process_.channel.get(), front.data() + written_,
                front.size() - written_);
      if (sent < 0 && (errno == EAGAIN || errno == EINTR)) {
        channel_watch_->WhenWritable([this] { Write(); });
        return;
      }
      if (sent < 0) {
        outgoing_.clear();  // The process is gone, or has closed its end.
        written_ = 0;
        return;
      }
      written_ += sent;
      if (written_ < front.size()) continue;
      outgoing_.pop_front();
      written_ = 0;
    }
  }

  // The group is killed before the process is reaped: until then its number
  // belongs to nobody else.
  void Exited() {
    kill(-process_.pid, SIGKILL);
    ReadOutput(kMaxDrainBytes);
    while (ReadControl() == ReadResult::kSome) {
    }
    int status = 0;
    waitpid(process_.pid, &status, 0);
    process_.pid = 0;
    exit_watch_.reset();
    channel_watch_.reset();
    output_watch_.reset();
    SandboxExit exit;
    if (WIFSIGNALED(status)) exit.signal = WTERMSIG(status);
    if (WIFEXITED(status)) exit.exit_code = WEXITSTATUS(status);
    listener_.OnExit(exit);
  }

  EventLoop& loop_;
  SandboxListener& listener_;
  const std::string work_dir_;
  LaunchedProcess process_;
  std::unique_ptr<EventLoop::Watch> exit_watch_;
  std::unique_ptr<EventLoop::Watch> channel_watch_;
  std::unique_ptr<EventLoop::Watch> output_watch_;
  std::deque<std::string> outgoing_;
  size_t written_ = 0;  // Of the first of them.
  double memory_ = 0;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

absl::Status MakeWorkDir(const std::string& path, bool change_user, uid_t uid) {
  std::error_code error;
  std::filesystem::create_directory(path, error);
  if (!error) {
    std::filesystem::permissions(path, std::filesystem::perms::owner_all,
                                 error);
  }
  if (error)
    return absl::UnavailableError("work directory: " + error.message());
  if (change_user && lchown(path.c_str(), uid, uid) != 0) {
    return absl::UnavailableError("owner of the work directory");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<ProcessSandbox>> ProcessSandbox::Create(
    Options options, EventLoop& loop) {
  std::error_code error;
  std::filesystem::remove_all(options.work_dir, error);
  std::filesystem::create_directories(options.work_dir, error);
  if (!error) {
    // Passed through by every instance, listed by none.
    std::filesystem::permissions(
        options.work_dir, static_cast<std::filesystem::perms>(0711), error);
  }
  if (error) {
    return absl::UnavailableError(
        absl::StrCat(options.work_dir, ": ", error.message()));
  }
  return std::unique_ptr<ProcessSandbox>(
      new ProcessSandbox(std::move(options), loop));
}

ProcessSandbox::ProcessSandbox(Options options, EventLoop& loop)
    : options_(std::move(options)), change_user_(geteuid() == 0), loop_(loop) {}

std::unique_ptr<SandboxProcess> ProcessSandbox::Start(
    const SandboxSpec& spec, SandboxListener& listener) {
  const std::string work_dir =
      absl::StrCat(options_.work_dir, "/", spec.instance_id);
  auto process = std::make_unique<GroupProcess>(loop_, listener, work_dir);
  LaunchOptions launch{
      .command = spec.command,
      .environment = spec.environment,
      .working_dir = spec.code_dir,
      .data_limit = kMegabyte * (spec.memory + spec.address_space_reserve),
      .uid = change_user_ ? options_.uid : 0,
  };
  launch.environment.push_back("HOME=" + work_dir);
  launch.environment.push_back("TMPDIR=" + work_dir);
  const absl::Status ready = MakeWorkDir(work_dir, change_user_, options_.uid);
  process->Begin(ready.ok() ? Launch(launch)
                            : absl::StatusOr<LaunchedProcess>(ready));
  return process;
}

}  // namespace so
