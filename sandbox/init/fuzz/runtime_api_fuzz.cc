// Everything a bootstrap can say, as a libFuzzer target:
//   cmake -S . -B build/fuzz -DCMAKE_CXX_COMPILER=clang++-14 -DSO_FUZZ=ON
//   build/fuzz/bin/so_runtime_api_fuzz -max_total_time=60
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "nlohmann/json.hpp"
#include "sandbox/init/frame.h"
#include "sandbox/init/http_message.h"
#include "sandbox/init/json_text.h"
#include "sandbox/init/runtime_api.h"

namespace {

using so::init::FrameType;

// Aborts when the pool is told what the contract does not allow.
class CheckingPort : public so::init::RuntimeApiPort {
 public:
  void Send(FrameType type, const so::init::Nonce&,
            std::string_view payload) override {
    if (payload.size() + 17 > so::init::kMaxFrameBytes) std::abort();
    if (type == FrameType::kReady && std::exchange(ready_, true)) std::abort();
    if (type == FrameType::kError || type == FrameType::kInitError) {
      if (!nlohmann::json::accept(payload)) std::abort();
    }
    if (type == FrameType::kResult || type == FrameType::kError) {
      if (running_-- == 0) std::abort();
    }
    if (type == FrameType::kStarted && ++running_ > 2) std::abort();
  }
  void Reply(so::init::ConnectionId, so::init::HttpReply reply) override {
    (void)so::init::EncodeReplyHead(reply, true);
  }
  int64_t NowMillis() override { return 0; }
  std::string RandomHex() override { return std::string(32, 'a'); }

 private:
  bool ready_ = false;
  int running_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  (void)so::init::ReplaceHalfSurrogates(std::string(bytes));
  // Whatever the scanner takes, the parser must take, but for UTF-8.
  if (so::init::IsJson(bytes)) (void)so::init::JsonMembers(bytes);

  CheckingPort port;
  so::init::RuntimeApi api({}, "arn", /*concurrency=*/2, port);
  so::init::HttpParser parser;
  so::init::HttpRequest request;
  parser.Feed(bytes);
  for (;;) {
    switch (parser.Next(request)) {
      case so::init::HttpParser::Status::kRequest:
        api.OnRequest(1, std::move(request));
        (void)api.OnInvoke({}, so::init::EncodeTwoParts(
                                   R"({"requestId":"r","timeoutMs":1})", "1"));
        break;
      case so::init::HttpParser::Status::kContinue:
        break;
      default:
        return 0;
    }
  }
}
