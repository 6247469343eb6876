// so-sandbox-benchmark SOCKET RUNTIME CODE_DIR [ROUNDS] [SECONDS] [egress]:
// what it costs to park, activate and kill sandboxes of a running launcher,
// which must have this process's user as its client, and how many a second can
// be made.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/clock.h"
#include "sandbox/launcher/testing/launcher_client.h"
#include "sandbox/launcher/text.h"

namespace so {
namespace {

constexpr int kInFlight = 4;

struct Samples {
  std::vector<double> micros;

  double At(double quantile) {
    if (micros.empty()) return 0;
    std::sort(micros.begin(), micros.end());
    return micros[static_cast<size_t>(quantile *
                                      static_cast<double>(micros.size() - 1))];
  }
};

[[noreturn]] void Fail(const absl::Status& status) {
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  std::exit(1);
}

void OrFail(const absl::Status& status) {
  if (!status.ok()) Fail(status);
}

template <typename T>
T OrFail(absl::StatusOr<T> value) {
  if (!value.ok()) Fail(value.status());
  return *std::move(value);
}

void Print(const char* name, Samples samples) {
  std::printf("%-22s %8.0f %8.0f %8.0f\n", name, samples.At(0.5),
              samples.At(0.95), samples.At(0.99));
}

launcher::ActivateRequest RequestFor(uint64_t sandbox, const char* code_dir,
                                     launcher::Network network) {
  launcher::ActivateRequest request;
  request.sandbox = sandbox;
  request.network = network;
  request.memory_bytes = uint64_t{256} << 20;
  request.max_pids = 128;
  request.cpu_percent = 100;
  CopyText(code_dir, request.code_dir);
  return request;
}

void MeasureOneByOne(LauncherClient& client, const char* runtime,
                     const char* code_dir, int rounds,
                     launcher::Network network) {
  SystemClock clock;
  Samples park, activate, end;
  std::vector<Samples> steps(launcher::kStepCount);
  for (int i = 0; i < rounds; ++i) {
    absl::Time start = clock.Now();
    const auto lap = [&](Samples& samples) {
      const absl::Time now = clock.Now();
      samples.micros.push_back(absl::ToDoubleMicroseconds(now - start));
      start = now;
    };
    const auto sandbox = OrFail(client.Park(runtime));
    lap(park);
    OrFail(client.Activate(RequestFor(sandbox.id(), code_dir, network)));
    lap(activate);
    OrFail(client.Kill(sandbox.id()));
    OrFail(client.WaitForExit(sandbox.id()));
    lap(end);
    for (size_t step = 0; step < launcher::kStepCount; ++step) {
      steps[step].micros.push_back(sandbox.message.step_micros[step]);
    }
  }
  std::printf("%-22s %8s %8s %8s\n", "microseconds", "p50", "p95", "p99");
  Print("park", park);
  for (size_t step = 0; step + 1 < launcher::kStepCount; ++step) {
    Print((std::string("  ") + launcher::kSteps[step]).c_str(), steps[step]);
  }
  Print("activate", activate);
  Print("kill until gone", end);
}

void MeasureRate(LauncherClient& client, const char* runtime, int seconds) {
  SystemClock clock;
  const absl::Time end = clock.Now() + absl::Seconds(seconds);
  int done = 0;
  std::vector<uint64_t> dying;
  for (int i = 0; i < kInFlight; ++i) OrFail(client.SendPark(runtime, 0));
  while (clock.Now() < end) {
    const auto sandbox = OrFail(client.TakeParked());
    OrFail(client.Kill(sandbox.id()));
    dying.push_back(sandbox.id());
    OrFail(client.SendPark(runtime, 0));
    if (dying.size() < kInFlight) continue;
    OrFail(client.WaitForExit(dying.front()));
    dying.erase(dying.begin());
    ++done;
  }
  std::printf("%-22s %8d\n", "parked+killed a second", done / seconds);
}

}  // namespace
}  // namespace so

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr,
                 "usage: %s SOCKET RUNTIME CODE_DIR [ROUNDS] [SECONDS] "
                 "[egress]\n",
                 argv[0]);
    return 2;
  }
  const auto client = so::OrFail(so::LauncherClient::Connect(argv[1]));
  so::OrFail(client->WaitUntilReady(argv[2]));
  so::MeasureOneByOne(*client, argv[2], argv[3],
                      argc > 4 ? std::atoi(argv[4]) : 500,
                      argc > 6 && std::string(argv[6]) == "egress"
                          ? so::launcher::Network::kEgress
                          : so::launcher::Network::kNone);
  so::MeasureRate(*client, argv[2], argc > 5 ? std::atoi(argv[5]) : 5);
  return 0;
}
