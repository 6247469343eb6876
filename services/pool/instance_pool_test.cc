#include "services/pool/instance_pool.h"

#include "base/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/pool/testing/pool_fixture.h"

namespace so {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

namespace pb = serverless::pool::v1;

// What the pool told the router last, of one kind.
pb::Result LastResult(const PoolFixture& f) {
  return f.link.Of(&pb::AttachResponse::has_result).back().result();
}
pb::StartFailed LastFailure(const PoolFixture& f) {
  return f.link.Of(&pb::AttachResponse::has_start_failed).back().start_failed();
}
pb::Rejected LastRejected(const PoolFixture& f) {
  return f.link.Of(&pb::AttachResponse::has_rejected).back().rejected();
}
std::vector<InstanceState> States(const PoolFixture& f,
                                  const std::string& instance_id) {
  std::vector<InstanceState> states;
  for (const auto& m : f.link.Of(&pb::AttachResponse::has_instance)) {
    if (m.instance().instance_id() == instance_id) {
      states.push_back(m.instance().state());
    }
  }
  return states;
}

TEST(InstancePoolTest, RunsAnInvocationOnAnInstanceStartedOnDemand) {
  PoolFixture f;
  f.Put(PoolFixture::MakeFunction("hello"));
  f.StartInstance("hello", "s-1");
  FakeProcess& process = f.sandbox.last();
  process.Print("loading\n");
  f.clock.Advance(absl::Milliseconds(20));
  process.Hello();
  f.clock.Advance(absl::Milliseconds(5));
  process.Say(FrameType::kReady);

  const auto warm =
      f.link.Of(&pb::AttachResponse::has_instance).back().instance();
  EXPECT_EQ(warm.instance_id(), "inst-000001");
  EXPECT_EQ(warm.start_id(), "s-1");
  EXPECT_EQ(warm.state(), pb::INSTANCE_STATE_WARM);
  EXPECT_EQ(warm.start_ms(), 20);
  EXPECT_EQ(warm.init_ms(), 5);

  f.Dispatch("inst-000001");
  process.Say(FrameType::kStarted);
  EXPECT_EQ(
      f.link.Of(&pb::AttachResponse::has_started).back().started().request_id(),
      "req-1");
  f.clock.Advance(absl::Milliseconds(3));
  process.unread = "hi\n";
  process.Answer(R"({"a":1})", 201);
  const pb::Result result = LastResult(f);
  EXPECT_EQ(result.status_code(), 201);
  EXPECT_EQ(result.body(), R"({"a":1})");
  EXPECT_THAT(result.logs(), ElementsAre("loading", "hi"));
  EXPECT_EQ(result.duration(), 3);
  EXPECT_EQ(result.memory_used(), 12);
  EXPECT_TRUE(result.instance_free());
  EXPECT_EQ(f.Count("hello", "warm"), 1);
}

TEST(InstancePoolTest, RejectsADispatchToWhatIsNotWarm) {
  PoolFixture f;
  f.Put(PoolFixture::MakeFunction("hello"));
  f.Dispatch("inst-000042");
  EXPECT_EQ(LastRejected(f).reason(), "unknown-instance");
  f.WarmOne("hello");
  f.Dispatch("inst-000001", "req-1");
  f.Dispatch("inst-000001", "req-2");
  EXPECT_EQ(LastRejected(f).reason(), "not-warm");
  EXPECT_EQ(LastRejected(f).request_id(), "req-2");
}

TEST(InstancePoolTest, KillsAtTheDeadlineAndKeepsTheLogs) {
  PoolFixture f;
  f.Put(PoolFixture::MakeFunction("hello"));
  FakeProcess& process = f.WarmOne("hello");
  f.Dispatch("inst-000001", "req-1", 500);
  process.Say(FrameType::kStarted);
  process.unread = "before\n";
  f.clock.Advance(absl::Milliseconds(499));
  EXPECT_FALSE(process.killed);
  f.clock.Advance(absl::Milliseconds(1));
  EXPECT_TRUE(process.killed);
  const pb::Result result = LastResult(f);
  EXPECT_EQ(result.error().code(), "FUNCTION_TIMEOUT");
  EXPECT_EQ(result.error().message(), "hello did not finish within 500 ms");
  EXPECT_EQ(result.error().executed(), "yes");
  EXPECT_THAT(result.logs(), ElementsAre("before"));
  EXPECT_FALSE(result.instance_free());
  f.LetDie();
  EXPECT_EQ(f.sandbox.started(), 1u);  // Nothing asks for another one.
}

TEST(InstancePoolTest, NamesTheExitCodeOrSignalOfACrash) {
  PoolFixture f;
  f.Put(PoolFixture::MakeFunction("hello"));
  FakeProcess& first = f.WarmOne("hello");
  f.Dispatch("inst-000001");
  first.Say(FrameType::kStarted);
  first.Exit({.exit_code = 3});
  EXPECT_EQ(LastResult(f).error().code(), "FUNCTION_CRASHED");
  EXPECT_EQ(LastResult(f).error().message(), "hello exited with code 3");
  FakeProcess& second = f.WarmOne("hello");
  f.Dispatch("inst-000002");
  second.Say(FrameType::kStarted);
  second.Exit({.signal = 11});
  EXPECT_EQ(LastResult(f).error().message(),
            "hello was killed by signal 11 (SIGSEGV)");
}

TEST(InstancePoolTest, RejectsWhatDiedBeforeUserCodeRan) {
  PoolFixture f;
  f.Put(PoolFixture::MakeFunction("hello"));
  FakeProcess& process = f.WarmOne("hello");
  f.Dispatch("inst-000001");
  process.Exit({.signal = 9});
  EXPECT_EQ(LastRejected(f).reason(), "died-before-start");
  EXPECT_TRUE(f.link.Of(&pb::AttachResponse::has_result).empty());
}

TEST(InstancePoolTest, ReportsWhyCodeCouldNotBeLoaded) {
  PoolFixture f;
  f.Put(PoolFixture::MakeFunction("hello"));
  f.StartInstance("hello", "s-1");
  f.sandbox.last().Print("oops\n");
  f.sandbox.last().Hello();
  f.sandbox.last().Say(FrameType::kInitError,
                       R"({"type":"SyntaxError","message":"no","stack":[]})");
  EXPECT_EQ(LastFailure(f).error().code(), "FUNCTION_INIT_FAILED");
  EXPECT_EQ(LastFailure(f).error().fault().type(), "SyntaxError");
  EXPECT_THAT(LastFailure(f).logs(), ElementsAre("oops"));

  f.StartInstance("hello", "s-2");
  f.sandbox.last().Exit({.exit_code = 7});
  EXPECT_EQ(LastFailure(f).error().code(), "FUNCTION_INIT_FAILED");
  EXPECT_THAT(LastFailure(f).error().message(),
              HasSubstr("exited with code 7"));

  f.Put(PoolFixture::MakeFunction("slow"));
  f.StartInstance("slow", "s-3");
  f.clock.Advance(absl::Seconds(9));
  f.sandbox.last().Hello();
  f.clock.Advance(absl::Seconds(10));
  EXPECT_THAT(LastFailure(f).error().message(), HasSubstr("within 10000 ms"));
  EXPECT_TRUE(f.sandbox.last().killed);
}

TEST(InstancePoolTest, EndsAnInstanceThatBreaksTheContract) {
  const std::string good = R"({"statusCode":200,"headers":{}})";
  const auto result = [](absl::string_view meta, absl::string_view body) {
    return EncodeTwoParts(meta, body);
  };
  const std::vector<std::pair<std::string, std::function<void(FakeProcess&)>>>
      cases = {
          {"forged nonce",
           [&](FakeProcess& p) {
             p.SayWith(MakeNonce(), FrameType::kResult, result(good, "1"));
           }},
          {"unknown type",
           [](FakeProcess& p) { p.Say(static_cast<FrameType>(99)); }},
          {"second start", [](FakeProcess& p) { p.Say(FrameType::kStarted); }},
          {"ready again", [](FakeProcess& p) { p.Say(FrameType::kReady); }},
          {"garbage", [](FakeProcess& p) { p.SayRaw("\xff\xff\xff\xff"); }},
          {"no meta", [](FakeProcess& p) { p.Say(FrameType::kResult, "x"); }},
          {"body too large",
           [&](FakeProcess& p) {
             p.Say(FrameType::kResult,
                   result(good, std::string(kMaxBodyBytes + 1, '1')));
           }},
          {"status out of range",
           [&](FakeProcess& p) {
             p.Say(FrameType::kResult,
                   result(R"({"statusCode":99,"headers":{}})", "1"));
           }},
          {"header with a line break",
           [&](FakeProcess& p) {
             p.Say(
                 FrameType::kResult,
                 result(R"({"statusCode":200,"headers":{"a":"b\r\nc"}})", "1"));
           }},
          {"error of another shape",
           [](FakeProcess& p) {
             p.Say(FrameType::kError, R"({"kind":"error","type":1})");
           }},
          {"type too long",
           [](FakeProcess& p) {
             p.Say(FrameType::kError,
                   absl::StrCat(R"({"kind":"error","message":"","stack":[],)",
                                R"("type":")", std::string(257, 'x'), "\"}"));
           }},
      };
  for (const auto& [name, misbehave] : cases) {
    PoolFixture f;
    f.Put(PoolFixture::MakeFunction("hello"));
    FakeProcess& process = f.WarmOne("hello");
    f.Dispatch("inst-000001");
    process.Say(FrameType::kStarted);
    misbehave(process);
    EXPECT_TRUE(process.killed) << name;
    EXPECT_EQ(LastResult(f).error().code(), "FUNCTION_PROTOCOL_ERROR") << name;
    EXPECT_EQ(f.link.Of(&pb::AttachResponse::has_result).size(), 1u) << name;
  }
}

