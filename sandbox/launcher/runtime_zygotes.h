#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "base/log.h"
#include "sandbox/isolation/zygote_start.h"
#include "sandbox/launcher/poller.h"
#include "sandbox/launcher/zygote_process.h"

namespace so {

// What becomes of children, for whoever asked for them.
class ForkListener {
 public:
  virtual ~ForkListener() = default;
  virtual void OnForked(const isolation::Forked& forked, UniqueFd pidfd) = 0;
  virtual void OnDied(const isolation::Died& died) = 0;
  // All children of it are gone; no OnDied comes for them.
  virtual void OnZygoteGone(const ZygoteProcess& zygote) = 0;
};

struct ZygoteLimits {
  // A zygote beyond one of them is replaced: what all its children share, such
  // as the layout of memory, does not stay the same for long.
  int forks = 1000;
  absl::Duration age = absl::Minutes(10);
};

// The zygotes of one runtime: one that forks, now and then the one that is to
// replace it, and old ones whose children live on. A zygote that ends is
// started again, after a pause that grows while it keeps failing.
class RuntimeZygotes final : private ZygoteListener {
 public:
  struct Context {
    Poller& poller;
    const Logger& log;
    ForkListener& forks;
    // Called when ready() or problem() has changed.
    absl::AnyInvocable<void(const RuntimeZygotes&)>& changed;
    ZygoteLimits limits;
  };

  RuntimeZygotes(std::string name, isolation::ZygoteProgram program,
                 Context context);
  // One that can never be ready: its descriptor is unusable.
  RuntimeZygotes(std::string name, std::string problem, Context context);
  ~RuntimeZygotes() override;

  const std::string& name() const { return name_; }
  bool ready() const { return current_ != nullptr; }
  // Why it is not ready; empty while it is starting.
  const std::string& problem() const { return problem_; }

  // The zygote that took the request; null, with an errno, when none could.
  ZygoteProcess* Fork(const isolation::ForkRequest& request,
                      const std::vector<int>& fds, int& error);

 private:
  void StartOne();
  void StartLater();
  void NoteProblem(const std::string& problem);
  void EndIdleRetired();

  void OnZygoteReady(ZygoteProcess& zygote) override;
  void OnForked(const isolation::Forked& forked, UniqueFd pidfd) override;
  void OnDied(const isolation::Died& died) override;
  void OnZygoteEnded(ZygoteProcess& zygote, const std::string& reason) override;

  const std::string name_;
  const isolation::ZygoteProgram program_;
  const Context context_;
  std::string problem_;
  absl::Duration pause_;
  TimerId retry_ = 0;
  TimerId start_limit_ = 0;
  TimerId age_limit_ = 0;
  std::unique_ptr<ZygoteProcess> current_;
  std::unique_ptr<ZygoteProcess> starting_;
  std::vector<std::unique_ptr<ZygoteProcess>> retired_;
};

}  // namespace so
