#include "sandbox/init/result_mapping.h"

#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "sandbox/init/frame.h"

namespace so::init {
namespace {

MappedResult Map(std::string body,
                 const std::string& type = "application/json") {
  HttpRequest request;
  request.headers = {{"content-type", type}};
  request.body_bytes = body.size();
  request.body = std::move(body);
  return MapResult(request);
}

// "STATUS HEADERS BODY" of a RESULT, or "KIND: MESSAGE".
std::string Shown(const MappedResult& result) {
  if (!result.fault_kind.empty()) {
    return std::string(result.fault_kind) + ": " + result.fault_message;
  }
  TwoParts parts;
  EXPECT_TRUE(DecodeTwoParts(result.payload, parts));
  const auto meta = nlohmann::json::parse(parts.meta);
  return meta["statusCode"].dump() + " " + meta["headers"].dump() + " " +
         std::string(parts.body);
}

TEST(ResultMappingTest, FollowsTheContract) {
  const std::pair<const char*, const char*> table[] = {
      {"", "200 {} null"},
      {" [1, 2] ", "200 {} [1, 2]"},
      {R"("text")", "200 {} \"text\""},
      {R"({"a":1})", R"(200 {} {"a":1})"},
      {R"({"statusCode":null})", R"(200 {} {"statusCode":null})"},
      {R"({"statusCode":201})", "201 {} null"},
      {R"({"statusCode":201,"body":null})", "201 {} null"},
      {R"({"statusCode":200,"body":"hi"})", "200 {} \"hi\""},
      {R"({"statusCode":200,"body":"[1, {\"a\":2}]"})",
       R"(200 {} [1, {"a":2}])"},
      {R"({"statusCode":200,"body":"12"})", "200 {} \"12\""},
      {R"({"statusCode":200,"body":"{no"})", "200 {} \"{no\""},
      {R"({"statusCode":200,"body":{"a":[]}})", R"(200 {} {"a":[]})"},
      {R"({"statusCode":404,"headers":{"a":1,"b":true,"c":"x","d":null},"body":""})",
       R"(404 {"a":"1","b":"true","c":"x"} "")"},
      {R"({"statusCode":200,"headers":null,"multiValueHeaders":null,"body":"x"})",
       "200 {} \"x\""},
      {R"("\ud800")", R"(200 {} "\ufffd")"},
      {R"({"statusCode":"200"})",
       "invalid-result: statusCode must be an integer from 100 to 599"},
      {R"({"statusCode":600})",
       "invalid-result: statusCode must be an integer from 100 to 599"},
      {R"({"statusCode":1e2})",
       "invalid-result: statusCode must be an integer from 100 to 599"},
      {R"({"statusCode":200,"headers":[]})",
       "invalid-result: headers must be an object"},
      {R"({"statusCode":200,"headers":{"a":{}}})",
       "invalid-result: headers: a must be a string, a number or a boolean"},
      {R"({"statusCode":200,"headers":{"a b":"x"}})",
       "invalid-result: headers: 'a b' is not a header name"},
      {R"({"statusCode":200,"headers":{"a":"x\r\ny"}})",
       "invalid-result: headers: a has a control character"},
      {"hello", "invalid-result: the result is not JSON, or nested too deeply"},
  };
  for (const auto& [body, shown] : table) {
    EXPECT_EQ(Shown(Map(body)), shown) << body;
  }
}

TEST(ResultMappingTest, WhatDoesNotClaimToBeJsonMayBeText) {
  EXPECT_EQ(Shown(Map("hi \"you\"\n", "text/plain")),
            R"(200 {} "hi \"you\"\n")");
  EXPECT_EQ(Shown(Map("{\"a\":1}", "application/x-www-form-urlencoded")),
            R"(200 {} {"a":1})");
}

TEST(ResultMappingTest, StreamedHttpResponses) {
  const std::string type =
      "application/vnd.awslambda.http-integration-response";
  const std::string nul(8, '\0');
  EXPECT_EQ(
      Shown(Map(R"({"statusCode":201,"headers":{"a":"b"}})" + nul + "plain",
                type)),
      R"(201 {"a":"b"} "plain")");
  EXPECT_EQ(Shown(Map("{}" + nul + "[1]", type)), "200 {} [1]");
  EXPECT_EQ(Shown(Map("{}", type)), "invalid-result: a prelude without an end");
}

TEST(ResultMappingTest, BoundsAreKept) {
  EXPECT_EQ(Shown(Map('"' + std::string(6291454, 'x') + '"')).size(),
            6291456u + 7);
  EXPECT_EQ(Map('"' + std::string(6291455, 'x') + '"').fault_message,
            "the result has 6291457 bytes, at most 6291456 are allowed");
  HttpRequest request;
  request.body_bytes = 7000002;
  EXPECT_EQ(MapResult(request).fault_message,
            "the result has 7000002 bytes, at most 6291456 are allowed");
  std::string headers;
  for (int i = 0; i < 65; ++i) {
    headers += (i == 0 ? "\"h" : ",\"h") + std::to_string(i) + "\":1";
  }
  EXPECT_EQ(
      Map("{\"statusCode\":200,\"headers\":{" + headers + "}}").fault_message,
      "headers: more than 64");
  EXPECT_EQ(Map("{\"statusCode\":200,\"headers\":{\"a\":\"" +
                std::string(16384, 'x') + "\"}}")
                .fault_message,
            "headers: more than 16384 bytes");
}

}  // namespace
}  // namespace so::init
