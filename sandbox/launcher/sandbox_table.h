#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "base/log.h"
#include "sandbox/cgroups/cgroups.h"
#include "sandbox/launcher/client.h"
#include "sandbox/launcher/launched_sandbox.h"
#include "sandbox/launcher/poller.h"
#include "sandbox/launcher/runtime_zygotes.h"
#include "sandbox/launcher/uid_slots.h"
#include "sandbox/protocol/messages.h"

namespace so {

// All sandboxes there are, from the request to park one until nothing of it is
// left. Answers go to the client of the moment; without one they are dropped.
class SandboxTable final : public ForkListener {
 public:
  struct Options {
    // isolation::kSkip… bits, for layers that may be missing.
    uint32_t skip = 0;
    uint64_t tmp_bytes = uint64_t{512} << 20;
    uint32_t tmp_inodes = 16384;
    // Whose directories sandboxes may be given.
    uid_t client_uid = 0;
    EgressHelper::Options egress;
  };

  SandboxTable(Options options, Poller& poller, Cgroups& cgroups,
               UidSlots& uids, const Logger& log);
  ~SandboxTable() override;

  void SetClient(Client* client) { client_ = client; }
  bool empty() const { return sandboxes_.empty(); }
  size_t size() const { return sandboxes_.size(); }

  // `zygotes` may be null: there is no such runtime.
  void Park(const launcher::ParkRequest& request, RuntimeZygotes* zygotes);
  void Activate(const launcher::ActivateRequest& request);
  void Kill(const launcher::KillRequest& request);
  void KillAll();

  // Landlock's version in the sandbox that was completed last.
  uint32_t landlock_abi() const { return landlock_abi_; }

 private:
  void OnForked(const isolation::Forked& forked, UniqueFd pidfd) override;
  void OnDied(const isolation::Died& died) override;
  void OnZygoteGone(const ZygoteProcess& zygote) override;

  LaunchedSandbox* Find(uint64_t id);
  // What has to be there before the fork.
  absl::Status Prepare(LaunchedSandbox& sandbox, RuntimeZygotes& zygotes);
  void OnReport(uint64_t id);
  void AnnounceWhenComplete(LaunchedSandbox& sandbox);
  void FailPark(LaunchedSandbox& sandbox, const std::string& step, int error);
  absl::Status StartEgress(LaunchedSandbox& sandbox, int& error);
  void OnEgress(uint64_t id, const absl::Status& status, int error);
  void FinishActivation(LaunchedSandbox& sandbox);
  void FailActivation(LaunchedSandbox& sandbox, absl::string_view step,
                      int error);
  void Ended(LaunchedSandbox& sandbox, int wait_status);
  void RemoveLeftovers(uint64_t id, absl::Duration pause);
  void RemoveLater(uint64_t id, absl::Duration pause);

  template <typename Message>
  void Tell(const Message& message, std::vector<UniqueFd> fds = {}) {
    if (client_ != nullptr) client_->Tell(message, std::move(fds));
  }

  const Options options_;
  Poller& poller_;
  Cgroups& cgroups_;
  UidSlots& uids_;
  const Logger& log_;
  Client* client_ = nullptr;
  uint64_t next_id_ = 1;
  uint32_t landlock_abi_ = 0;
  std::map<uint64_t, std::unique_ptr<LaunchedSandbox>> sandboxes_;
};

}  // namespace so
