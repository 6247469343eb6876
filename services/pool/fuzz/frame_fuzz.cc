// Everything an instance can send, as a libFuzzer target:
//   cmake -S . -B build/fuzz -DCMAKE_CXX_COMPILER=clang++-14 -DSO_FUZZ=ON
//   build/fuzz/bin/so_frame_fuzz -max_total_time=60
#include <cstddef>
#include <cstdint>

#include "services/pool/frame.h"
#include "services/pool/instance_message.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  so::FrameParser parser;
  const absl::Status status =
      parser.Feed(absl::string_view(reinterpret_cast<const char*>(data), size),
                  [](const so::Frame& frame) {
                    (void)so::CheckHello(frame.payload);
                    (void)so::ParseHead(frame.payload);
                    (void)so::ParseResult(frame.payload);
                    (void)so::ParseFault(frame.payload);
                    (void)so::ParseHandlerError(frame.payload);
                    return true;
                  });
  (void)status;
  return 0;
}
