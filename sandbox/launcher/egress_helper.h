#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "base/unique_fd.h"
#include "sandbox/cgroups/cgroups.h"
#include "sandbox/launcher/poller.h"

namespace so {

// A running so-egress, the outbound network of one sandbox. It ends with the
// launcher, at the latest.
class EgressHelper {
 public:
  struct Options {
    // Absolute path of so-egress.
    std::string program;
    // Ranges that may be reached although they are not public.
    std::vector<std::string> allowed;
  };
  struct Target {
    // The sandbox's user on the host, and the helper's.
    uid_t uid;
    const UniqueFd& network_namespace;
    const UniqueFd& user_namespace;
  };
  // An error's message is the step that failed; its errno is in `error`.
  using Done = absl::AnyInvocable<void(const absl::Status& status, int error)>;

  // Starts it in `cgroup`. `done` is called once, later: when the network is
  // up, or cannot be. It may destroy neither the helper nor its sandbox.
  static absl::StatusOr<std::unique_ptr<EgressHelper>> Start(
      const Options& options, const Target& target,
      std::unique_ptr<SandboxCgroup> cgroup, Poller& poller, Done done);
  // Kills it and waits.
  ~EgressHelper();

  void Kill();
  // After Kill. False while something of it is left; call again then.
  bool Remove();

 private:
  EgressHelper(std::unique_ptr<SandboxCgroup> cgroup, Done done);

  absl::Status Launch(const Options& options, const Target& target,
                      const UniqueFd& their_end);
  void OnReport();

  const std::unique_ptr<SandboxCgroup> cgroup_;
  Done done_;
  // The helper ends when this is closed.
  UniqueFd report_;
  UniqueFd pidfd_;
  pid_t pid_ = -1;
  std::unique_ptr<Poller::Watch> report_watch_;
};

// Ranges from a comma-separated list, checked.
absl::StatusOr<std::vector<std::string>> ParseEgressRanges(
    absl::string_view list);

}  // namespace so
