#include "sandbox/launcher/uid_slots.h"

#include "gtest/gtest.h"

namespace so {
namespace {

TEST(UidSlotsTest, EachUserIsTakenOnce) {
  UidSlots slots(100, 2);
  EXPECT_EQ(slots.Take(), 100u);
  EXPECT_EQ(slots.Take(), 101u);
  EXPECT_EQ(slots.Take(), std::nullopt);
}

TEST(UidSlotsTest, ReturnedUserRestsAsLongAsPossible) {
  UidSlots slots(100, 3);
  slots.GiveBack(*slots.Take());
  EXPECT_EQ(slots.Take(), 101u);
  EXPECT_EQ(slots.Take(), 102u);
  EXPECT_EQ(slots.Take(), 100u);
}

}  // namespace
}  // namespace so
