// Answers that are passed on while the function writes them.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/pool/testing/pool_fixture.h"

namespace so {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

namespace pb = serverless::pool::v1;

constexpr absl::string_view kHead = R"({"statusCode":206,"headers":{"a":"b"}})";

// One warm instance with a call under way that is to stream.
struct Streaming {
  explicit Streaming(bool stream = true, int concurrency = 1) {
    auto function = PoolFixture::MakeFunction("hello");
    function.set_concurrency(concurrency);
    f.Put(function);
    process = &f.WarmOne("hello");
    Begin(1, stream);
  }
  Nonce Begin(uint64_t dispatch_id, bool stream = true) {
    pb::Dispatch request;
    request.set_dispatch_id(dispatch_id);
    request.set_request_id("req");
    request.set_instance_id("inst-000001");
    request.set_event("{}");
    request.set_timeout(1000);
    request.set_stream(stream);
    f.pool->Dispatch(f.router, request);
    process->Say(FrameType::kStarted);
    return process->nonce;
  }
  void Head() { process->Say(FrameType::kHead, kHead); }
  void Data(size_t bytes) {
    process->Say(FrameType::kData, std::string(bytes, 'x'));
  }
  void Grant(int bytes, RouterId router) {
    pb::Credit credit;
    credit.set_dispatch_id(1);
    credit.set_instance_id("inst-000001");
    credit.set_bytes(bytes);
    f.pool->Grant(router, credit);
  }
  // What the router has heard: "head 206", sizes of data, how it ended.
  std::vector<std::string> Heard() const {
    std::vector<std::string> heard;
    for (const auto& m : f.link.messages) {
      if (m.has_part() && m.part().has_head()) {
        heard.push_back(absl::StrCat("head ", m.part().head().status_code()));
      } else if (m.has_part()) {
        heard.push_back(absl::StrCat(m.part().data().size()));
      } else if (m.has_result()) {
        heard.push_back(absl::StrCat("end ", m.result().error().code()));
      }
    }
    return heard;
  }
  // Payloads of the CREDIT frames that the process has got.
  std::vector<std::string> Credits() const {
    std::vector<std::string> credits;
    for (const auto& [type, payload] : process->received) {
      if (type == FrameType::kCredit) credits.push_back(payload);
    }
    return credits;
  }