TEST(InstancePoolTest, ASecondResultEndsTheInstanceButNotTheAnswer) {
  PoolFixture f;
  f.Put(PoolFixture::MakeFunction("hello"));
  FakeProcess& process = f.WarmOne("hello");
  f.Dispatch("inst-000001");
  process.Say(FrameType::kStarted);
  process.Answer("1");
  process.Answer("2");
  EXPECT_EQ(f.link.Of(&pb::AttachResponse::has_result).size(), 1u);
  EXPECT_EQ(LastResult(f).body(), "1");
  EXPECT_TRUE(process.killed);
}

TEST(InstancePoolTest, AResultThatIsNotJsonSpoilsOnlyItsInvocation) {
  PoolFixture f;
  f.Put(PoolFixture::MakeFunction("hello"));
  FakeProcess& process = f.WarmOne("hello");
  f.Dispatch("inst-000001");
  process.Say(FrameType::kStarted);
  process.Answer("{nope");
  EXPECT_EQ(LastResult(f).error().code(), "FUNCTION_RESULT_INVALID");
  EXPECT_TRUE(LastResult(f).instance_free());
}

TEST(InstancePoolTest, ExpiresTheIdleAndKeepsTheFloor) {
  PoolFixture f;
  auto function = PoolFixture::MakeFunction("hello");
  function.set_min_instances(1);
  f.Put(function);
  EXPECT_EQ(f.ReasonOf("inst-000001"), "min-instances");
  f.sandbox.last().BecomeReady();
  f.WarmOne("hello");
  EXPECT_EQ(f.Count("hello", "warm"), 2);
  f.clock.Advance(absl::Seconds(90));
  EXPECT_EQ(f.Count("hello", "terminating"), 1);
  f.LetDie();
  EXPECT_EQ(f.Count("hello", "warm"), 1);
}

