#include "sandbox/launcher/client_connection.h"

#include <sys/epoll.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "sandbox/protocol/messages.h"
#include "sandbox/protocol/packet.h"

namespace so {
namespace {

// Requests taken in one go, so that zygotes and timers get their turn.
constexpr int kBatch = 32;

}  // namespace

ClientConnection::ClientConnection(UniqueFd socket, Poller& poller,
                                   Handlers handlers)
    : socket_(std::move(socket)), handlers_(std::move(handlers)) {
  watch_ = poller.WatchFd(socket_.get(), EPOLLIN,
                          [this](uint32_t events) { OnEvents(events); });
}

void ClientConnection::Tell(const void* message, size_t size,
                            std::vector<UniqueFd> fds) {
  const char* bytes = static_cast<const char*>(message);
  Waiting one{std::vector<char>(bytes, bytes + size), std::move(fds)};
  if (waiting_.empty() && Send(socket_.get(), one) != EAGAIN) return;
  waiting_.push_back(std::move(one));
  watch_->Change(EPOLLIN | EPOLLOUT);
}

// What cannot be sent for another reason than a full socket is lost with the
// connection, whose end is read.
int ClientConnection::Send(int socket, const Waiting& message) {
  int fds[kMaxPacketFds];
  size_t count = 0;
  for (const UniqueFd& fd : message.fds) fds[count++] = fd.get();
  return SendPacket(socket, message.bytes.data(), message.bytes.size(), fds,
                    count);
}

void ClientConnection::SendWaiting() {
  while (!waiting_.empty()) {
    if (Send(socket_.get(), waiting_.front()) == EAGAIN) return;
    waiting_.pop_front();
  }
  watch_->Change(EPOLLIN);
}

void ClientConnection::OnEvents(uint32_t events) {
  if ((events & EPOLLOUT) != 0) SendWaiting();
  for (int i = 0; i < kBatch && !ended_ && ReadOne(); ++i) {
  }
  if (ended_) handlers_.on_end();
}

bool ClientConnection::ReadOne() {
  alignas(8) char data[launcher::kMaxMessageBytes];
  size_t size = 0;
  std::vector<UniqueFd> fds;
  const int error = ReceivePacket(socket_.get(), data, sizeof(data), size, fds);
  if (error == EAGAIN) return false;
  // A client that breaks the protocol is treated as one that left.
  if (error != 0 || size < sizeof(launcher::MessageType) || !fds.empty()) {
    ended_ = true;
    return false;
  }
  handlers_.on_message(data, size);
  return true;
}

}  // namespace so
