#include "services/pool/launcher_client.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "sandbox/protocol/packet.h"

namespace so {
namespace {

using launcher::MessageType;

// Of one turn of the loop, so that others get theirs.
constexpr int kMaxPacketsAtOnce = 64;
constexpr double kMegabyte = 1 << 20;

absl::Status Broken(absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("the launcher broke the protocol: ", what));
}

template <typename Message>
absl::StatusOr<Message> Decode(const std::string& bytes) {
  if (bytes.size() != sizeof(Message)) {
    return Broken("a message of another size");
  }
  Message message;
  memcpy(static_cast<void*>(&message), bytes.data(), sizeof(message));
  return message;
}

template <size_t size>
std::string Text(const char (&field)[size]) {
  return std::string(field, strnlen(field, size));
}

// Leaves the last byte, which is 0, alone.
template <size_t size>
void CopyText(const std::string& text, char (&field)[size]) {
  memcpy(field, text.data(), std::min(text.size(), size - 1));
}

template <size_t size>
bool Fits(const std::string& text, const char (&)[size]) {
  return text.size() < size;
}

std::string Reason(const std::string& step, int error) {
  return error == 0 ? step : absl::StrCat(step, ": ", strerror(error));
}

// Moves the descriptors to where `bits` says they belong.
absl::StatusOr<SandboxHandles> TakeHandles(uint32_t bits,
                                           std::vector<UniqueFd> descriptors) {
  SandboxHandles handles;
  UniqueFd* const places[launcher::kDescriptorCount] = {
      &handles.channel, &handles.output, &handles.freezer,
      &handles.memory,  &handles.cpu,    &handles.processes};
  size_t next = 0;
  for (size_t i = 0; i < launcher::kDescriptorCount; ++i) {
    if ((bits & (1u << i)) == 0) continue;
    if (next == descriptors.size()) return Broken("a descriptor is missing");
    *places[i] = std::move(descriptors[next++]);
  }
  if (next != descriptors.size() || bits >> launcher::kDescriptorCount != 0) {
    return Broken("descriptors that nobody knows");
  }
  if (!handles.channel.valid() || !handles.output.valid()) {
    return Broken("a sandbox without channel or output");
  }
  return handles;
}

bool IsDialect(launcher::Parked::Dialect dialect) {
  return dialect == launcher::Parked::kV1 || dialect == launcher::Parked::kV2;
}

SandboxEnd LostEnd() { return {.exit = {.lost = true}}; }

}  // namespace

LauncherClient::LauncherClient(std::string socket_path, EventLoop& loop)
    : path_(std::move(socket_path)), loop_(loop) {}

LauncherClient::~LauncherClient() { loop_.Cancel(reconnect_timer_); }

