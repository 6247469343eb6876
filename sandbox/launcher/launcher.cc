#include "sandbox/launcher/launcher.h"

#include <cstring>
#include <utility>

#include "base/status_macros.h"
#include "sandbox/launcher/text.h"
#include "sandbox/protocol/messages.h"

namespace so {
namespace {

using launcher::MessageType;

constexpr absl::Duration kEmptyCheck = absl::Milliseconds(5);

// The message of type T in a packet; null when the packet has another size.
template <typename T>
const T* As(const void* data, size_t size) {
  return size == sizeof(T) ? static_cast<const T*>(data) : nullptr;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Launcher>> Launcher::Start(
    Options options, Poller& poller, SandboxTable& sandboxes,
    const Logger& log) {
  std::unique_ptr<Launcher> launcher(
      new Launcher(std::move(options), poller, sandboxes, log));
  Launcher* self = launcher.get();
  SO_ASSIGN_OR_RETURN(launcher->listener_,
                      Listener::Create(launcher->options_.listener, poller, log,
                                       [self](UniqueFd fd) {
                                         self->OnConnected(std::move(fd));
                                       }));
  launcher->StartZygotes();
  return launcher;
}

Launcher::Launcher(Options options, Poller& poller, SandboxTable& sandboxes,
                   const Logger& log)
    : options_(std::move(options)),
      poller_(poller),
      sandboxes_(sandboxes),
      log_(log),
      on_runtime_changed_(
          [this](const RuntimeZygotes& runtime) { TellState(runtime); }) {}

Launcher::~Launcher() {
  sandboxes_.SetClient(nullptr);
  poller_.Cancel(resume_);
}

void Launcher::StartZygotes() {
  for (RuntimeProgram& runtime : options_.runtimes) {
    const RuntimeZygotes::Context context{.poller = poller_,
                                          .log = log_,
                                          .forks = sandboxes_,
                                          .changed = on_runtime_changed_,
                                          .limits = options_.zygotes};
    runtime.zygote.sandboxes_share_user_namespace =
        options_.sandboxes_share_user_namespace;
    if (runtime.problem.empty()) {
      runtimes_.push_back(std::make_unique<RuntimeZygotes>(
          runtime.name, std::move(runtime.zygote), context));
    } else {
      log_.Warn("runtime not available",
                {{"runtime", runtime.name}, {"reason", runtime.problem}});
      runtimes_.push_back(std::make_unique<RuntimeZygotes>(
          runtime.name, runtime.problem, context));
    }
  }
}

void Launcher::OnConnected(UniqueFd connection) {
  listener_->Pause();
  client_ = std::make_unique<ClientConnection>(
      std::move(connection), poller_,
      ClientConnection::Handlers{
          .on_message = [this](const void* data,
                               size_t size) { OnMessage(data, size); },
          .on_end = [this] { OnClientEnd(); }});
  sandboxes_.SetClient(client_.get());
  log_.Info("client connected");
  launcher::Hello hello;
  hello.missing_layers = options_.missing_layers;
  client_->Tell(hello);
  for (const auto& runtime : runtimes_) TellState(*runtime);
}

void Launcher::OnMessage(const void* data, size_t size) {
  MessageType type;
  std::memcpy(&type, data, sizeof(type));
  if (const auto* park = As<launcher::ParkRequest>(data, size);
      park != nullptr && type == MessageType::kPark) {
    sandboxes_.Park(*park, FindRuntime(TextOf(park->runtime)));
  } else if (const auto* activate = As<launcher::ActivateRequest>(data, size);
             activate != nullptr && type == MessageType::kActivate) {
    sandboxes_.Activate(*activate);
  } else if (const auto* kill = As<launcher::KillRequest>(data, size);
             kill != nullptr && type == MessageType::kKill) {
    sandboxes_.Kill(*kill);
  } else {
    log_.Warn("unknown message",
              {{"type", static_cast<uint32_t>(type)}, {"bytes", size}});
  }
}

void Launcher::OnClientEnd() {
  log_.Info("client gone", {{"sandboxes", sandboxes_.size()}});
  sandboxes_.SetClient(nullptr);
  client_.reset();
  sandboxes_.KillAll();
  ResumeWhenEmpty();
}

void Launcher::ResumeWhenEmpty() {
  resume_ = 0;
  if (sandboxes_.empty()) {
    listener_->Resume();
    return;
  }
  resume_ = poller_.Schedule(kEmptyCheck, [this] { ResumeWhenEmpty(); });
}

void Launcher::Stop() {
  listener_.reset();
  poller_.Cancel(std::exchange(resume_, 0));
  sandboxes_.SetClient(nullptr);
  client_.reset();
  sandboxes_.KillAll();
}

void Launcher::TellState(const RuntimeZygotes& runtime) {
  if (client_ == nullptr) return;
  launcher::RuntimeState state;
  state.ready = runtime.ready() ? 1 : 0;
  CopyText(runtime.name(), state.runtime);
  CopyText(runtime.problem(), state.problem);
  client_->Tell(state);
}

RuntimeZygotes* Launcher::FindRuntime(const std::string& name) {
  for (const auto& runtime : runtimes_) {
    if (runtime->name() == name) return runtime.get();
  }
  return nullptr;
}

}  // namespace so
