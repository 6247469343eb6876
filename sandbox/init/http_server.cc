#include "sandbox/init/http_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>

namespace so::init {
namespace {

// A bootstrap needs one, or two for each invocation that it runs at a time; the
// rest wait in the backlog.
constexpr size_t kMaxConnections = 220;
constexpr int kBacklog = 128;
// Of one connection before the others have their turn.
constexpr int kMaxReads = 128;

}  // namespace

bool HttpServer::Open(uint16_t port) {
  socket_ =
      UniqueFd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return socket_.get() >= 0 &&
         bind(socket_.get(), reinterpret_cast<sockaddr*>(&address),
              sizeof(address)) == 0 &&
         listen(socket_.get(), kBacklog) == 0;
}

void HttpServer::AddPollEntries(std::vector<pollfd>& entries) {
  CloseEnded();
  if (connections_.size() < kMaxConnections) {
    entries.push_back({socket_.get(), POLLIN, 0});
  }
  for (const auto& connection : connections_) {
    const short wanted = connection->Sending()      ? POLLOUT
                         : connection->awaits_reply ? POLLRDHUP
                                                    : POLLIN;
    entries.push_back({connection->fd.get(), wanted, 0});
  }
}

bool HttpServer::OnPolled(const std::vector<pollfd>& entries) {
  bool any = false;
  for (const pollfd& entry : entries) {
    if (entry.revents == 0) continue;
    for (const auto& connection : connections_) {
      if (connection->fd.get() != entry.fd) continue;
      any = true;
      if (connection->Sending()) {
        Flush(*connection);
      } else if (connection->awaits_reply) {
        connection->broken = true;
      } else {
        Receive(*connection);
      }
    }
    if (entry.fd == socket_.get()) {
      any = true;
      Accept();
    }
  }
  for (const auto& connection : connections_) Serve(*connection);
  return any;
}

void HttpServer::CloseEnded() {
  for (const auto& connection : connections_) {
    if (connection->broken) listener_.OnClosed(connection->id);
  }
  std::erase_if(connections_,
                [](const auto& connection) { return connection->broken; });
}

void HttpServer::Accept() {
  while (connections_.size() < kMaxConnections) {
    UniqueFd fd(
        accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (fd.get() < 0) return;
    const int on = 1;
    setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    auto connection = std::make_unique<Connection>();
    connection->id = ++last_id_;
    connection->fd = std::move(fd);
    // First, so that a request that has come with it can be answered.
    connections_.push_back(std::move(connection));
    Receive(*connections_.back());
  }
}

void HttpServer::Receive(Connection& connection) {
  static char buffer[64 << 10];
  for (int i = 0; i < kMaxReads && !connection.awaits_reply; ++i) {
    const ssize_t got = recv(connection.fd.get(), buffer, sizeof(buffer), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
      connection.broken = true;
      return;
    }
    connection.parser.Feed({buffer, static_cast<size_t>(got)});
    Serve(connection);
  }
}

void HttpServer::Serve(Connection& connection) {
  while (!connection.broken && !connection.awaits_reply &&
         !connection.Sending()) {
    HttpRequest request;
    switch (connection.parser.Next(request)) {
      case HttpParser::Status::kNeedMore:
        return;
      case HttpParser::Status::kBad:
        connection.keep_alive = false;
        return StartReply(connection,
                          {.status = connection.parser.bad_status(),
                           .body = R"({"errorType":"BadRequest"})"});
      case HttpParser::Status::kContinue:
        connection.head = "HTTP/1.1 100 Continue\r\n\r\n";
        Flush(connection);
        break;
      case HttpParser::Status::kRequest:
        connection.awaits_reply = true;
        connection.keep_alive = request.keep_alive;
        listener_.OnRequest(connection.id, std::move(request));
        break;
    }
  }
}

void HttpServer::Reply(ConnectionId id, HttpReply reply) {
  for (const auto& connection : connections_) {
    if (connection->id == id && connection->awaits_reply) {
      return StartReply(*connection, std::move(reply));
    }
  }
}

void HttpServer::StartReply(Connection& connection, HttpReply reply) {
  connection.awaits_reply = false;
  connection.head = EncodeReplyHead(reply, connection.keep_alive);
  connection.body = std::move(reply.body);
  Flush(connection);
}

// Head and body leave in one segment: clients that acknowledge late would wait
// 40 ms for the second.
void HttpServer::Flush(Connection& connection) {
  std::string& head = connection.head;
  std::string& body = connection.body;
  while (connection.sent < head.size() + body.size()) {
    const size_t in_head = std::min(connection.sent, head.size());
    const size_t in_body = connection.sent - in_head;
    iovec parts[] = {{head.data() + in_head, head.size() - in_head},
                     {body.data() + in_body, body.size() - in_body}};
    msghdr message = {};
    message.msg_iov = parts;
    message.msg_iovlen = 2;
    const ssize_t sent =
        sendmsg(connection.fd.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno == EAGAIN) return;
    if (sent < 0) {
      connection.broken = true;
      break;
    }
    connection.sent += static_cast<size_t>(sent);
  }
  std::string().swap(head);
  std::string().swap(body);
  connection.sent = 0;
  if (!connection.keep_alive) connection.broken = true;
}

}  // namespace so::init
