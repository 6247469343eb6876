#include "services/router/idempotency_store.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/testing/manual_clock.h"
#include "base/testing/status_matchers.h"

namespace so {
namespace {

class IdempotencyStoreTest : public testing::Test {
 protected:
  // A call, and what it was answered.
  struct Call {
    IdempotencyStore::Place place;
    std::vector<absl::StatusOr<Receipt>> outcomes;
    int given_up = 0;

    bool done() const { return !outcomes.empty(); }
    const Receipt& receipt() const { return *outcomes.at(0); }
    absl::Status status() const { return outcomes.at(0).status(); }
  };

  IdempotencyStoreTest() { Configure({}); }

  void Configure(IdempotencyStore::Options options) {
    store_ = std::make_unique<IdempotencyStore>(options, clock_);
  }

  // Every call must be answered exactly once, or not at all.
  void TearDown() override {
    for (const auto& call : calls_) EXPECT_LE(call->outcomes.size(), 1u);
  }

  Call& Begin(const std::string& key, const std::string& event = "{}",
              const std::string& function_id = "fn-1") {
    Call& call = *calls_.emplace_back(std::make_unique<Call>());
    call.place = store_->Begin(
        {function_id, key}, event,
        [&call](absl::StatusOr<Receipt> outcome) {
          call.outcomes.push_back(std::move(outcome));
        },
        [&call] { ++call.given_up; });
    return call;
  }
  void End(const Call& call, const absl::StatusOr<Receipt>& outcome) {
    ASSERT_TRUE(call.place.first);
    store_->End(call.place.run, outcome);
  }
  static Receipt Answer(const std::string& body) {
    Receipt receipt;
    receipt.set_request_id("the-first");
    receipt.set_body(body);
    return receipt;
  }
  static Receipt Failure(const std::string& code, const std::string& executed) {
    Receipt receipt;
    *receipt.mutable_error() = MakeError(code, "because", executed);
    return receipt;
  }

