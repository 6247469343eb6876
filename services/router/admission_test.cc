#include "services/router/admission.h"

#include "base/testing/manual_clock.h"
#include "base/testing/status_matchers.h"

namespace so {
namespace {

using serverless::function::v1::Function;

class AdmissionTest : public testing::Test {
 protected:
  AdmissionTest() { Configure({}); }

  void Configure(Admission::Options options) {
    admission_ = std::make_unique<Admission>(options, clock_);
  }
  static Function Named(const std::string& id) {
    Function function;
    function.set_id(id);
    function.set_name(id);
    return function;
  }
  absl::Status Admit(const Function& function, int64_t bytes = 1,
                     const std::string& client = "") {
    return admission_->Admit(function, client, bytes);
  }
  static double RetryAfter(const absl::Status& status) {
    return ErrorFromStatus(status).retry_after();
  }

  ManualClock clock_;
  std::unique_ptr<Admission> admission_;
};

TEST_F(AdmissionTest, FunctionWithoutLimitsIsLetIn) {
  for (int i = 0; i < 1000; ++i) EXPECT_THAT(Admit(Named("a")), IsOk());
}

TEST_F(AdmissionTest, RateLimitOfAFunctionSaysWhenTheNextCallMayCome) {
  Function a = Named("a");
  a.set_rate_limit(0.2);
  a.set_rate_burst(2);
  EXPECT_THAT(Admit(a), IsOk());
  EXPECT_THAT(Admit(a), IsOk());
  const absl::Status refused = Admit(a);
  EXPECT_THAT(refused, HasErrorCode("RATE_LIMITED"));
  EXPECT_THAT(refused, HasCode(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(ErrorFromStatus(refused).executed(), "no");
  EXPECT_TRUE(ErrorFromStatus(refused).retryable());
  EXPECT_NEAR(RetryAfter(refused), 5, 1e-6);
  EXPECT_THAT(Admit(Named("b")), IsOk());
  clock_.Advance(absl::Seconds(5));
  EXPECT_THAT(Admit(a), IsOk());
}

TEST_F(AdmissionTest, RefusedCallsUseUpNoTokens) {
  Function a = Named("a");
  a.set_rate_limit(1);
  a.set_concurrency_limit(1);
  EXPECT_THAT(Admit(a), IsOk());
  clock_.Advance(absl::Seconds(1));
  EXPECT_THAT(Admit(a), HasErrorCode("CONCURRENCY_LIMIT"));
  admission_->Release("a", 1);
  EXPECT_THAT(Admit(a), IsOk());
}

TEST_F(AdmissionTest, ConcurrencyLimitCountsCallsThatHaveNotEnded) {
  Function a = Named("a");
  a.set_concurrency_limit(2);
  EXPECT_THAT(Admit(a), IsOk());
  EXPECT_THAT(Admit(a), IsOk());
  const absl::Status refused = Admit(a);
  EXPECT_THAT(refused, HasErrorCode("CONCURRENCY_LIMIT"));
  EXPECT_EQ(ErrorFromStatus(refused).executed(), "no");
  EXPECT_EQ(RetryAfter(refused), 1);
  EXPECT_THAT(Admit(Named("b")), IsOk());
  admission_->Release("a", 1);
  EXPECT_THAT(Admit(a), IsOk());
}

TEST_F(AdmissionTest, ConcurrencyRetryFollowsThePaceOfTheFunction) {
  Function a = Named("a");
  a.set_concurrency_limit(1);
  for (int i = 0; i < 10; ++i) {
    EXPECT_THAT(Admit(a), IsOk());
    clock_.Advance(absl::Seconds(4));
    admission_->Release("a", 1);
  }
  EXPECT_THAT(Admit(a), IsOk());
  const double retry_after = RetryAfter(Admit(a));
  EXPECT_GE(retry_after, 3);
  EXPECT_LE(retry_after, 5);
}

TEST_F(AdmissionTest, LoweredConcurrencyLimitWaitsForTheRest) {
  Function a = Named("a");
  for (int i = 0; i < 3; ++i) EXPECT_THAT(Admit(a), IsOk());
  a.set_concurrency_limit(1);
  admission_->Release("a", 1);
  EXPECT_THAT(Admit(a), HasErrorCode("CONCURRENCY_LIMIT"));
}

TEST_F(AdmissionTest, FunctionHoldsNoMoreThanItsShareOfTheBytes) {
  Configure({.queue_bytes = 100, .queue_bytes_per_function = 60});
  EXPECT_THAT(Admit(Named("a"), 60), IsOk());
  const absl::Status refused = Admit(Named("a"), 1);
  EXPECT_THAT(refused, HasErrorCode("QUEUE_FULL"));
  EXPECT_GE(RetryAfter(refused), 1);
  EXPECT_THAT(Admit(Named("b"), 40), IsOk());
  admission_->Release("a", 60);
  EXPECT_THAT(Admit(Named("a"), 60), IsOk());
}

TEST_F(AdmissionTest, AllFunctionsTogetherHoldNoMoreThanTheBudget) {
  Configure({.queue_bytes = 100, .queue_bytes_per_function = 60});
  EXPECT_THAT(Admit(Named("a"), 60), IsOk());
  EXPECT_THAT(Admit(Named("b"), 40), IsOk());
  const absl::Status refused = Admit(Named("c"), 1);
  EXPECT_THAT(refused, HasErrorCode("NO_CAPACITY"));
  EXPECT_THAT(refused, HasCode(absl::StatusCode::kUnavailable));
  EXPECT_GE(RetryAfter(refused), 1);
  admission_->Release("b", 40);
  EXPECT_THAT(Admit(Named("c"), 40), IsOk());
}

TEST_F(AdmissionTest, ClientsHaveARateEach) {
  Configure({.per_client = {.rate = 0.5, .burst = 1}});
  EXPECT_THAT(Admit(Named("a"), 1, "alice"), IsOk());
  const absl::Status refused = Admit(Named("b"), 1, "alice");
  EXPECT_THAT(refused, HasErrorCode("RATE_LIMITED"));
  EXPECT_NEAR(RetryAfter(refused), 2, 1e-6);
  EXPECT_THAT(Admit(Named("a"), 1, "bob"), IsOk());
  // Without a name nobody is told apart.
  EXPECT_THAT(Admit(Named("a")), IsOk());
  EXPECT_THAT(Admit(Named("a")), IsOk());
}

TEST_F(AdmissionTest, DeletedFunctionIsForgottenWithItsLastCall) {
  Function a = Named("a");
  a.set_concurrency_limit(1);
  EXPECT_THAT(Admit(a), IsOk());
  admission_->ForgetFunction("a");
  EXPECT_THAT(Admit(a), HasErrorCode("CONCURRENCY_LIMIT"));
  admission_->Release("a", 1);
  EXPECT_THAT(Admit(a), IsOk());
}

TEST(ClientLimiterTest, RemembersTheLatestClientsOnly) {
  ManualClock clock;
  ClientLimiter limiter({.rate = 1, .burst = 1}, /*max_clients=*/2);
  const auto take = [&](const char* client) {
    if (limiter.Wait(client, clock.Now()) > absl::ZeroDuration()) return false;
    limiter.Take(client);
    return true;
  };
  EXPECT_TRUE(take("a"));
  EXPECT_TRUE(take("b"));
  EXPECT_FALSE(take("a"));
  EXPECT_TRUE(take("c"));  // In place of b, which was seen before a.
  EXPECT_EQ(limiter.clients(), 2u);
  EXPECT_FALSE(take("a"));
  EXPECT_TRUE(take("b"));
}

TEST_F(AdmissionTest, HalvesOfAdmitCheckWhatIsTheirs) {
  Function a = Named("a");
  a.set_rate_limit(1);
  a.set_rate_burst(2);
  a.set_concurrency_limit(1);
  EXPECT_THAT(admission_->AdmitRate(a, ""), IsOk());
  EXPECT_THAT(admission_->AdmitRate(a, ""), IsOk());
  EXPECT_THAT(admission_->AdmitRate(a, ""), HasErrorCode("RATE_LIMITED"));
  EXPECT_THAT(admission_->AdmitLoad(a, 1), IsOk());
  EXPECT_THAT(admission_->AdmitLoad(a, 1), HasErrorCode("CONCURRENCY_LIMIT"));
  admission_->Release("a", 1);
  EXPECT_THAT(admission_->AdmitLoad(a, 1), IsOk());
}

}  // namespace
}  // namespace so