  PoolFixture f;
  FakeProcess* process;
};

TEST(InstanceStreamingTest, PassesOnHeadAndDataAndEndsWithoutABody) {
  Streaming s;
  EXPECT_THAT(s.process->received.back().second, HasSubstr(R"("stream":true)"));
  s.Head();
  s.Data(3);
  s.Data(65536);
  s.process->Print("hi\n");
  s.process->Say(FrameType::kEnd);
  EXPECT_THAT(s.Heard(), ElementsAre("head 206", "3", "65536", "end "));
  const pb::ResponsePart head =
      s.f.link.Of(&pb::AttachResponse::has_part)[0].part();
  EXPECT_EQ(head.dispatch_id(), 1u);
  EXPECT_EQ(head.instance_id(), "inst-000001");
  EXPECT_EQ(head.head().headers().at("a"), "b");
  const pb::Result result =
      s.f.link.Of(&pb::AttachResponse::has_result)[0].result();
  EXPECT_EQ(result.status_code(), 206);
  EXPECT_EQ(result.headers().at("a"), "b");
  EXPECT_EQ(result.body(), "");
  EXPECT_THAT(result.logs(), ElementsAre("hi"));
  EXPECT_TRUE(result.instance_free());
  EXPECT_EQ(s.f.Count("hello", "warm"), 1);
}

TEST(InstanceStreamingTest, WhatComesTogetherGoesOnTogether) {
  Streaming s;
  const Nonce nonce = s.process->nonce;
  std::string bytes = EncodeFrame(FrameType::kHead, nonce, kHead);
  for (int i = 0; i < 1000; ++i) {
    bytes += EncodeFrame(FrameType::kData, nonce, "x");
  }
  s.process->SayRaw(bytes);
  EXPECT_THAT(s.Heard(), ElementsAre("head 206", "1000"));
  bytes = EncodeFrame(FrameType::kData, nonce, std::string(65536, 'x')) +
          EncodeFrame(FrameType::kData, nonce, "x") +
          EncodeFrame(FrameType::kEnd, nonce, "");
  s.process->SayRaw(bytes);
  EXPECT_THAT(s.Heard(), ElementsAre("head 206", "1000", "65536", "1", "end "));
}

TEST(InstanceStreamingTest, CreditGoesToTheProcessAndCounts) {
  Streaming s;
  s.Head();
  for (int i = 0; i < 4; ++i) s.Data(65536);
  s.Grant(65537, s.f.router);
  EXPECT_THAT(s.Credits(), ElementsAre(std::string("\0\1\0\1", 4)));
  s.Data(65536);
  s.Data(1);
  EXPECT_FALSE(s.process->killed);
  s.Data(1);
  EXPECT_TRUE(s.process->killed);
  EXPECT_EQ(s.Heard().back(), "end FUNCTION_PROTOCOL_ERROR");
}

TEST(InstanceStreamingTest, MoreThanItsCreditIsNotPassedOn) {
  Streaming s;
  s.Head();
  for (int i = 0; i < 4; ++i) s.Data(65536);
  s.Data(1);
  EXPECT_THAT(s.Heard(), ElementsAre("head 206", "65536", "65536", "65536",
                                     "65536", "end FUNCTION_PROTOCOL_ERROR"));
}

TEST(InstanceStreamingTest, CreditIsForTheCallOfItsRouterOnly) {
  Streaming s;
  s.Head();
  s.Data(1);
  s.Grant(1, s.f.router + 1);
  s.Grant(0, s.f.router);
  s.Grant(-1, s.f.router);
  EXPECT_THAT(s.Credits(), IsEmpty());
  s.process->Say(FrameType::kEnd);
  s.Grant(1, s.f.router);  // Too late.
  EXPECT_THAT(s.Credits(), IsEmpty());
  Streaming whole(/*stream=*/false);
  whole.Grant(1, whole.f.router);
  EXPECT_THAT(whole.Credits(), IsEmpty());
}

TEST(InstanceStreamingTest, EndsWithAnErrorAfterItsData) {
  Streaming s;
  s.Head();
  s.Data(3);
  s.process->Say(FrameType::kError,
                 R"({"kind":"error","type":"E","message":"m","stack":[]})");
  EXPECT_THAT(s.Heard(), ElementsAre("head 206", "3", "end FUNCTION_ERROR"));
  EXPECT_EQ(s.f.Count("hello", "warm"), 1);
}

TEST(InstanceStreamingTest, TheDeadlineEndsAStream) {
  Streaming s;
  s.Head();
  s.Data(3);
  s.f.clock.Advance(absl::Seconds(1));
  EXPECT_THAT(s.Heard(), ElementsAre("head 206", "3", "end FUNCTION_TIMEOUT"));
  EXPECT_TRUE(s.process->killed);
}

TEST(InstanceStreamingTest, MayAnswerWithAResultInstead) {
  Streaming s;
  s.process->Answer("[1]");
  EXPECT_THAT(s.Heard(), ElementsAre("end "));
  EXPECT_EQ(s.f.link.Of(&pb::AttachResponse::has_result)[0].result().body(),
            "[1]");
}

TEST(InstanceStreamingTest, WhatIsOutOfTurnIsAViolation) {
  const std::string head(kHead);
  using Say = std::pair<FrameType, std::string>;
  const std::vector<std::vector<Say>> violations = {
      {{FrameType::kData, "x"}},
      {{FrameType::kEnd, ""}},
      {{FrameType::kHead, "{}"}},
      {{FrameType::kHead, head}, {FrameType::kHead, head}},
      {{FrameType::kHead, head}, {FrameType::kData, ""}},
      {{FrameType::kHead, head}, {FrameType::kData, std::string(65537, 'x')}},
      {{FrameType::kHead, head}, {FrameType::kEnd, "x"}},
      {{FrameType::kHead, head}, {FrameType::kCredit, "1234"}},
      {{FrameType::kHead, head},
       {FrameType::kResult, EncodeTwoParts(head, "[1]")}},
  };
  for (const auto& violation : violations) {
    Streaming s;
    for (const auto& [type, payload] : violation) s.process->Say(type, payload);
    EXPECT_EQ(s.Heard().back(), "end FUNCTION_PROTOCOL_ERROR")
        << static_cast<int>(violation.back().first);
  }
  Streaming whole(/*stream=*/false);
  EXPECT_THAT(whole.process->received.back().second, Not(HasSubstr("stream")));
  whole.Head();
  EXPECT_EQ(whole.Heard().back(), "end FUNCTION_PROTOCOL_ERROR");
}

TEST(InstanceStreamingTest, SideBySideEachHasItsOwnCredit) {
  Streaming s(/*stream=*/true, /*concurrency=*/2);
  const Nonce first = s.process->nonce;
  const Nonce second = s.Begin(2);
  for (const Nonce& nonce : {first, second}) {
    s.process->SayWith(nonce, FrameType::kHead, kHead);
    for (int i = 0; i < 4; ++i) {
      s.process->SayWith(nonce, FrameType::kData, std::string(65536, 'x'));
    }
  }
  s.Grant(1, s.f.router);
  EXPECT_EQ(s.process->nonce, first);
  s.process->SayWith(first, FrameType::kData, "x");
  s.process->SayWith(first, FrameType::kEnd, "");
  EXPECT_EQ(s.Heard().back(), "end ");
  s.process->SayWith(second, FrameType::kData, "x");
  EXPECT_EQ(s.Heard().back(), "end FUNCTION_PROTOCOL_ERROR");
}

TEST(InstanceStreamingTest, GoesOnForNobodyWhenItsRouterHasGone) {
  Streaming s;
  s.Head();
  s.Data(3);
  s.f.pool->Detach(s.f.router);
  EXPECT_THAT(s.Credits(), ElementsAre(std::string("\0\0\0\3", 4)));
  for (int i = 0; i < 100; ++i) s.Data(65536);
  EXPECT_EQ(s.Credits().size(), 101u);
  s.process->Say(FrameType::kEnd);
  EXPECT_FALSE(s.process->killed);
  EXPECT_EQ(s.f.Count("hello", "warm"), 1);
  EXPECT_THAT(s.Heard(), ElementsAre("head 206", "3"));
}

}  // namespace
}  // namespace so