absl::Status LauncherClient::OpenSocket() {
  sockaddr_un address{.sun_family = AF_UNIX};
  if (path_.size() >= sizeof(address.sun_path)) {
    return absl::InvalidArgumentError("the path of its socket is too long");
  }
  memcpy(address.sun_path, path_.c_str(), path_.size() + 1);
  socket_.Reset(
      socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (connect(socket_.get(), reinterpret_cast<sockaddr*>(&address),
              sizeof(address)) != 0) {
    return absl::ErrnoToStatus(errno, "connect");
  }
  return absl::OkStatus();
}

void LauncherClient::Connect() {
  if (const absl::Status open = OpenSocket(); !open.ok()) {
    return Disconnect(
        absl::StrCat("the launcher cannot be reached: ", open.message()));
  }
  watch_ = loop_.WatchFd(socket_.get());
  WaitForPackets();
}

void LauncherClient::WaitForPackets() {
  watch_->WhenReadable([this] { ReadPackets(); });
}

void LauncherClient::ReadPackets() {
  char buffer[launcher::kMaxMessageBytes];
  for (int i = 0; i < kMaxPacketsAtOnce; ++i) {
    Packet packet;
    size_t size = 0;
    const int error = ReceivePacket(socket_.get(), buffer, sizeof(buffer), size,
                                    packet.descriptors);
    if (error == EAGAIN || error == EINTR) break;
    if (error != 0 || size == 0) {
      return Disconnect(
          absl::StrCat("the launcher was lost: ",
                       error == 0 ? "it has ended" : strerror(error)));
    }
    packet.bytes.assign(buffer, size);
    const absl::Status status = Handle(std::move(packet));
    if (!status.ok()) return Disconnect(std::string(status.message()));
  }
  WaitForPackets();
}

absl::Status LauncherClient::Handle(Packet packet) {
  MessageType type{};
  if (packet.bytes.size() < sizeof(type)) return Broken("too short a message");
  memcpy(&type, packet.bytes.data(), sizeof(type));
  if (type != MessageType::kParked && !packet.descriptors.empty()) {
    return Broken("descriptors beside the wrong message");
  }
  if ((type == MessageType::kHello) == state_.up()) {
    return Broken("a message out of turn");
  }
  switch (type) {
    case MessageType::kHello:
      return HandleHello(packet);
    case MessageType::kRuntimeState:
      return HandleRuntimeState(packet);
    case MessageType::kParked:
      return HandleParked(std::move(packet));
    case MessageType::kParkFailed:
      return HandleParkFailed(packet);
    case MessageType::kActivated:
      return HandleActivated(packet);
    case MessageType::kActivateFailed:
      return HandleActivateFailed(packet);
    case MessageType::kExited:
      return HandleExited(packet);
    default:
      return Broken("an unknown message");
  }
}

absl::Status LauncherClient::HandleHello(const Packet& packet) {
  SO_ASSIGN_OR_RETURN(const auto hello, Decode<launcher::Hello>(packet.bytes));
  if (hello.version != launcher::kProtocolVersion) {
    return Broken("it is of another version");
  }
  state_ = {.problem = ""};
  for (size_t i = 0; i < launcher::kLayerCount; ++i) {
    if ((hello.missing_layers & (1u << i)) != 0) {
      state_.missing_layers.emplace_back(launcher::kLayers[i]);
      log_.Warn("isolation is incomplete", {{"missing", launcher::kLayers[i]}});
    }
  }
  backoff_.Reset();
  log_.Info("launcher connected", {{"socket", path_}});
  Changed();
  return absl::OkStatus();
}

absl::Status LauncherClient::HandleRuntimeState(const Packet& packet) {
  SO_ASSIGN_OR_RETURN(const auto message,
                      Decode<launcher::RuntimeState>(packet.bytes));
  const std::string name = Text(message.runtime);
  const RuntimeState state{.ready = message.ready != 0,
                           .problem = Text(message.problem)};
  state_.runtimes[name] = state;
  if (state.problem.empty()) {
    log_.Info("runtime", {{"runtime", name}, {"ready", state.ready}});
  } else {
    log_.Error("runtime", {{"runtime", name}, {"problem", state.problem}});
  }
  Changed();
  return absl::OkStatus();
}

absl::Status LauncherClient::HandleParked(Packet packet) {
  SO_ASSIGN_OR_RETURN(const auto message,
                      Decode<launcher::Parked>(packet.bytes));
  const auto request = parking_.find(message.ticket);
  if (request == parking_.end()) return Broken("a sandbox nobody asked for");
  if (!IsDialect(message.freezer_dialect) || !IsDialect(message.cpu_dialect)) {
    return Broken("an unknown dialect");
  }
  ParkedSandbox sandbox{.id = message.sandbox};
  SO_ASSIGN_OR_RETURN(
      sandbox.handles,
      TakeHandles(message.descriptors, std::move(packet.descriptors)));
  sandbox.handles.freezer_dialect = message.freezer_dialect;
  sandbox.handles.cpu_dialect = message.cpu_dialect;
  for (size_t i = 0; i < launcher::kStepCount; ++i) {
    sandbox.steps[i] = absl::Microseconds(message.step_micros[i]);
  }
  if (!sandboxes_.try_emplace(sandbox.id).second) {
    return Broken("the same sandbox twice");
  }
  OnParked done = std::move(request->second);
  parking_.erase(request);
  done(std::move(sandbox));
  return absl::OkStatus();
}

absl::Status LauncherClient::HandleParkFailed(const Packet& packet) {
  SO_ASSIGN_OR_RETURN(const auto message,
                      Decode<launcher::ParkFailed>(packet.bytes));
  const auto request = parking_.find(message.ticket);
  if (request == parking_.end()) return Broken("a failure nobody asked for");
  OnParked done = std::move(request->second);
  parking_.erase(request);
  done(absl::UnavailableError(Reason(Text(message.step), message.error)));
  return absl::OkStatus();
}

absl::Status LauncherClient::HandleActivated(const Packet& packet) {
  SO_ASSIGN_OR_RETURN(const auto message,
                      Decode<launcher::Activated>(packet.bytes));
  return FinishActivation(message.sandbox, absl::Microseconds(message.micros));
}

absl::Status LauncherClient::HandleActivateFailed(const Packet& packet) {
  SO_ASSIGN_OR_RETURN(const auto message,
                      Decode<launcher::ActivateFailed>(packet.bytes));
  // Its end came first: it went while the request was on its way.
  if (!sandboxes_.contains(message.sandbox)) return absl::OkStatus();
  return FinishActivation(
      message.sandbox,
      absl::UnavailableError(Reason(Text(message.step), message.error)));
}

absl::Status LauncherClient::FinishActivation(
    uint64_t sandbox, absl::StatusOr<absl::Duration> result) {
  const auto known = sandboxes_.find(sandbox);
  if (known == sandboxes_.end()) return Broken("an unknown sandbox");
  // None when it was abandoned meanwhile.
  if (OnActivated done = std::exchange(known->second.activated, nullptr)) {
    done(std::move(result));
  }
  return absl::OkStatus();
}

absl::Status LauncherClient::HandleExited(const Packet& packet) {
  SO_ASSIGN_OR_RETURN(const auto message,
                      Decode<launcher::Exited>(packet.bytes));
  const auto known = sandboxes_.find(message.sandbox);
  if (known == sandboxes_.end()) return Broken("the end of an unknown sandbox");
  OnEnd ended = std::move(known->second.ended);
  sandboxes_.erase(known);
  if (!ended) return absl::OkStatus();
  SandboxEnd end;
  const int status = message.wait_status;
  if (WIFSIGNALED(status)) end.exit.signal = WTERMSIG(status);
  if (WIFEXITED(status)) end.exit.exit_code = WEXITSTATUS(status);
  end.exit.out_of_memory = message.out_of_memory != 0;
  end.usage.memory = static_cast<double>(message.memory_peak_bytes) / kMegabyte;
  end.usage.cpu = absl::Nanoseconds(
      static_cast<int64_t>(std::min<uint64_t>(message.cpu_nanos, INT64_MAX)));
  ended(end);
  return absl::OkStatus();
}

void LauncherClient::Park(const std::string& runtime, OnParked done) {
  launcher::ParkRequest request;
  if (!state_.up() || !Fits(runtime, request.runtime)) {
    loop_.Post([done = std::move(done)]() mutable {
      done(absl::UnavailableError("there is no launcher for it"));
    });
    return;
  }
  request.ticket = ++last_ticket_;
  CopyText(runtime, request.runtime);
  parking_.emplace(request.ticket, std::move(done));
  Send(request);
}

void LauncherClient::Activate(uint64_t sandbox, const SandboxSpec& spec,
                              OnActivated done) {
  const auto known = sandboxes_.find(sandbox);
  if (known == sandboxes_.end()) return;  // Its end has been told.
  launcher::ActivateRequest request;
  request.sandbox = sandbox;
  request.network =
      spec.egress ? launcher::Network::kEgress : launcher::Network::kNone;
  request.memory_bytes = static_cast<uint64_t>(spec.memory) << 20;
  request.max_pids = static_cast<uint32_t>(spec.max_pids);
  request.cpu_percent = static_cast<uint32_t>(spec.cpu_percent);
  if (!Fits(spec.code_dir, request.code_dir) ||
      !Fits(spec.output_dir, request.output_dir)) {
    loop_.Post([this, alive = std::weak_ptr<bool>(alive_), sandbox,
                done = std::move(done)]() mutable {
      if (alive.expired()) return;
      done(absl::UnavailableError("the path of its code is too long"));
      Kill(sandbox, /*gently=*/false);
    });
    return;
  }
  CopyText(spec.code_dir, request.code_dir);
  CopyText(spec.output_dir, request.output_dir);
  known->second.activated = std::move(done);
  Send(request);
}

void LauncherClient::Kill(uint64_t sandbox, bool gently) {
  if (!sandboxes_.contains(sandbox)) return;
  launcher::KillRequest request;
  request.sandbox = sandbox;
  request.gently = gently ? 1 : 0;
  Send(request);
}

void LauncherClient::WhenEnded(uint64_t sandbox, OnEnd ended) {
  const auto known = sandboxes_.find(sandbox);
  if (known != sandboxes_.end()) known->second.ended = std::move(ended);
}

void LauncherClient::Abandon(uint64_t sandbox) {
  const auto known = sandboxes_.find(sandbox);
  if (known == sandboxes_.end()) return;
  known->second = {};
  Kill(sandbox, /*gently=*/false);
}

template <typename Message>
void LauncherClient::Send(const Message& message) {
  if (!socket_.valid()) return;
  outgoing_.emplace_back(reinterpret_cast<const char*>(&message),
                         sizeof(message));
  if (outgoing_.size() == 1) Write();
}

void LauncherClient::Write() {
  while (!outgoing_.empty()) {
    const int error = SendPacket(socket_.get(), outgoing_.front().data(),
                                 outgoing_.front().size());
    if (error == EAGAIN || error == EINTR) {
      watch_->WhenWritable([this] { Write(); });
      return;
    }
    // What else is wrong with the connection, reading will tell.
    outgoing_.pop_front();
  }
}

void LauncherClient::Disconnect(const std::string& reason) {
  const bool was_up = state_.up();
  const bool is_news = state_.problem != reason;
  watch_.reset();
  socket_.Reset();
  outgoing_.clear();
  state_ = {.problem = reason};
  if (is_news) {
    log_.Error("no launcher, so no sandboxes",
               {{"reason", reason}, {"socket", path_}});
  }
  reconnect_timer_ = loop_.Schedule(backoff_.Next(), [this] { Connect(); });
  // One by one: a callback may end the interest in others.
  while (!parking_.empty()) {
    auto request = parking_.extract(parking_.begin());
    request.mapped()(absl::UnavailableError("the launcher was lost"));
  }
  while (!sandboxes_.empty()) {
    auto sandbox = sandboxes_.extract(sandboxes_.begin());
    if (sandbox.mapped().ended) sandbox.mapped().ended(LostEnd());
  }
  if (was_up || is_news) Changed();
}

void LauncherClient::Changed() {
  for (auto& changed : subscribers_) changed();
}

}  // namespace so
