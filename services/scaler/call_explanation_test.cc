#include "services/scaler/call_explanation.h"

#include "gmock/gmock.h"
#include "google/protobuf/util/time_util.h"
#include "gtest/gtest.h"

namespace so {
namespace {

using google::protobuf::util::TimeUtil;
using serverless::router::v1::InvocationLog;
using serverless::scaler::v1::Decision;
using testing::HasSubstr;
using testing::SizeIs;

InvocationLog Call(const std::string& instance, int64_t second, bool cold) {
  InvocationLog call;
  call.set_request_id("r-1");
  call.set_instance_id(instance);
  call.set_cold_start(cold);
  *call.mutable_time() = TimeUtil::SecondsToTimestamp(second);
  return call;
}

Decision Event(double sequence, int64_t second, const std::string& action,
               const std::string& reason, const std::string& instance,
               int instances) {
  Decision decision;
  decision.set_sequence(sequence);
  *decision.mutable_time() = TimeUtil::SecondsToTimestamp(second);
  decision.set_action(action);
  decision.set_reason(reason);
  decision.set_instance_id(instance);
  decision.set_current(instances);
  decision.set_decided_by("pool-1");
  return decision;
}

Decision Scaled(double sequence, int64_t second, int desired) {
  Decision decision =
      Event(sequence, second, "scale-down", "prediction", "", 1);
  decision.set_desired(desired);
  decision.set_decided_by("scaler");
  return decision;
}

TEST(CallExplanationTest, ColdAfterTheOnlyInstanceHadBeenIdleTooLong) {
  Decision retired = Event(41, 700, "retire", "idle", "inst-5", 0);
  retired.set_detail("idle for 61.3 s, limit 60 s");
  const CallExplanation why = ExplainCall(
      Call("inst-7", 1001, true),
      {Event(43, 1000, "start", "on-demand", "inst-7", 1), retired,
       Scaled(40, 690, 0), Event(39, 500, "start", "on-demand", "inst-5", 1)});
  EXPECT_THAT(why.text, HasSubstr("r-1 was cold"));
  EXPECT_THAT(why.text, HasSubstr("inst-7"));
  EXPECT_THAT(why.text,
              HasSubstr("inst-5 had gone 300.0 s before (decision 41"));
  EXPECT_THAT(why.text, HasSubstr("idle for 61.3 s, limit 60 s"));
  EXPECT_THAT(why.text,
              HasSubstr("310.0 s before (decision 40, prediction), wanted 0"));
  ASSERT_THAT(why.decisions, SizeIs(3));
  EXPECT_EQ(why.decisions[0].sequence(), 43);
  EXPECT_EQ(why.decisions[2].sequence(), 40);
}

TEST(CallExplanationTest, ColdBecauseTheOthersWereBusy) {
  const CallExplanation why =
      ExplainCall(Call("inst-7", 1001, true),
                  {Event(43, 1000, "start", "on-demand", "inst-7", 3)});
  EXPECT_THAT(why.text, HasSubstr("2 other instances"));
  EXPECT_THAT(why.text, HasSubstr("had wanted no instance"));
}

TEST(CallExplanationTest, FirstCallOfAll) {
  const CallExplanation why =
      ExplainCall(Call("inst-1", 1001, true),
                  {Event(1, 1000, "start", "on-demand", "inst-1", 1)});
  EXPECT_THAT(why.text, HasSubstr("Nothing is on record of an instance"));
}

TEST(CallExplanationTest, WarmNamesTheStart) {
  const CallExplanation why =
      ExplainCall(Call("inst-7", 1010, false),
                  {Event(43, 1000, "start", "target", "inst-7", 1)});
  EXPECT_THAT(why.text, HasSubstr("was warm"));
  EXPECT_THAT(why.text, HasSubstr("decision 43, target"));
  EXPECT_THAT(why.decisions, SizeIs(1));
}

TEST(CallExplanationTest, StartThatIsNotOnRecordIsSaid) {
  EXPECT_THAT(ExplainCall(Call("inst-7", 1010, true), {}).text,
              HasSubstr("not on record"));
}

TEST(CallExplanationTest, CallThatNothingRan) {
  EXPECT_THAT(ExplainCall(Call("", 1010, false), {}).text,
              HasSubstr("No instance ran it"));
}

// Instance ids begin anew with each pool.
TEST(CallExplanationTest, StartAfterTheCallIsAnotherInstance) {
  EXPECT_THAT(ExplainCall(Call("inst-7", 1010, true),
                          {Event(50, 2000, "start", "on-demand", "inst-7", 1)})
                  .text,
              HasSubstr("not on record"));
}

}  // namespace
}  // namespace so
