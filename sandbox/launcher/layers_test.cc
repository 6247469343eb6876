#include "sandbox/launcher/layers.h"

#include "base/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sandbox/isolation/fork_protocol.h"
#include "sandbox/launcher/self_check.h"

namespace so {
namespace {

using launcher::Layer;
using ::testing::HasSubstr;

TEST(LayersTest, NamesAreThoseOfTheFlag) {
  const auto layers = ParseLayers("user-namespace, memory-cgroup");
  SO_ASSERT_OK(layers);
  EXPECT_TRUE(layers->Contains(Layer::kUserNamespace));
  EXPECT_TRUE(layers->Contains(Layer::kMemoryCgroup));
  EXPECT_FALSE(layers->Contains(Layer::kSeccomp));
  EXPECT_EQ(layers->bits(), 0b10001u);
}

TEST(LayersTest, NothingIsNoLayer) {
  const auto layers = ParseLayers("");
  SO_ASSERT_OK(layers);
  EXPECT_TRUE(layers->empty());
}

TEST(LayersTest, UnknownLayerIsNamedWithTheKnownOnes) {
  const auto layers = ParseLayers("seccomp,gravity");
  ASSERT_THAT(layers, HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(std::string(layers.status().message()), HasSubstr("gravity"));
  EXPECT_THAT(std::string(layers.status().message()),
              HasSubstr("network-namespace"));
}

TEST(LayersTest, MissingLayersAreSkippedWhenSandboxesAreMade) {
  LayerSet missing;
  EXPECT_EQ(SkipBits(missing), 0u);
  missing.Add(Layer::kSeccomp);
  missing.Add(Layer::kMemoryCgroup);
  EXPECT_EQ(SkipBits(missing), isolation::kSkipSeccomp);
}

}  // namespace
}  // namespace so
