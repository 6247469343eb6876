#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "sandbox/isolation/fork_protocol.h"
#include "sandbox/isolation/zygote_start.h"
#include "sandbox/launcher/poller.h"

namespace so {

class ZygoteProcess;

// What a zygote tells the launcher. OnZygoteEnded comes last; the zygote may be
// destroyed inside it, but not inside the others.
class ZygoteListener {
 public:
  virtual ~ZygoteListener() = default;
  virtual void OnZygoteReady(ZygoteProcess& zygote) = 0;
  virtual void OnForked(const isolation::Forked& forked, UniqueFd pidfd) = 0;
  virtual void OnDied(const isolation::Died& died) = 0;
  // It and all its children are gone.
  virtual void OnZygoteEnded(ZygoteProcess& zygote,
                             const std::string& reason) = 0;
};

// One running zygote. Destroying it kills it, and with it all its children.
class ZygoteProcess {
 public:
  static absl::StatusOr<std::unique_ptr<ZygoteProcess>> Start(
      const isolation::ZygoteProgram& program, Poller& poller,
      ZygoteListener& listener);
  ~ZygoteProcess();

  // Whether it can fork.
  bool ready() const { return ready_; }
  pid_t pid() const { return process_.pid; }
  int forks() const { return forks_; }
  // Children that have not ended, asked-for ones included.
  int children() const { return children_; }

  // Asks for a child; OnForked answers. 0 or an errno.
  int Fork(const isolation::ForkRequest& request, const std::vector<int>& fds);

  // Asks it to end. Its children end with it.
  void End();
  void Kill();

 private:
  explicit ZygoteProcess(ZygoteListener& listener) : listener_(listener) {}

  // Whether there was something to read.
  bool OnSocket();
  void OnMessage(const char* data, size_t size, std::vector<UniqueFd> fds);
  void OnExit();

  ZygoteListener& listener_;
  isolation::StartedZygote process_;
  UniqueFd socket_;
  bool ready_ = false;
  bool reaped_ = false;
  int forks_ = 0;
  int children_ = 0;
  std::string failure_;
  std::unique_ptr<Poller::Watch> socket_watch_;
  std::unique_ptr<Poller::Watch> exit_watch_;
};

}  // namespace so
