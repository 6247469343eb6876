#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/log.h"
#include "sandbox/cgroups/cgroups.h"
#include "sandbox/launcher/client.h"
#include "sandbox/launcher/poller.h"
#include "sandbox/launcher/runtime_zygotes.h"
#include "sandbox/launcher/sandbox_table.h"
#include "sandbox/launcher/uid_slots.h"

namespace so {

// An active sandbox with so-probe in it, made in the way of all sandboxes. It
// runs the poller while it waits.
class ProbeSandbox final : private Client {
 public:
  struct Options {
    std::string programs_dir;
    uint32_t skip = 0;
    uint64_t memory_bytes = 0;
    uint32_t max_pids = 0;
  };
  struct Context {
    Poller& poller;
    Cgroups& cgroups;
    UidSlots& uids;
    const Logger& log;
  };

  // The message of an error is the step that failed.
  static absl::StatusOr<std::unique_ptr<ProbeSandbox>> Make(
      const Options& options, const Context& context);
  // Leaves nothing behind.
  ~ProbeSandbox() override;

  // Sends a command and returns the line that answers it.
  absl::StatusOr<std::string> Ask(absl::string_view command);
  // Whether the kernel killed it for its use of memory, because of `command`.
  absl::StatusOr<bool> KilledBy(absl::string_view command);
  // Whether it stops answering while it is frozen.
  absl::StatusOr<bool> TryFreezing();
  absl::Status End();
  uint32_t landlock_abi() const { return table_.landlock_abi(); }

 private:
  ProbeSandbox(const Options& options, const Context& context);

  absl::Status Start(const Options& options);
  // Runs the poller until `done`; UNAVAILABLE after a while.
  absl::Status WaitFor(absl::string_view what, absl::AnyInvocable<bool()> done,
                       absl::Duration limit = absl::Seconds(10));
  absl::Status SendLine(absl::string_view line);
  absl::Status SetFrozen(bool frozen);
  // What has arrived on the channel, as far as it is a whole line.
  std::optional<std::string> TakeLine();
  void Tell(const void* message, size_t size,
            std::vector<UniqueFd> fds) override;

  const Context context_;
  SandboxTable table_;
  absl::AnyInvocable<void(const RuntimeZygotes&)> on_changed_;
  std::unique_ptr<RuntimeZygotes> zygotes_;
  std::string failure_;
  std::optional<launcher::Parked> parked_;
  std::optional<launcher::Exited> exited_;
  UniqueFd channel_;
  UniqueFd output_;
  UniqueFd freezer_;
  std::string received_;
};

}  // namespace so
