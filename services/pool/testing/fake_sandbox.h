#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/pool/frame.h"
#include "services/pool/sandbox.h"

namespace so {

// A process that does what the test says. Not thread-safe.
class FakeProcess final : public SandboxProcess {
 public:
  FakeProcess(SandboxSpec what, SandboxListener& listener,
              std::shared_ptr<FakeProcess*> self)
      : spec(std::move(what)), listener_(listener), self_(std::move(self)) {
    *self_ = this;
  }
  ~FakeProcess() override { *self_ = nullptr; }

  // ---- what the pool sees
  void Send(std::string bytes) override {
    const absl::Status status = parser_.Feed(bytes, [this](const Frame& frame) {
      received.emplace_back(frame.type, std::string(frame.payload));
      nonce = frame.nonce;
      nonces.push_back(frame.nonce);
      return true;
    });
    (void)status;
  }
  void DrainOutput() override {
    if (!unread.empty()) listener_.OnOutput(std::exchange(unread, ""));
  }
  void Freeze() override { frozen = true; }
  void Thaw() override { frozen = false; }
  void Terminate() override { terminated = true; }
  void Kill() override { killed = true; }
  SandboxUsage Measure() override { return usage; }

  // ---- what the test makes it do
  void Say(FrameType type, absl::string_view payload = "") {
    listener_.OnControl(EncodeFrame(type, nonce, payload));
  }
  void SayWith(const Nonce& other, FrameType type, absl::string_view payload) {
    listener_.OnControl(EncodeFrame(type, other, payload));
  }
  void SayRaw(absl::string_view bytes) { listener_.OnControl(bytes); }
  void Hello() { SayWith(Nonce{}, FrameType::kHello, R"({"contract":1})"); }
  void BecomeReady() {
    Hello();
    Say(FrameType::kReady);
  }
  void Answer(absl::string_view body, int status = 200) {
    Say(FrameType::kResult,
        EncodeTwoParts(
            absl::StrCat(R"({"statusCode":)", status, R"(,"headers":{}})"),
            body));
  }
  void Print(absl::string_view text) { listener_.OnOutput(text); }
  void Exit(SandboxExit exit = {}) { listener_.OnExit(exit); }

  const SandboxSpec spec;
  Nonce nonce{};
  // Frames from the pool: type and payload.
  std::vector<std::pair<FrameType, std::string>> received;
  // Their nonces; `nonce` is the last of them.
  std::vector<Nonce> nonces;
  // Output that only DrainOutput brings.
  std::string unread;
  bool terminated = false;
  bool killed = false;
  bool frozen = false;
  SandboxUsage usage{
      .memory = 12, .cpu = absl::Milliseconds(30), .processes = 1};

 private:
  SandboxListener& listener_;
  const std::shared_ptr<FakeProcess*> self_;
  FrameParser parser_;
};

// Remembers every process it made. Not thread-safe.
class FakeSandbox final : public Sandbox {
 public:
  std::unique_ptr<SandboxProcess> Start(const SandboxSpec& spec,
                                        SandboxListener& listener) override {
    auto handle = std::make_shared<FakeProcess*>(nullptr);
    processes_.push_back(handle);
    return std::make_unique<FakeProcess>(spec, listener, handle);
  }

  size_t started() const { return processes_.size(); }
  // The process of the n-th start, from 0; null once it is gone.
  FakeProcess* at(size_t n) const { return *processes_.at(n); }
  FakeProcess& last() const { return **processes_.back(); }

 private:
  std::vector<std::shared_ptr<FakeProcess*>> processes_;
};

}  // namespace so
