#include "services/scaler/scaler_service.h"

#include <filesystem>

#include "base/testing/inline_executor.h"
#include "base/testing/status_matchers.h"
#include "google/protobuf/util/time_util.h"
#include "rpc/server.h"
#include "services/scaler/testing/scaler_fixture.h"

namespace so {
namespace {

using google::protobuf::util::TimeUtil;
using serverless::scaler::v1::GetStatusRequest;
using serverless::scaler::v1::GetStatusResponse;
using serverless::scaler::v1::GetWarmingRequest;
using serverless::scaler::v1::ListDecisionsRequest;
using serverless::scaler::v1::ListDecisionsResponse;
using serverless::scaler::v1::ScalerService;

// Answers with one call.
class FakeLogs final : public InvocationLogs {
 public:
  void Find(const std::string&, const std::string& request_id,
            Done done) override {
    if (request_id != call.request_id()) {
      return done(absl::NotFoundError("no logs"));
    }
    done(call);
  }

  serverless::router::v1::InvocationLog call;
};

class ScalerServiceTest : public testing::Test {
 protected:
  ScalerServiceTest() {
    on_.AddFunction("fn-1", "hello");
    const std::string directory = testing::TempDir() + "scaler-service";
    std::filesystem::remove_all(directory);
    archive_ = std::make_unique<Archive>(
        *ArchiveDatabase::Open(directory, 1000), executor_);
    loop_ = std::make_unique<ControlLoop>(
        on_.options({"thresholds"}),
        ControlLoop::Dependencies{on_.source, on_.sink, on_.directory,
                                  *archive_, on_.clock, on_.clock});
    decisions_ = std::make_unique<DecisionReader>(
        DecisionReader::Dependencies{on_.directory, *archive_, logs_});
    service_ = std::make_unique<ScalerServiceHandler>(*loop_, on_.directory,
                                                      *decisions_);
    auto started = Server::Start({.address = "127.0.0.1:0"}, {service_.get()});
    EXPECT_THAT(started, IsOk());
    server_ = *std::move(started);
    stub_ = ScalerService::NewStub(server_->InProcessChannel());
    loop_->Start();
  }

  // Fifteen calls wait.
  void ScaleUp() {
    on_.source.loads = {Waiting("fn-1", 15)};
    on_.source.loads[0].average_response = absl::Milliseconds(250);
    on_.clock.Advance(absl::Seconds(5));
  }

  template <typename Response, typename Request>
  absl::StatusOr<Response> Call(
      grpc::Status (ScalerService::Stub::*method)(grpc::ClientContext*,
                                                  const Request&, Response*),
      const Request& request) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() +
                         std::chrono::seconds(10));
    Response response;
    const grpc::Status status =
        (stub_.get()->*method)(&context, request, &response);
    if (!status.ok()) {
      return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                          status.error_message());
    }
    return response;
  }

  GetStatusResponse GetStatus() {
    return *Call(&ScalerService::Stub::GetStatus, GetStatusRequest());
  }
  absl::StatusOr<ListDecisionsResponse> List(
      const ListDecisionsRequest& request) {
    return Call(&ScalerService::Stub::ListDecisions, request);
  }

  ScalerFixture on_;
  InlineExecutor executor_;
  FakeLogs logs_;
  std::unique_ptr<Archive> archive_;
  std::unique_ptr<ControlLoop> loop_;
  std::unique_ptr<DecisionReader> decisions_;
  std::unique_ptr<ScalerServiceHandler> service_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<ScalerService::Stub> stub_;
};

TEST_F(ScalerServiceTest, BeforeTheFirstEvaluationNothingIsKnown) {
  const GetStatusResponse response = GetStatus();
  EXPECT_EQ(response.evaluations(), 0);
  EXPECT_FALSE(response.has_last_evaluation());
  EXPECT_EQ(response.interval(), 5000);
  EXPECT_EQ(response.recent_size(), 0);
  EXPECT_EQ(response.policies(0), "thresholds");
  EXPECT_EQ(response.prediction(), "auto");
}

