#include "sandbox/launcher/testing/launcher_client.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/status_macros.h"
#include "sandbox/launcher/text.h"
#include "sandbox/protocol/packet.h"

namespace so {
namespace {

using launcher::MessageType;

constexpr int kPatienceMillis = 10'000;

absl::Status WaitToRead(int fd) {
  pollfd one{fd, POLLIN, 0};
  return poll(&one, 1, kPatienceMillis) == 1
             ? absl::OkStatus()
             : absl::DeadlineExceededError("nothing came");
}

template <typename Message>
Message Get(const std::vector<char>& bytes) {
  Message message;
  std::memcpy(&message, bytes.data(), sizeof(message));
  return message;
}

template <typename Message>
absl::Status FailureOf(const std::vector<char>& bytes) {
  const Message message = Get<Message>(bytes);
  return absl::FailedPreconditionError(
      absl::StrCat(TextOf(message.step), ": ", std::strerror(message.error)));
}

uint64_t SandboxOf(MessageType type, const std::vector<char>& bytes) {
  switch (type) {
    case MessageType::kActivated:
      return Get<launcher::Activated>(bytes).sandbox;
    case MessageType::kActivateFailed:
      return Get<launcher::ActivateFailed>(bytes).sandbox;
    case MessageType::kExited:
      return Get<launcher::Exited>(bytes).sandbox;
    default:
      return 0;
  }
}

}  // namespace

MessageType LauncherClient::Packet::type() const {
  return Get<MessageType>(bytes);
}

absl::StatusOr<std::unique_ptr<LauncherClient>> LauncherClient::Connect(
    const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  CopyText(path, address.sun_path);
  for (int attempt = 0; attempt < 500; ++attempt) {
    UniqueFd fd(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address),
                sizeof(address)) == 0) {
      std::unique_ptr<LauncherClient> client(new LauncherClient(std::move(fd)));
      SO_ASSIGN_OR_RETURN(const Packet hello,
                          client->Take({MessageType::kHello}));
      client->hello_ = Get<launcher::Hello>(hello.bytes);
      return client;
    }
    absl::SleepFor(absl::Milliseconds(20));
  }
  return absl::ErrnoToStatus(errno, path);
}

absl::StatusOr<LauncherClient::Packet> LauncherClient::Receive() {
  SO_RETURN_IF_ERROR(WaitToRead(socket_.get()));
  Packet packet;
  packet.bytes.resize(launcher::kMaxMessageBytes);
  size_t size = 0;
  const int error = ReceivePacket(socket_.get(), packet.bytes.data(),
                                  packet.bytes.size(), size, packet.fds);
  if (error != 0) return absl::ErrnoToStatus(error, "receive");
  if (size == 0) return absl::UnavailableError("the launcher is gone");
  packet.bytes.resize(size);
  return packet;
}

absl::StatusOr<LauncherClient::Packet> LauncherClient::Take(
    const std::vector<MessageType>& types, std::optional<uint64_t> sandbox) {
  const auto fits = [&](const Packet& packet) {
    const MessageType type = packet.type();
    return std::find(types.begin(), types.end(), type) != types.end() &&
           (!sandbox || SandboxOf(type, packet.bytes) == *sandbox);
  };
  const auto it = std::find_if(waiting_.begin(), waiting_.end(), fits);
  if (it != waiting_.end()) {
    Packet packet = std::move(*it);
    waiting_.erase(it);
    return packet;
  }
  while (true) {
    SO_ASSIGN_OR_RETURN(Packet packet, Receive());
    if (fits(packet)) return packet;
    waiting_.push_back(std::move(packet));
  }
}

absl::Status LauncherClient::WaitUntilReady(const std::string& runtime) {
  while (true) {
    SO_ASSIGN_OR_RETURN(const Packet packet,
                        Take({MessageType::kRuntimeState}));
    const auto state = Get<launcher::RuntimeState>(packet.bytes);
    if (TextOf(state.runtime) != runtime) continue;
    if (state.ready != 0) return absl::OkStatus();
    if (state.problem[0] != '\0') {
      return absl::FailedPreconditionError(TextOf(state.problem));
    }
  }
}

