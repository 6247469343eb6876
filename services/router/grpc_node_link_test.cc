#include "services/router/grpc_node_link.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "base/testing/status_matchers.h"
#include "base/timer_thread.h"
#include "rpc/channel.h"
#include "rpc/loop.h"
#include "rpc/server.h"
#include "rpc/service.h"

namespace so {
namespace {

using serverless::pool::v1::AttachRequest;
using serverless::pool::v1::AttachResponse;
using serverless::pool::v1::Dispatch;
using serverless::pool::v1::EventCredit;
using serverless::pool::v1::EventPart;
using serverless::pool::v1::InstanceUpdate;
using serverless::pool::v1::PoolHello;
using serverless::pool::v1::Rejected;
using serverless::pool::v1::ResponsePart;
using serverless::pool::v1::Result;
using serverless::pool::v1::Started;
using serverless::pool::v1::StartFailed;
using serverless::pool::v1::StartInstance;
using testing::ElementsAre;

// A pool that greets, and answers every dispatch with Started and a Result.
class FakePool final : public Service<serverless::pool::v1::PoolNodeService> {
 public:
  FakePool() { Stream(&Generated::RequestAttach, &FakePool::Attach); }

 private:
  using Attached = StreamPtr<AttachRequest, AttachResponse>;

  void Attach(Attached stream) {
    stream->Start([stream](AttachRequest request) { Answer(*stream, request); },
                  [] {});
  }

  static void Answer(ServerStream<AttachRequest, AttachResponse>& stream,
                     const AttachRequest& request) {
    AttachResponse response;
    if (request.has_hello()) {
      response.mutable_hello()->set_pool_id("pool-1");
      stream.Send(response);
    } else if (request.has_dispatch()) {
      const Dispatch& dispatch = request.dispatch();
      response.mutable_started()->set_request_id(dispatch.request_id());
      stream.Send(response);
      response.mutable_result()->set_request_id(dispatch.request_id());
      stream.Send(response);
    } else if (request.has_cancel()) {
      response.mutable_result()->set_request_id(
          absl::StrCat("cancelled ", request.cancel().dispatch_id()));
      stream.Send(response);
    } else if (request.has_event_part()) {
      response.mutable_event_credit()->set_bytes(
          static_cast<int32_t>(request.event_part().data().size()));
      stream.Send(response);
    } else if (request.has_credit()) {
      response.mutable_part()->set_data(
          absl::StrCat("for ", request.credit().bytes()));
      stream.Send(response);
    } else {
      response.mutable_start_failed()->set_start_id(request.start().start_id());
      stream.Send(response);
    }
  }
};

// Writes down what it hears.
class Recorder final : public NodeLink::Listener {
 public:
  void OnConnected(const PoolHello& hello) override {
    Add("connected " + hello.pool_id());
  }
  void OnDisconnected() override { Add("disconnected"); }
  void OnInstance(const InstanceUpdate&) override { Add("instance"); }
  void OnStartFailed(const StartFailed& failure) override {
    Add("start failed " + failure.start_id());
  }
  void OnStarted(const Started& started) override {
    Add("started " + started.request_id());
  }
  void OnEventCredit(const EventCredit& credit) override {
    Add(absl::StrCat("credit for ", credit.bytes()));
  }
  void OnRejected(const Rejected&) override { Add("rejected"); }
  void OnPart(ResponsePart part) override { Add("part " + part.data()); }
  void OnResult(Result result) override {
    Add("result " + result.request_id());
  }

  // Waits for the next `count` events and takes them.
  std::vector<std::string> Take(size_t count) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    while (events_.size() < count) changed_.Wait(mu_);
    return std::exchange(events_, {});
  }

 private:
  void Add(std::string event) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    events_.push_back(std::move(event));
    changed_.SignalAll();
  }

  Mutex mu_;
  CondVar changed_;
  std::vector<std::string> events_ ABSL_GUARDED_BY(mu_);
};

TEST(GrpcNodeLinkTest, CarriesMessagesAndComesBackAfterTheNode) {
  FakePool pool;
  auto server = Server::Start({.address = "127.0.0.1:0"}, {&pool});
  SO_ASSERT_OK(server);
  const std::string address = absl::StrCat("127.0.0.1:", (*server)->port());

  RpcLoop loop;
  SystemClock clock;
  TimerThread timers(clock);
  Recorder recorder;
  GrpcNodeLink link(loop, MakeChannel(address), "router-1", timers);
  link.Connect(recorder);
  EXPECT_THAT(recorder.Take(1), ElementsAre("connected pool-1"));

  Dispatch dispatch;
  dispatch.set_request_id("req-1");
  link.Dispatch(dispatch);
  EXPECT_THAT(recorder.Take(2), ElementsAre("started req-1", "result req-1"));
  serverless::pool::v1::Credit credit;
  credit.set_bytes(7);
  link.Grant(credit);
  EXPECT_THAT(recorder.Take(1), ElementsAre("part for 7"));
  EventPart part;
  part.set_data("12345");
  link.SendEvent(part);
  EXPECT_THAT(recorder.Take(1), ElementsAre("credit for 5"));
  StartInstance start;
  start.set_start_id("start-1");
  link.Start(start);
  EXPECT_THAT(recorder.Take(1), ElementsAre("start failed start-1"));

  serverless::pool::v1::Cancel cancel;
  cancel.set_dispatch_id(2);
  link.Cancel(cancel);
  EXPECT_THAT(recorder.Take(1), ElementsAre("result cancelled 2"));

  (*server)->Shutdown(absl::ZeroDuration());
  EXPECT_THAT(recorder.Take(1), ElementsAre("disconnected"));
  link.Dispatch(dispatch);  // Lost, not fatal.
  FakePool successor;
  auto second = Server::Start({.address = address}, {&successor});
  SO_ASSERT_OK(second);
  EXPECT_THAT(recorder.Take(1), ElementsAre("connected pool-1"));

  link.Stop();
  EXPECT_THAT(recorder.Take(1), ElementsAre("disconnected"));
}

TEST(GrpcNodeLinkTest, StopsWhileTheNodeIsAway) {
  RpcLoop loop;
  SystemClock clock;
  TimerThread timers(clock);
  Recorder recorder;
  // Nothing listens on the discard port of loopback.
  GrpcNodeLink link(loop, MakeChannel("127.0.0.1:9"), "router-1", timers);
  link.Connect(recorder);
  link.Stop();
}

}  // namespace
}  // namespace so