TEST(InstancePoolTest, ReplacesAnOldInstanceBeforeItEndsAndNotUnderACall) {
  PoolFixture f;
  auto function = PoolFixture::MakeFunction("hello");
  function.set_idle_timeout(86400000);
  f.Put(function);
  FakeProcess& old = f.WarmOne("hello");
  f.Dispatch("inst-000001", "req-1", 900000);
  old.Say(FrameType::kStarted);
  f.clock.Advance(absl::Seconds(330));
  ASSERT_EQ(f.sandbox.started(), 2u);
  EXPECT_EQ(f.ReasonOf("inst-000002"), "replacement");
  EXPECT_FALSE(old.terminated);
  f.sandbox.last().BecomeReady();
  EXPECT_FALSE(old.terminated);  // It is busy.
  old.Answer("1");
  EXPECT_TRUE(old.terminated);
  EXPECT_FALSE(LastResult(f).instance_free());
  EXPECT_EQ(f.Count("hello", "warm"), 1);
}

TEST(InstancePoolTest, TargetsStartWhatIsMissingAndHoldUntilTheyExpire) {
  PoolFixture f;
  f.Put(PoolFixture::MakeFunction("hello"));
  pb::SetTargetRequest request;
  request.set_function_id("fn-hello");
  request.set_desired(3);
  request.set_ttl(100000);
  const auto response = f.pool->SetTarget(request);
  SO_ASSERT_OK(response);
  EXPECT_EQ(response->starting(), 3);
  for (size_t i = 0; i < 3; ++i) f.sandbox.at(i)->BecomeReady();
  request.set_desired(1);
  EXPECT_EQ(f.pool->SetTarget(request)->starting(), 0);
  EXPECT_EQ(f.Count("hello", "warm"), 3);  // Never stopped by a target.
  f.clock.Advance(absl::Seconds(90));
  f.LetDie();
  EXPECT_EQ(f.Count("hello", "warm"), 1);
  f.clock.Advance(absl::Seconds(60));
  f.LetDie();
  EXPECT_EQ(f.Count("hello", "warm"), 0);
}

