#include "services/router/fair_share.h"

#include <algorithm>
#include <map>
#include <random>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace so {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;

Claim Flood(int instances, int unit = 1) {
  return {.unit = unit,
          .instances = instances,
          .wanted = 1000,
          .contends = true,
          .held_for = absl::Hours(1)};
}

TEST(FairShareTest, EqualDemandsGetEqualShares) {
  EXPECT_THAT(FairShare{.capacity = 9}.Shares({Flood(9), Flood(0), Flood(0)}),
              ElementsAre(3, 3, 3));
}

TEST(FairShareTest, WhatOneLeavesIsDividedAmongTheOthers) {
  const std::vector<Claim> claims = {
      Flood(0), {.unit = 2, .wanted = 1}, {.unit = 1, .wanted = 0}, Flood(0)};
  EXPECT_THAT(FairShare{.capacity = 12}.Shares(claims),
              ElementsAre(DoubleNear(5, 1e-9), DoubleNear(2, 1e-9),
                          DoubleNear(0, 1e-9), DoubleNear(5, 1e-9)));
}

TEST(FairShareTest, AloneItMayHaveEverything) {
  const std::vector<Claim> claims = {Flood(10)};
  EXPECT_THAT(FairShare{.capacity = 10}.Shares(claims), ElementsAre(10));
  EXPECT_FALSE(FairShare{.capacity = 10}.Next(claims).has_value());
}

TEST(FairShareTest, FurthestAboveItsShareGives) {
  const FairShare node{.capacity = 10};
  const auto next = node.Next({Flood(3), Flood(7), Flood(0)});
  ASSERT_TRUE(next.has_value());
  EXPECT_EQ(next->taker, 2u);
  EXPECT_EQ(next->giver, 1u);
}

TEST(FairShareTest, LeastPartOfItsShareComesFirstThenTheLongestWait) {
  std::vector<Claim> claims = {Flood(4), Flood(1), Flood(2), Flood(1)};
  claims[3].waited = absl::Seconds(2);
  EXPECT_THAT((FairShare{.capacity = 8}.Order(claims)),
              ElementsAre(3, 1, 2, 0));
}

TEST(FairShareTest, WhoIsNotRefusedDoesNotTake) {
  std::vector<Claim> claims = {Flood(10), Flood(0)};
  claims[0].contends = claims[1].contends = false;
  EXPECT_FALSE(FairShare{.capacity = 10}.Next(claims).has_value());
}

TEST(FairShareTest, ReservedInstancesStay) {
  std::vector<Claim> claims = {Flood(10), Flood(0)};
  claims[0].reserved = 10;
  claims[1].waited = absl::Hours(1);
  EXPECT_FALSE(FairShare{.capacity = 10}.Next(claims).has_value());
}

TEST(FairShareTest, TheOnlyInstanceIsGivenInTurnsOnly) {
  const FairShare node{.capacity = 1, .turn = absl::Seconds(1)};
  std::vector<Claim> claims = {Flood(1), Flood(0)};
  claims[1].waited = absl::Milliseconds(999);
  EXPECT_FALSE(node.Next(claims).has_value());
  claims[1].waited = absl::Seconds(1);
  EXPECT_TRUE(node.Next(claims).has_value());
  claims[0].held_for = absl::Milliseconds(999);
  EXPECT_FALSE(node.Next(claims).has_value());
}

TEST(FairShareTest, NothingIsGivenForWhatCannotFit) {
  std::vector<Claim> claims = {Flood(10), Flood(0, /*unit=*/11)};
  claims[1].waited = absl::Hours(1);
  EXPECT_FALSE(FairShare{.capacity = 10}.Next(claims).has_value());
}

TEST(FairShareTest, SmallOnesGiveWayToALargeOneUntilItFits) {
  const FairShare node{.capacity = 16};
  std::vector<Claim> claims = {Flood(16), Flood(0, /*unit=*/8)};
  for (int given = 0; given < 8; ++given) {
    const auto next = node.Next({claims[0], claims[1]});
    ASSERT_TRUE(next.has_value()) << given;
    EXPECT_EQ(next->giver, 0u);
    --claims[0].instances;
  }
  ++claims[1].instances;
  EXPECT_FALSE(node.Next(claims).has_value());
}

// A full node on which calls end at random and every function always has more
// of them than it gets instances.
class Node {
 public:
  Node(int capacity, std::vector<Claim> claims)
      : rules_{.capacity = static_cast<double>(capacity)},
        claims_(std::move(claims)),
        refused_since_(claims_.size(), absl::ZeroDuration()),
        had_since_(claims_.size(), absl::ZeroDuration()) {}

