#include "sandbox/init/http_message.h"

#include <optional>

#include "gtest/gtest.h"

namespace so::init {
namespace {

using Status = HttpParser::Status;

// The one request in `bytes`, fed in pieces of this size.
std::optional<HttpRequest> Parse(const std::string& bytes, size_t piece) {
  HttpParser parser;
  HttpRequest request;
  for (size_t at = 0; at < bytes.size(); at += piece) {
    parser.Feed(std::string_view(bytes).substr(at, piece));
    Status status;
    while ((status = parser.Next(request)) == Status::kContinue) {
    }
    if (status == Status::kRequest) return request;
    if (status == Status::kBad) return std::nullopt;
  }
  return std::nullopt;
}

TEST(HttpParserTest, ReadsRequestsInAnyPieces) {
  const std::string bytes =
      "POST /a?b HTTP/1.1\r\nHost: x\r\nX-A:  1 \r\nContent-Length: "
      "4\r\n\r\nbody";
  for (size_t piece = 1; piece <= bytes.size(); ++piece) {
    const auto request = Parse(bytes, piece);
    ASSERT_TRUE(request) << piece;
    EXPECT_EQ(request->method, "POST");
    EXPECT_EQ(request->target, "/a?b");
    EXPECT_EQ(request->Header("x-a"), "1");
    EXPECT_EQ(request->body, "body");
    EXPECT_EQ(request->body_bytes, 4u);
    EXPECT_TRUE(request->keep_alive);
  }
}

TEST(HttpParserTest, ReadsChunksAndTrailersInAnyPieces) {
  const std::string bytes =
      "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTrailer: T\r\n\r\n"
      "3;x=y\r\nbod\r\n1\r\ny\r\n0\r\nT: late\r\n\r\n";
  for (size_t piece = 1; piece <= bytes.size(); ++piece) {
    const auto request = Parse(bytes, piece);
    ASSERT_TRUE(request) << piece;
    EXPECT_EQ(request->body, "body");
    EXPECT_EQ(request->Header("t"), "late");
  }
}

TEST(HttpParserTest, RequestsFollowEachOther) {
  HttpParser parser;
  parser.Feed(
      "GET /1 HTTP/1.1\r\n\r\n\r\nGET /2 HTTP/1.0\n\nGET /3 HTTP/1.1\r\n"
      "Connection: Close\r\n\r\nGET /4");
  HttpRequest request;
  ASSERT_EQ(parser.Next(request), Status::kRequest);
  EXPECT_EQ(request.target, "/1");
  ASSERT_EQ(parser.Next(request), Status::kRequest);
  EXPECT_EQ(request.target, "/2");
  EXPECT_FALSE(request.keep_alive);
  ASSERT_EQ(parser.Next(request), Status::kRequest);
  EXPECT_FALSE(request.keep_alive);
  EXPECT_TRUE(request.headers.size() == 1);
  EXPECT_EQ(parser.Next(request), Status::kNeedMore);
}

TEST(HttpParserTest, SaysOnceThatTheClientWaits) {
  HttpParser parser;
  parser.Feed(
      "POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n");
  HttpRequest request;
  EXPECT_EQ(parser.Next(request), Status::kContinue);
  EXPECT_EQ(parser.Next(request), Status::kNeedMore);
  parser.Feed("x");
  EXPECT_EQ(parser.Next(request), Status::kRequest);
}

TEST(HttpParserTest, CountsWhatItDoesNotKeep) {
  const size_t size = 20 << 20;
  HttpParser parser;
  parser.Feed("POST / HTTP/1.1\r\nContent-Length: " + std::to_string(size) +
              "\r\n\r\n");
  HttpRequest request;
  ASSERT_EQ(parser.Next(request), Status::kNeedMore);
  const std::string mebibyte(1 << 20, 'x');
  for (int i = 0; i < 19; ++i) {
    parser.Feed(mebibyte);
    ASSERT_EQ(parser.Next(request), Status::kNeedMore);
  }
  parser.Feed(mebibyte);
  ASSERT_EQ(parser.Next(request), Status::kRequest);
  EXPECT_EQ(request.body_bytes, size);
  EXPECT_EQ(request.body.size(), kMaxHttpBodyBytes);
}

TEST(HttpParserTest, HeadersMayHoldAMebibyte) {
  const auto request = Parse(
      "GET / HTTP/1.1\r\nX: " + std::string(1 << 20, 'x') + "\r\n\r\n", 65536);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->Header("x").size(), size_t{1} << 20);
}

TEST(HttpParserTest, RefusesWhatIsNotHttp) {
  std::string many_headers = "GET / HTTP/1.1\r\n";
  for (int i = 0; i < 200; ++i) many_headers += "a: b\r\n";
  for (const std::string& bytes : {
           std::string("hello\r\n"),
           std::string("GET /\r\n"),
           std::string("GET / HTTP/2\r\n"),
           std::string("G T / HTTP/1.1x\r\n"),
           std::string(" / HTTP/1.1\r\n"),
           std::string("GET / HTTP/1.1\r\nno colon\r\n"),
           std::string("GET / HTTP/1.1\r\n: x\r\n"),
           std::string("GET / HTTP/1.1\r\na b: x\r\n"),
           std::string("POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n"),
           std::string("POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"),
           std::string("POST / HTTP/1.1\r\nContent-Length: "
                       "99999999999999999999999\r\n\r\n"),
           std::string("POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n"),
           std::string("POST / HTTP/1.1\r\nTransfer-Encoding: "
                       "chunked\r\nContent-Length: 1\r\n\r\n"),
           std::string(
               "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n"),
           std::string("POST / HTTP/1.1\r\nTransfer-Encoding: "
                       "chunked\r\n\r\n1\r\nxy\r\n"),
           "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" +
               std::string(500, '1'),
           std::string(2 << 20, 'x'),
           many_headers,
       }) {
    HttpParser parser;
    parser.Feed(bytes);
    HttpRequest request;
    EXPECT_EQ(parser.Next(request), Status::kBad) << bytes.substr(0, 99);
    EXPECT_EQ(parser.Next(request), Status::kBad);
    EXPECT_GE(parser.bad_status(), 400);
  }
}

TEST(HttpReplyTest, HeadHasLengthAndHeaders) {
  EXPECT_EQ(
      EncodeReplyHead({.status = 202, .headers = {{"A", "b"}}, .body = "x"},
                      /*keep_alive=*/false),
      "HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\n"
      "Content-Length: 1\r\nA: b\r\nConnection: close\r\n\r\n");
}

}  // namespace
}  // namespace so::init
