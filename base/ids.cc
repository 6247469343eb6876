#include "base/ids.h"

#include <algorithm>
#include <random>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/random.h"

namespace so {

std::string RandomToken(int length) {
  static constexpr absl::string_view kAlphabet =
      "0123456789abcdefghijklmnopqrstuvwxyz";
  std::uniform_int_distribution<size_t> position(0, kAlphabet.size() - 1);
  std::string token(length, '0');
  for (char& c : token) {
    c = kAlphabet[position(ThreadRandom())];
  }
  return token;
}

std::string MakeId(absl::string_view prefix, const Clock& clock) {
  return absl::StrCat(prefix, "-", absl::ToUnixMillis(clock.WallNow()), "-",
                      RandomToken(6));
}

bool IsRequestId(absl::string_view id) {
  return !id.empty() && id.size() <= 128 &&
         std::all_of(id.begin(), id.end(), [](char c) {
           return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == ':' ||
                  c == '-';
         });
}

}  // namespace so
