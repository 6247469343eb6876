// so-replay: runs a recorded load through keep-alive policies.

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "services/scaler/policy/cost_optimal.h"
#include "services/scaler/policy/keep_alive_policies.h"
#include "services/scaler/replay/price_tuner.h"
#include "services/scaler/replay/recorded_trace.h"
#include "services/scaler/replay/report.h"
#include "services/scaler/replay/trace_reader.h"
#include "services/scaler/replay/trace_replay.h"

namespace {

using Policies = std::vector<std::unique_ptr<const so::KeepAlivePolicy>>;

struct Flags {
  so::TraceFiles files;
  std::vector<std::string> policies = {
      "seed",      "platform-no-replace", "platform", "fixed:1m", "fixed:5m",
      "fixed:10m", "fixed:20m",           "fixed:1h", "hybrid",   "optimal"};
  std::string against = "fixed:10m";
  std::string half = "all";
  std::string spread = "even";
  uint64_t seed = 1;
  std::string cold_start = "6ms";
  std::string default_duration = "100ms";
  double default_memory_mb = 170;
  bool tune = false;
  bool curve = true;
  double budget = 0.85;
  std::string svg;
  int threads = static_cast<int>(std::thread::hardware_concurrency());
};

void Describe(CLI::App& app, Flags& flags) {
  app.add_option("trace", flags.files.invocations,
                 "Calls per function and minute: CSV as in the Azure Functions "
                 "traces, packed by gzip or not; or the archive of a scaler, "
                 "scaler.db")
      ->required();
  app.add_option("--durations", flags.files.durations,
                 "How long calls run; found beside the trace by its name");
  app.add_option("--memory", flags.files.memory,
                 "What instances hold; found beside the trace by its name");
  app.add_option(
      "--policy", flags.policies,
      "A policy of the table, may be repeated: fixed:TIME, seed, platform, "
      "platform-no-replace, hybrid, optimal, optimal:PRICE");
  app.add_option("--against", flags.against,
                 "The policy that the others are compared with")
      ->capture_default_str();
  app.add_option("--half", flags.half,
                 "Only the functions whose names hash to odd or even")
      ->check(CLI::IsMember({"all", "odd", "even"}))
      ->capture_default_str();
  app.add_flag("--tune", flags.tune,
               "Adds the policy \"optimal\" at the price that does best on the "
               "other half");
  app.add_option("--budget", flags.budget,
                 "Idle memory that tuning may spend, relative to --against")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_flag("--curve,!--no-curve", flags.curve,
               "The trade-off over prices; shown unless --no-curve");
  app.add_option("--svg", flags.svg, "Draws the trade-off into this file");
  app.add_option("--spread", flags.spread,
                 "Where in its minute a call comes: even or random")
      ->check(CLI::IsMember({"even", "random"}))
      ->capture_default_str();
  app.add_option("--seed", flags.seed, "Of --half and --spread=random")
      ->capture_default_str();
  app.add_option("--cold-start", flags.cold_start,
                 "What a cold call waits longer (docs/performance.md)")
      ->capture_default_str();
  app.add_option("--default-duration", flags.default_duration,
                 "Of functions whose duration is not known")
      ->capture_default_str();
  app.add_option("--default-memory", flags.default_memory_mb,
                 "In MB, of functions whose memory is not known")
      ->check(CLI::Range(0.001, 1e6))
      ->capture_default_str();
  app.add_option("--threads", flags.threads, "Functions replayed at a time")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
}

absl::StatusOr<absl::Duration> ParseTime(const std::string& flag,
                                         const std::string& text,
                                         absl::Duration maximum) {
  absl::Duration time;
  if (!absl::ParseDuration(text, &time) || time < absl::ZeroDuration() ||
      time > maximum) {
    return absl::InvalidArgumentError(
        absl::StrCat(flag, ": \"", text, "\" is not a time up to ",
                     absl::FormatDuration(maximum), " such as 6ms"));
  }
  return time;
}

// In proportion to what a cold start costs: from where nearly everything is
// kept to where little is.
std::vector<double> Prices(absl::Duration cold_start) {
  const double scale =
      std::max(absl::ToDoubleMilliseconds(cold_start), 0.001) / 6;
  std::vector<double> prices;
  for (const double price : {0.002, 0.003, 0.005, 0.007, 0.01, 0.015, 0.02,
                             0.025, 0.03, 0.04, 0.06, 0.1, 0.2}) {
    prices.push_back(scale * price);
  }
  return prices;
}

class Program {
 public:
  explicit Program(Flags flags) : flags_(std::move(flags)) {}

