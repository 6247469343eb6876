#include "services/pool/output_lines.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace so {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> Feed(OutputLines& lines, absl::string_view bytes) {
  std::vector<std::string> found;
  lines.Append(bytes,
               [&](absl::string_view line) { found.emplace_back(line); });
  return found;
}

TEST(OutputLinesTest, GivesALineOnceItIsComplete) {
  OutputLines lines;
  EXPECT_THAT(Feed(lines, "a\nb"), ElementsAre("a\n"));
  EXPECT_THAT(Feed(lines, "c"), ElementsAre());
  EXPECT_THAT(Feed(lines, "\n\nd\n"), ElementsAre("bc\n", "\n", "d\n"));
}

TEST(OutputLinesTest, HoldsNoMoreThanOneLongLine) {
  OutputLines lines;
  const std::vector<std::string> found =
      Feed(lines, std::string(150000, 'x') + "\n");
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].size(), 65536u);
  EXPECT_EQ(found[2], std::string(150000 - 2 * 65536, 'x') + "\n");
}

TEST(OutputLinesTest, FindsTheRequestOfAStructuredLine) {
  EXPECT_EQ(RequestIdOfLine(R"({"level":"INFO","requestId":"req-1"})"
                            "\n"),
            "req-1");
  EXPECT_EQ(RequestIdOfLine(R"({"requestId":7})"), "");
  EXPECT_EQ(RequestIdOfLine(R"({"a":{"requestId":"req-1"}})"), "");
  EXPECT_EQ(RequestIdOfLine(R"({"requestId":"req-1")"), "");
  EXPECT_EQ(RequestIdOfLine("requestId req-1"), "");
  EXPECT_EQ(RequestIdOfLine(R"(["requestId"])"), "");
  EXPECT_EQ(RequestIdOfLine(""), "");
}

}  // namespace
}  // namespace so
