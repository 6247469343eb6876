#include "services/scaler/replay/name_random.h"

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace so {
namespace {

TEST(NameRandomTest, SameForNameAndSeed) {
  EXPECT_EQ(RandomOf("a", 1)(), RandomOf("a", 1)());
  EXPECT_NE(RandomOf("a", 1)(), RandomOf("b", 1)());
  EXPECT_NE(RandomOf("a", 1)(), RandomOf("a", 2)());
}

// Whether two names fall into the same half says nothing of another seed.
TEST(NameRandomTest, SeedsDivideDifferently) {
  int together = 0;
  for (int i = 0; i < 1000; ++i) {
    const std::string name = absl::StrCat("function-", i);
    together += (RandomOf(name, 1)() & 1) == (RandomOf(name, 2)() & 1);
  }
  EXPECT_GT(together, 400);
  EXPECT_LT(together, 600);
}

}  // namespace
}  // namespace so
