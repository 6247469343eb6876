// Everything a trace can be, as a libFuzzer target; the first zero byte divides
// calls from durations and memory:
//   cmake -S . -B build/fuzz -DCMAKE_CXX_COMPILER=clang++-14 -DSO_FUZZ=ON
//   build/fuzz/bin/so_trace_fuzz -max_total_time=60
#include <cstddef>
#include <cstdint>
#include <string>

#include "services/scaler/replay/trace_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const size_t end = text.find('\0');
  const std::string beside =
      end == std::string::npos ? "" : text.substr(end + 1);
  const auto trace = so::ReadTrace(
      so::CsvReader("calls", so::FromString(text.substr(0, end))),
      so::CsvReader("durations", so::FromString(beside)),
      so::CsvReader("memory", so::FromString(beside)), so::TraceDefaults());
  (void)trace;
  return 0;
}
