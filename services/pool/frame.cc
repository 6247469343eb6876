#include "services/pool/frame.h"

#include <sys/random.h>

#include <cstdlib>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace so {
namespace {

constexpr size_t kLengthBytes = 4;
constexpr size_t kHeadBytes = 1 + kNonceBytes;

void AppendLength(std::string& out, size_t length) {
  for (int shift = 24; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>((length >> shift) & 0xff));
  }
}

// Precondition: at least four bytes.
size_t ReadLength(absl::string_view bytes) {
  size_t length = 0;
  for (size_t i = 0; i < kLengthBytes; ++i) {
    length = length << 8 | static_cast<unsigned char>(bytes[i]);
  }
  return length;
}

}  // namespace

Nonce MakeNonce() {
  Nonce nonce;
  // Up to 256 bytes are never cut short and never fail.
  if (getrandom(nonce.data(), nonce.size(), 0) !=
      static_cast<ssize_t>(nonce.size())) {
    std::abort();
  }
  return nonce;
}

std::string EncodeFrame(FrameType type, const Nonce& nonce,
                        absl::string_view payload) {
  std::string frame;
  frame.reserve(kLengthBytes + kHeadBytes + payload.size());
  AppendLength(frame, kHeadBytes + payload.size());
  frame.push_back(static_cast<char>(type));
  frame.append(nonce.data(), nonce.size());
  frame.append(payload.data(), payload.size());
  return frame;
}

std::string EncodeFrame(FrameType type, const Nonce& nonce,
                        absl::string_view meta, absl::string_view body) {
  const size_t payload = kLengthBytes + meta.size() + body.size();
  std::string frame;
  frame.reserve(kLengthBytes + kHeadBytes + payload);
  AppendLength(frame, kHeadBytes + payload);
  frame.push_back(static_cast<char>(type));
  frame.append(nonce.data(), nonce.size());
  AppendLength(frame, meta.size());
  frame.append(meta.data(), meta.size());
  frame.append(body.data(), body.size());
  return frame;
}

std::string EncodeTwoParts(absl::string_view meta, absl::string_view body) {
  std::string payload;
  payload.reserve(kLengthBytes + meta.size() + body.size());
  AppendLength(payload, meta.size());
  payload.append(meta.data(), meta.size());
  payload.append(body.data(), body.size());
  return payload;
}

absl::Status DecodeTwoParts(absl::string_view payload, TwoParts& parts) {
  if (payload.size() < kLengthBytes) {
    return absl::InvalidArgumentError("payload without a length");
  }
  const size_t length = ReadLength(payload);
  payload.remove_prefix(kLengthBytes);
  if (length > payload.size()) {
    return absl::InvalidArgumentError("first part longer than the payload");
  }
  parts = {payload.substr(0, length), payload.substr(length)};
  return absl::OkStatus();
}

absl::Status FrameParser::Feed(absl::string_view bytes,
                               absl::FunctionRef<bool(const Frame&)> on_frame) {
  buffer_.append(bytes.data(), bytes.size());
  absl::string_view rest = buffer_;
  while (rest.size() >= kLengthBytes) {
    const size_t length = ReadLength(rest);
    if (length < kHeadBytes || length > kMaxFrameBytes) {
      return absl::InvalidArgumentError(
          absl::StrCat("frame of ", length, " bytes"));
    }
    if (rest.size() < kLengthBytes + length) {
      // Once, rather than growing with every read.
      if (rest.size() == buffer_.size()) buffer_.reserve(kLengthBytes + length);
      break;
    }
    Frame frame;
    frame.type = static_cast<FrameType>(rest[kLengthBytes]);
    std::memcpy(frame.nonce.data(), rest.data() + kLengthBytes + 1,
                kNonceBytes);
    frame.payload = rest.substr(kLengthBytes + kHeadBytes, length - kHeadBytes);
    rest.remove_prefix(kLengthBytes + length);
    if (!on_frame(frame)) {
      buffer_.clear();
      return absl::OkStatus();
    }
  }
  buffer_.erase(0, buffer_.size() - rest.size());
  // A large result must not pin its memory in an idle instance.
  if (buffer_.empty() && buffer_.capacity() > (256 << 10)) {
    std::string().swap(buffer_);
  }
  return absl::OkStatus();
}

}  // namespace so
