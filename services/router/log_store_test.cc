#include "services/router/log_store.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace so {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

const absl::Time kStart = absl::FromUnixSeconds(1767225600);

Receipt ReceiptOf(const std::string& function, const std::string& request,
                  size_t log_bytes = 10) {
  Receipt receipt;
  receipt.set_function_id(function);
  receipt.set_request_id(request);
  receipt.add_logs(std::string(log_bytes, 'x'));
  return receipt;
}

TEST(LogStoreTest, ListsNewestFirstAndFilters) {
  LogStore store({});
  store.Add(ReceiptOf("fn-1", "a"), kStart);
  store.Add(ReceiptOf("fn-1", "b"), kStart + absl::Seconds(1));
  store.Add(ReceiptOf("fn-2", "c"), kStart + absl::Seconds(2));
  const auto all = store.List("fn-1", "", absl::InfinitePast(), 10);
  ASSERT_THAT(all, SizeIs(2));
  EXPECT_EQ(all[0].request_id(), "b");
  EXPECT_EQ(all[0].time().seconds(), 1767225601);
  EXPECT_THAT(store.List("fn-1", "a", absl::InfinitePast(), 10), SizeIs(1));
  EXPECT_THAT(store.List("fn-1", "", kStart + absl::Seconds(1), 10), SizeIs(1));
  EXPECT_THAT(store.List("fn-1", "", absl::InfinitePast(), 1), SizeIs(1));
}

TEST(LogStoreTest, KeepsTheLatestOfEachFunction) {
  LogStore store({.per_function = 2});
  for (const char* request : {"a", "b", "c"}) {
    store.Add(ReceiptOf("fn-1", request), kStart);
  }
  const auto logs = store.List("fn-1", "", absl::InfinitePast(), 10);
  ASSERT_THAT(logs, SizeIs(2));
  EXPECT_EQ(logs[1].request_id(), "b");
}

TEST(LogStoreTest, TotalIsBoundedOldestFirst) {
  LogStore store({.per_function = 100, .total_bytes = 50000});
  store.Add(ReceiptOf("fn-1", "old", 20000), kStart);
  for (int i = 0; i < 5; ++i) {
    store.Add(ReceiptOf("fn-2", std::to_string(i), 15000), kStart);
  }
  store.Add(ReceiptOf("fn-3", "too large", 60000), kStart);
  EXPECT_THAT(store.List("fn-1", "", absl::InfinitePast(), 10), IsEmpty());
  EXPECT_THAT(store.List("fn-2", "", absl::InfinitePast(), 10), SizeIs(3));
  EXPECT_THAT(store.List("fn-3", "", absl::InfinitePast(), 10), IsEmpty());
}

TEST(LogStoreTest, ForgetsFunctions) {
  LogStore store({});
  store.Add(ReceiptOf("fn-1", "a"), kStart);
  store.ForgetFunction("fn-1");
  store.ForgetFunction("fn-1");
  EXPECT_THAT(store.List("fn-1", "", absl::InfinitePast(), 10), IsEmpty());
}

}  // namespace
}  // namespace so
