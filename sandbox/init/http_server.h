#pragma once

#include <poll.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "sandbox/init/http_message.h"
#include "sandbox/init/runtime_api.h"

namespace so::init {

// What an HttpServer tells its owner.
class HttpListener {
 public:
  virtual ~HttpListener() = default;
  // Answered by HttpServer::Reply, at once or later; the connection sends no
  // other request before that.
  virtual void OnRequest(ConnectionId connection, HttpRequest request) = 0;
  virtual void OnClosed(ConnectionId connection) = 0;
};

// A few HTTP connections on the loopback interface, served without blocking by
// the owner's poll loop:
//
//   server.AddPollEntries(entries);
//   poll(entries...);
//   server.OnPolled(entries);
class HttpServer {
 public:
  // `listener` is borrowed.
  explicit HttpServer(HttpListener& listener) : listener_(listener) {}

  // False, with errno set, when the port cannot be had.
  bool Open(uint16_t port);

  // Closes what has ended, too.
  void AddPollEntries(std::vector<pollfd>& entries);
  // The same entries, polled. Others than ours are ignored. False when there
  // was nothing to do.
  bool OnPolled(const std::vector<pollfd>& entries);

  // Ignored when the connection is gone.
  void Reply(ConnectionId connection, HttpReply reply);

 private:
  struct Connection {
    ConnectionId id;
    UniqueFd fd;
    HttpParser parser;
    // The listener has a request of it.
    bool awaits_reply = false;
    bool keep_alive = true;
    bool broken = false;
    // What is still to be sent, from sent on.
    std::string head;
    std::string body;
    size_t sent = 0;

    bool Sending() const { return !head.empty(); }
  };

  void CloseEnded();
  void Accept();
  void Receive(Connection& connection);
  // Hands over the requests that are complete.
  void Serve(Connection& connection);
  void StartReply(Connection& connection, HttpReply reply);
  static void Flush(Connection& connection);

  HttpListener& listener_;
  UniqueFd socket_;
  ConnectionId last_id_ = 0;
  std::vector<std::unique_ptr<Connection>> connections_;
};

}  // namespace so::init
