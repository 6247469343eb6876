#include "sandbox/init/json_text.h"

#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace so::init {
namespace {

TEST(JsonTextTest, AgreesWithAParser) {
  for (const char* text : {
           "",
           " ",
           "null",
           "nul",
           "nulll",
           "true",
           " false ",
           "0",
           "-0",
           "01",
           "-",
           "1.",
           "1.5",
           ".5",
           "1e5",
           "1e",
           "1E+5",
           "1e-",
           "+1",
           "NaN",
           "\"\"",
           "\"a",
           "\"\\n\"",
           "\"\\x\"",
           "\"\\u12g4\"",
           "\"\\u1234\"",
           "\"\\",
           "\"\t\"",
           "[]",
           "[",
           "]",
           "[1,]",
           "[,1]",
           "[1 2]",
           "[1,2]",
           "[[],[]]",
           "[}",
           "{}",
           "{",
           "{\"a\"}",
           "{\"a\":}",
           "{\"a\":1,}",
           "{\"a\":1,\"b\":[{}]}",
           "{1:2}",
           "{\"a\":1 \"b\":2}",
           "{]",
           "{}{}",
           "[1]x",
           "{,}",
           "{\"a\":{\"b\":{}}}",
           "[{},{},[[]]]",
           "[{\"a\":[]}]",
       }) {
    EXPECT_EQ(IsJson(text), nlohmann::json::accept(text)) << text;
  }
}

TEST(JsonTextTest, DepthIsLimited) {
  const std::string deepest = std::string(64, '[') + std::string(64, ']');
  EXPECT_TRUE(IsJson(deepest));
  EXPECT_FALSE(IsJson("[" + deepest + "]"));
  EXPECT_FALSE(IsJson(std::string(1 << 20, '[')));
}

TEST(JsonTextTest, MembersAreFoundAsWritten) {
  const std::string text =
      R"( {"a" : 1, "b":{"a":[2, "}"]}, "a":"x\"y" , "":null} )";
  const auto members = JsonMembers(text);
  ASSERT_TRUE(members);
  EXPECT_EQ(members->size(), 4u);
  EXPECT_EQ(FindMember(*members, "a"), R"("x\"y")");
  EXPECT_EQ(FindMember(*members, "b"), R"({"a":[2, "}"]})");
  EXPECT_EQ(FindMember(*members, "c"), "");
}

TEST(JsonTextTest, OnlyObjectsHaveMembers) {
  for (const char* text : {"", "[]", "1", "{", "{}x", "{\"a\":}", "{\"a\":1,}",
                           "{\"a\":1", "{\"a\" 1}", "{a:1}"}) {
    EXPECT_FALSE(JsonMembers(text)) << text;
  }
  EXPECT_TRUE(JsonMembers("{}")->empty());
}

TEST(JsonTextTest, HalfSurrogatesAreReplaced) {
  EXPECT_EQ(ReplaceHalfSurrogates(R"("\ud800")"), R"("\ufffd")");
  EXPECT_EQ(ReplaceHalfSurrogates(R"("\uDE00x\uD83D\uDE00")"),
            R"("\ufffdx\uD83D\uDE00")");
  EXPECT_EQ(ReplaceHalfSurrogates(R"("\\ud800 \u00e4")"),
            R"("\\ud800 \u00e4")");
  EXPECT_EQ(ReplaceHalfSurrogates("\"\\"), "\"\\");
}

}  // namespace
}  // namespace so::init