TEST(InstancePoolTest, EvictsTheLongestIdleOfAnotherFunctionWhenFull) {
  PoolFixture f({.capacity = {.instances = 2, .memory = 4096}});
  f.Put(PoolFixture::MakeFunction("one"));
  f.Put(PoolFixture::MakeFunction("two"));
  FakeProcess& longest = f.WarmOne("one");
  f.clock.Advance(absl::Seconds(1));
  f.WarmOne("one");
  f.StartInstance("two", "s-2");
  EXPECT_TRUE(longest.killed);
  EXPECT_EQ(f.sandbox.started(), 3u);
}

TEST(InstancePoolTest, RefusesAStartWhenNothingCanMakeRoom) {
  PoolFixture f({.capacity = {.instances = 1, .memory = 4096}});
  f.Put(PoolFixture::MakeFunction("one"));
  f.Put(PoolFixture::MakeFunction("two"));
  f.WarmOne("one");
  f.Dispatch("inst-000001");
  f.StartInstance("two", "s-2");
  EXPECT_EQ(LastFailure(f).start_id(), "s-2");
  EXPECT_EQ(LastFailure(f).error().code(), "NO_CAPACITY");
}

TEST(InstancePoolTest, TellsRoutersWhatTheNodeGrantsAndWhatAnInstanceTakes) {
  PoolFixture f({.capacity = {.instances = 7, .memory = 4096}});
  const auto hello = f.link.Of(&pb::AttachResponse::has_hello).back().hello();
  EXPECT_EQ(hello.max_instances(), 7);
  EXPECT_EQ(hello.memory_budget(), 4096);
  auto function = PoolFixture::MakeFunction("one");
  function.set_memory(512);
  f.Put(function);
  f.WarmOne("one");
  EXPECT_EQ(
      f.link.Of(&pb::AttachResponse::has_instance).back().instance().memory(),
      512);
}

TEST(InstancePoolTest, FreeInstanceGivesWayToAStart) {
  PoolFixture f({.capacity = {.instances = 2, .memory = 4096}});
  f.Put(PoolFixture::MakeFunction("one"));
  f.Put(PoolFixture::MakeFunction("two"));
  f.WarmOne("one");
  f.Dispatch("inst-000001", "req-1", 60000);
  f.clock.Advance(absl::Seconds(1));
  FakeProcess& free = f.WarmOne("one");
  // A target of the scaler's does not take the room back.
  pb::SetTargetRequest target;
  target.set_function_id("fn-one");
  target.set_desired(5);
  target.set_ttl(60000);
  SO_ASSERT_OK(f.pool->SetTarget(target));
  pb::StartInstance request;
  request.set_start_id("s-2");
  request.set_function_id("fn-two");
  request.set_version(1);
  request.set_in_place_of("inst-000002");
  f.pool->StartInstance(f.router, request);
  EXPECT_TRUE(free.killed);
  EXPECT_EQ(f.sandbox.started(), 3u);
  EXPECT_EQ(f.Count("two", "warming"), 1);
}

