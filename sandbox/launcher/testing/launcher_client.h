#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "sandbox/protocol/messages.h"

namespace so {

// A pool that does one thing after the other, for tests and measurements. Its
// calls block, for ten seconds at most.
class LauncherClient {
 public:
  struct ParkedSandbox {
    launcher::Parked message;
    UniqueFd channel;
    UniqueFd output;
    UniqueFd freezer;
    UniqueFd memory;
    UniqueFd cpu;
    UniqueFd processes;
    uint64_t id() const { return message.sandbox; }
  };

  // Waits for the launcher to come up.
  static absl::StatusOr<std::unique_ptr<LauncherClient>> Connect(
      const std::string& socket);

  const launcher::Hello& hello() const { return hello_; }

  absl::Status WaitUntilReady(const std::string& runtime);
  absl::StatusOr<ParkedSandbox> Park(const std::string& runtime);
  // An ActivateFailed is an error with its step as message.
  absl::StatusOr<launcher::Activated> Activate(
      const launcher::ActivateRequest& request);
  absl::Status Kill(uint64_t sandbox, bool gently = false);
  absl::StatusOr<launcher::Exited> WaitForExit(uint64_t sandbox);

  // The parts of Park, so that several can be under way.
  absl::Status SendPark(const std::string& runtime, uint64_t ticket);
  absl::StatusOr<ParkedSandbox> TakeParked();

 private:
  struct Packet {
    std::vector<char> bytes;
    std::vector<UniqueFd> fds;
    launcher::MessageType type() const;
  };

  explicit LauncherClient(UniqueFd socket) : socket_(std::move(socket)) {}

  // The first packet, waiting or new, that one of `types` fits. Others wait.
  absl::StatusOr<Packet> Take(const std::vector<launcher::MessageType>& types,
                              std::optional<uint64_t> sandbox = std::nullopt);
  absl::StatusOr<Packet> Receive();

  const UniqueFd socket_;
  launcher::Hello hello_;
  uint64_t next_ticket_ = 1;
  std::deque<Packet> waiting_;
};

// Sends a line to a sandbox's channel and reads the line that answers.
absl::StatusOr<std::string> AskSandbox(const UniqueFd& channel,
                                       const std::string& command);

}  // namespace so