  absl::Status Run() {
    SO_ASSIGN_OR_RETURN(const Policies policies, ParsePolicies());
    SO_ASSIGN_OR_RETURN(const auto against,
                        so::ParseKeepAlivePolicy(flags_.against));
    SO_RETURN_IF_ERROR(ParseOptions());
    SO_ASSIGN_OR_RETURN(const so::Trace all, Read());
    const bool odd = flags_.half == "odd";
    const so::Trace trace =
        flags_.half == "all" ? all : so::HalfOf(all, odd, flags_.seed);

    const so::ReplayResult baseline = Replay(trace, *against);
    std::vector<so::ReplayResult> results;
    for (const auto& policy : policies) {
      results.push_back(Replay(trace, *policy));
    }
    if (flags_.tune) {
      results.push_back(
          Tuned(so::HalfOf(all, !odd, flags_.seed), trace, *against));
    }
    std::cout << "\n" << FormatTable(results, baseline);
    if (!flags_.curve && flags_.svg.empty()) return absl::OkStatus();
    return ShowCurve(trace, results, baseline);
  }

 private:
  absl::StatusOr<Policies> ParsePolicies() const {
    Policies policies;
    for (const std::string& name : flags_.policies) {
      SO_ASSIGN_OR_RETURN(auto policy, so::ParseKeepAlivePolicy(name));
      policies.push_back(std::move(policy));
    }
    return policies;
  }

  absl::Status ParseOptions() {
    if (flags_.tune && flags_.half == "all") {
      return absl::InvalidArgumentError(
          "--tune needs --half=odd or --half=even: it tunes on the other one");
    }
    SO_ASSIGN_OR_RETURN(
        options_.cold_start,
        ParseTime("--cold-start", flags_.cold_start, absl::Hours(1)));
    SO_ASSIGN_OR_RETURN(defaults_.duration,
                        ParseTime("--default-duration", flags_.default_duration,
                                  absl::Hours(24)));
    defaults_.memory_gb = flags_.default_memory_mb / 1000;
    options_.spread =
        flags_.spread == "random" ? so::Spread::kRandom : so::Spread::kEven;
    options_.seed = flags_.seed;
    return absl::OkStatus();
  }

  absl::StatusOr<so::Trace> Read() const {
    so::TraceFiles files = so::FindTraceFiles(flags_.files.invocations);
    if (!flags_.files.durations.empty()) {
      files.durations = flags_.files.durations;
    }
    if (!flags_.files.memory.empty()) files.memory = flags_.files.memory;
    SO_ASSIGN_OR_RETURN(
        so::Trace trace,
        absl::EndsWith(files.invocations, ".db")
            ? so::ReadRecordedTrace(files.invocations, defaults_)
            : so::ReadTrace(files, defaults_));
    std::cout << trace.functions.size() << " functions, " << trace.minutes
              << " minutes; duration known of " << trace.known_durations
              << ", memory of " << trace.known_memory << "; half "
              << flags_.half << ", spread " << flags_.spread << ", cold start "
              << absl::FormatDuration(options_.cold_start) << std::endl;
    return trace;
  }

  so::ReplayResult Replay(const so::Trace& trace,
                          const so::KeepAlivePolicy& policy) const {
    return so::Replay(trace, policy, options_, flags_.threads);
  }

  // Chooses the price on one half, and replays the other one with it.
  so::ReplayResult Tuned(const so::Trace& tuning, const so::Trace& trace,
                         const so::KeepAlivePolicy& against) const {
    const auto curve = so::ReplayCurve(tuning, Prices(options_.cold_start),
                                       options_, flags_.threads);
    const so::CurvePoint& best =
        BestWithin(curve, flags_.budget, Replay(tuning, against));
    std::cout << "tuned on the other half, " << tuning.functions.size()
              << " functions: price " << best.price << " ms/GBs\n";
    so::ReplayResult result =
        Replay(trace, so::CostOptimal({.price = best.price}));
    result.policy = "tuned " + result.policy;
    return result;
  }

  absl::Status ShowCurve(const so::Trace& trace,
                         const std::vector<so::ReplayResult>& results,
                         const so::ReplayResult& baseline) const {
    const auto curve = so::ReplayCurve(trace, Prices(options_.cold_start),
                                       options_, flags_.threads);
    if (flags_.curve) std::cout << "\n" << FormatCurve(curve, baseline);
    if (flags_.svg.empty()) return absl::OkStatus();
    std::ofstream file(flags_.svg);
    file << DrawTradeOff(curve, results, baseline);
    if (!file.flush()) {
      return absl::UnknownError(absl::StrCat("cannot write ", flags_.svg));
    }
    return absl::OkStatus();
  }

  const Flags flags_;
  so::ReplayOptions options_;
  so::TraceDefaults defaults_;
};

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Replays a trace of calls under keep-alive policies, on a virtual clock",
      "so-replay");
  Flags flags;
  Describe(app, flags);
  CLI11_PARSE(app, argc, argv);
  const absl::Status status = Program(std::move(flags)).Run();
  if (status.ok()) return EXIT_SUCCESS;
  std::cerr << "error: " << status.message() << "\n";
  return EXIT_FAILURE;
}
