#include "base/worker_thread.h"

#include <future>
#include <memory>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace so {
namespace {

TEST(WorkerThreadTest, RunsWorkElsewhereInItsOrder) {
  WorkerThread worker;
  std::vector<int> order;
  std::promise<std::thread::id> last;
  for (int i = 0; i < 3; ++i) worker.Post([&order, i] { order.push_back(i); });
  worker.Post([&] { last.set_value(std::this_thread::get_id()); });
  EXPECT_NE(last.get_future().get(), std::this_thread::get_id());
  EXPECT_THAT(order, testing::ElementsAre(0, 1, 2));
}

TEST(WorkerThreadTest, StopFinishesWhatRunsAndDropsTheRest) {
  WorkerThread worker;
  std::promise<void> begun;
  std::promise<void> go_on;
  bool finished = false;
  bool second = false;
  const auto held = std::make_shared<int>(1);
  worker.Post([&] {
    begun.set_value();
    go_on.get_future().wait();
    finished = true;
  });
  worker.Post([&second, held] { second = true; });
  begun.get_future().wait();
  std::thread stopper([&] { worker.Stop(); });
  go_on.set_value();
  stopper.join();
  EXPECT_TRUE(finished);
  // It may have come to the second before it was told to stop.
  EXPECT_EQ(held.use_count(), 1) << "what is dropped is destroyed";
  const bool ran = second;
  worker.Post([&] { second = !ran; });
  worker.Stop();
  EXPECT_EQ(second, ran);
}

TEST(WorkerThreadTest, FinishDoesWhatWasPosted) {
  WorkerThread worker;
  int done = 0;
  for (int i = 0; i < 100; ++i) worker.Post([&] { ++done; });
  worker.Finish();
  EXPECT_EQ(done, 100);
  worker.Post([&] { ++done; });
  worker.Finish();
  EXPECT_EQ(done, 100);
}

}  // namespace
}  // namespace so
