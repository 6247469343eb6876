#include "sandbox/init/fault.h"

#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace so::init {
namespace {

using Json = nlohmann::json;

Json Fault(std::string body, const std::string& type = "") {
  HttpRequest request;
  if (!type.empty()) {
    request.headers = {{"lambda-runtime-function-error-type", type}};
  }
  request.body = std::move(body);
  return Json::parse(FaultPayload("error", request));
}

TEST(FaultTest, ReadsWhatEachClientSends) {
  EXPECT_EQ(
      Fault(R"({"errorType":"T","errorMessage":"m","stackTrace":["a","b"]})"),
      Json::parse(
          R"({"kind":"error","type":"T","message":"m","stack":["a","b"]})"));
  EXPECT_EQ(
      Fault(R"({"errorMessage":"m","trace":["a"]})", "Header"),
      Json::parse(
          R"({"kind":"error","type":"Header","message":"m","stack":["a"]})"));
  EXPECT_EQ(
      Fault(
          R"({"errorType":"T","errorMessage":"m","stackTrace":[{"path":"f.go","line":7,"label":"f"}]})")
          ["stack"],
      Json::parse(R"j(["f (f.go:7)"])j"));
}

TEST(FaultTest, TextIsAMessage) {
  EXPECT_EQ(
      Fault("it broke"),
      Json::parse(
          R"({"kind":"error","type":"Error","message":"it broke","stack":[]})"));
  EXPECT_EQ(Fault("[1]")["message"], "[1]");
  EXPECT_EQ(Fault("\xff")["message"], "\xef\xbf\xbd");
}

TEST(FaultTest, BoundsAreKept) {
  Json stack = Json::array();
  for (int i = 0; i < 100; ++i) stack.push_back(std::string(2000, 's'));
  const Json fault = Fault(Json{
      {"errorType", std::string(999, 't')},
      {"errorMessage", std::string(99999, 'm')},
      {"stackTrace", stack}}.dump());
  EXPECT_EQ(fault["type"].get<std::string>().size(), 256u);
  EXPECT_EQ(fault["message"].get<std::string>().size(), 65536u);
  EXPECT_EQ(fault["stack"].size(), 64u);
  EXPECT_EQ(fault["stack"][0].get<std::string>().size(), 1024u);
  // Bytes that are not UTF-8 take more room once they are replaced.
  EXPECT_LE(
      Fault(std::string(99999, '\xff'))["message"].get<std::string>().size(),
      65536u);
  EXPECT_EQ(Fault(std::string(1 << 20, '['))["type"], "Error");
}

TEST(FaultTest, OddShapesAreShownAsTheyAre) {
  const Json fault =
      Fault(R"({"errorType":7,"errorMessage":{"a":1},"stackTrace":[[1],{}]})");
  EXPECT_EQ(fault["type"], "7");
  EXPECT_EQ(fault["message"], R"({"a":1})");
  EXPECT_EQ(fault["stack"].size(), 2u);
}

TEST(FaultTest, InitErrorsHaveNoKind) {
  EXPECT_FALSE(
      Json::parse(FaultPayload("", "Runtime.X", "m")).contains("kind"));
}

TEST(FaultTest, TrailersHoldWhatFailedOnItsWay) {
  HttpRequest response;
  EXPECT_EQ(TrailerFaultPayload(response), "");
  response.headers = {
      {"lambda-runtime-function-error-type", "T"},
      // {"errorMessage":"m"}
      {"lambda-runtime-function-error-body", "eyJlcnJvck1lc3NhZ2UiOiJtIn0="}};
  EXPECT_EQ(
      Json::parse(TrailerFaultPayload(response)),
      Json::parse(R"({"kind":"error","type":"T","message":"m","stack":[]})"));
}

}  // namespace
}  // namespace so::init