absl::Status LauncherClient::SendPark(const std::string& runtime,
                                      uint64_t ticket) {
  launcher::ParkRequest request;
  request.ticket = ticket;
  CopyText(runtime, request.runtime);
  const int error = SendMessage(socket_.get(), request);
  return error == 0 ? absl::OkStatus() : absl::ErrnoToStatus(error, "send");
}

absl::StatusOr<LauncherClient::ParkedSandbox> LauncherClient::TakeParked() {
  SO_ASSIGN_OR_RETURN(Packet packet,
                      Take({MessageType::kParked, MessageType::kParkFailed}));
  if (packet.type() == MessageType::kParkFailed) {
    return FailureOf<launcher::ParkFailed>(packet.bytes);
  }
  ParkedSandbox sandbox;
  sandbox.message = Get<launcher::Parked>(packet.bytes);
  UniqueFd* const all[launcher::kDescriptorCount] = {
      &sandbox.channel, &sandbox.output, &sandbox.freezer,
      &sandbox.memory,  &sandbox.cpu,    &sandbox.processes};
  size_t next = 0;
  for (size_t i = 0; i < launcher::kDescriptorCount; ++i) {
    if ((sandbox.message.descriptors >> i & 1) == 0) continue;
    if (next == packet.fds.size()) {
      return absl::InternalError("a descriptor is missing");
    }
    *all[i] = std::move(packet.fds[next++]);
  }
  return sandbox;
}

absl::StatusOr<LauncherClient::ParkedSandbox> LauncherClient::Park(
    const std::string& runtime) {
  SO_RETURN_IF_ERROR(SendPark(runtime, next_ticket_++));
  return TakeParked();
}

absl::StatusOr<launcher::Activated> LauncherClient::Activate(
    const launcher::ActivateRequest& request) {
  const int error = SendMessage(socket_.get(), request);
  if (error != 0) return absl::ErrnoToStatus(error, "send");
  SO_ASSIGN_OR_RETURN(const Packet packet, Take({MessageType::kActivated,
                                                 MessageType::kActivateFailed},
                                                request.sandbox));
  if (packet.type() == MessageType::kActivateFailed) {
    return FailureOf<launcher::ActivateFailed>(packet.bytes);
  }
  return Get<launcher::Activated>(packet.bytes);
}

absl::Status LauncherClient::Kill(uint64_t sandbox, bool gently) {
  launcher::KillRequest request;
  request.gently = gently ? 1 : 0;
  request.sandbox = sandbox;
  const int error = SendMessage(socket_.get(), request);
  return error == 0 ? absl::OkStatus() : absl::ErrnoToStatus(error, "send");
}

absl::StatusOr<launcher::Exited> LauncherClient::WaitForExit(uint64_t sandbox) {
  SO_ASSIGN_OR_RETURN(const Packet packet,
                      Take({MessageType::kExited}, sandbox));
  return Get<launcher::Exited>(packet.bytes);
}

absl::StatusOr<std::string> AskSandbox(const UniqueFd& channel,
                                       const std::string& command) {
  const std::string text = command + "\n";
  if (send(channel.get(), text.data(), text.size(), MSG_NOSIGNAL) < 0) {
    return absl::ErrnoToStatus(errno, "write to the sandbox");
  }
  std::string line;
  while (line.empty() || line.back() != '\n') {
    SO_RETURN_IF_ERROR(WaitToRead(channel.get()));
    char buffer[4096];
    const ssize_t size = read(channel.get(), buffer, sizeof(buffer));
    if (size <= 0) return absl::UnavailableError("the sandbox ended");
    line.append(buffer, static_cast<size_t>(size));
  }
  line.pop_back();
  return line;
}

}  // namespace so
