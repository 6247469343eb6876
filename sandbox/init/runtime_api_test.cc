#include "sandbox/init/runtime_api.h"

#include <map>
#include <vector>

#include "gtest/gtest.h"

namespace so::init {
namespace {

const Nonce kConfig = {'c'};
const Nonce kInvocation = {'i'};

// One of each that was sent last, and the order of all.
class FakePort : public RuntimeApiPort {
 public:
  void Send(FrameType type, const Nonce& nonce,
            std::string_view payload) override {
    types.push_back(type);
    last_nonce = nonce;
    last_payload = payload;
  }
  void Reply(ConnectionId connection, HttpReply reply) override {
    replies[connection] = std::move(reply);
  }
  int64_t NowMillis() override { return 1'700'000'000'000; }
  std::string RandomHex() override { return std::string(32, 'f'); }

  std::vector<FrameType> types;
  Nonce last_nonce = {};
  std::string last_payload;
  std::map<ConnectionId, HttpReply> replies;
};

class RuntimeApiTest : public ::testing::Test {
 protected:
  // The status of the reply, 0 while there is none.
  int Request(ConnectionId connection, const std::string& method,
              const std::string& path, std::string body = "null",
              std::vector<std::pair<std::string, std::string>> headers = {}) {
    port_.replies.erase(connection);
    HttpRequest request{.method = method,
                        .target = "/2018-06-01/runtime/" + path,
                        .headers = std::move(headers)};
    request.body_bytes = body.size();
    request.body = std::move(body);
    api_.OnRequest(connection, std::move(request));
    return Status(connection);
  }
  int Status(ConnectionId connection) {
    const auto it = port_.replies.find(connection);
    return it == port_.replies.end() ? 0 : it->second.status;
  }
  bool Invoke(const std::string& meta = R"({"requestId":"r1","timeoutMs":500})",
              const std::string& event = R"({"a":1})") {
    return api_.OnInvoke(kInvocation, EncodeTwoParts(meta, event));
  }
  // An invocation that the bootstrap is running.
  void Start() {
    Request(1, "GET", "invocation/next");
    ASSERT_TRUE(Invoke());
    ASSERT_EQ(Status(1), 200);
  }

  FakePort port_;
  RuntimeApi api_{kConfig, "arn", /*concurrency=*/1, port_};
};

// Three invocations at a time.
class ConcurrentRuntimeApiTest : public ::testing::Test {
 protected:
  ConcurrentRuntimeApiTest() {
    for (ConnectionId connection = 1; connection <= 3; ++connection) {
      Next(connection);
    }
  }
  void Next(ConnectionId connection) {
    port_.replies.erase(connection);
    api_.OnRequest(
        connection,
        {.method = "GET", .target = "/2018-06-01/runtime/invocation/next"});
  }
  int Respond(ConnectionId connection, const std::string& request_id) {
    HttpRequest request{
        .method = "POST",
        .target = "/2018-06-01/runtime/invocation/" + request_id + "/response",
        .body = "1"};
    request.body_bytes = 1;
    api_.OnRequest(connection, std::move(request));
    return port_.replies[connection].status;
  }
  bool Invoke(char nonce, const std::string& request_id) {
    return api_.OnInvoke(
        Nonce{nonce},
        EncodeTwoParts(
            R"({"requestId":")" + request_id + R"(","timeoutMs":500})", "1"));
  }
  std::string NameOn(ConnectionId connection) {
    for (const auto& [name, value] : port_.replies[connection].headers) {
      if (name == "Lambda-Runtime-Aws-Request-Id") return value;
    }
    return "";
  }

