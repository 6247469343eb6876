#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "base/log.h"
#include "sandbox/launcher/client_connection.h"
#include "sandbox/launcher/listener.h"
#include "sandbox/launcher/poller.h"
#include "sandbox/launcher/runtime_programs.h"
#include "sandbox/launcher/runtime_zygotes.h"
#include "sandbox/launcher/sandbox_table.h"

namespace so {

// Serves the pool: sandbox/protocol/messages.h. Runs on the poller's thread.
class Launcher {
 public:
  struct Options {
    Listener::Options listener;
    std::vector<RuntimeProgram> runtimes;
    ZygoteLimits zygotes;
    bool sandboxes_share_user_namespace = false;
    // As in launcher::Hello.
    uint32_t missing_layers = 0;
  };

  // `sandboxes` must be empty.
  static absl::StatusOr<std::unique_ptr<Launcher>> Start(
      Options options, Poller& poller, SandboxTable& sandboxes,
      const Logger& log);
  ~Launcher();

  // Ends all sandboxes and takes no more requests.
  void Stop();

 private:
  Launcher(Options options, Poller& poller, SandboxTable& sandboxes,
           const Logger& log);

  void StartZygotes();
  void OnConnected(UniqueFd connection);
  void OnMessage(const void* data, size_t size);
  void OnClientEnd();
  // The next client gets in only when nothing is left of the last one.
  void ResumeWhenEmpty();
  void TellState(const RuntimeZygotes& runtime);
  RuntimeZygotes* FindRuntime(const std::string& name);

  Options options_;
  Poller& poller_;
  SandboxTable& sandboxes_;
  const Logger& log_;
  absl::AnyInvocable<void(const RuntimeZygotes&)> on_runtime_changed_;
  std::unique_ptr<Listener> listener_;
  std::unique_ptr<ClientConnection> client_;
  std::vector<std::unique_ptr<RuntimeZygotes>> runtimes_;
  TimerId resume_ = 0;
};

}  // namespace so
