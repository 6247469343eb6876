#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "serverless/pool/v1/pool.pb.h"
#include "serverless/router/v1/router.pb.h"
#include "services/router/invocation.h"

namespace so {

// One streamed answer on its way from the pool to its client: one message at a
// time, and the function may go on as they are written. So a client that reads
// slowly holds up its own function and nothing else, and what waits here is
// never more than the credit of one call. Thread-safe; calls nobody under its
// lock.
class AnswerStream final {
 public:
  using Message = serverless::router::v1::InvokeStreamingResponse;

  // Who the answer is for. OnWritten follows each Write that is true.
  class Client {
   public:
    virtual ~Client() = default;
    // False when the client has gone.
    virtual bool Write(const Message& message) = 0;
    // The last call.
    virtual void Finish(const absl::Status& status) = 0;
  };
  using Grant = absl::AnyInvocable<void(serverless::pool::v1::Credit)>;

  AnswerStream(std::unique_ptr<Client> client, Grant grant);

  // From the dispatcher: PartArrived and InvocationDone.
  void OnPart(serverless::pool::v1::ResponsePart part) ABSL_LOCKS_EXCLUDED(mu_);
  void OnDone(absl::StatusOr<Receipt> outcome) ABSL_LOCKS_EXCLUDED(mu_);

  // From the client. Once it has gone its function may write all it wants to,
  // for nobody. Returns whether the call had not ended.
  void OnWritten(bool ok) ABSL_LOCKS_EXCLUDED(mu_);
  bool OnClientGone() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void AddData(std::string data) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // What a function that does not stream has returned, as a stream.
  void AddWhole(Receipt& receipt) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Drop() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Bytes that have left or were dropped, once they are worth a message.
  std::optional<serverless::pool::v1::Credit> TakeCredit()
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Does what can be done now; the last thing that a caller does.
  void Advance() ABSL_LOCKS_EXCLUDED(mu_);

  const std::unique_ptr<Client> client_;
  Grant grant_;

  Mutex mu_;
  // What is to be written, in its order; data in pieces of at most 64 KiB.
  std::deque<Message> waiting_ ABSL_GUARDED_BY(mu_);
  bool head_seen_ ABSL_GUARDED_BY(mu_) = false;
  // The front of `waiting_` is being written.
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
  // The call has ended, and how its stream shall.
  std::optional<absl::Status> end_ ABSL_GUARDED_BY(mu_);
  bool finished_ ABSL_GUARDED_BY(mu_) = false;
  bool gone_ ABSL_GUARDED_BY(mu_) = false;
  // Whom credit is for: set by the first part.
  uint64_t dispatch_id_ ABSL_GUARDED_BY(mu_) = 0;
  std::string instance_id_ ABSL_GUARDED_BY(mu_);
  int32_t ungranted_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace so
