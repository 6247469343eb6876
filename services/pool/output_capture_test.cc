#include "services/pool/output_capture.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace so {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(OutputCaptureTest, SplitsLinesWhereverTheBytesWereCut) {
  OutputCapture output(1024);
  output.Append("one\ntw");
  output.Append("o\r\n\nlast");
  EXPECT_THAT(output.Take().lines, ElementsAre("one", "two", "", "last"));
  EXPECT_THAT(output.Take().lines, IsEmpty());
}

TEST(OutputCaptureTest, DropsAndCountsWhatIsBeyondTheLimit) {
  OutputCapture output(8);
  output.Append("12345678");
  output.Append("90");
  output.Append("1");
  const CapturedOutput captured = output.Take();
  EXPECT_TRUE(captured.truncated);
  EXPECT_THAT(captured.lines, ElementsAre("12345678", "[truncated 3 bytes]"));
  output.Append("new");
  EXPECT_THAT(output.Take().lines, ElementsAre("new"));
}

TEST(OutputCaptureTest, KeepsABoundedNumberOfLines) {
  OutputCapture output(1 << 20);
  output.Append(std::string(100000, '\n'));
  const CapturedOutput captured = output.Take();
  EXPECT_TRUE(captured.truncated);
  EXPECT_EQ(captured.lines.size(), 65536u + 1);
}

TEST(OutputCaptureTest, RepairsWhatIsNotUtf8) {
  EXPECT_EQ(RepairUtf8("ok \xc3\xa4 \xf0\x9f\x98\x80"),
            "ok \xc3\xa4 \xf0\x9f\x98\x80");
  EXPECT_EQ(RepairUtf8("\xff"), "\xef\xbf\xbd");
  EXPECT_EQ(RepairUtf8("a\xc3"), "a\xef\xbf\xbd");
  // An overlong slash and half a surrogate pair.
  EXPECT_EQ(RepairUtf8("\xc0\xaf"), "\xef\xbf\xbd\xef\xbf\xbd");
  EXPECT_EQ(RepairUtf8("\xed\xa0\x80"), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
}

}  // namespace
}  // namespace so
