#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "services/pool/launcher.h"

namespace so {

// A launcher that answers when the test says so. Sandboxes have a real channel
// and a real output pipe, whose other ends the test holds. Not thread-safe.
class FakeLauncher final : public Launcher {
 public:
  struct Request {
    std::string runtime;
    OnParked done;
  };
  // The other side of a sandbox that was made.
  struct Inside {
    UniqueFd channel;
    UniqueFd output;
    SandboxSpec spec;
    OnActivated activated;
    OnEnd ended;
    bool killed = false;
    bool asked_to_end = false;
    bool abandoned = false;
  };

  // ---- what the pool sees
  const LauncherState& state() const override { return state_; }
  void Subscribe(absl::AnyInvocable<void()> changed) override {
    subscribers_.push_back(std::move(changed));
  }
  void Park(const std::string& runtime, OnParked done) override {
    requests.push_back({runtime, std::move(done)});
  }
  void Activate(uint64_t sandbox, const SandboxSpec& spec,
                OnActivated done) override {
    sandboxes.at(sandbox).spec = spec;
    sandboxes.at(sandbox).activated = std::move(done);
  }
  void Kill(uint64_t sandbox, bool gently) override {
    Inside& inside = sandboxes.at(sandbox);
    (gently ? inside.asked_to_end : inside.killed) = true;
  }
  void WhenEnded(uint64_t sandbox, OnEnd ended) override {
    sandboxes.at(sandbox).ended = std::move(ended);
  }
  void Abandon(uint64_t sandbox) override {
    Inside& inside = sandboxes.at(sandbox);
    inside.activated = nullptr;
    inside.ended = nullptr;
    inside.killed = inside.abandoned = true;
  }

  // ---- what the test makes it do
  void Become(LauncherState state) {
    state_ = std::move(state);
    for (auto& changed : subscribers_) changed();
  }
  void BecomeReady(std::vector<std::string> runtimes = {"node"}) {
    LauncherState state{.problem = ""};
    for (const auto& runtime : runtimes) state.runtimes[runtime].ready = true;
    Become(std::move(state));
  }
  // Ends everything and goes away.
  void BecomeLost() {
    state_ = {.problem = "gone"};
    for (Request& request : std::exchange(requests, {})) {
      request.done(absl::UnavailableError("lost"));
    }
    for (auto& [id, inside] : sandboxes) {
      End(id, {.exit = {.lost = true}});
    }
    Become(state_);
  }
  // Answers the oldest request with a sandbox; returns its id.
  uint64_t Make(absl::Duration step = absl::Milliseconds(1)) {
    Request request = std::move(requests.front());
    requests.erase(requests.begin());
    ParkedSandbox sandbox{.id = ++last_sandbox_};
    sandbox.steps.fill(step);
    Inside& inside = sandboxes[sandbox.id];
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0) {
      sandbox.handles.channel.Reset(ends[0]);
      inside.channel.Reset(ends[1]);
    }
    if (pipe(ends) == 0) {
      sandbox.handles.output.Reset(ends[0]);
      inside.output.Reset(ends[1]);
    }
    request.done(std::move(sandbox));
    return last_sandbox_;
  }
  void Refuse(absl::string_view why) {
    Request request = std::move(requests.front());
    requests.erase(requests.begin());
    request.done(absl::UnavailableError(why));
  }
  void End(uint64_t sandbox, const SandboxEnd& end = {}) {
    if (OnEnd ended = std::exchange(sandboxes.at(sandbox).ended, nullptr)) {
      ended(end);
    }
  }

  std::vector<Request> requests;
  // By id; they stay after their end.
  std::map<uint64_t, Inside> sandboxes;

 private:
  LauncherState state_;
  std::vector<absl::AnyInvocable<void()>> subscribers_;
  uint64_t last_sandbox_ = 0;
};

}  // namespace so
