#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "sandbox/init/frame.h"
#include "sandbox/init/http_message.h"

namespace so::init {

using ConnectionId = uint64_t;

// Where a RuntimeApi's answers go.
class RuntimeApiPort {
 public:
  virtual ~RuntimeApiPort() = default;
  // To the pool.
  virtual void Send(FrameType type, const Nonce& nonce,
                    std::string_view payload) = 0;
  // To the bootstrap; answers the one open request of that connection.
  virtual void Reply(ConnectionId connection, HttpReply reply) = 0;
  // Milliseconds since 1970.
  virtual int64_t NowMillis() = 0;
  // 24 and more hexadecimal digits, different each time.
  virtual std::string RandomHex() = 0;
};

// Translates between the AWS Lambda Runtime API, version 2018-06-01, which the
// bootstrap speaks, and the frames of the pool: the states of one instance and
// of its invocations. No input or output of its own.
class RuntimeApi {
 public:
  // `config_nonce` is that of CONFIG. At most `concurrency` invocations run at
  // a time. `port` is borrowed.
  RuntimeApi(const Nonce& config_nonce, std::string function_arn,
             size_t concurrency, RuntimeApiPort& port);

  void OnRequest(ConnectionId connection, HttpRequest request);
  // The client is gone, answered or not.
  void OnClosed(ConnectionId connection);

  // INVOKE with this payload. False when it comes out of turn or is malformed.
  bool OnInvoke(const Nonce& nonce, std::string payload);

 private:
  enum class State {
    kLoading,  // READY and INIT_ERROR are still to come
    kFailed,   // INIT_ERROR was sent
    kServing,
  };
  struct Invocation {
    Nonce nonce;
    std::string request_id;
    std::string trace_id;
    int64_t timeout_millis = 0;
    std::string event;
  };
  using Running = std::map<std::string, Nonce, std::less<>>;

  void OnNext(ConnectionId connection);
  void OnInvocation(ConnectionId connection, const HttpRequest& request,
                    std::string_view path);
  void OnResponse(ConnectionId connection, const HttpRequest& request,
                  Running::iterator invocation);
  void OnInitError(ConnectionId connection, const HttpRequest& request);
  // Hands what is offered to those who wait.
  void Deliver();
  void Answer(Running::iterator invocation, FrameType type,
              std::string_view payload);
  // What the bootstrap is to call an invocation: its own id, unless another one
  // that is open has the same.
  std::string OpenName(std::string request_id) const;
  void Accept(ConnectionId connection);
  void Refuse(ConnectionId connection, int status, std::string_view type,
              std::string_view message);

  const Nonce config_nonce_;
  const std::string function_arn_;
  const size_t concurrency_;
  RuntimeApiPort& port_;
  State state_ = State::kLoading;
  // Whose requests for the next invocation are open, the oldest first.
  std::deque<ConnectionId> waiting_;
  // Invocations that wait for the bootstrap to ask for them.
  std::deque<Invocation> offered_;
  // By the bootstrap's name for them.
  Running running_;
  // The latest that was answered.
  std::string answered_;
};

// The trace header of an invocation: that of a W3C traceparent, or a new one
// made of the time and 24 and more random digits.
std::string TraceId(std::string_view traceparent, int64_t now_millis,
                    std::string_view random_hex);

}  // namespace so::init