TEST(InstancePoolTest, BusyInstanceDoesNotGiveWay) {
  PoolFixture f({.capacity = {.instances = 1, .memory = 4096}});
  f.Put(PoolFixture::MakeFunction("one"));
  f.Put(PoolFixture::MakeFunction("two"));
  FakeProcess& busy = f.WarmOne("one");
  f.Dispatch("inst-000001");
  pb::StartInstance request;
  request.set_start_id("s-2");
  request.set_function_id("fn-two");
  request.set_version(1);
  request.set_in_place_of("inst-000001");
  f.pool->StartInstance(f.router, request);
  EXPECT_FALSE(busy.killed);
  EXPECT_EQ(LastFailure(f).error().code(), "NO_CAPACITY");
  EXPECT_TRUE(LastFailure(f).node_full());
}

TEST(InstancePoolTest, AfterACallFoundNoRoomTargetsWait) {
  PoolFixture f({.capacity = {.instances = 1, .memory = 4096}});
  f.Put(PoolFixture::MakeFunction("one"));
  f.Put(PoolFixture::MakeFunction("two"));
  pb::SetTargetRequest target;
  target.set_function_id("fn-one");
  target.set_desired(1);
  target.set_ttl(600000);
  SO_ASSERT_OK(f.pool->SetTarget(target));
  f.sandbox.last().BecomeReady();
  f.Dispatch("inst-000001");
  f.StartInstance("two", "s-2");
  EXPECT_TRUE(LastFailure(f).node_full());
  f.sandbox.last().Exit({.exit_code = 1});
  SO_ASSERT_OK(f.pool->SetTarget(target));
  EXPECT_EQ(f.sandbox.started(), 1u);
  f.clock.Advance(absl::Seconds(3));
  SO_ASSERT_OK(f.pool->SetTarget(target));
  EXPECT_EQ(f.sandbox.started(), 2u);
}

TEST(InstancePoolTest, HoldsAFunctionToItsMaximum) {
  PoolFixture f;
  auto function = PoolFixture::MakeFunction("hello");
  function.set_max_instances(1);
  f.Put(function);
  f.WarmOne("hello");
  f.StartInstance("hello", "s-2");
  EXPECT_EQ(LastFailure(f).error().code(), "NO_CAPACITY");
  EXPECT_FALSE(LastFailure(f).node_full());
}

TEST(InstancePoolTest, AFreeInstanceOfAnotherVersionGivesWayWithinTheMaximum) {
  PoolFixture f;
  for (const int version : {1, 2}) {
    auto function = PoolFixture::MakeFunction("hello", version);
    function.set_max_instances(1);
    f.Put(function);
  }
  FakeProcess& old = f.WarmOne("hello", 1);
  f.StartInstance("hello", "s-2", 2);
  EXPECT_TRUE(old.killed);
  EXPECT_EQ(f.sandbox.started(), 2u);
}

TEST(InstancePoolTest, ANewVersionRetiresTheOldOnes) {
  PoolFixture f;
  f.Put(PoolFixture::MakeFunction("hello"));
  FakeProcess& idle = f.WarmOne("hello");
  FakeProcess& busy = f.WarmOne("hello");
  f.Dispatch("inst-000002");
  busy.Say(FrameType::kStarted);
  f.Put(PoolFixture::MakeFunction("hello", 2));
  EXPECT_TRUE(idle.terminated);
  EXPECT_FALSE(busy.terminated);
  busy.Answer("1");
  EXPECT_TRUE(busy.terminated);
  EXPECT_EQ(LastResult(f).body(), "1");
}

