#include "services/scaler/call_explanation.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "google/protobuf/util/time_util.h"

namespace so {
namespace {

using google::protobuf::util::TimeUtil;
using serverless::router::v1::InvocationLog;
using serverless::scaler::v1::Decision;
using Decisions = std::vector<Decision>;

absl::Time TimeOf(const google::protobuf::Timestamp& time) {
  return absl::FromUnixNanos(TimeUtil::TimestampToNanoseconds(time));
}

std::string Clock(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", time, absl::UTCTimeZone());
}

std::string Ago(absl::Duration before) {
  const double seconds = absl::ToDoubleSeconds(before);
  if (seconds < 1) return absl::StrFormat("%.0f ms", 1000 * seconds);
  if (seconds < 600) return absl::StrFormat("%.1f s", seconds);
  return absl::StrFormat("%.0f min", seconds / 60);
}

bool IsScalers(const Decision& decision) {
  return decision.decided_by() == "scaler";
}

bool IsEnd(const Decision& decision) {
  return !IsScalers(decision) &&
         (decision.action() == "retire" || decision.action() == "evict" ||
          decision.action() == "end");
}

// The newest decision from `from` on of which `what` holds; end() when none.
template <typename What>
Decisions::const_iterator Newest(const Decisions& decisions,
                                 Decisions::const_iterator from, What what) {
  return std::find_if(from, decisions.end(), what);
}

std::string Reference(const Decision& decision) {
  return absl::StrFormat("decision %.0f", decision.sequence());
}

// Sentences about what was there before `start`, and why it was gone.
void ExplainAbsence(const Decisions& decisions, Decisions::const_iterator start,
                    CallExplanation& result) {
  const absl::Time started = TimeOf(start->time());
  const int others = start->current() - 1;
  if (others > 0) {
    absl::StrAppendFormat(&result.text,
                          " %d other instance%s of the function ran or started "
                          "then, and none was "
                          "free.",
                          others, others == 1 ? "" : "s");
  }
  const auto end = Newest(decisions, start, IsEnd);
  if (end != decisions.end()) {
    absl::StrAppend(&result.text, " ", end->instance_id(), " had gone ",
                    Ago(started - TimeOf(end->time())), " before (",
                    Reference(*end), ", ", end->action(), ": ",
                    end->detail().empty() ? end->reason() : end->detail(),
                    ").");
    result.decisions.push_back(*end);
  } else if (others <= 0) {
    absl::StrAppend(&result.text,
                    " Nothing is on record of an instance before it.");
  }
  const auto wanted = Newest(decisions, start, IsScalers);
  if (wanted != decisions.end()) {
    absl::StrAppendFormat(
        &result.text,
        " The scaler's latest decision, %s before (%s, %s), wanted %d.",
        Ago(started - TimeOf(wanted->time())), Reference(*wanted),
        wanted->reason(), wanted->desired());
    result.decisions.push_back(*wanted);
  } else {
    absl::StrAppend(&result.text, " The scaler had wanted no instance.");
  }
}

}  // namespace

CallExplanation ExplainCall(const InvocationLog& call,
                            const Decisions& decisions) {
  CallExplanation result;
  const absl::Time ended = TimeOf(call.time());
  const auto start = std::find_if(
      decisions.begin(), decisions.end(), [&](const Decision& decision) {
        return decision.action() == "start" &&
               decision.instance_id() == call.instance_id() &&
               TimeOf(decision.time()) <= ended;
      });
  result.text = absl::StrCat("Call ", call.request_id(), " was ",
                             call.cold_start() ? "cold" : "warm", ".");
  if (call.instance_id().empty()) {
    absl::StrAppend(&result.text, " No instance ran it.");
    return result;
  }
  if (start == decisions.end()) {
    absl::StrAppend(&result.text, " It ran on ", call.instance_id(),
                    ", whose start is not on record (any more, or not yet).");
    return result;
  }
  result.decisions.push_back(*start);
  absl::StrAppend(&result.text, " It ran on ", call.instance_id(),
                  ", which was started at ", Clock(TimeOf(start->time())), " (",
                  Reference(*start), ", ", start->reason(), ")");
  if (!call.cold_start()) {
    absl::StrAppend(&result.text, ", ", Ago(ended - TimeOf(start->time())),
                    " before the call ended.");
    return result;
  }
  absl::StrAppend(&result.text, " because no instance was free.");
  ExplainAbsence(decisions, start, result);
  std::stable_sort(result.decisions.begin(), result.decisions.end(),
                   [](const Decision& a, const Decision& b) {
                     return a.sequence() > b.sequence();
                   });
  return result;
}

}  // namespace so
