// What many writers, full disks and restarts do to a registry.
#include <atomic>
#include <future>
#include <thread>

#include "absl/strings/str_cat.h"
#include "services/registry/testing/registry_fixture.h"

namespace so {
namespace {

TEST_F(FunctionRegistryTest, EtagGuardsEveryChange) {
  SO_ASSERT_OK(Create(ValidFunction("hello")));
  Function patch;
  EXPECT_THAT(Update("hello", patch, {"memory"}, "stale"),
              HasErrorCode("ETAG_MISMATCH"));
  EXPECT_THAT(Replace("hello", ValidFunction("hello"), "stale"),
              HasCode(absl::StatusCode::kAborted));
  EXPECT_THAT(Rollback("hello", 1, "stale"), HasErrorCode("ETAG_MISMATCH"));
  EXPECT_THAT(Delete("hello", "stale"), HasErrorCode("ETAG_MISMATCH"));
  SO_EXPECT_OK(Update("hello", patch, {"memory"}, "*"));
  SO_EXPECT_OK(Delete("hello", Get("hello")->etag()));
}

TEST_F(FunctionRegistryTest, OfManyWritersWithOneEtagOneWins) {
  const std::string etag = Create(ValidFunction("hello"))->etag();
  std::atomic<int> won = 0;
  std::atomic<int> lost = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 20; ++i) {
    threads.emplace_back([&] {
      const FunctionOr updated = Update("hello", Function(), {"memory"}, etag);
      ++(updated.ok() ? won : lost);
      EXPECT_TRUE(updated.ok() ||
                  ErrorFromStatus(updated.status()).code() == "ETAG_MISMATCH");
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(won, 1);
  EXPECT_EQ(lost, 19);
}

TEST_F(FunctionRegistryTest, OfManyCreatesOfOneNameOneWins) {
  std::atomic<int> won = 0;
  std::atomic<int> lost = 0;
  std::promise<void> all;
  for (int i = 0; i < 200; ++i) {
    registry_->Create(ValidFunction("hello"), [&](const FunctionOr& created) {
      if (created.ok()) {
        ++won;
      } else {
        EXPECT_THAT(created, HasErrorCode("ALREADY_EXISTS"));
        EXPECT_THAT(created, HasCode(absl::StatusCode::kAlreadyExists));
        ++lost;
      }
      if (won + lost == 200) all.set_value();
    });
  }
  all.get_future().wait();
  EXPECT_EQ(won, 1);
  EXPECT_EQ(lost, 199);
  EXPECT_EQ(List()->functions_size(), 1);
}

TEST_F(FunctionRegistryTest, WhatIsAcknowledgedIsThereAfterReopening) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 25; ++i) {
        Function function = ValidFunction(absl::StrCat("f-", t, "-", i));
        function.set_code(absl::StrCat("// ", t, " ", i));
        SO_EXPECT_OK(Create(function));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const int64_t revision = registry_->revision();
  Open();
  EXPECT_GT(registry_->revision(), revision);
  EXPECT_EQ(registry_->size(), 200u);
  EXPECT_EQ(Get("f-7-24", "full")->code(), "// 7 24");
}

TEST_F(FunctionRegistryTest, VersionNumbersSurviveReopening) {
  SO_ASSERT_OK(Create(ValidFunction("hello")));
  SO_ASSERT_OK(Replace("hello", ValidFunction("hello")));
  SO_ASSERT_OK(Rollback("hello", 1));
  const std::string etag = Get("hello")->etag();
  Open();
  EXPECT_EQ(Get("hello")->etag(), etag);
  EXPECT_EQ(Replace("hello", ValidFunction("hello"), etag)->version(), 3);
}

TEST_F(FunctionRegistryTest, FullDiskRefusesWritesAndServesReads) {
  SO_ASSERT_OK(Create(ValidFunction("hello")));
  const std::string etag = Get("hello")->etag();
  failing_->FailCommits(true);
  const FunctionOr refused = Create(ValidFunction("other"));
  EXPECT_THAT(refused, HasCode(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(refused, HasErrorCode("STORAGE_FULL"));
  EXPECT_THAT(Update("hello", Function(), {"memory"}),
              HasErrorCode("STORAGE_FULL"));
  EXPECT_EQ(Get("hello", "full")->etag(), etag);
  EXPECT_EQ(List()->functions_size(), 1);
  failing_->FailCommits(false);
  SO_EXPECT_OK(Create(ValidFunction("other")));
}

TEST_F(FunctionRegistryTest, FailedWriteDoesNotFailItsGroup) {
  std::atomic<int> answers = 0;
  std::atomic<int> failures = 0;
  std::promise<void> all;
  for (int i = 0; i < 50; ++i) {
    const std::string name = i == 25 ? "bad" : absl::StrCat("good-", i);
    registry_->Create(ValidFunction(name), [&](const FunctionOr& created) {
      if (!created.ok()) ++failures;
      if (++answers == 50) all.set_value();
    });
  }
  all.get_future().wait();
  EXPECT_EQ(failures, 1);
  EXPECT_EQ(registry_->size(), 49u);
  Open();
  EXPECT_EQ(registry_->size(), 49u);
}

TEST_F(FunctionRegistryTest, WatchersAreToldBeforeTheCaller) {
  std::atomic<int> told = 0;
  auto watcher = registry_->feed().Subscribe(0, [&] { ++told; });
  while ((*watcher->Next()).has_value()) {
  }
  SO_ASSERT_OK(Create(ValidFunction("hello")));
  EXPECT_EQ(told, 1);
  const auto message = watcher->Next();
  EXPECT_EQ((*message)->changed(0).name(), "hello");
  EXPECT_EQ((*message)->revision(), registry_->revision());
}

TEST_F(FunctionRegistryTest, DrainRefusesWritesAndEndsTheFeed) {
  SO_ASSERT_OK(Create(ValidFunction("hello")));
  auto watcher = registry_->feed().Subscribe(0, [] {});
  registry_->Drain();
  EXPECT_THAT(Create(ValidFunction("other")),
              HasCode(absl::StatusCode::kUnavailable));
  SO_EXPECT_OK(Get("hello"));
}

TEST(FunctionRegistryOverloadTest, FullQueueIsUnavailable) {
  TempDir dir;
  ManualClock clock;
  auto store = SqliteFunctionStore::Create(dir.path());
  FakeFunctionBuilder builder;
  auto registry = FunctionRegistry::Create({.write_queue_depth = 1}, **store,
                                           builder, clock);
  std::promise<void> inside;
  std::promise<void> release;
  // Holds up the writer thread in an answer.
  serverless::registry::v1::DeleteFunctionRequest request;
  request.set_id("hello");
  (*registry)->Delete(request, [&](const absl::Status&) {
    inside.set_value();
    release.get_future().wait();
  });
  inside.get_future().wait();
  std::promise<void> second;
  (*registry)->Delete(request,
                      [&](const absl::Status&) { second.set_value(); });
  absl::Status refused;
  (*registry)->Delete(request, [&](const absl::Status& s) { refused = s; });
  EXPECT_THAT(refused, HasCode(absl::StatusCode::kUnavailable));
  release.set_value();
  second.get_future().wait();
}

}  // namespace
}  // namespace so
