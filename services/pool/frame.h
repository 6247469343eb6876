#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace so {

// Frames between the pool and an instance; docs/runtime-contract.md has the
// bytes.
enum class FrameType : uint8_t {
  kConfig = 1,
  kInvoke = 2,
  kCredit = 3,
  kHello = 16,
  kReady = 17,
  kInitError = 18,
  kStarted = 19,
  kResult = 20,
  kError = 21,
  kHead = 22,
  kData = 23,
  kEnd = 24,
  kLog = 25,
};

inline constexpr size_t kNonceBytes = 16;
inline constexpr size_t kMaxBodyBytes = 6 << 20;
// Of one DATA or LOG.
inline constexpr size_t kMaxPieceBytes = 64 << 10;
// What an answer that is streamed may have under way before any CREDIT.
inline constexpr int64_t kStreamWindowBytes = 256 << 10;
inline constexpr size_t kMaxFrameBytes = kMaxBodyBytes + (64 << 10);

// Names one exchange: whoever has not seen it cannot answer.
using Nonce = std::array<char, kNonceBytes>;

// From the system's random source.
Nonce MakeNonce();

struct Frame {
  // Not necessarily one of the names above.
  FrameType type;
  Nonce nonce;
  // Valid only inside the callback.
  absl::string_view payload;
};

std::string EncodeFrame(FrameType type, const Nonce& nonce,
                        absl::string_view payload);
// The same with a payload of two parts, which may be large.
std::string EncodeFrame(FrameType type, const Nonce& nonce,
                        absl::string_view meta, absl::string_view body);

// A payload of two parts: JSON, then bytes.
std::string EncodeTwoParts(absl::string_view meta, absl::string_view body);
struct TwoParts {
  absl::string_view meta;
  absl::string_view body;
};
// Views into `payload`. INVALID_ARGUMENT when it is too short for its lengths.
absl::Status DecodeTwoParts(absl::string_view payload, TwoParts& parts);

// Cuts a stream of bytes into frames. Never holds more than one frame of the
// largest size and what came with it in one read. Not thread-safe.
class FrameParser {
 public:
  // Calls `on_frame` for every frame that is complete now, until it returns
  // false; the rest is then dropped. INVALID_ARGUMENT when a length is outside
  // the limits; the parser must not be used after that.
  absl::Status Feed(absl::string_view bytes,
                    absl::FunctionRef<bool(const Frame&)> on_frame);

 private:
  std::string buffer_;
};

}  // namespace so
