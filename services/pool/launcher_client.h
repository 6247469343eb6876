#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/backoff.h"
#include "base/log.h"
#include "services/pool/event_loop.h"
#include "services/pool/launcher.h"

namespace so {

// The launcher at the other end of a socket. Connects, and connects again after
// a pause whenever the connection is lost: then everything that was asked for
// fails and every sandbox ends as lost. Believes only messages that fit the
// protocol and what it has asked for; anything else ends the connection, which
// makes the launcher end all sandboxes.
class LauncherClient final : public Launcher {
 public:
  // `loop` is borrowed; everything, this included, happens on its thread.
  LauncherClient(std::string socket_path, EventLoop& loop);
  // Tells nobody: whoever has asked for something must be gone.
  ~LauncherClient() override;

  // Starts to connect.
  void Connect();

  const LauncherState& state() const override { return state_; }
  void Subscribe(absl::AnyInvocable<void()> changed) override {
    subscribers_.push_back(std::move(changed));
  }
  void Park(const std::string& runtime, OnParked done) override;
  void Activate(uint64_t sandbox, const SandboxSpec& spec,
                OnActivated done) override;
  void Kill(uint64_t sandbox, bool gently) override;
  void WhenEnded(uint64_t sandbox, OnEnd ended) override;
  void Abandon(uint64_t sandbox) override;

 private:
  struct Packet {
    std::string bytes;
    // That came beside it.
    std::vector<UniqueFd> descriptors;
  };
  struct Known {
    OnActivated activated;
    OnEnd ended;
  };

  absl::Status OpenSocket();
  void WaitForPackets();
  void ReadPackets();
  // Both return what is wrong with a packet.
  absl::Status Handle(Packet packet);
  absl::Status HandleHello(const Packet& packet);
  absl::Status HandleRuntimeState(const Packet& packet);
  absl::Status HandleParked(Packet packet);
  absl::Status HandleParkFailed(const Packet& packet);
  absl::Status HandleActivated(const Packet& packet);
  absl::Status HandleActivateFailed(const Packet& packet);
  absl::Status HandleExited(const Packet& packet);
  absl::Status FinishActivation(uint64_t sandbox,
                                absl::StatusOr<absl::Duration> result);

  template <typename Message>
  void Send(const Message& message);
  void Write();
  void Disconnect(const std::string& reason);
  void Changed();

  const std::string path_;
  EventLoop& loop_;
  const Logger log_{"POOL"};
  LauncherState state_;
  std::vector<absl::AnyInvocable<void()>> subscribers_;
  UniqueFd socket_;
  std::unique_ptr<EventLoop::Watch> watch_;
  std::deque<std::string> outgoing_;
  Backoff backoff_{absl::Milliseconds(50), absl::Seconds(2)};
  TimerId reconnect_timer_ = 0;
  uint64_t last_ticket_ = 0;
  std::map<uint64_t, OnParked> parking_;
  std::map<uint64_t, Known> sandboxes_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace so
