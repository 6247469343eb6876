#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "base/log.h"
#include "base/unique_fd.h"
#include "sandbox/launcher/poller.h"

namespace so {

// The launcher's Unix socket. Only processes of one user, which the kernel
// vouches for, get in; one at a time, the others wait.
class Listener {
 public:
  struct Options {
    std::string path;
    uid_t client_uid = 0;
  };

  // `accepted` gets each connection; Pause until it has ended.
  static absl::StatusOr<std::unique_ptr<Listener>> Create(
      Options options, Poller& poller, const Logger& log,
      absl::AnyInvocable<void(UniqueFd)> accepted);
  ~Listener();

  void Pause();
  void Resume();

 private:
  Listener(Options options, Poller& poller, const Logger& log,
           absl::AnyInvocable<void(UniqueFd)> accepted);

  absl::Status Listen();
  void Accept();
  // The user at the other end.
  static std::optional<uid_t> PeerOf(const UniqueFd& connection);

  const Options options_;
  const Logger& log_;
  absl::AnyInvocable<void(UniqueFd)> accepted_;
  Poller& poller_;
  UniqueFd socket_;
  std::unique_ptr<Poller::Watch> watch_;
};

}  // namespace so