  FakePort port_;
  RuntimeApi api_{kConfig, "arn", /*concurrency=*/3, port_};
};

TEST_F(ConcurrentRuntimeApiTest, RunsSoManyAndAnswersEachByItsNonce) {
  EXPECT_EQ(port_.types, std::vector<FrameType>{FrameType::kReady});
  ASSERT_TRUE(Invoke('a', "r1"));
  ASSERT_TRUE(Invoke('b', "r2"));
  ASSERT_TRUE(Invoke('c', "r3"));
  EXPECT_FALSE(Invoke('d', "r4"));
  EXPECT_EQ(NameOn(1), "r1");
  EXPECT_EQ(NameOn(3), "r3");
  EXPECT_EQ(Respond(2, "r2"), 202);
  EXPECT_EQ(port_.last_nonce, Nonce{'b'});
  EXPECT_EQ(Respond(2, "r2"), 403);
  EXPECT_EQ(Respond(1, "r1"), 202);
  EXPECT_EQ(port_.last_nonce, Nonce{'a'});
  Next(1);
  ASSERT_TRUE(Invoke('d', "r4"));
  EXPECT_EQ(NameOn(1), "r4");
}

TEST_F(ConcurrentRuntimeApiTest, ANewRequestTakesThePlaceOfTheOldest) {
  Next(4);
  EXPECT_EQ(port_.replies[1].status, 403);
  ASSERT_TRUE(Invoke('a', "r1"));
  EXPECT_EQ(NameOn(2), "r1");
}

TEST_F(ConcurrentRuntimeApiTest, TheSameIdTwiceIsTwoInvocations) {
  ASSERT_TRUE(Invoke('a', "same"));
  ASSERT_TRUE(Invoke('b', "same"));
  EXPECT_EQ(NameOn(1), "same");
  EXPECT_EQ(NameOn(2), "same-2");
  EXPECT_EQ(Respond(2, "same-2"), 202);
  EXPECT_EQ(port_.last_nonce, Nonce{'b'});
  EXPECT_EQ(Respond(1, "same"), 202);
  EXPECT_EQ(port_.last_nonce, Nonce{'a'});
}

TEST_F(RuntimeApiTest, TheFirstNextMeansReady) {
  EXPECT_EQ(Request(1, "GET", "invocation/next"), 0);
  EXPECT_EQ(port_.types, std::vector<FrameType>{FrameType::kReady});
  EXPECT_EQ(port_.last_nonce, kConfig);
}

TEST_F(RuntimeApiTest, AnInvocationGoesToWhoWaits) {
  Start();
  EXPECT_EQ(port_.types.back(), FrameType::kStarted);
  EXPECT_EQ(port_.last_nonce, kInvocation);
  const HttpReply& reply = port_.replies[1];
  EXPECT_EQ(reply.body, R"({"a":1})");
  const std::map<std::string, std::string> headers(reply.headers.begin(),
                                                   reply.headers.end());
  EXPECT_EQ(headers.at("Lambda-Runtime-Aws-Request-Id"), "r1");
  EXPECT_EQ(headers.at("Lambda-Runtime-Deadline-Ms"), "1700000000500");
  EXPECT_EQ(headers.at("Lambda-Runtime-Invoked-Function-Arn"), "arn");
  EXPECT_EQ(headers.at("Lambda-Runtime-Trace-Id"),
            "Root=1-6553f100-ffffffffffffffffffffffff;Sampled=0");
  EXPECT_EQ(Request(1, "POST", "invocation/r1/response", "[1]"), 202);
  EXPECT_EQ(port_.types.back(), FrameType::kResult);
}

TEST_F(RuntimeApiTest, AnInvocationWaitsForABusyBootstrap) {
  Start();
  ASSERT_EQ(Request(1, "POST", "invocation/r1/response"), 202);
  ASSERT_TRUE(Invoke(R"({"requestId":"r2","timeoutMs":1})"));
  EXPECT_EQ(port_.types.back(), FrameType::kResult);
  EXPECT_EQ(Request(1, "GET", "invocation/next"), 200);
  EXPECT_EQ(port_.types.back(), FrameType::kStarted);
}

TEST_F(RuntimeApiTest, ErrorsAreTold) {
  Start();
  EXPECT_EQ(Request(1, "POST", "invocation/r1/error",
                    R"({"errorType":"T","errorMessage":"m"})"),
            202);
  EXPECT_EQ(port_.types.back(), FrameType::kError);
  EXPECT_EQ(port_.last_payload,
            R"({"kind":"error","message":"m","stack":[],"type":"T"})");
}

TEST_F(RuntimeApiTest, ResultsThatCannotBeOnesAreErrors) {
  Start();
  EXPECT_EQ(Request(1, "POST", "invocation/r1/response", "oops",
                    {{"content-type", "application/json"}}),
            202);
  EXPECT_NE(port_.last_payload.find("invalid-result"), std::string::npos);
  Start();
  EXPECT_EQ(Request(1, "POST", "invocation/r1/response",
                    '"' + std::string(6 << 20, 'x') + '"'),
            413);
  EXPECT_NE(port_.last_payload.find("result-too-large"), std::string::npos);
}

TEST_F(RuntimeApiTest, AnInitErrorIsTheEnd) {
  EXPECT_EQ(Request(1, "POST", "init/error", R"({"errorType":"T"})"), 202);
  EXPECT_EQ(port_.types, std::vector<FrameType>{FrameType::kInitError});
  EXPECT_EQ(port_.last_nonce, kConfig);
  EXPECT_EQ(Request(1, "POST", "init/error"), 403);
  EXPECT_EQ(Request(1, "GET", "invocation/next"), 403);
  EXPECT_FALSE(Invoke());
}

TEST_F(RuntimeApiTest, WhatIsOutOfTurnIsRefused) {
  EXPECT_EQ(Request(1, "POST", "invocation/r1/response"), 400);
  EXPECT_EQ(Request(1, "POST", "invocation//response"), 403);
  Start();
  const size_t sent = port_.types.size();
  EXPECT_EQ(Request(2, "GET", "invocation/next"), 403);
  EXPECT_EQ(Request(2, "POST", "init/error"), 403);
  EXPECT_EQ(Request(2, "POST", "invocation/r0/response"), 400);
  EXPECT_EQ(Request(2, "POST", "invocation/r1/other"), 404);
  EXPECT_EQ(Request(2, "POST", "invocation/r1"), 404);
  EXPECT_EQ(Request(2, "GET", "invocation/r1/response"), 404);
  EXPECT_EQ(Request(2, "GET", "restore/next"), 404);
  EXPECT_EQ(Request(2, "POST", "invocation/r1/response", "1",
                    {{"lambda-runtime-function-response-mode", "x"}}),
            400);
  EXPECT_EQ(port_.types.size(), sent);
  EXPECT_EQ(Request(1, "POST", "invocation/r1/response"), 202);
  EXPECT_EQ(Request(1, "POST", "invocation/r1/response"), 403);
  EXPECT_EQ(Request(1, "POST", "invocation/r1/error"), 403);
  EXPECT_EQ(port_.types.size(), sent + 1);
}

TEST_F(RuntimeApiTest, TheNewestWaiterIsServed) {
  Request(1, "GET", "invocation/next");
  Request(2, "GET", "invocation/next");
  EXPECT_EQ(Status(1), 403);
  ASSERT_TRUE(Invoke());
  EXPECT_EQ(Status(2), 200);
}

TEST_F(RuntimeApiTest, AClosedWaiterIsForgotten) {
  Request(1, "GET", "invocation/next");
  api_.OnClosed(1);
  ASSERT_TRUE(Invoke());
  EXPECT_EQ(Status(1), 0);
  EXPECT_EQ(Request(2, "GET", "invocation/next"), 200);
}

TEST_F(RuntimeApiTest, BadInvocationsAreRefused) {
  EXPECT_FALSE(Invoke());  // Before READY.
  Request(1, "GET", "invocation/next");
  EXPECT_FALSE(api_.OnInvoke(kInvocation, "x"));
  EXPECT_FALSE(Invoke("[]"));
  EXPECT_FALSE(Invoke(R"({"requestId":"a\r\nb","timeoutMs":1})"));
  EXPECT_FALSE(Invoke(R"({"requestId":"a"})"));
  ASSERT_TRUE(Invoke());
  EXPECT_FALSE(Invoke());
}

TEST(TraceIdTest, FollowsTheTraceparent) {
  EXPECT_EQ(TraceId("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                    0, std::string(24, '0')),
            "Root=1-0af76519-16cd43dd8448eb211c80319c;Parent=b7ad6b7169203331;"
            "Sampled=1");
  EXPECT_EQ(TraceId("00-0af7651916cd43dd8448eb211c80319c\r\nb7ad6b7169203331-1",
                    16'000, std::string(30, 'a')),
            "Root=1-00000010-aaaaaaaaaaaaaaaaaaaaaaaa;Sampled=0");
}

}  // namespace
}  // namespace so::init