  ManualClock clock_;
  std::unique_ptr<IdempotencyStore> store_;
  std::vector<std::unique_ptr<Call>> calls_;
};

TEST_F(IdempotencyStoreTest, LaterCallGetsTheAnswerThatIsKept) {
  Call& first = Begin("key");
  EXPECT_TRUE(first.place.first);
  EXPECT_FALSE(first.done());
  End(first, Answer("1"));
  EXPECT_FALSE(first.receipt().replayed());
  Call& second = Begin("key");
  EXPECT_FALSE(second.place.first);
  ASSERT_TRUE(second.done());
  EXPECT_EQ(second.receipt().body(), "1");
  EXPECT_EQ(second.receipt().request_id(), "the-first");
  EXPECT_TRUE(second.receipt().replayed());
}

TEST_F(IdempotencyStoreTest, CallsThatComeWhileItRunsJoinIt) {
  Call& first = Begin("key");
  Call& second = Begin("key");
  Call& third = Begin("key");
  EXPECT_FALSE(second.place.first);
  EXPECT_FALSE(second.done());
  End(first, Answer("1"));
  EXPECT_FALSE(first.receipt().replayed());
  for (Call* joined : {&second, &third}) {
    EXPECT_EQ(joined->receipt().body(), "1");
    EXPECT_TRUE(joined->receipt().replayed());
  }
}

TEST_F(IdempotencyStoreTest, AnotherEventIsRefusedWhileItRunsAndAfterwards) {
  Call& first = Begin("key", "1");
  Call& during = Begin("key", "2");
  EXPECT_THAT(during.status(), HasErrorCode("IDEMPOTENCY_MISMATCH"));
  EXPECT_THAT(during.status(), HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(ErrorFromStatus(during.status()).executed(), "no");
  EXPECT_EQ(during.place.run, nullptr);
  End(first, Answer("1"));
  EXPECT_THAT(Begin("key", "2").status(), HasErrorCode("IDEMPOTENCY_MISMATCH"));
  EXPECT_EQ(Begin("key", "1").receipt().body(), "1");
}

TEST_F(IdempotencyStoreTest, KeysAreThoseOfOneFunction) {
  End(Begin("key", "1", "fn-1"), Answer("1"));
  EXPECT_TRUE(Begin("key", "2", "fn-2").place.first);
  EXPECT_TRUE(Begin("other", "2", "fn-1").place.first);
}

TEST_F(IdempotencyStoreTest, WhatWasRefusedIsToldToAllAndNotKept) {
  const absl::Status refused = ErrorStatus(absl::StatusCode::kResourceExhausted,
                                           MakeError("QUEUE_FULL", "", "no"));
  Call& first = Begin("key");
  Call& joined = Begin("key");
  End(first, refused);
  EXPECT_THAT(first.status(), HasErrorCode("QUEUE_FULL"));
  EXPECT_THAT(joined.status(), HasErrorCode("QUEUE_FULL"));
  Call& again = Begin("key");
  EXPECT_TRUE(again.place.first);
  End(again, Failure("FUNCTION_INIT_FAILED", "no"));
  // Nor is the event, which may have been what was wrong.
  EXPECT_TRUE(Begin("key", "2").place.first);
  EXPECT_EQ(store_->bytes(), 0);
}

TEST_F(IdempotencyStoreTest, WhatMayHaveRunIsKept) {
  for (const std::string executed : {"yes", "maybe"}) {
    End(Begin(executed), Failure("FUNCTION_ERROR", executed));
    Call& again = Begin(executed);
    ASSERT_TRUE(again.done());
    EXPECT_EQ(again.receipt().error().code(), "FUNCTION_ERROR");
    EXPECT_TRUE(again.receipt().replayed());
  }
}

TEST_F(IdempotencyStoreTest, TheFirstMayLeaveTheOthers) {
  Call& first = Begin("key");
  Call& second = Begin("key");
  store_->Leave(first.place);
  EXPECT_THAT(first.status(), HasCode(absl::StatusCode::kCancelled));
  EXPECT_EQ(first.given_up, 0);
  End(first, Answer("1"));
  EXPECT_EQ(second.receipt().body(), "1");
  EXPECT_TRUE(second.receipt().replayed());
}

TEST_F(IdempotencyStoreTest, ItIsGivenUpWhenAllHaveLeft) {
  Call& first = Begin("key");
  Call& second = Begin("key");
  store_->Leave(second.place);
  EXPECT_EQ(first.given_up, 0);
  store_->Leave(first.place);
  store_->Leave(first.place);  // Once is enough.
  EXPECT_EQ(first.given_up, 1);
  EXPECT_EQ(second.given_up, 0);
}

TEST_F(IdempotencyStoreTest, ARunThatGoesOnAloneIsFoundAgain) {
  Call& first = Begin("key");
  store_->Leave(first.place);
  Call& again = Begin("key");
  EXPECT_FALSE(again.place.first);
  End(first, Answer("1"));
  EXPECT_EQ(again.receipt().body(), "1");
  EXPECT_EQ(Begin("key").receipt().body(), "1");
}

TEST_F(IdempotencyStoreTest, WhoComesAsItIsGivenUpIsTold) {
  Call& first = Begin("key");
  store_->Leave(first.place);
  Call& again = Begin("key");
  End(first, absl::CancelledError("the client has gone"));
  EXPECT_THAT(again.status(), HasErrorCode("UNAVAILABLE"));
  EXPECT_EQ(ErrorFromStatus(again.status()).executed(), "no");
  EXPECT_TRUE(ErrorFromStatus(again.status()).retryable());
  EXPECT_TRUE(Begin("key").place.first);
}

TEST_F(IdempotencyStoreTest, LeavingWhatIsAnsweredDoesNothing) {
  Call& first = Begin("key");
  End(first, Answer("1"));
  Call& second = Begin("key");
  store_->Leave(first.place);
  store_->Leave(second.place);
  EXPECT_EQ(first.given_up, 0);
}

TEST_F(IdempotencyStoreTest, AnswersAreKeptForTheirTime) {
  Configure({.ttl = absl::Seconds(60)});
  End(Begin("key"), Answer("1"));
  clock_.Advance(absl::Seconds(59));
  EXPECT_TRUE(Begin("key").done());
  clock_.Advance(absl::Seconds(1));
  Call& late = Begin("key", "2");
  EXPECT_TRUE(late.place.first);
  EXPECT_EQ(store_->bytes(), 0);
}

TEST_F(IdempotencyStoreTest, TheTimeCountsFromTheEndOfTheRun) {
  Configure({.ttl = absl::Seconds(60)});
  Call& first = Begin("key");
  clock_.Advance(absl::Seconds(100));
  EXPECT_FALSE(Begin("key").place.first);
  End(first, Answer("1"));
  clock_.Advance(absl::Seconds(59));
  EXPECT_TRUE(Begin("key").done());
}

TEST_F(IdempotencyStoreTest, TheOldestGoWhenTheBytesAreUsedUp) {
  Configure({.bytes = 10'000});
  const std::string body(2500, 'x');
  for (int i = 0; i < 4; ++i) End(Begin(absl::StrCat(i)), Answer(body));
  EXPECT_LE(store_->bytes(), 10'000);
  EXPECT_TRUE(Begin("0").place.first);
  EXPECT_TRUE(Begin("3").done());
}

TEST_F(IdempotencyStoreTest, SmallAnswersAreNotForNothing) {
  Configure({.bytes = 100'000});
  for (int i = 0; i < 2'000; ++i) End(Begin(absl::StrCat(i)), Answer("1"));
  EXPECT_LE(store_->bytes(), 100'000);
  int kept = 0;
  for (int i = 0; i < 2'000; ++i) kept += Begin(absl::StrCat(i)).done();
  EXPECT_GE(kept, 50);
  EXPECT_LE(kept, 200);
}

TEST_F(IdempotencyStoreTest, AnAnswerLargerThanAllIsNotKept) {
  Configure({.bytes = 10'000});
  Call& first = Begin("key");
  End(first, Answer(std::string(20'000, 'x')));
  EXPECT_EQ(first.receipt().body().size(), 20'000u);
  EXPECT_EQ(store_->bytes(), 0);
  EXPECT_TRUE(Begin("key").place.first);
}

TEST_F(IdempotencyStoreTest, ADeletedFunctionTakesItsAnswersAlong) {
  End(Begin("done"), Answer("1"));
  Call& running = Begin("running");
  Call& joined = Begin("running");
  End(Begin("key", "{}", "fn-2"), Answer("2"));
  store_->ForgetFunction("fn-1");
  EXPECT_TRUE(Begin("done").place.first);
  EXPECT_TRUE(Begin("key", "{}", "fn-2").done());
  End(running, Answer("1"));
  EXPECT_EQ(joined.receipt().body(), "1");
  EXPECT_TRUE(Begin("running").place.first);
}

TEST_F(IdempotencyStoreTest, ThreadsAgreeWhoRuns) {
  constexpr int kThreads = 4, kKeys = 500;
  std::vector<std::atomic<int>> runs(kKeys);
  std::atomic<int> answered = 0, left = 0;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < kKeys; ++i) {
        const auto place = store_->Begin(
            {"fn-1", absl::StrCat(i)}, "{}",
            [&](absl::StatusOr<Receipt> outcome) {
              ++(outcome.ok() ? answered : left);
            },
            [] {});
        if (thread == 0) store_->Leave(place);
        if (!place.first) continue;
        ++runs[i];
        store_->End(place.run, Answer("1"));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& count : runs) EXPECT_EQ(count, 1);
  // Each is told something, and only the thread that leaves anything else.
  EXPECT_EQ(answered + left, kThreads * kKeys);
  EXPECT_LE(left, kKeys);
}

}  // namespace
}  // namespace so