  // The call of one instance ends, `step` after the one before; whose it is,
  // chance decides. Returns whether an instance has changed hands.
  bool EndOfACall(absl::Duration step, std::mt19937& random) {
    now_ += step;
    Update();
    std::vector<size_t> busy;
    for (size_t i = 0; i < claims_.size(); ++i) {
      busy.insert(busy.end(), claims_[i].instances, i);
    }
    const size_t ended = busy[random() % busy.size()];
    ++served_[ended];
    const auto next = rules_.Next(claims_);
    if (!next || next->giver != ended) return false;
    --claims_[ended].instances;
    if (claims_[next->taker].unit <= Free()) {
      if (claims_[next->taker].instances == 0) had_since_[next->taker] = now_;
      ++claims_[next->taker].instances;
    }
    if (claims_[ended].instances == 0) refused_since_[ended] = now_;
    return true;
  }

  double Free() const {
    double free = rules_.capacity;
    for (const Claim& claim : claims_) free -= claim.held();
    return free;
  }
  const std::vector<Claim>& claims() const { return claims_; }
  std::vector<double> shares() const { return rules_.Shares(claims_); }
  int served(size_t i) { return served_[i]; }
  void ResetServed() { served_.clear(); }

 private:
  void Update() {
    for (size_t i = 0; i < claims_.size(); ++i) {
      Claim& claim = claims_[i];
      claim.contends = claim.instances < claim.wanted;
      claim.waited = claim.instances == 0 ? now_ - refused_since_[i]
                                          : absl::ZeroDuration();
      claim.held_for = now_ - had_since_[i];
    }
  }

  FairShare rules_;
  std::vector<Claim> claims_;
  std::vector<absl::Duration> refused_since_;
  std::vector<absl::Duration> had_since_;
  std::map<size_t, int> served_;
  absl::Duration now_;
};

TEST(FairSharePropertyTest, ConvergesToTheSharesAndThenRests) {
  std::mt19937 random(7);
  for (int round = 0; round < 60; ++round) {
    const int functions = 2 + static_cast<int>(random() % 6);
    const int capacity = functions + static_cast<int>(random() % 60);
    std::vector<Claim> claims;
    for (int i = 0; i < functions; ++i) {
      claims.push_back(
          {.unit = 1, .wanted = 1 + static_cast<int>(random() % 40)});
    }
    // The first ones to come took all they could use.
    int left = capacity;
    for (Claim& claim : claims) {
      claim.instances = std::min(claim.wanted, left);
      left -= claim.instances;
    }
    if (left > 0) continue;  // Not full.
    Node node(capacity, claims);
    for (int i = 0; i < 5'000; ++i) {
      node.EndOfACall(absl::Milliseconds(1), random);
    }
    const std::vector<double> shares = node.shares();
    for (size_t i = 0; i < claims.size(); ++i) {
      EXPECT_NEAR(node.claims()[i].instances, shares[i], 1)
          << "round " << round << ", function " << i;
    }
    EXPECT_EQ(node.Free(), 0);
    for (int i = 0; i < 1000; ++i) {
      EXPECT_FALSE(node.EndOfACall(absl::Milliseconds(1), random));
    }
  }
}

TEST(FairSharePropertyTest, NobodyStarvesHoweverFewInstancesFit) {
  std::mt19937 random(11);
  for (int functions = 2; functions <= 8; ++functions) {
    for (int capacity = 1; capacity <= functions; ++capacity) {
      std::vector<Claim> claims(functions, Flood(0));
      claims[0].instances = capacity;
      Node node(capacity, claims);
      // Whoever waits has at most everybody else before it, half a second each.
      for (int period = 0; period < 5; ++period) {
        node.ResetServed();
        for (int i = 0; i < 100 * (functions + 2); ++i) {
          node.EndOfACall(absl::Milliseconds(10), random);
        }
        for (int i = 0; i < functions; ++i) {
          EXPECT_GT(node.served(i), 0) << i << " of " << functions << " on "
                                       << capacity << ", period " << period;
        }
      }
    }
  }
}

TEST(FairSharePropertyTest, MixedSizesNeitherStarveNorChurn) {
  std::mt19937 random(13);
  for (int round = 0; round < 30; ++round) {
    const int functions = 2 + static_cast<int>(random() % 4);
    std::vector<Claim> claims;
    for (int i = 0; i < functions; ++i) {
      claims.push_back(Flood(0, 1 << (random() % 4)));
    }
    const int capacity = 64;
    claims[0].instances = capacity / claims[0].unit;
    Node node(capacity, claims);
    int changes = 0;
    for (int i = 0; i < 10'000; ++i) {
      if (i == 5'000) {
        changes = 0;
        node.ResetServed();
      }
      if (node.EndOfACall(absl::Milliseconds(1), random)) ++changes;
    }
    for (int i = 0; i < functions; ++i) EXPECT_GT(node.served(i), 0);
    // Everybody fits in: nobody's only instance is at stake.
    EXPECT_LE(changes, 10) << "round " << round;
  }
}

}  // namespace
}  // namespace so
