#include "services/scaler/scaler_service.h"

#include "base/testing/manual_clock.h"
#include "base/testing/status_matchers.h"
#include "google/protobuf/util/time_util.h"
#include "rpc/server.h"
#include "services/scaler/testing/fake_load.h"

namespace so {
namespace {

using google::protobuf::util::TimeUtil;
using serverless::scaler::v1::GetStatusRequest;
using serverless::scaler::v1::GetStatusResponse;
using serverless::scaler::v1::ScalerService;

class ScalerServiceTest : public testing::Test {
 protected:
  ScalerServiceTest() {
    auto started = Server::Start({.address = "127.0.0.1:0"}, {&service_});
    EXPECT_THAT(started, IsOk());
    server_ = *std::move(started);
    stub_ = ScalerService::NewStub(server_->InProcessChannel());
    loop_.Start();
  }

  GetStatusResponse GetStatus() {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() +
                         std::chrono::seconds(10));
    GetStatusResponse response;
    const grpc::Status status =
        stub_->GetStatus(&context, GetStatusRequest(), &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }

  ManualClock clock_;
  FakeLoadSource source_;
  FakeTargetSink sink_;
  ControlLoop loop_{{.interval = absl::Seconds(5)},
                    {source_, sink_, clock_, clock_}};
  ScalerServiceHandler service_{loop_};
  std::unique_ptr<Server> server_;
  std::unique_ptr<ScalerService::Stub> stub_;
};

TEST_F(ScalerServiceTest, BeforeTheFirstEvaluationNothingIsKnown) {
  const GetStatusResponse response = GetStatus();
  EXPECT_EQ(response.evaluations(), 0);
  EXPECT_FALSE(response.has_last_evaluation());
  EXPECT_EQ(response.interval(), 5000);
  EXPECT_EQ(response.recent_size(), 0);
}

TEST_F(ScalerServiceTest, ShowsDecisionsWithReasonAndInputs) {
  FunctionLoad load;
  load.function_id = "fn-1";
  load.function_name = "hello";
  load.queue_depth = 15;
  load.average_response = absl::Milliseconds(250);
  load.warm = 2;
  load.busy = 4;
  source_.loads = {load};
  clock_.Advance(absl::Seconds(5));

  const GetStatusResponse response = GetStatus();
  EXPECT_EQ(response.evaluations(), 1);
  EXPECT_EQ(TimeUtil::ToString(response.last_evaluation()),
            "2026-01-01T00:00:05Z");
  ASSERT_EQ(response.recent_size(), 1);
  const auto& decision = response.recent(0);
  EXPECT_EQ(TimeUtil::ToString(decision.time()), "2026-01-01T00:00:05Z");
  EXPECT_EQ(decision.function_id(), "fn-1");
  EXPECT_EQ(decision.function_name(), "hello");
  EXPECT_EQ(decision.reason(), "thresholds");
  EXPECT_EQ(decision.current(), 6);
  EXPECT_EQ(decision.desired(), 8);
  EXPECT_EQ(decision.queue_depth(), 15);
  EXPECT_EQ(decision.warm(), 2);
  EXPECT_EQ(decision.busy(), 4);
  EXPECT_EQ(decision.average_response(), 250);
  EXPECT_TRUE(decision.applied());
}

TEST_F(ScalerServiceTest, CountsFailedEvaluations) {
  source_.loads = absl::UnavailableError("router is away");
  clock_.Advance(absl::Seconds(10));
  const GetStatusResponse response = GetStatus();
  EXPECT_EQ(response.evaluations(), 2);
  EXPECT_EQ(response.failed_evaluations(), 2);
}

}  // namespace
}  // namespace so
