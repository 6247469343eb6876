#include "services/pool/eviction_order.h"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace so {
namespace {

using testing::ElementsAre;

std::vector<std::string> Ids(std::vector<Evictable> instances) {
  std::vector<std::string> ids;
  for (const Evictable& instance : EvictionOrder(std::move(instances))) {
    ids.push_back(instance.id);
  }
  return ids;
}

Evictable Instance(const std::string& id, absl::Duration idle,
                   absl::Duration cold_start = absl::Milliseconds(100),
                   int memory = 128, bool surplus = false) {
  return {.id = id,
          .memory = memory,
          .idle = idle,
          .cold_start = cold_start,
          .surplus = surplus};
}

TEST(EvictionOrderTest, CostIsExpectedWaitingPerMegabyte) {
  const Evictable fresh =
      Instance("a", absl::ZeroDuration(), absl::Seconds(1), 100);
  EXPECT_DOUBLE_EQ(EvictionCost(fresh), 0.01);
  EXPECT_DOUBLE_EQ(
      EvictionCost(Instance("a", absl::Seconds(10), absl::Seconds(1), 100)),
      0.005);
  EXPECT_EQ(EvictionCost(Instance("a", absl::ZeroDuration(), absl::Seconds(1),
                                  100, true)),
            0);
  // A cold start that was never measured costs nothing yet.
  EXPECT_EQ(EvictionCost(Instance("a", absl::Seconds(1), {}, 0)), 0);
}

TEST(EvictionOrderTest, LooksAtAllThree) {
  EXPECT_THAT(Ids({Instance("fresh", absl::Seconds(1)),
                   Instance("idle", absl::Seconds(30))}),
              ElementsAre("idle", "fresh"));
  // One that starts slowly is worth more than a fast one, however idle.
  EXPECT_THAT(Ids({Instance("slow", absl::Seconds(30), absl::Seconds(5)),
                   Instance("fast", absl::Seconds(1), absl::Milliseconds(20))}),
              ElementsAre("fast", "slow"));
  EXPECT_THAT(Ids({Instance("small", absl::Seconds(9), absl::Seconds(1), 128),
                   Instance("large", absl::Seconds(9), absl::Seconds(1), 512)}),
              ElementsAre("large", "small"));
}

TEST(EvictionOrderTest, TiesGoByIdleTime) {
  EXPECT_THAT(Ids({Instance("b", absl::Seconds(1), {}),
                   Instance("a", absl::Seconds(1), {}),
                   Instance("c", absl::Seconds(2), {})}),
              ElementsAre("c", "a", "b"));
}

// Random instances; what the order has to be whatever they are.
class EvictionOrderPropertyTest : public testing::TestWithParam<unsigned> {
 protected:
  std::vector<Evictable> Make() {
    std::uniform_int_distribution<int> any(0, 5);
    std::vector<Evictable> instances;
    for (int i = 0; i < 60; ++i) {
      instances.push_back(Instance(absl::StrCat("inst-", i),
                                   absl::Seconds(any(random_)),
                                   absl::Milliseconds(50 * any(random_)),
                                   64 << any(random_), any(random_) == 0));
    }
    return instances;
  }

  std::mt19937 random_{GetParam()};
};

TEST_P(EvictionOrderPropertyTest, IsAPermutationBySurplusCostAndIdleTime) {
  const std::vector<Evictable> instances = Make();
  const std::vector<Evictable> ordered = EvictionOrder(instances);
  ASSERT_EQ(ordered.size(), instances.size());
  for (const Evictable& instance : instances) {
    EXPECT_EQ(std::count_if(ordered.begin(), ordered.end(),
                            [&](const auto& o) { return o.id == instance.id; }),
              1);
  }
  for (size_t i = 1; i < ordered.size(); ++i) {
    const Evictable& a = ordered[i - 1];
    const Evictable& b = ordered[i];
    EXPECT_GE(a.surplus, b.surplus);
    if (a.surplus != b.surplus) continue;
    EXPECT_LE(EvictionCost(a), EvictionCost(b));
    if (EvictionCost(a) == EvictionCost(b)) {
      EXPECT_GE(a.idle, b.idle);
    }
  }
}

TEST_P(EvictionOrderPropertyTest, DoesNotDependOnTheOrderOfTheInput) {
  std::vector<Evictable> instances = Make();
  const std::vector<std::string> expected = Ids(instances);
  std::shuffle(instances.begin(), instances.end(), random_);
  EXPECT_EQ(Ids(instances), expected);
}

TEST_P(EvictionOrderPropertyTest, WhatIsNeededMoreGoesLater) {
  std::vector<Evictable> instances = Make();
  const auto place = [](const std::vector<std::string>& ids,
                        const std::string& id) {
    return std::find(ids.begin(), ids.end(), id) - ids.begin();
  };
  for (Evictable& instance : instances) {
    const std::vector<Evictable> before = instances;
    const auto was = place(Ids(before), instance.id);
    instance.idle = absl::ZeroDuration();
    instance.cold_start *= 2;
    EXPECT_GE(place(Ids(instances), instance.id), was);
    instances = before;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, EvictionOrderPropertyTest,
                         testing::Range(1u, 21u));

}  // namespace
}  // namespace so
