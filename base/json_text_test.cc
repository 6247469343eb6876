#include "base/json_text.h"

#include <string>

#include "base/testing/status_matchers.h"

namespace so {
namespace {

TEST(CheckJsonTest, AcceptsEveryKindOfValue) {
  for (const char* text : {"{}", "[]", "null", "true", "-1.5e3", "\"x\"",
                           " {\"a\": [1, {\"b\": \"\\u00e9\"}]} \n"}) {
    SO_EXPECT_OK(CheckJson(text)) << text;
  }
}

TEST(CheckJsonTest, AcceptsNumbersBeyond64Bits) {
  SO_EXPECT_OK(CheckJson("[123456789012345678901234567890]"));
}

TEST(CheckJsonTest, NamesLineAndColumnOfTheError) {
  const absl::Status status = CheckJson("{\n  \"a\": nope\n}");
  EXPECT_THAT(status, HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(std::string(status.message()),
              testing::StartsWith("line 2, column "));
}

TEST(CheckJsonTest, RefusesWhatIsNotJson) {
  for (const char* text :
       {"", " ", "{", "{} x", "NaN", "{'a':1}", "[1,]", "\"\xff\"", "01"}) {
    EXPECT_THAT(CheckJson(text), HasCode(absl::StatusCode::kInvalidArgument))
        << text;
  }
}

TEST(CheckJsonTest, RefusesDeepNesting) {
  const auto nested = [](size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  SO_EXPECT_OK(CheckJson(nested(kMaxJsonDepth - 1)));
  EXPECT_THAT(CheckJson(nested(kMaxJsonDepth + 1)),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(CheckJson(nested(100000)),
              HasCode(absl::StatusCode::kInvalidArgument));
}

TEST(CheckJsonTest, SurvivesTextsOfGrowingSize) {
  for (size_t size : {10u, 100000u, 7000000u}) {
    SO_EXPECT_OK(CheckJson("\"" + std::string(size, 'a') + "\""));
  }
}

}  // namespace
}  // namespace so