TEST(InstancePoolTest, APatchOfTheLimitsRetiresButOfTheTextDoesNot) {
  PoolFixture f;
  auto function = PoolFixture::MakeFunction("hello");
  f.Put(function);
  FakeProcess& process = f.WarmOne("hello");
  function.set_description("new");
  f.Put(function);
  EXPECT_FALSE(process.terminated);
  function.set_memory(256);
  f.Put(function);
  EXPECT_TRUE(process.terminated);
}

TEST(InstancePoolTest, ADeletedFunctionLosesItsInstances) {
  PoolFixture f;
  f.Put(PoolFixture::MakeFunction("hello"));
  FakeProcess& warm = f.WarmOne("hello");
  f.StartInstance("hello", "s-2");
  f.Delete("hello");
  EXPECT_TRUE(warm.terminated);
  EXPECT_EQ(LastFailure(f).start_id(), "s-2");
  EXPECT_EQ(LastFailure(f).error().code(), "NOT_FOUND");
  f.LetDie();
  EXPECT_EQ(f.pool->GetMetrics().metrics_size(), 0);
}

TEST(InstancePoolTest, ReuseNeverEndsTheInstanceAfterItsCall) {
  PoolFixture f;
  auto function = PoolFixture::MakeFunction("hello");
  function.set_reuse("never");
  f.Put(function);
  FakeProcess& process = f.WarmOne("hello");
  f.Dispatch("inst-000001");
  process.Say(FrameType::kStarted);
  process.Answer("1");
  EXPECT_FALSE(LastResult(f).instance_free());
  EXPECT_TRUE(process.killed);
  EXPECT_THAT(States(f, "inst-000001"),
              ElementsAre(pb::INSTANCE_STATE_WARMING, pb::INSTANCE_STATE_WARM,
                          pb::INSTANCE_STATE_TERMINATING));
}

TEST(InstancePoolTest, KillsWhatIgnoresSigterm) {
  PoolFixture f;
  f.Put(PoolFixture::MakeFunction("hello"));
  FakeProcess& process = f.WarmOne("hello");
  f.Delete("hello");
  EXPECT_TRUE(process.terminated);
  f.clock.Advance(absl::Milliseconds(499));
  EXPECT_FALSE(process.killed);
  f.clock.Advance(absl::Milliseconds(1));
  EXPECT_TRUE(process.killed);
}

TEST(InstancePoolTest, FailingFloorsAreRetriedWithPauses) {
  PoolFixture f;
  auto function = PoolFixture::MakeFunction("hello");
  function.set_min_instances(1);
  f.Put(function);
  for (int i = 0; i < 20; ++i) {
    if (f.sandbox.at(f.sandbox.started() - 1) != nullptr) {
      f.sandbox.last().Exit({.exit_code = 1});
    }
    f.clock.Advance(absl::Seconds(1));
  }
  EXPECT_GE(f.sandbox.started(), 3u);
  EXPECT_LE(f.sandbox.started(), 8u);
}

TEST(InstancePoolTest, AWarmInstanceThatDiesIsReplacedForTheFloor) {
  PoolFixture f;
  auto function = PoolFixture::MakeFunction("hello");
  function.set_min_instances(1);
  f.Put(function);
  f.sandbox.last().BecomeReady();
  f.sandbox.last().Exit({.signal = 9});
  f.clock.Advance(absl::Seconds(2));
  EXPECT_EQ(f.sandbox.started(), 2u);
}

TEST(InstancePoolTest, WarmAnswersWhenAllAreWarm) {
  PoolFixture f;
  f.Put(PoolFixture::MakeFunction("hello"));
  pb::WarmRequest request;
  request.set_function("hello");
  request.set_count(2);
  absl::StatusOr<pb::WarmResponse> answer = absl::UnknownError("none yet");
  f.pool->Warm(request, [&](auto a) { answer = std::move(a); });
  f.sandbox.at(0)->BecomeReady();
  EXPECT_FALSE(answer.ok());
  f.sandbox.at(1)->BecomeReady();
  SO_ASSERT_OK(answer);
  EXPECT_EQ(answer->warmed(), 2);
  EXPECT_EQ(answer->total(), 2);
  EXPECT_EQ(answer->warm(), 2);
}

