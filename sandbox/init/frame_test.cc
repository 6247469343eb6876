#include "sandbox/init/frame.h"

#include "gtest/gtest.h"

namespace so::init {
namespace {

const Nonce kSome = {'n', 'o', 'n', 'c', 'e'};

TEST(FrameTest, ParserCutsAnyPieces) {
  const std::string bytes = EncodeFrame(FrameType::kConfig, kSome, "{}") +
                            EncodeFrame(FrameType::kInvoke, kSome, "");
  FrameParser parser;
  std::vector<std::string> payloads;
  for (const char byte : bytes) {
    parser.Feed({&byte, 1});
    Frame frame;
    while (parser.Next(frame) == FrameParser::Status::kFrame) {
      EXPECT_EQ(frame.nonce, kSome);
      payloads.push_back(frame.payload);
    }
  }
  EXPECT_EQ(payloads, (std::vector<std::string>{"{}", ""}));
}

TEST(FrameTest, LengthsOutsideTheLimitsAreBroken) {
  for (const std::string& bytes :
       {std::string("\0\0\0\x10", 4), std::string("\x7f\0\0\0", 4)}) {
    FrameParser parser;
    parser.Feed(bytes);
    Frame frame;
    EXPECT_EQ(parser.Next(frame), FrameParser::Status::kBroken);
  }
}

TEST(FrameTest, TwoPartsComeBack) {
  const std::string payload = EncodeTwoParts("{}", "body");
  TwoParts parts;
  ASSERT_TRUE(DecodeTwoParts(payload, parts));
  EXPECT_EQ(parts.meta, "{}");
  EXPECT_EQ(parts.body, "body");
  EXPECT_FALSE(DecodeTwoParts(payload.substr(0, 5), parts));
  EXPECT_FALSE(DecodeTwoParts("abc", parts));
}

}  // namespace
}  // namespace so::init