TEST_F(ScalerServiceTest, ShowsDecisionsWithReasonAndInputs) {
  ScaleUp();
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
  EXPECT_EQ(decision.current(), 3);
  EXPECT_EQ(decision.desired(), 5);
  EXPECT_EQ(decision.queue_depth(), 15);
  EXPECT_EQ(decision.warm(), 2);
  EXPECT_EQ(decision.busy(), 1);
  EXPECT_EQ(decision.average_response(), 250);
  EXPECT_TRUE(decision.applied());
}

TEST_F(ScalerServiceTest, CountsFailedEvaluations) {
  on_.source.status = absl::UnavailableError("router is away");
  on_.clock.Advance(absl::Seconds(10));
  const GetStatusResponse response = GetStatus();
  EXPECT_EQ(response.evaluations(), 2);
  EXPECT_EQ(response.failed_evaluations(), 2);
}

TEST_F(ScalerServiceTest, ListsWhatWasDecidedByPage) {
  ScaleUp();
  on_.source.loads[0].queue_depth = 0;
  on_.clock.Advance(absl::Seconds(5));
  ListDecisionsRequest request;
  request.set_function("hello");
  request.set_page_size(1);
  const auto first = List(request);
  SO_ASSERT_OK(first);
  EXPECT_EQ(first->function_id(), "fn-1");
  ASSERT_EQ(first->decisions_size(), 1);
  EXPECT_EQ(first->decisions(0).action(), "scale-down");
  request.set_page_token(first->next_page_token());
  const auto second = List(request);
  SO_ASSERT_OK(second);
  ASSERT_EQ(second->decisions_size(), 1);
  EXPECT_EQ(second->decisions(0).action(), "scale-up");
  EXPECT_EQ(second->next_page_token(), "");
}

TEST_F(ScalerServiceTest, RefusesWhatCannotBeListed) {
  ListDecisionsRequest request;
  request.set_function("unknown");
  EXPECT_THAT(List(request), HasCode(absl::StatusCode::kNotFound));
  request.set_function("fn-1");
  request.set_page_size(1001);
  EXPECT_THAT(List(request), HasCode(absl::StatusCode::kInvalidArgument));
  request.set_page_size(0);
  request.set_page_token("yesterday");
  EXPECT_THAT(List(request), HasCode(absl::StatusCode::kInvalidArgument));
  request.set_page_token("");
  request.set_request_id("r-unknown");
  EXPECT_THAT(List(request), HasCode(absl::StatusCode::kNotFound));
}

TEST_F(ScalerServiceTest, ExplainsACall) {
  serverless::scaler::v1::Decision start;
  start.set_function_id("fn-1");
  start.set_action("start");
  start.set_reason("on-demand");
  start.set_instance_id("inst-7");
  start.set_current(1);
  start.set_decided_by("pool-1");
  *start.mutable_time() = TimeUtil::SecondsToTimestamp(1000);
  archive_->Record({start});
  logs_.call.set_request_id("r-1");
  logs_.call.set_instance_id("inst-7");
  logs_.call.set_cold_start(true);
  *logs_.call.mutable_time() = TimeUtil::SecondsToTimestamp(1001);
  ListDecisionsRequest request;
  request.set_function("fn-1");
  request.set_request_id("r-1");
  const auto response = List(request);
  SO_ASSERT_OK(response);
  EXPECT_THAT(response->explanation(), testing::HasSubstr("r-1 was cold"));
  EXPECT_EQ(response->decisions_size(), 1);
}

TEST_F(ScalerServiceTest, SaysWhatWarmingCosts) {
  GetWarmingRequest request;
  request.set_function("hello");
  EXPECT_THAT(Call(&ScalerService::Stub::GetWarming, request),
              HasCode(absl::StatusCode::kNotFound));
  ScaleUp();
  const auto warming = Call(&ScalerService::Stub::GetWarming, request);
  SO_ASSERT_OK(warming);
  EXPECT_EQ(warming->function_id(), "fn-1");
}

}  // namespace
}  // namespace so