TEST(InstancePoolTest, WarmSaysWhyNothingBecameWarm) {
  PoolFixture f({.capacity = {.instances = 1, .memory = 4096}});
  f.Put(PoolFixture::MakeFunction("hello"));
  pb::WarmRequest request;
  request.set_function("hello");
  absl::StatusOr<pb::WarmResponse> answer = absl::UnknownError("none yet");
  const auto keep = [&](auto a) { answer = std::move(a); };
  f.pool->Warm(request, keep);
  f.sandbox.last().Exit({.exit_code = 1});
  EXPECT_THAT(answer, HasErrorCode("FUNCTION_INIT_FAILED"));
  EXPECT_THAT(answer, HasCode(absl::StatusCode::kFailedPrecondition));
  f.WarmOne("hello");
  f.pool->Warm(request, keep);
  EXPECT_THAT(answer, HasErrorCode("NO_CAPACITY"));
  request.set_count(0);
  f.pool->Warm(request, keep);
  EXPECT_THAT(answer, HasErrorCode("INVALID_ARGUMENT"));
  request.set_count(1);
  request.set_function("nobody");
  f.pool->Warm(request, keep);
  EXPECT_THAT(answer, HasCode(absl::StatusCode::kNotFound));
}

TEST(InstancePoolTest, ABusyInstanceOfALostRouterBecomesFreeForTheOthers) {
  PoolFixture f;
  f.Put(PoolFixture::MakeFunction("hello"));
  FakeProcess& process = f.WarmOne("hello");
  RecordingLink other;
  f.pool->Attach(other);
  ASSERT_EQ(other.messages.size(), 2u);
  EXPECT_TRUE(other.messages[0].has_hello());
  f.Dispatch("inst-000001");
  process.Say(FrameType::kStarted);
  f.pool->Detach(f.router);
  process.Answer("1");
  EXPECT_TRUE(other.Of(&pb::AttachResponse::has_result).empty());
  const auto updates = other.Of(&pb::AttachResponse::has_instance);
  EXPECT_EQ(updates.back().instance().state(), pb::INSTANCE_STATE_WARM);
}

TEST(InstancePoolTest, DrainEndsTheFreeAndWaitsForTheBusy) {
  PoolFixture f;
  f.Put(PoolFixture::MakeFunction("hello"));
  FakeProcess& busy = f.WarmOne("hello");
  f.Dispatch("inst-000001");
  busy.Say(FrameType::kStarted);
  FakeProcess& idle = f.WarmOne("hello");
  bool drained = false;
  f.pool->Drain(absl::Seconds(5), [&] { drained = true; });
  EXPECT_TRUE(idle.terminated);
  f.StartInstance("hello", "late");
  EXPECT_EQ(LastFailure(f).error().code(), "UNAVAILABLE");
  f.LetDie();
  EXPECT_FALSE(drained);
  busy.Answer("1");
  f.LetDie();
  EXPECT_TRUE(drained);
  EXPECT_EQ(LastResult(f).body(), "1");
}

TEST(InstancePoolTest, DrainStopsWhatTakesTooLong) {
  PoolFixture f;
  f.Put(PoolFixture::MakeFunction("hello"));
  FakeProcess& busy = f.WarmOne("hello");
  f.Dispatch("inst-000001", "req-1", 900000);
  busy.Say(FrameType::kStarted);
  bool drained = false;
  f.pool->Drain(absl::Seconds(5), [&] { drained = true; });
  f.clock.Advance(absl::Seconds(6));
  EXPECT_EQ(LastResult(f).error().code(), "INSTANCE_LOST");
  f.LetDie();
  EXPECT_TRUE(drained);
}

TEST(InstancePoolTest, MetricsKnowFunctionsWithoutInstances) {
  PoolFixture f;
  f.Put(PoolFixture::MakeFunction("hello"));
  const pb::GetMetricsResponse metrics = f.pool->GetMetrics();
  ASSERT_EQ(metrics.metrics_size(), 1);
  EXPECT_EQ(metrics.metrics(0).function_name(), "hello");
  EXPECT_EQ(metrics.metrics(0).total(), 0);
}

}  // namespace
}  // namespace so
