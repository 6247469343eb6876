#include "services/pool/frame.h"

#include <random>
#include <string>
#include <vector>

#include "base/testing/status_matchers.h"
#include "gtest/gtest.h"

namespace so {
namespace {

std::vector<std::string> Payloads(FrameParser& parser,
                                  absl::string_view bytes) {
  std::vector<std::string> payloads;
  SO_EXPECT_OK(parser.Feed(bytes, [&](const Frame& frame) {
    payloads.emplace_back(frame.payload);
    return true;
  }));
  return payloads;
}

TEST(FrameTest, ComesBackAsItWasEncoded) {
  const Nonce nonce = MakeNonce();
  FrameParser parser;
  SO_EXPECT_OK(parser.Feed(EncodeFrame(FrameType::kResult, nonce, "payload"),
                           [&](const Frame& frame) {
                             EXPECT_EQ(frame.type, FrameType::kResult);
                             EXPECT_EQ(frame.nonce, nonce);
                             EXPECT_EQ(frame.payload, "payload");
                             return true;
                           }));
}

TEST(FrameTest, IsFoundHoweverTheBytesAreCut) {
  const std::string one = EncodeFrame(FrameType::kReady, MakeNonce(), "a");
  const std::string two = EncodeFrame(FrameType::kReady, MakeNonce(), "");
  const std::string bytes = one + two + one;
  for (size_t step = 1; step <= bytes.size(); ++step) {
    FrameParser parser;
    std::vector<std::string> payloads;
    for (size_t at = 0; at < bytes.size(); at += step) {
      for (std::string& payload :
           Payloads(parser, absl::string_view(bytes).substr(at, step))) {
        payloads.push_back(std::move(payload));
      }
    }
    EXPECT_EQ(payloads, (std::vector<std::string>{"a", "", "a"}));
  }
}

TEST(FrameTest, RefusesLengthsOutsideTheLimitsBeforeReadingOn) {
  for (const std::string& head :
       {std::string("\0\0\0\x10", 4), std::string("\0\0\0\0", 4),
        std::string("\xff\xff\xff\xff", 4), std::string("\0\x61\0\1", 4)}) {
    FrameParser parser;
    EXPECT_THAT(parser.Feed(head, [](const Frame&) { return true; }),
                HasCode(absl::StatusCode::kInvalidArgument));
  }
}

TEST(FrameTest, DropsTheRestWhenToldToStop) {
  const std::string bytes = EncodeFrame(FrameType::kReady, MakeNonce(), "a");
  FrameParser parser;
  int frames = 0;
  SO_EXPECT_OK(parser.Feed(bytes + bytes, [&](const Frame&) {
    ++frames;
    return false;
  }));
  EXPECT_EQ(frames, 1);
}

TEST(FrameTest, SurvivesRandomBytes) {
  std::mt19937 random(42);
  for (int round = 0; round < 2000; ++round) {
    FrameParser parser;
    for (int piece = 0; piece < 8; ++piece) {
      std::string bytes(random() % 64, '\0');
      for (char& c : bytes) c = static_cast<char>(random() % 256);
      // Often a plausible length, so that the parser gets further.
      if (bytes.size() > 4 && random() % 2 == 0) {
        bytes[0] = bytes[1] = bytes[2] = 0;
        bytes[3] = static_cast<char>(random() % 40);
      }
      const auto check = [](const Frame& frame) {
        TwoParts parts;
        if (DecodeTwoParts(frame.payload, parts).ok()) {
          EXPECT_EQ(parts.meta.size() + parts.body.size() + 4,
                    frame.payload.size());
        }
        return true;
      };
      if (!parser.Feed(bytes, check).ok()) break;
    }
  }
}

TEST(FrameTest, TwoPartsComeBackAndRefuseAWrongLength) {
  TwoParts parts;
  const std::string encoded = EncodeTwoParts("{}", "body");
  EXPECT_EQ(EncodeFrame(FrameType::kInvoke, Nonce{1}, "{}", "body"),
            EncodeFrame(FrameType::kInvoke, Nonce{1}, encoded));
  SO_EXPECT_OK(DecodeTwoParts(encoded, parts));
  EXPECT_EQ(parts.meta, "{}");
  EXPECT_EQ(parts.body, "body");
  for (const std::string& payload : {std::string(), std::string("\0\0\0", 3),
                                     std::string("\0\0\0\3ab", 6)}) {
    EXPECT_FALSE(DecodeTwoParts(payload, parts).ok());
  }
}

}  // namespace
}  // namespace so
